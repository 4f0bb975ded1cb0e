//! Retention: what the packs let go goes, and everything that was proven of
//! the ledger is proven still.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hazledger::event::record::OpenRecord;
use hazledger::event::signing::SecretKey;
use hazledger::ledger::{Known, Ledger};
use hazledger::pb::{Receipt, Record, SubjectKind};
use hazledger::proof::{NoteKeyKind, VerifierKey, check_receipt};
use hazledger::retain::{apply, plan};
use hazledger::storage::ReadOnlyFolder;
use prost::Message as _;
use serde_json::Value;

use crate::ground::{Ground, Ran, Server, cli};

fn retain(ground: &Ground, more: &[&str]) -> Ran {
    let dir = ground.path("ledger");
    let mut args = vec!["retain", &dir, "--format", "json"];
    args.extend(more);
    cli(&args)
}

fn records(ledger: &Ledger) -> Vec<Record> {
    let record = |position| ledger.record(position).unwrap().unwrap().0;
    (0..ledger.committed()).map(record).collect()
}

/// A ledger that has lived, with a rule that lets go after a month, and later
/// records that make it two.
fn lived() -> Ground {
    let mut ground = Ground::grown(30, 250);
    ground.publish_retention(1);
    ground.pass(70);
    ground.grow_later(20);
    ground
}

#[test]
fn without_a_rule_nothing_goes() {
    let mut ground = Ground::grown(31, 60);
    ground.pass(4_000);
    ground.grow_later(10);
    let said = retain(&ground, &["--apply"]).exits(0).json();
    assert_eq!(said["hasRule"], false);
    assert_eq!(
        (&said["events"], &said["withheld"]),
        (&0.into(), &false.into())
    );
}

#[test]
fn what_may_go_goes_and_everything_else_stays_and_holds() {
    let ground = lived();
    let dir = ground.path("ledger");
    let ledger = ground.open();
    let before = records(&ledger);
    let lots: Vec<_> = closed_lots(&before);
    let receipts = receipts(&ground, &ledger);
    ground.close(ledger);
    let traced = traces(&dir, &lots);
    let checkpoint = fs::read_to_string(ground.dir().join("checkpoints/signed")).unwrap();
    ground.backup("backup", &[]).exits(0);
    let verified = cli(&["verify", &dir, "--format", "json"]).exits(0).json();

    // Only told.
    let told = retain(&ground, &[]).exits(0).json();
    assert!(told["events"].as_u64().unwrap() > 10, "{told}");
    assert_eq!(told["withheld"], false);
    let same = cli(&["verify", &dir, "--format", "json"]).exits(0).json();
    assert_eq!(same["bytes"], verified["bytes"]);

    let done = retain(&ground, &["--apply"]).exits(0).json();
    assert_eq!(done["events"], told["events"]);
    // Verified: the same in every figure but what is withheld, and the bytes.
    let again = cli(&["verify", &dir, "--format", "json"]).exits(0).json();
    let without = |value: &Value| {
        let mut journal = value["journal"].clone();
        for field in ["withheld", "bytes", "recordsPerSecond", "elapsedMs"] {
            journal[field] = Value::Null;
        }
        (value["records"].clone(), journal)
    };
    assert_eq!(again["journal"]["withheld"], told["events"]);
    assert_eq!(without(&again), without(&verified));
    assert!(again["bytes"].as_u64() < verified["bytes"].as_u64());
    // Nothing more is to go.
    assert_eq!(retain(&ground, &["--apply"]).exits(0).json()["events"], 0);

    // Recovered and rebuilt, and each record as it was, but for events that may go.
    assert!(!ground.dir().join("projection").exists());
    let ledger = ground.open();
    ledger
        .confirm_complete(Known::Checkpoint(&checkpoint))
        .unwrap();
    let after = records(&ledger);
    // A server that was asked for traces may have recorded a word of its own.
    assert!(after.len() >= before.len());
    let mut gone = 0;
    for (was, is) in before.iter().zip(&after) {
        let rest = |record: &Record| Record {
            events: Vec::new(),
            ..record.clone()
        };
        assert_eq!(rest(was), rest(is));
        assert_eq!(was.events.len(), is.events.len());
        if was.events != is.events {
            gone += is.events.len();
            assert!(
                is.events
                    .iter()
                    .all(|part| part.salt.is_empty() && part.body.is_empty())
            );
            check_may_go(was);
        }
    }
    assert_eq!(gone as u64, told["events"].as_u64().unwrap());
    // Receipts that were kept, and those that it gives today.
    let key = verifier_key(&ledger);
    let given = self::receipts(&ground, &ledger);
    for (kept, now) in receipts.iter().zip(&given) {
        let kept = check_receipt(kept, &key, None).unwrap();
        let now = check_receipt(now, &key, None).unwrap();
        assert_eq!(
            (kept.position, kept.head_hash),
            (now.position, now.head_hash)
        );
    }
    assert!(receipts.len() > 100);
    // Acknowledgements that were kept are what it would answer today.
    for kept in &ground.acks {
        let head = hazledger::pb::Head::decode(kept.head.clone()).unwrap();
        let (_, now) = ledger.record(head.position).unwrap().unwrap();
        assert_eq!(&now, kept);
    }
    ground.close(ledger);
    // Traces of lots that are gone still tell where everything went.
    let again = traces(&dir, &lots);
    assert!(again.len() > 3);
    assert_ne!(traced, again, "nothing of a trace is withheld");
    let moved = |lots: &[Value]| lots.iter().map(moved).collect::<Vec<_>>();
    assert_eq!(moved(&traced), moved(&again));
    // A backup from before takes the shorter segments over.
    cli(&["verify", &dir]).exits(0);
    ground.backup("backup", &[]).exits(0);
    cli(&["backup", "verify", &ground.path("backup")]).exits(0);
    let planted = planted(&before, &after);
    assert!(!holds(&ground.path("backup"), &planted) && !holds(&dir, &planted));
}

#[test]
fn what_is_in_an_archive_goes_there_as_well() {
    let ground = lived();
    let (dir, store) = (ground.path("ledger"), ground.path("cold"));
    cli(&["archive", &dir, "--to", &store, "--keep", "2"]).exits(0);
    let had = crate::ground::files(&store).len();
    let done = retain(&ground, &["--apply"]).exits(0).json();
    let removed = done["removedFromArchive"].as_array().unwrap().len();
    assert!(removed > 0, "{done}");
    assert_eq!(crate::ground::files(&store).len(), had - removed);
    cli(&["verify", &dir]).exits(0);
    cli(&["archive", &dir, "--to", &store, "--keep", "2"]).exits(0);
    cli(&["verify", &dir]).exits(0);
}

#[test]
fn a_ledger_in_use_and_one_that_does_not_verify_are_left_alone() {
    let ground = lived();
    let ledger = ground.open();
    retain(&ground, &["--apply"]).exits(2).says("in use");
    ground.close(ledger);
    let segment = ground.dir().join("journal/00000000000000000000.seg");
    let whole = fs::read(&segment).unwrap();
    crate::ground::flip(&segment, whole.len() / 2);
    retain(&ground, &["--apply"])
        .exits(1)
        .says("nothing was changed");
    fs::write(&segment, whole).unwrap();
    assert!(
        retain(&ground, &[]).exits(0).json()["events"]
            .as_u64()
            .unwrap()
            > 0
    );
}

#[test]
fn what_was_cut_short_is_finished_by_the_next() {
    let ground = lived();
    let dir = ground.dir();
    let folder = ReadOnlyFolder::new(dir.join("journal"));
    let whole = plan(&folder, &mut |_| {}).unwrap();
    assert!(whole.records.len() > 2);
    // Some segments were put in place, a candidate was left half written.
    let mut some = whole.clone();
    let rest = some.records.split_off(whole.records.keys().nth(1).unwrap());
    let genesis = hazledger::ledger::genesis_hash(&dir).unwrap();
    apply(&dir, genesis, &some, &mut |_| {}).unwrap();
    let next = rest.keys().next().unwrap();
    let half = dir.join(format!("journal/{next:020}.seg.new"));
    fs::write(&half, "half").unwrap();
    cli(&["verify", &ground.path("ledger")]).exits(0);
    let done = retain(&ground, &["--apply"]).exits(0).json();
    assert_eq!(done["records"], whole.count() - some.count());
    assert_eq!(done["withheldNow"], whole.events);
    assert!(!half.exists());
    cli(&["verify", &ground.path("ledger")]).exits(0);
}

fn verifier_key(ledger: &Ledger) -> VerifierKey {
    let origin = ledger.status().origin.name;
    let key = SecretKey::from_seed(&[1; 32]);
    VerifierKey::new(&origin, NoteKeyKind::Ed25519, key.public().clone()).unwrap()
}

/// A receipt of every record.
fn receipts(ground: &Ground, ledger: &Ledger) -> Vec<Receipt> {
    let receipt = |position| ground.runtime.block_on(ledger.receipt(position)).unwrap();
    (0..ledger.committed()).map(receipt).collect()
}

/// What a real server says of lots.
fn traces(dir: &str, lots: &[Vec<u8>]) -> Vec<Value> {
    let server = Server::start(dir, &[]);
    let trace = |lot: &Vec<u8>| {
        let lot = hazledger::event::digest::to_hex(lot);
        let said = cli(&[
            "trace",
            "--lot",
            &lot,
            "--server",
            &server.url,
            "--format",
            "json",
        ]);
        said.exits(0).json()
    };
    lots.iter().map(trace).collect()
}

/// The postings of a trace's steps, wherever they stand in it.
fn moved(trace: &Value) -> Vec<Value> {
    match trace {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match name.as_str() {
                "grossMg" | "containedMg" | "position" | "account" => vec![value.clone()],
                _ => moved(value),
            })
            .collect(),
        Value::Array(all) => all.iter().flat_map(moved).collect(),
        _ => Vec::new(),
    }
}

/// Of a record whose events are gone: by a party, about lots, and no
/// registry's.
fn check_may_go(was: &Record) {
    let record = OpenRecord::open(&was.encode_to_vec().into()).unwrap();
    assert_ne!(record.payload.party, "LEDGER");
    let chained = record.links.iter().flatten().filter(|link| link.kind == 1);
    for link in chained {
        let kind = link.subject.as_ref().unwrap().kind();
        assert!(
            matches!(
                kind,
                SubjectKind::Lot
                    | SubjectKind::Handoff
                    | SubjectKind::Consignment
                    | SubjectKind::Dispute
                    | SubjectKind::Party
                    | SubjectKind::Key
                    | SubjectKind::Permit
            ),
            "{kind:?}"
        );
    }
    for event in record.events.iter().flatten() {
        assert!(!hazledger::custody::registry::is_registry(event));
    }
}

/// Lots that records are about, by how many records.
fn closed_lots(records: &[Record]) -> Vec<Vec<u8>> {
    let mut lots: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for record in records {
        let record = OpenRecord::open(&record.encode_to_vec().into()).unwrap();
        for link in record.links.iter().flatten() {
            let subject = link.subject.as_ref().unwrap();
            if subject.kind() == SubjectKind::Lot {
                *lots.entry(subject.id.to_vec()).or_default() += 1;
            }
        }
    }
    lots.into_keys().collect()
}

/// A salt that is gone.
fn planted(before: &[Record], after: &[Record]) -> Vec<u8> {
    let gone = before
        .iter()
        .zip(after)
        .find(|(was, is)| was.events != is.events);
    gone.unwrap().0.events[0].salt.to_vec()
}

/// Whether any file in a folder, or in its folders, holds these bytes.
fn holds(folder: &str, wanted: &[u8]) -> bool {
    fs::read_dir(folder)
        .unwrap()
        .map(Result::unwrap)
        .any(|entry| {
            let path = entry.path();
            if path.is_dir() {
                return holds(path.to_str().unwrap(), wanted);
            }
            let bytes = fs::read(Path::new(&path)).unwrap();
            bytes.windows(wanted.len()).any(|run| run == wanted)
        })
}
