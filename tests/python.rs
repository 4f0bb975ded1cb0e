//! What the ledger signs, verified by a program in another language that uses
//! nothing but what `src/proof/FORMAT.md` says (`tests/python`): it takes what
//! holds, and nothing in which a byte was changed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use bytes::Bytes;
use hazledger::event::digest::to_hex;
use hazledger::pb::get_evidence_request::Which as WhichLot;
use hazledger::pb::get_receipt_request::Which;
use hazledger::pb::submit_response::Answer;
use hazledger::pb::{Evidence, GetEvidenceRequest, GetReceiptRequest, Receipt};
use hazledger::proof::{NoteKeyKind, VerifierKey, receipt_text};
use prost::Message as _;

use server::{Bench, produced, used};

/// Of Python, with the two libraries that it needs.
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    let prepare = folder().join("prepare");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    let made = Command::new("bash")
        .arg(prepare)
        .arg(target)
        .output()
        .unwrap();
    let why = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "no Python environment: {why}");
    PathBuf::from(String::from_utf8(made.stdout).unwrap().trim_end())
});

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python")
}

/// What is to be checked, in a file of its own.
struct Held {
    kind: &'static str,
    bytes: Bytes,
    /// What else it is checked with: verifier key, genesis hash.
    with: Vec<String>,
    folder: tempfile::TempDir,
}

impl Held {
    fn new(kind: &'static str, bytes: Bytes, with: Vec<String>) -> Held {
        let folder = tempfile::tempdir().unwrap();
        Held {
            kind,
            bytes,
            with,
            folder,
        }
    }

    fn check(&self, bytes: &[u8]) -> Output {
        let file = self.folder.path().join("held");
        std::fs::write(&file, bytes).unwrap();
        let mut python = Command::new(&*PYTHON);
        python.args(["-B", "-E"]).arg(folder().join("check.py"));
        python.arg(self.kind).arg(file).args(&self.with);
        python.output().unwrap()
    }

    /// It holds, and says so in these words.
    fn holds(&self, words: &str) {
        let said = self.check(&self.bytes);
        let (out, err) = (text(&said.stdout), text(&said.stderr));
        assert!(said.status.success(), "{}: {out}{err}", self.kind);
        assert!(out.contains(words), "{}: {out}", self.kind);
    }

    /// With a bit changed at any of some places it does not: Python says so and
    /// does not fall over.
    fn fails_when_changed(&self) {
        let step = (self.bytes.len() / CHANGED).max(1);
        for at in (0..self.bytes.len()).step_by(step) {
            let mut bytes = self.bytes.to_vec();
            bytes[at] ^= 1 << (at % 8);
            let said = self.check(&bytes);
            let (out, err) = (text(&said.stdout), text(&said.stderr));
            let refused = said.status.code() == Some(1) && out.starts_with("not verified");
            let around = &self.bytes[at.saturating_sub(8)..(at + 8).min(self.bytes.len())];
            assert!(
                refused,
                "{} with byte {at} of {around:x?} changed: {out}{err}",
                self.kind
            );
        }
    }
}

fn vkey(bench: &Bench) -> String {
    let key = bench.cast.ledger.public().clone();
    let vkey = VerifierKey::new(&bench.origin.name, NoteKeyKind::Ed25519, key);
    vkey.unwrap().to_string()
}

async fn receipt(bench: &Bench, position: u64) -> Receipt {
    let request = GetReceiptRequest {
        which: Some(Which::Position(position)),
        ..GetReceiptRequest::default()
    };
    let answer = bench.ledger_client().get_receipt(request).await.unwrap();
    answer.into_inner().receipt.unwrap()
}

async fn evidence(bench: &Bench, label: &str) -> Bytes {
    let request = GetEvidenceRequest {
        which: Some(WhichLot::Label(label.to_owned())),
        min_position: bench.ledger.committed(),
    };
    let pieces = bench.trace_client().get_evidence(request).await.unwrap();
    let mut pieces = pieces.into_inner();
    let mut file = Vec::new();
    while let Some(piece) = pieces.message().await.unwrap() {
        file.extend(piece.encode_to_vec());
    }
    file.into()
}

/// Places at which each of them is changed: a process each.
const CHANGED: usize = 24;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn python_verifies_what_the_ledger_signs() {
    let bench = Bench::start().await;
    let vkey = vkey(&bench);
    let genesis = to_hex(&bench.origin.genesis_hash);
    let statement = bench.statement(&bench.cast.plant, vec![produced("PY-1", 5_000_000)]);
    let Some(Answer::Acknowledgement(ack)) = bench.submit(statement).await.answer else {
        panic!("not recorded");
    };
    let position = server::head_of(&ack).position;
    let with = vec![vkey.clone(), genesis];
    let ack = Held::new("acknowledgement", ack.encode_to_vec().into(), with);
    ack.holds(&format!("record {position} is acknowledged"));
    ack.fails_when_changed();

    let receipt = receipt(&bench, position).await;
    let words = format!("record {position} is in the tree of");
    let text = receipt_text(&receipt).unwrap();
    for bytes in [receipt.encode_to_vec().into(), Bytes::from(text)] {
        let held = Held::new("receipt", bytes, vec![vkey.clone()]);
        held.holds(&words);
        held.fails_when_changed();
    }

    bench.stop().await;
}

#[tokio::test]
async fn python_verifies_evidence() {
    let bench = Bench::start_stating(5).await;
    let vkey = vkey(&bench);
    let (born, lot) = bench.produce("PY-1", 5_000_000).await;
    let statement = bench.statement(&bench.cast.plant, vec![used(lot, 1_000)]);
    let last = bench.record(statement).await;
    // So that state records show that nothing came after, and, beyond the last
    // of them, the ledger's word.
    for number in 0..8 {
        bench.produce(&format!("PY-{}", 2 + number), 1_000).await;
    }
    let evidence = evidence(&bench, "PY-1").await;
    let proven = Evidence::decode(evidence.clone()).unwrap();
    assert!(proven.maps.len() > 1 && proven.head.is_some());
    let held = Held::new("evidence", evidence, vec![vkey]);
    let lot = to_hex(&lot.to_bytes());
    held.holds(&format!(
        "lot {lot} has the records {born} {last}; no other is"
    ));
    held.fails_when_changed();
    bench.stop().await;
}
