//! What the ledger signs, verified by a program in another language that uses
//! nothing but what `src/proof/FORMAT.md` says (`tests/python`): it takes what
//! holds, and nothing in which a byte was changed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "rules/bench.rs"]
mod bench;
#[path = "evidence/house.rs"]
mod house;
#[path = "rules/rulebook.rs"]
mod rulebook;
#[path = "support/server.rs"]
mod server;
#[path = "rules/story.rs"]
mod story;
#[path = "rules/tanks.rs"]
mod tanks;
#[path = "rules/verbs.rs"]
mod verbs;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hazledger::event::KeyId;
use hazledger::event::digest::to_hex;
use hazledger::pb::get_evidence_request::Which as WhichLot;
use hazledger::pb::get_receipt_request::Which;
use hazledger::pb::submit_response::Answer;
use hazledger::pb::{
    Acknowledgement, EnclosedDocument, Evidence, GetEvidenceRequest, GetReceiptRequest, Part,
    Receipt, Record,
};
use hazledger::proof::{NoteKeyKind, VerifierKey, receipt_text};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use house::House;
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

    /// It does not hold in another form, and Python says so.
    fn fails_as(&self, bytes: &[u8], why: &str) {
        let said = self.check(bytes);
        let (out, err) = (text(&said.stdout), text(&said.stderr));
        assert_eq!(said.status.code(), Some(1), "{out}{err}");
        assert!(
            out.starts_with("not verified") && out.contains(why),
            "{out}{err}"
        );
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
    python_knows_weak_keys(&bench, &ack);

    let receipt = receipt(&bench, position).await;
    let words = format!("record {position} is in the tree of");
    let text = receipt_text(&receipt).unwrap();
    for bytes in [receipt.encode_to_vec().into(), Bytes::from(text)] {
        let held = Held::new("receipt", bytes, vec![vkey.clone()]);
        held.holds(&words);
        held.fails_when_changed();
    }
    python_reads_one_form_only(&receipt_text(&receipt).unwrap(), &vkey, &words);

    bench.stop().await;
}

/// The key whose point is the neutral one "signs" everything, with the base point
/// as R and 1 as S.
fn python_knows_weak_keys(bench: &Bench, held: &Held) {
    let mut weak = [0; 32];
    weak[0] = 1;
    let mut ack = Acknowledgement::decode(held.bytes.clone()).unwrap();
    let signature = ack.commit.as_mut().unwrap().signature.as_mut().unwrap();
    signature.key_id = KeyId::of(&weak).to_bytes();
    let base = [[0x58].as_slice(), &[0x66; 31]].concat();
    signature.signature = [base, weak.to_vec()].concat().into();
    let name = &bench.origin.name;
    let key = [[0x01].as_slice(), &weak].concat();
    let id = Sha256::digest([name.as_bytes(), b"\n", &key].concat());
    let vkey = format!("{name}+{}+{}", to_hex(&id[..4]), BASE64.encode(key));
    let with = vec![vkey, held.with[1].clone()];
    let forged = Held::new("acknowledgement", ack.encode_to_vec().into(), with);
    forged.fails_as(&forged.bytes, "a point of small order");
}

/// What says the same in other letters is no receipt.
fn python_reads_one_form_only(text: &str, vkey: &str, words: &str) {
    let held = Held::new(
        "receipt",
        Bytes::from(text.to_owned()),
        vec![vkey.to_owned()],
    );
    let lines: Vec<&str> = text.lines().collect();
    let signature = *lines.last().unwrap();
    let blank = lines.iter().position(|line| line.is_empty()).unwrap();
    let (size, root) = (lines[blank + 2], lines[blank + 3]);
    let with = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    held.fails_as(
        &with(&format!("\n{size}\n"), &format!("\n+{size}\n")),
        "no decimal",
    );
    held.fails_as(
        &with(&format!("\n{size}\n"), &format!("\n0{size}\n")),
        "no decimal",
    );
    // The last of 43 characters for 32 bytes has two bits beyond them.
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let at = letters
        .iter()
        .position(|l| *l == root.as_bytes()[42])
        .unwrap();
    let other = format!("{}{}=", &root[..42], char::from(letters[at + 1]));
    held.fails_as(&with(root, &other), "base64 in another form");
    held.fails_as(&with(root, &format!("{root}\n")), "empty lines");
    // A line of the key's that does not hold, beside one that does.
    let other = [&signature[..signature.len() - 8], "AAAAAAA="].concat();
    held.fails_as(format!("{text}{other}\n").as_bytes(), "does not verify");
    // The same one twice is no lie, nor is another key's.
    let twice = format!(
        "{text}{signature}\n— other.example {}\n",
        BASE64.encode([7; 68])
    );
    let said = held.check(twice.as_bytes());
    assert!(self::text(&said.stdout).contains(words), "{said:?}");
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

/// Spoilt forms of evidence that both must judge alike.
const SPOILT: usize = 300;

#[test]
fn python_and_our_own_check_judge_alike_what_is_left_out_of_the_story() {
    let house = House::new();
    let whole: Vec<Evidence> = house.lots().map(|(id, _)| house.evidence(id)).collect();
    let held = tempfile::tempdir().unwrap();
    let mut ours = Vec::new();
    for evidence in &whole {
        keep(&house, evidence, held.path(), &mut ours);
    }
    assert!(ours.iter().all(|holds| *holds));
    let spoilt = || whole.iter().flat_map(spoil);
    let step = (spoilt().count() / SPOILT).max(1);
    for evidence in spoilt().step_by(step) {
        keep(&house, &evidence, held.path(), &mut ours);
    }
    let refused = ours.iter().filter(|holds| !**holds).count();
    let (spoilt, told) = (ours.len() - whole.len(), (whole.len(), refused));
    assert!(
        refused > SPOILT / 2 && spoilt > refused,
        "{spoilt} of {told:?}"
    );

    let mut python = Command::new(&*PYTHON);
    python.args(["-B", "-E"]).arg(folder().join("check.py"));
    python.arg("evidence").arg(held.path());
    let said = python.arg(house.verifier().to_string()).output().unwrap();
    let (out, err) = (text(&said.stdout), text(&said.stderr));
    assert_eq!(out.lines().count(), ours.len(), "{err}");
    for (line, holds) in out.lines().zip(&ours) {
        assert_eq!(!line.contains(": not verified"), *holds, "{line}");
    }
}

/// Writes evidence into a folder, and down whether our own check takes it.
fn keep(house: &House, evidence: &Evidence, folder: &Path, ours: &mut Vec<bool>) {
    let name = folder.join(format!("{:06}", ours.len()));
    std::fs::write(name, evidence.encode_to_vec()).unwrap();
    ours.push(house.check(evidence).is_ok());
}

/// Evidence without one of its records, maps or parts, with one of them twice,
/// with a document that nobody names.
fn spoil(whole: &Evidence) -> Vec<Evidence> {
    let mut spoilt = Vec::new();
    let mut add = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = whole.clone();
        change(&mut evidence);
        spoilt.push(evidence);
    };
    add(&|e| e.head = None);
    add(&|e| e.documents.push(EnclosedDocument::default()));
    for at in 0..whole.maps.len() {
        add(&|e| drop(e.maps.remove(at)));
        add(&|e| e.maps.insert(at, e.maps[at].clone()));
    }
    for at in 0..whole.records.len() {
        add(&|e| drop(e.records.remove(at)));
        add(&|e| e.records.insert(at, e.records[at].clone()));
        let mut record = whole.records[at].record.clone().unwrap();
        for (kind, parts) in parts_of(&mut record).into_iter().enumerate() {
            let shown = |part: &usize| parts[*part] != Part::default();
            for part in (0..parts.len()).filter(shown) {
                add(&|e| {
                    let record = e.records[at].record.as_mut().unwrap();
                    parts_of(record)[kind][part] = Part::default();
                });
            }
        }
    }
    spoilt
}

fn parts_of(record: &mut Record) -> [&mut Vec<Part>; 4] {
    [
        &mut record.events,
        &mut record.links,
        &mut record.outcomes,
        &mut record.findings,
    ]
}
