//! Every decoder of outside bytes, as a function of bytes: it panics if a
//! promise is broken. One table, for the coverage-guided form and the quick one.
//!
//! Most inputs begin with bytes that choose: what is decoded, by whom it is
//! signed, which state it meets, whether checksums are made right first
//! (`repair`). Not here: sockets; `tests/grpc_door.rs` has those.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use bytes::Bytes;
use hazledger::audit::{Kept, verify_journal};
use hazledger::backup::Manifest;
use hazledger::cli::acks;
use hazledger::cli::json::{from_json, to_json};
use hazledger::cli::key_file::KeyFile;
use hazledger::cli::submit::line::{Line, Stamp};
use hazledger::custody::decide::{decide_genesis, keys_of, named_subjects};
use hazledger::custody::state::nowhere;
use hazledger::custody::{Context, Items as _, State, decide, lot};
use hazledger::event::codes::{self, Refused};
use hazledger::event::record::{MAX_RECORD, OpenRecord, Standing, seal};
use hazledger::event::signing::{Purpose, SecretKey};
use hazledger::event::statement::{Draft, MAX_EVENTS, MAX_SIGNATURES};
use hazledger::event::{Hash, Statement, StatementId};
use hazledger::grpc::{Filter, timeout};
use hazledger::journal::{Batch, Journal, JournalError, JournalOptions, Scanned, scan};
use hazledger::pb;
use hazledger::proof::evidence::{check_evidence, read_evidence};
use hazledger::proof::{
    Expect, NoteKeyKind, NoteSignature, Verifier, VerifierKey, check_acknowledgement, check_commit,
    check_refusal,
};
use hazledger::storage::sim::SimStorage;
use hazledger::storage::{DirStorage, NotReplaced, Storage, StorageFile};
use hazledger::witness::files::Files;
use hazledger::witness::logs::Logs;
use hazledger::witness::memory::{Answer, Signer, Witness};
use hazledger::witness::request::AddCheckpoint;
use prost::Message;

use crate::proofs;
use crate::repair;
use crate::world::bench::{self, key};
use crate::world::{SIGNERS, World, copy, world};

/// A target by name.
pub type Target = fn(&[u8]);

#[rustfmt::skip]
pub const TARGETS: &[(&str, Target)] = &[
    ("statement", statement), // a SignedStatement as it travels, to what is looked up for it
    ("event", event),         // an Event in a rightly signed statement: decided, recorded, folded
    ("request", request),     // the requests of all services
    ("timeout", grpc_timeout), // the grpc-timeout header
    ("record", record),       // a stored Record, opened and folded
    ("acknowledgement", acknowledgement), // an Acknowledgement, its commit, a SignedRefusal
    ("saved", saved),         // a saved verification, taken up and put down again
    ("evidence", evidence),   // a file of evidence, checked
    ("ack_line", ack_line),   // a line of a file of acknowledgements
    ("submit_line", submit_line), // a line of `hazledger submit`
    ("json", json),           // messages in the proto3 JSON mapping
    ("key_file", key_file),   // a key file
    ("segment", segment),     // a journal's segments, opened to be written to
    ("manifest", manifest),   // the manifest of a backup
    ("audit", audit),         // a journal's segments, as the verifier reads them
    ("vkey", proofs::vkey),   // a verifier key of notes
    ("note", proofs::note),   // a signed note, to its signatures
    ("checkpoint", proofs::checkpoint), // a checkpoint's text
    ("policy", proofs::policy), // a trust policy
    ("receipt", proofs::receipt), // a receipt in either form, to what it shows
    ("tlog_proof", proofs::tlog_proof), // a receipt's text
    ("bundle", proofs::bundle), // a bundle of entries
    ("tile_path", proofs::tile_path), // where a tile or a bundle is
    ("add_checkpoint", add_checkpoint), // a request to a witness, and what it answers
];

/// The target that HAZLEDGER_FUZZ names.
#[allow(dead_code, reason = "for the coverage-guided form")]
pub fn chosen() -> Target {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var("HAZLEDGER_FUZZ").unwrap();
        let found = TARGETS.iter().find(|(target, _)| *target == name);
        found.unwrap_or_else(|| panic!("no target {name}")).1
    })
}

/// Splits off the bytes that choose.
fn choices<const N: usize>(bytes: &[u8]) -> Option<([u8; N], Bytes)> {
    let (choices, rest) = bytes.split_first_chunk::<N>()?;
    Some((*choices, Bytes::copy_from_slice(rest)))
}

/// A refusal says which rule, in words that fit.
fn is_sound(refused: &Refused) {
    let sent = refused.to_pb();
    assert_ne!(sent.code, 0, "{refused:?}");
    assert!(!codes::name(refused.code).is_empty());
    assert!(sent.encoded_len() < 4096, "{refused:?}");
}

fn statement(bytes: &[u8]) {
    let Some(([repaired, at], rest)) = choices(bytes) else {
        return;
    };
    let Ok(mut signed) = pb::SignedStatement::decode(rest) else {
        return;
    };
    if repaired & 1 == 1 {
        repair::statement(&mut signed);
    }
    match Statement::open(signed.clone()) {
        Err(refused) => is_sound(&refused),
        Ok(statement) => {
            assert!((1..=MAX_EVENTS).contains(&statement.events.len()));
            let keys = statement.key_ids().unwrap();
            assert!((1..=MAX_SIGNATURES).contains(&keys.len()));
            assert!(keys.is_sorted());
            for (event, part) in statement.events.iter().zip(&signed.events) {
                assert_eq!(event.encode_to_vec(), part.body, "one event, one encoding");
            }
            named_subjects(&statement);
            let state = world().state(at);
            match keys_of(state, &statement) {
                Ok(keys) => {
                    // Nobody signed this, unless it is one of the story's.
                    let _ = statement.verify(&keys);
                }
                Err(refused) => is_sound(&refused),
            }
            judge(state, &statement);
            if let Err(refused) = decide_genesis(&statement) {
                is_sound(&refused);
            }
        }
    }
}

/// Decides a statement; what is accepted can be recorded and folded, and
/// comes out as it was decided.
fn judge(state: &State, statement: &Statement) {
    let World { genesis, now, .. } = world();
    let recorded = |reference: &pb::EventRef| world().recorded(state, reference);
    let context = Context {
        position: state.next(),
        recorded_at_ms: *now,
        genesis,
        recorded: &recorded,
    };
    let decision = match decide(state, statement, &context) {
        Ok(decision) => decision,
        Err(refused) => return is_sound(&refused),
    };
    let standing = Standing {
        position: state.next(),
        recorded_at_ms: *now,
        previous: state.last_head(),
    };
    match seal(statement, &decision.additions, standing, &[7; 32]) {
        Err(refused) => is_sound(&refused),
        Ok(sealed) => {
            assert!(sealed.bytes.len() <= MAX_RECORD);
            let record = OpenRecord::open(&sealed.bytes).unwrap();
            let mut after = copy(state);
            after.apply(&record, &mut nowhere).unwrap();
            for (subject, item) in decision.items {
                assert_eq!(after.get(&subject), Some(item));
            }
        }
    }
}

fn event(bytes: &[u8]) {
    let Some(([who, at, late], body)) = choices(bytes) else {
        return;
    };
    let Ok(event) = pb::Event::decode(body) else {
        return;
    };
    let keys = SIGNERS[usize::from(who) % SIGNERS.len()];
    let world = world();
    let party = match keys {
        "ledger" => hazledger::custody::registry::LEDGER.to_owned(),
        keys => bench::party(keys.chars().next().unwrap()),
    };
    let draft = Draft {
        origin: world.origin.clone(),
        id: StatementId::v7(world.now, [who, at, late, 0, 0, 0, 0, 0, 0, 1]).unwrap(),
        party,
        happened_at_ms: world.now - i64::from(late) * 3_600_000,
        expires_at_ms: world.now + 3_600_000,
        events: vec![event],
    };
    let state = world.state(at);
    match Statement::open(bench::sign(&draft, keys)) {
        Err(refused) => is_sound(&refused),
        Ok(statement) => {
            named_subjects(&statement);
            match keys_of(state, &statement) {
                Ok(keys) => statement.verify(&keys).unwrap(),
                Err(refused) => return is_sound(&refused),
            }
            judge(state, &statement);
        }
    }
}

/// What decodes has one meaning: encoded and decoded again it is the same.
fn decoded<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &Bytes) -> Option<M> {
    let message = M::decode(bytes.clone()).ok()?;
    let again = M::decode(message.encode_to_vec().as_slice()).unwrap();
    assert!(again == message, "{message:?}");
    Some(message)
}

fn request(bytes: &[u8]) {
    let Some(([which], rest)) = choices(bytes) else {
        return;
    };
    match which % 13 {
        0 => drop(decoded::<pb::SubmitRequest>(&rest)),
        1 => drop(decoded::<pb::DecideRequest>(&rest)),
        2 => drop(decoded::<pb::GetRecordRequest>(&rest)),
        3 => {
            if let Some(request) = decoded::<pb::FollowRequest>(&rest)
                && let Ok(filter) = Filter::try_from(&request)
            {
                for record in &world().records {
                    filter.wants(record, |_| request.parties.first().cloned());
                }
            }
        }
        4 => drop(decoded::<pb::TraceLotRequest>(&rest)),
        5 => drop(decoded::<pb::GenealogyRequest>(&rest)),
        6 => drop(decoded::<pb::BalanceRequest>(&rest)),
        7 => drop(decoded::<pb::ListDisputesRequest>(&rest)),
        8 => drop(decoded::<pb::GetPartyRequest>(&rest)),
        9 => drop(decoded::<pb::ListPartiesRequest>(&rest)),
        10 => drop(decoded::<pb::GetKeyRequest>(&rest)),
        11 => drop(decoded::<pb::ListOwnRequest>(&rest)),
        _ => drop(decoded::<pb::ListKeysRequest>(&rest)),
    }
}

fn grpc_timeout(bytes: &[u8]) {
    let Ok(header) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some(time) = timeout(header) {
        assert!(header.len() <= 9 && header.is_ascii());
        assert!(time.as_secs() <= 99_999_999 * 3600);
    }
}

fn record(bytes: &[u8]) {
    let Some(([how, at], rest)) = choices(bytes) else {
        return;
    };
    let state = world().state(at);
    let bytes = match pb::Record::decode(rest.clone()) {
        Ok(mut record) if how & 1 == 1 => {
            repair::record(&mut record, |head| {
                head.position = state.next();
                head.previous = state.last_head().to_bytes();
                if how & 2 == 2 {
                    head.recorded_at_ms = world().now;
                }
            });
            Bytes::from(record.encode_to_vec())
        }
        _ => rest,
    };
    let Ok(record) = OpenRecord::open(&bytes) else {
        return;
    };
    let mut after = copy(state);
    after.touch(&record);
    // Whatever the fold does of it, the state can be told apart and kept.
    let _ = after.apply(&record, &mut nowhere);
    after.digest();
}

fn evidence(bytes: &[u8]) {
    let Some(([how], rest)) = choices(bytes) else {
        return;
    };
    let Ok(mut evidence) = read_evidence(rest) else {
        return;
    };
    let (ledger, name) = (key("ledger"), &world().origin.name);
    if how & 1 == 1 {
        repair::evidence(&mut evidence, how & 2 == 2, &ledger, name);
    }
    let kind = NoteKeyKind::Ed25519;
    let verifier = VerifierKey::new(name, kind, ledger.public().clone()).unwrap();
    if let Ok(held) = check_evidence(&evidence, &verifier, None) {
        assert_eq!(held.records.len(), evidence.records.len());
        assert!(held.records.keys().all(|at| *at < held.checkpoint.size));
        assert!(held.after.proven_before > held.after.last);
        lot::check(&held.state).unwrap();
    }
}

fn acknowledgement(bytes: &[u8]) {
    let Some(([how], rest)) = choices(bytes) else {
        return;
    };
    let (ledger, genesis) = (key("ledger"), world().records[0].hash);
    let sign = |commit: &mut pb::SignedCommit| {
        if how & 1 == 1 {
            commit.signature = Some(ledger.signature(Purpose::Commit, &commit.commit));
        }
    };
    if let Ok(mut ack) = pb::Acknowledgement::decode(rest.clone()) {
        if let Some(commit) = &mut ack.commit {
            sign(commit);
        }
        if let Ok(held) = check_acknowledgement(ledger.public(), genesis, &ack) {
            assert_eq!(held.head.encode_to_vec(), ack.head);
        }
    }
    if let Ok(mut commit) = pb::SignedCommit::decode(rest.clone()) {
        sign(&mut commit);
        if let Ok(held) = check_commit(ledger.public(), genesis, &commit) {
            assert_eq!(held.encode_to_vec(), commit.commit);
        }
    }
    if let Ok(mut refusal) = pb::SignedRefusal::decode(rest) {
        if how & 1 == 1 {
            refusal.signature = Some(ledger.signature(Purpose::Refusal, &refusal.refusal));
        }
        if let Ok(held) = check_refusal(ledger.public(), genesis, &refusal) {
            assert_eq!(held.encode_to_vec(), refusal.refusal);
        }
    }
}

fn ack_line(bytes: &[u8]) {
    if let Ok(ack) = acks::parse(bytes) {
        let line = to_json("Acknowledgement", &ack).unwrap().to_string();
        assert_eq!(acks::parse(line.as_bytes()), Ok(ack.clone()));
        let (ledger, genesis) = (key("ledger"), world().records[0].hash);
        let _ = check_acknowledgement(ledger.public(), genesis, &ack);
    }
}

fn submit_line(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(line) = Line::parse(text) else {
        return;
    };
    let World { origin, now, .. } = world();
    let stamp = |now_ms| Stamp {
        now_ms,
        valid_for_ms: 3_600_000,
        random: [5; 10],
    };
    let stamped = line.stamped(stamp(*now)).unwrap();
    let again = stamped.clone().stamped(stamp(now + 1)).unwrap();
    assert_eq!(again, stamped, "what is stamped stays");
    let text = serde_json::to_string(&stamped).unwrap();
    let read = Line::parse(&text).unwrap();
    assert_eq!(read, stamped);
    let draft = read.draft(origin).unwrap();
    match Statement::open(draft.sign(&key("P1"), &[])) {
        Err(refused) => is_sound(&refused),
        Ok(statement) => assert_eq!(statement.events, draft.events),
    }
}

fn json(bytes: &[u8]) {
    fn both_ways<M: Message + Default + PartialEq>(name: &str, bytes: &[u8]) {
        let Ok(value) = serde_json::from_slice(bytes) else {
            return;
        };
        if let Ok(message) = from_json::<M>(name, value) {
            let again = to_json(name, &message).unwrap();
            assert!(from_json::<M>(name, again) == Ok(message), "{name}");
        }
    }
    let Some(([which], rest)) = choices(bytes) else {
        return;
    };
    match which % 4 {
        0 => both_ways::<pb::Event>("Event", &rest),
        1 => both_ways::<pb::Acknowledgement>("Acknowledgement", &rest),
        2 => both_ways::<pb::Record>("Record", &rest),
        _ => both_ways::<pb::Outcome>("Outcome", &rest),
    }
}

fn manifest(bytes: &[u8]) {
    let Some(([how], rest)) = choices(bytes) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(&rest) else {
        return;
    };
    // With its hash made right: else nothing gets past it.
    let covered = text
        .rsplit_once("end ")
        .map_or(text, |(covered, _)| covered);
    let end = blake3::hash(covered.as_bytes());
    let repaired = format!("{covered}end {}\n", end.to_hex());
    let text = if how & 1 == 1 { &repaired } else { text };
    if let Ok(manifest) = Manifest::parse(text) {
        assert_eq!(
            Manifest::parse(&manifest.to_string()).as_ref(),
            Ok(&manifest)
        );
        for file in &manifest.files {
            assert!(!file.stored.contains('/') && !file.name.contains(".."));
        }
    }
}

fn key_file(bytes: &[u8]) {
    let Some(([how], rest)) = choices(bytes) else {
        return;
    };
    let repaired = repair::key_file(&rest).filter(|_| how & 1 == 1);
    let bytes = repaired.unwrap_or_else(|| rest.to_vec());
    let Ok(file) = KeyFile::parse(Path::new("fuzzed.key"), &bytes) else {
        return;
    };
    if let Ok(Some(key)) = file.plain() {
        assert_eq!(key.public(), file.public());
    }
    // Stretching takes its time by design; here only where it is short.
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let figure = |name| value["secret"][name].as_u64().unwrap_or(0);
    let is_short = figure("memoryKib") <= 64 && figure("passes") <= 2;
    let is_bounded = figure("memoryKib") <= 1024 * 1024 && figure("passes") <= 32;
    if is_short || !is_bounded {
        let _ = file.open("");
    }
}

/// A witness' files, in memory.
#[derive(Default)]
struct KeptFiles(Mutex<BTreeMap<String, String>>);

impl Files for KeptFiles {
    fn read(&self, name: &str) -> io::Result<Option<String>> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    fn replace(&self, name: &str, text: &str) -> Result<(), NotReplaced> {
        self.0
            .lock()
            .unwrap()
            .insert(name.to_owned(), text.to_owned());
        Ok(())
    }
}

/// To a witness that has signed nothing: what it signs it can read again, and
/// asked once more it goes on from there.
fn add_checkpoint(bytes: &[u8]) {
    let Some(([how], rest)) = choices(bytes) else {
        return;
    };
    let Ok(mut request) = AddCheckpoint::parse(&rest) else {
        return;
    };
    let written = request.to_string();
    assert_eq!(written.as_bytes(), rest, "one request, one form");
    let origin = request
        .note
        .text
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    let log = SecretKey::from_seed(&[1; 32]);
    let Ok(vkey) = VerifierKey::new(&origin, NoteKeyKind::Ed25519, log.public().clone()) else {
        return;
    };
    if how & 1 == 1 {
        request.note.signatures.push(NoteSignature {
            name: origin,
            id: vkey.id(),
            signature: log.sign_note(request.note.text.as_bytes()),
        });
    }
    let signer = Signer::new("witness.example/w", SecretKey::from_seed(&[2; 32])).unwrap();
    let logs = Logs::new([vkey]).unwrap();
    let witness = Witness::open(
        signer.clone(),
        logs.clone(),
        KeptFiles::default(),
        Box::new(|| 7),
    );
    let witness = witness.unwrap_or_else(|error| panic!("{error}"));
    let ask = |request: &AddCheckpoint| witness.add(request.to_string().as_bytes());
    match ask(&request) {
        Answer::Refused(why) => assert!([400, 403, 404, 409, 422].contains(&why.status())),
        Answer::Failed(why) => panic!("{why}"),
        Answer::Cosigned { size, .. } => {
            assert!(request.old == 0 && request.proof.is_empty());
            request.old = size;
            assert!(matches!(ask(&request), Answer::Cosigned { .. }));
            assert_eq!(witness.sizes()[0].1, size);
        }
    }
}

/// The name of a segment.
fn named(position: u64) -> String {
    format!("{position:020}.seg")
}

/// A disk with these segments, durable: `how` says what is made right, and
/// whether a second segment follows on the first.
fn disk(how: u8, bytes: &[u8]) -> SimStorage {
    let mut first = bytes.to_vec();
    if how & 1 == 1 {
        repair::segment(&mut first);
    }
    let storage = SimStorage::new();
    let put = |name: &str, bytes: &[u8]| {
        let file = storage.create(name).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file.sync_data().unwrap();
    };
    if how & 2 == 2
        && let Some((before, count)) = first.split_last_chunk::<4>()
        && let Some((_, last_head)) = before.split_last_chunk::<32>()
        && let Some(front) = first.get(..44)
    {
        let position = u64::from(u32::from_le_bytes(*count));
        let mut second = [front, &position.to_le_bytes(), last_head, &[0; 4]].concat();
        repair::segment(&mut second);
        if position > 0 {
            put(&named(position), &second);
        }
    }
    put(&named(0), &first);
    storage.sync_dir().unwrap();
    storage
}

fn segment(bytes: &[u8]) {
    let Some(([how], rest)) = choices(bytes) else {
        return;
    };
    let storage = disk(how, &rest);
    // A reader who repairs nothing comes to an end.
    let ends = scan(&storage).filter(|step| matches!(step, Ok(Scanned::End { .. })));
    assert_eq!(ends.count(), 1);
    // Small: what is allocated is memory here.
    let options = JournalOptions {
        segment_bytes: 4096,
    };
    let open = |floor| Journal::open(storage.restart(), None, floor, options);
    let Ok((journal, _)) = open(0) else {
        return;
    };
    let (next, reader) = (journal.next_position(), journal.reader());
    let batches: Result<Vec<_>, JournalError> = reader.batches(0).collect();
    if let Ok(batches) = batches {
        let records: usize = batches.iter().map(|batch| batch.records.len()).sum();
        assert_eq!(records as u64, next);
    }
    // What can be opened can be gone on with, and no more is there than that.
    drop((journal, reader));
    let disk = storage.restart();
    let (mut journal, _) = Journal::open(disk.clone(), None, next, options).unwrap();
    let batch = Batch {
        first_position: next,
        records: vec![Bytes::from_static(b"record")],
        commit: Bytes::from_static(b"commit"),
        last_head: [6; 32],
    };
    journal.append(&batch).unwrap();
    drop(journal);
    let (journal, _) = Journal::open(disk.restart(), None, next + 1, options).unwrap();
    assert_eq!(journal.next_position(), next + 1);
    let read = journal.reader().record(next).unwrap();
    assert_eq!(read, Some(batch.records[0].clone()));
}

fn saved(bytes: &[u8]) {
    let Some(([sealed], rest)) = choices(bytes) else {
        return;
    };
    let mut bytes = rest.to_vec();
    if sealed & 1 == 1 {
        bytes.extend(blake3::hash(&rest).as_bytes());
    }
    let Ok(verifier) = Verifier::restore(&mut bytes.as_slice(), Expect::default()) else {
        return;
    };
    let mut again = Vec::new();
    verifier.save(&mut again).unwrap();
    let restored = Verifier::restore(&mut again.as_slice(), Expect::default()).unwrap();
    assert_eq!(restored.position(), verifier.position());
    assert_eq!(restored.state().digest(), verifier.state().digest());
}

fn audit(bytes: &[u8]) {
    let Some(([how], rest)) = choices(bytes) else {
        return;
    };
    let kept = Kept {
        name: "kept".to_owned(),
        acknowledgement: pb::Acknowledgement {
            head: world().records[0].head_bytes.clone(),
            ..pb::Acknowledgement::default()
        },
    };
    let audit = verify_journal(&disk(how, &rest), &Expect::default(), &[kept], &mut |_| {});
    assert!(audit.report.is_some() || !audit.problems.is_empty());
    for problem in &audit.problems {
        assert!(!problem.to_string().is_empty());
    }
}

/// Inputs from which the corpus began: everything of the story and of the
/// golden journal, in the shape that each target wants.
#[allow(dead_code, reason = "for the quick form")]
pub fn seeds(golden: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let world = world();
    let mut seeds = proofs::seeds();
    let mut add = |target, choices: &[u8], bytes: &[u8]| {
        seeds.push((target, [choices, bytes].concat()));
    };
    for (position, (record, bytes)) in world.records.iter().zip(&world.bytes).enumerate() {
        let before = World::byte_before(position);
        add("record", &[3, before], bytes);
        let stored = pb::Record::decode(bytes.clone()).unwrap();
        let signed = pb::SignedStatement {
            payload: record.head.payload.clone(),
            signatures: record.head.signatures.clone(),
            events: stored.events.clone(),
        };
        add("statement", &[1, before], &signed.encode_to_vec());
        add(
            "request",
            &[0],
            &pb::SubmitRequest {
                statement: Some(signed),
                ..pb::SubmitRequest::default()
            }
            .encode_to_vec(),
        );
        let signers = SIGNERS.iter().position(|keys| signed_by(record, keys));
        for event in record.events.iter().flatten() {
            let who = u8::try_from(signers.unwrap_or(0)).unwrap();
            add("event", &[who, before, 0], &event.encode_to_vec());
            let value = to_json("Event", event).unwrap();
            add("json", &[0], value.to_string().as_bytes());
            let line = serde_json::json!({"party": record.payload.party, "events": [value]});
            add("submit_line", &[], line.to_string().as_bytes());
        }
        for outcome in record.outcomes.iter().flatten() {
            let value = to_json("Outcome", outcome).unwrap();
            add("json", &[3], value.to_string().as_bytes());
        }
    }
    let journal = fs::read(golden.join("journal.seg")).unwrap();
    for how in [0, 1] {
        add("audit", &[how], &journal);
    }
    let whole = disk(0, &journal);
    for step in scan(&whole) {
        let Ok(Scanned::Batch { batch, .. }) = step else {
            continue;
        };
        let commit = pb::SignedCommit::decode(batch.commit.clone()).unwrap();
        add("acknowledgement", &[0], &batch.commit);
        let opened = |bytes: &Bytes| OpenRecord::open(bytes).unwrap();
        let heads: Vec<Hash> = batch
            .records
            .iter()
            .map(|bytes| opened(bytes).hash)
            .collect();
        for (index, bytes) in batch.records.iter().enumerate() {
            let head = opened(bytes).head_bytes;
            let ack = hazledger::proof::acknowledge(head, index, &heads, &commit).unwrap();
            add("acknowledgement", &[0], &ack.encode_to_vec());
            let value = to_json("Acknowledgement", &ack).unwrap().to_string();
            add("ack_line", &[], value.as_bytes());
            add("json", &[1], value.as_bytes());
        }
    }
    let small = small_segments();
    for how in 0..4 {
        for segment in &small {
            add("segment", &[how], segment);
            add("audit", &[how], segment);
        }
    }
    requests(&mut add);
    for header in ["5S", "99999999H", "1m", "250u", "0n", "1M"] {
        add("timeout", &[], header.as_bytes());
    }
    let plain = hazledger::cli::key_file::render(&key("P1"), None).unwrap();
    add("key_file", &[0], plain.as_bytes());
    let none = format!(
        "hazledger backup\nversion = 1\ngenesis = {0}\nrecords = 1\nlast head = {0}\n\
         recorded ms = 1\ntaken ms = -2\nfile {0} 12 LEDGER LEDGER.saved\nend {0}\n",
        "0a".repeat(32)
    );
    let more = "file {} 9 journal/00000000000000000000.seg journal-00000000000000000000.seg.to-1\n\
                file {} 9 refusals/00000000000000000007.seg refusals-00000000000000000007.seg.1\n\
                file {} 7 checkpoints/signed checkpoint-signed\nfile {} 0 ledger.key ledger.key\n";
    let more = none.replace("end ", &(more.replace("{}", &"0b".repeat(32)) + "end "));
    add("manifest", &[0], none.as_bytes());
    add("manifest", &[1], none.as_bytes());
    add("manifest", &[1], more.as_bytes());
    add("key_file", &[1], plain.as_bytes());
    let sealed = serde_json::json!({"format": "hazledger key", "version": 1, "algorithm": "Ed25519",
        "keyId": key("P1").id().to_string(), "publicKey": hazledger::event::digest::to_hex(
        key("P1").public().as_bytes()), "secret": {"kind": "argon2id+xchacha20poly1305",
        "memoryKib": 8, "passes": 1, "lanes": 1, "salt": "00".repeat(16), "nonce": "00".repeat(24),
        "ciphertext": "00".repeat(48)}, "checksum": ""});
    add("key_file", &[1], sealed.to_string().as_bytes());
    seeds
}

/// Journals of a few short records: open, sealed by the next, and closed.
fn small_segments() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let storage = DirStorage::create(folder.path()).unwrap();
    let options = JournalOptions { segment_bytes: 512 };
    let mut journal = Journal::create(storage, [4; 32], options).unwrap();
    for first_position in [0, 2, 4] {
        let batch = Batch {
            first_position,
            records: vec![Bytes::from_static(&[1; 40]), Bytes::from_static(&[2; 90])],
            commit: Bytes::from_static(&[3; 20]),
            last_head: [5; 32],
        };
        journal.append(&batch).unwrap();
    }
    journal.close().unwrap();
    let files = fs::read_dir(folder.path()).unwrap();
    files
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect()
}

fn requests(add: &mut impl FnMut(&'static str, &[u8], &[u8])) {
    let world = world();
    let lot = Bytes::from_static(&[5; 16]);
    let follow = pb::FollowRequest {
        from: 3,
        lots: vec![lot.clone()],
        parties: vec![bench::party('P')],
        kinds: vec![1, 2],
        catch_up_only: true,
    };
    add("request", &[3], &follow.encode_to_vec());
    let statement = pb::StatementName {
        party: bench::party('P'),
        id: world.records[1].payload.id.clone(),
    };
    let get = pb::GetRecordRequest {
        which: Some(pb::get_record_request::Which::Statement(statement)),
        min_position: 7,
    };
    add("request", &[2], &get.encode_to_vec());
    let trace = pb::TraceLotRequest {
        which: Some(pb::trace_lot_request::Which::Label("stock".to_owned())),
        known_at_position: Some(9),
        true_at_ms: Some(-1),
        ..pb::TraceLotRequest::default()
    };
    add("request", &[4], &trace.encode_to_vec());
    let genealogy = pb::GenealogyRequest {
        lot,
        direction: 2,
        min_position: 1,
    };
    add("request", &[5], &genealogy.encode_to_vec());
}

fn signed_by(record: &OpenRecord, keys: &str) -> bool {
    let mut ids: Vec<_> = keys.split('+').map(|name| key(name).id()).collect();
    ids.sort();
    let signed = record
        .head
        .signatures
        .iter()
        .map(|signature| signature.key_id.as_ref());
    keys.split('+').next().map(|name| key(name).id().0.to_vec())
        == Some(record.payload.key_id.to_vec())
        && ids.len() == record.head.signatures.len()
        && signed.eq(ids.iter().map(|id| id.0.as_slice()))
}
