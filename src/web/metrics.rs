//! `/metrics`: what the ledger and its door have counted, in Prometheus' text
//! format 0.0.4. What each metric means is in `ALERTS.md`.

use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::prometheus_text::{self, CONTENT_TYPE};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::grpc;
use crate::ledger::Ledger;
use crate::witness::metrics as witness;

/// Where Linux says how much memory a process has.
const STATUS: &str = "/proc/self/status";

/// Something that is scraped.
pub trait Page: Send + Sync + 'static {
    /// The page as it is now.
    fn text(&self) -> Result<String, fmt::Error>;
}

/// What is scraped of a ledger's server.
pub struct Scrape {
    registry: Registry,
    ledger: Ledger,
    resident: Gauge,
}

impl Scrape {
    /// Of a ledger, the door to it, and its asking of witnesses.
    pub fn new(ledger: Ledger, door: &grpc::Metrics, witnesses: &witness::Metrics) -> Scrape {
        let mut registry = Registry::default();
        ledger.metrics().register(&mut registry);
        door.register(&mut registry);
        witnesses.register(&mut registry);
        let resident = Gauge::default();
        registry.register(
            "process_resident_memory_bytes",
            "Bytes of memory in use",
            resident.clone(),
        );
        Scrape {
            registry,
            ledger,
            resident,
        }
    }
}

impl Page for Scrape {
    fn text(&self) -> Result<String, fmt::Error> {
        self.ledger.take_stock();
        // Elsewhere than on Linux it stays at 0.
        self.resident.set(resident_bytes().unwrap_or_default());
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string(STATUS).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1024)
}

/// The page.
pub(super) async fn page(State(page): State<Arc<dyn Page>>) -> Response {
    match page.text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
