//! The tree as C2SP tlog-tiles serves it: `/checkpoint`, `/tile/L/N` with its
//! partial tiles, and `/tile/entries/N`, if that is wanted. Static for whoever
//! fetches: a tile never changes, so that it can be kept anywhere.
//!
//! What it shows is under the served checkpoint, and no more. Entries are
//! heads; they hold no party's goods, but who records how much and when can be
//! counted from them, so they are off unless the operator says otherwise.

#[cfg(test)]
mod tests;

use std::io::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Semaphore;

use crate::ledger::Ledger;
use crate::projection::Tree;
use crate::proof::tree::tile::encode_bundle;
use crate::proof::tree::{EntryBundle, TILE_WIDTH, Tile};

/// Tiles and bundles that are read at a time, at most: a bundle takes as many
/// as 16 MiB.
pub const MAX_TILE_READS: usize = 4;

/// Bytes of a request's path, at most: the longest there is has far fewer.
const MAX_PATH: usize = 128;

/// A tile never changes; it may be kept for a year.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// The checkpoint does, every second.
const SHORT: &str = "public, max-age=1";
/// What is not there may be there soon.
const NEVER: &str = "no-store";

const OCTETS: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";

/// What tiles are made of.
pub trait Log: Send + Sync + 'static {
    /// The checkpoint that may be shown.
    fn checkpoint(&self) -> Option<Arc<str>>;

    /// How many records are under it.
    fn size(&self) -> u64;

    /// The tree, at least as large.
    fn tree(&self) -> Arc<Tree>;

    /// The heads in a range below that size. Blocks on the disk.
    fn heads(&self, range: Range<u64>) -> Result<Vec<Bytes>, String>;
}

impl Log for Ledger {
    fn checkpoint(&self) -> Option<Arc<str>> {
        self.served_checkpoint().borrow().clone()
    }

    fn size(&self) -> u64 {
        self.served_size()
    }

    fn tree(&self) -> Arc<Tree> {
        Ledger::tree(self)
    }

    fn heads(&self, range: Range<u64>) -> Result<Vec<Bytes>, String> {
        Ledger::heads(self, range).map_err(|error| error.to_string())
    }
}

/// A log, and how it is shown.
struct Shown {
    log: Box<dyn Log>,
    entries: bool,
    reads: Arc<Semaphore>,
}

/// The pages of a log; with `entries` its heads as well.
pub fn pages(log: impl Log, entries: bool) -> Router {
    let shown = Arc::new(Shown {
        log: Box::new(log),
        entries,
        reads: Arc::new(Semaphore::new(MAX_TILE_READS)),
    });
    Router::new()
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*place}", get(tile))
        .fallback(|| async { none() })
        .with_state(shown)
}

async fn checkpoint(State(shown): State<Arc<Shown>>) -> Response {
    match shown.log.checkpoint() {
        Some(text) => {
            let headers = [(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, SHORT)];
            (headers, text.to_string()).into_response()
        }
        None => none(),
    }
}

/// What a path of a tile or bundle asks for.
enum Asked {
    Hashes(Tile),
    Entries(EntryBundle),
}

impl Asked {
    fn parse(uri: &Uri) -> Option<Asked> {
        let path = uri.path().strip_prefix('/')?;
        if path.len() > MAX_PATH {
            return None;
        }
        EntryBundle::parse(path)
            .map(Asked::Entries)
            .or_else(|| Tile::parse(path).map(Asked::Hashes))
    }

    /// Whether all of it is under a checkpoint of so many records: whatever
    /// size between the two was served, its partial tiles are there.
    fn is_under(&self, size: u64) -> bool {
        match *self {
            Asked::Hashes(asked) => Tile::of_tree(asked.level, asked.index, size)
                .is_some_and(|there| there.width >= asked.width),
            Asked::Entries(asked) => EntryBundle::of_tree(asked.index, size)
                .is_some_and(|there| there.width >= asked.width),
        }
    }
}

async fn tile(State(shown): State<Arc<Shown>>, headers: HeaderMap, uri: Uri) -> Response {
    let Some(asked) = Asked::parse(&uri) else {
        return none();
    };
    let hidden = matches!(asked, Asked::Entries(_)) && !shown.entries;
    if hidden || !asked.is_under(shown.log.size()) {
        return none();
    }
    let gzip = takes_gzip(&headers);
    let Ok(place) = Arc::clone(&shown.reads).acquire_owned().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let reading = tokio::task::spawn_blocking(move || {
        let read = read(&shown, &asked, gzip);
        drop(place);
        read
    });
    match reading.await {
        Ok(Ok(Some(response))) => response,
        Ok(Ok(None)) => none(),
        Ok(Err(why)) => {
            tracing::error!("a tile cannot be served: {why}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn read(shown: &Shown, asked: &Asked, gzip: bool) -> Result<Option<Response>, String> {
    match asked {
        Asked::Hashes(tile) => {
            let hashes = shown.log.tree().tile(*tile).map_err(|e| e.to_string())?;
            Ok(hashes.map(|hashes| {
                let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
                forever(bytes)
            }))
        }
        Asked::Entries(bundle) => {
            let Some(first) = bundle.first() else {
                return Ok(None);
            };
            let end = first.saturating_add(bundle.width.min(TILE_WIDTH).into());
            let heads = shown.log.heads(first..end)?;
            let bytes = encode_bundle(&heads).map_err(|e| e.to_string())?;
            let mut response = if gzip {
                let mut response = forever(zip(&bytes).map_err(|e| e.to_string())?);
                let encoded = header::HeaderValue::from_static("gzip");
                response
                    .headers_mut()
                    .insert(header::CONTENT_ENCODING, encoded);
                response
            } else {
                forever(bytes)
            };
            let varies = header::HeaderValue::from_static("accept-encoding");
            response.headers_mut().insert(header::VARY, varies);
            Ok(Some(response))
        }
    }
}

fn forever(bytes: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, OCTETS),
        (header::CACHE_CONTROL, FOREVER),
    ];
    (headers, bytes).into_response()
}

fn none() -> Response {
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, NEVER)]).into_response()
}

fn zip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Whether a client takes gzip (RFC 9110, section 12.5.3): it names it, or
/// everything, and not with a weight of nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let mut any = None;
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        for part in value.to_str().unwrap_or_default().split(',') {
            let (name, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            let wanted = weight.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
            match name.trim() {
                "*" => any = Some(wanted),
                name if name.eq_ignore_ascii_case("gzip") => return wanted,
                _ => {}
            }
        }
    }
    any.unwrap_or(false)
}
