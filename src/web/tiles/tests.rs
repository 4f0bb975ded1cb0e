//! The tiles of trees of chosen sizes, through the tree's files and the pages,
//! against what C2SP tlog-tiles and RFC 6962 say, computed here again.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::io::Read as _;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tower_service::Service as _;

use super::*;
use crate::projection::TreeWriter;
use crate::proof::tree::leaf_hash;

type Hash = [u8; 32];

fn entry(index: u64) -> Bytes {
    let length = usize::try_from(index % 5).unwrap();
    [b"head ".as_slice(), &index.to_be_bytes(), &[7; 5][..length]]
        .concat()
        .into()
}

/// RFC 6962, section 2.1, word for word.
fn mth(
    entries: &[Bytes],
    known: &mut BTreeMap<(usize, usize), Hash>,
    from: usize,
    to: usize,
) -> Hash {
    if let Some(hash) = known.get(&(from, to)) {
        return *hash;
    }
    let hash = match to - from {
        0 => Sha256::digest(b"").into(),
        1 => Sha256::new()
            .chain_update([0])
            .chain_update(&entries[from])
            .finalize()
            .into(),
        n => {
            let k = 1 << (usize::BITS - 1 - (n - 1).leading_zeros());
            let left = mth(entries, known, from, from + k);
            let right = mth(entries, known, from + k, to);
            Sha256::new()
                .chain_update([1])
                .chain_update(left)
                .chain_update(right)
                .finalize()
                .into()
        }
    };
    if (to - from).is_power_of_two() {
        known.insert((from, to), hash);
    }
    hash
}

/// A log of made-up entries in real files.
struct Made {
    _folder: TempDir,
    tree: Arc<Tree>,
    size: u64,
}

impl Made {
    /// The files hold `more` records that no checkpoint covers yet.
    fn new(size: u64, more: u64) -> Made {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = TreeWriter::open(&folder.path().join("tree"))
            .unwrap()
            .writer;
        for index in 0..size + more {
            writer.push(leaf_hash(&entry(index)));
            if index % 1000 == 0 {
                writer.write().unwrap();
            }
        }
        writer.write().unwrap();
        Made {
            tree: writer.tree(),
            _folder: folder,
            size,
        }
    }
}

impl Log for Made {
    fn checkpoint(&self) -> Option<Arc<str>> {
        (self.size > 0).then(|| format!("made\n{}\n\n", self.size).into())
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn tree(&self) -> Arc<Tree> {
        Arc::clone(&self.tree)
    }

    fn heads(&self, range: Range<u64>) -> Result<Vec<Bytes>, String> {
        Ok(range.map(entry).collect())
    }
}

async fn ask(pages: &Router, method: &str, path: &str, encoding: Option<&str>) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(encoding) = encoding {
        request = request.header("accept-encoding", encoding);
    }
    let request = request.body(Body::empty()).unwrap();
    pages.clone().call(request).await.unwrap()
}

/// Status and body.
async fn fetch(pages: &Router, path: &str) -> (u16, Bytes) {
    let response = ask(pages, "GET", path, None).await;
    let status = response.status().as_u16();
    (
        status,
        to_bytes(response.into_body(), 1 << 24).await.unwrap(),
    )
}

/// `N` as the specification writes it.
fn place(index: u64) -> String {
    let digits = format!("{index:012}");
    let mut parts: Vec<&str> = (0..4).map(|part| &digits[part * 3..part * 3 + 3]).collect();
    while parts.len() > 1 && parts[0] == "000" {
        parts.remove(0);
    }
    let (last, before) = parts.split_last().unwrap();
    let before: Vec<String> = before.iter().map(|part| format!("x{part}/")).collect();
    before.concat() + last
}

/// Every tile that a tree of `size` has by the specification, by its path.
fn tiles_of(entries: &[Bytes], size: u64) -> BTreeMap<String, Vec<u8>> {
    let mut known = BTreeMap::new();
    let mut tiles = BTreeMap::new();
    for level in 0..8_u32 {
        let Some(span) = 256_u64.checked_pow(level) else {
            break;
        };
        let hashes = size / span;
        for index in 0..hashes.div_ceil(256) {
            let width = (hashes - index * 256).min(256);
            let mut bytes = Vec::new();
            for i in 0..width {
                let from = usize::try_from((index * 256 + i) * span).unwrap();
                let to = from + usize::try_from(span).unwrap();
                bytes.extend(mth(entries, &mut known, from, to));
            }
            let suffix = match width {
                256 => String::new(),
                width => format!(".p/{width}"),
            };
            tiles.insert(format!("/tile/{level}/{}{suffix}", place(index)), bytes);
        }
    }
    tiles
}

#[tokio::test]
async fn the_tiles_of_every_tree_are_what_the_specification_says() {
    let entries: Vec<Bytes> = (0..70_000).map(entry).collect();
    for size in [0, 1, 255, 256, 257, 65_535, 65_536, 70_000] {
        let pages = pages(Made::new(size, 0), false);
        let tiles = tiles_of(&entries, size);
        for (path, bytes) in &tiles {
            let (status, got) = fetch(&pages, path).await;
            assert_eq!((status, got == *bytes), (200, true), "{size}: {path}");
        }
        // The next of each level is not there, nor a wider partial one.
        for level in 0..4_u32 {
            let hashes = size / 256_u64.pow(level);
            let next = hashes.div_ceil(256);
            for path in [
                format!("/tile/{level}/{}", place(next)),
                format!("/tile/{level}/{}.p/1", place(next)),
                format!(
                    "/tile/{level}/{}.p/{}",
                    place(hashes / 256),
                    hashes % 256 + 1
                ),
                format!("/tile/{level}/{}", place(hashes / 256)),
            ] {
                if !tiles.contains_key(&path) {
                    assert_eq!(fetch(&pages, &path).await.0, 404, "{size}: {path}");
                }
            }
        }
    }
    // The specification's own example.
    let tiles = tiles_of(&entries, 70_000);
    let full = |level: &str| {
        let of_level = |path: &&String| path.starts_with(&format!("/tile/{level}/"));
        tiles
            .keys()
            .filter(of_level)
            .filter(|path| !path.contains(".p/"))
            .count()
    };
    assert_eq!((full("0"), full("1"), full("2")), (273, 1, 0));
    for partial in ["/tile/0/273.p/112", "/tile/1/001.p/17", "/tile/2/000.p/1"] {
        assert!(tiles.contains_key(partial), "{partial}");
    }
    let of_256 = tiles_of(&entries, 256);
    assert!(of_256.keys().eq(["/tile/0/000", "/tile/1/000.p/1"]));
}

#[tokio::test]
async fn every_partial_tile_of_an_earlier_checkpoint_stays_and_none_is_ahead_of_the_served() {
    let entries: Vec<Bytes> = (0..600).map(entry).collect();
    let pages = pages(Made::new(300, 250), false);
    for size in 1..=300 {
        for (path, bytes) in tiles_of(&entries, size) {
            let (status, got) = fetch(&pages, &path).await;
            assert_eq!((status, got == bytes), (200, true), "{size}: {path}");
        }
    }
    for path in [
        "/tile/0/001.p/45",
        "/tile/0/001",
        "/tile/0/002.p/1",
        "/tile/1/000.p/2",
    ] {
        assert_eq!(fetch(&pages, path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn paths_have_one_form_and_anything_else_is_not_there() {
    let pages = pages(Made::new(300, 0), true);
    for path in [
        "/",
        "/tile",
        "/tile/",
        "/tile/0",
        "/tile/0/0",
        "/tile/0/00",
        "/tile/0/0000",
        "/tile/00/000",
        "/tile/0/x000/000",
        "/tile/0/000/",
        "/tile/0/%30%30%30",
        "/tile/0/000.p",
        "/tile/0/000.p/",
        "/tile/0/000.p/0",
        "/tile/0/000.p/01",
        "/tile/0/000.p/256",
        "/tile/0/000.p/-1",
        "/tile/-1/000",
        "/tile/64/000",
        "/tile/63/000",
        "/tile/7/000.p/1",
        "/tile/0/x999/x999/x999/x999/x999/x999/999",
        "/tile/entries/000.p/0",
        "/tile/entries/x000/000",
        "/tile/Entries/000",
        "/checkpoint/",
        "/metrics",
    ] {
        let response = ask(&pages, "GET", path, None).await;
        assert_eq!(response.status().as_u16(), 404, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
    }
    let long = format!("/tile/0/{}000", "x001/".repeat(10_000));
    assert_eq!(fetch(&pages, &long).await.0, 404);
    assert_eq!(
        ask(&pages, "POST", "/tile/0/000", None)
            .await
            .status()
            .as_u16(),
        405
    );
}

#[tokio::test]
async fn what_is_fetched_says_what_it_is_and_how_long_it_holds() {
    let pages = pages(Made::new(300, 0), true);
    let response = ask(&pages, "GET", "/checkpoint", None).await;
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(response.headers()["cache-control"], "public, max-age=1");
    let text = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    assert_eq!(text, "made\n300\n\n");
    for path in ["/tile/0/000", "/tile/0/001.p/44", "/tile/entries/000"] {
        let response = ask(&pages, "GET", path, None).await;
        let headers = response.headers();
        assert_eq!(
            headers["content-type"], "application/octet-stream",
            "{path}"
        );
        assert!(
            headers["cache-control"]
                .to_str()
                .unwrap()
                .contains("immutable"),
            "{path}"
        );
        assert!(!headers.contains_key("content-encoding"), "{path}");
        let length = headers["content-length"].clone();
        let head = ask(&pages, "HEAD", path, None).await;
        assert_eq!(head.status().as_u16(), 200, "{path}");
        assert_eq!(head.headers()["content-length"], length, "{path}");
        assert!(
            to_bytes(head.into_body(), 1).await.unwrap().is_empty(),
            "{path}"
        );
    }
    let empty = super::pages(Made::new(0, 0), true);
    assert_eq!(fetch(&empty, "/checkpoint").await.0, 404);
}

#[tokio::test]
async fn bundles_hold_the_entries_and_are_off_unless_wanted() {
    let hidden = pages(Made::new(300, 10), false);
    assert_eq!(fetch(&hidden, "/tile/entries/000").await.0, 404);
    assert_eq!(fetch(&hidden, "/tile/0/000").await.0, 200);
    let pages = pages(Made::new(300, 10), true);
    for (path, range) in [
        ("/tile/entries/000", 0..256),
        ("/tile/entries/001.p/44", 256..300),
        ("/tile/entries/001.p/7", 256..263),
    ] {
        let mut wanted = Vec::new();
        for index in range {
            let entry = entry(index);
            wanted.extend(u16::try_from(entry.len()).unwrap().to_be_bytes());
            wanted.extend(entry);
        }
        assert_eq!(
            fetch(&pages, path).await,
            (200, wanted.clone().into()),
            "{path}"
        );
        for (encoding, zipped) in [
            ("gzip", true),
            ("GZip", true),
            ("identity, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("br", false),
        ] {
            let response = ask(&pages, "GET", path, Some(encoding)).await;
            assert_eq!(response.headers()["vary"], "accept-encoding");
            let is_zipped = response.headers().contains_key("content-encoding");
            assert_eq!(is_zipped, zipped, "{encoding}");
            let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
            let mut got = Vec::new();
            if zipped {
                GzDecoder::new(&*bytes).read_to_end(&mut got).unwrap();
            } else {
                got.extend(bytes);
            }
            assert_eq!(got, wanted, "{encoding}");
        }
    }
    for path in [
        "/tile/entries/001.p/45",
        "/tile/entries/001",
        "/tile/entries/002.p/1",
    ] {
        assert_eq!(fetch(&pages, path).await.0, 404, "{path}");
    }
}
