//! A monitor, told what servers show it: each lie has its word, and an honest
//! ledger none.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/book.rs"]
mod book;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/flow.rs"]
mod flow;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "tamper/rewrite.rs"]
mod rewrite;

use flow::Flow;
use hazledger::audit::{Alarm, AlarmKind, Monitor, Rules, Seen, sent};
use hazledger::event::signing::SecretKey;
use hazledger::journal::{Batch, StoredBatch};
use hazledger::pb::{Head, Record};
use hazledger::proof::tree::{Frontier, leaf_hash};
use hazledger::proof::{
    Checkpoint, Expect, NoteKeyKind, Policy, Verifier, VerifierKey, cosign, sign_checkpoint,
};
use prost::Message as _;
use rewrite::{Commits, rechain, rewrite};

/// How old a record may become without a checkpoint, milliseconds.
const LATE_MS: i64 = 30_000;

fn rules() -> Rules {
    Rules {
        vkey: None,
        policy: None,
        late_ms: LATE_MS,
    }
}

fn watch(servers: &[&str], seen: Option<&Seen>) -> Monitor {
    let servers: Vec<String> = servers.iter().map(|&name| name.to_owned()).collect();
    Monitor::new(rules(), Verifier::new(Expect::default()), &servers, seen)
}

fn stored(batch: &Batch) -> StoredBatch {
    sent(
        batch.first_position,
        batch.records.clone(),
        batch.commit.clone(),
    )
}

fn end(batches: &[Batch]) -> u64 {
    batches
        .last()
        .map_or(0, |b| b.first_position + b.records.len() as u64)
}

/// A look at a server that shows these batches and this checkpoint.
fn look(
    monitor: &mut Monitor,
    server: usize,
    batches: &[Batch],
    note: Option<&str>,
    now_ms: i64,
) -> Result<(), Alarm> {
    monitor.told(server, end(batches), note)?;
    let from = monitor.from(server);
    let first = batches.partition_point(|batch| end(std::slice::from_ref(batch)) <= from);
    for batch in &batches[first..] {
        monitor.batch(server, &stored(batch))?;
    }
    monitor.flush(server)?;
    if let Some(note) = note {
        monitor.checkpoint(server, note)?;
    }
    monitor.late(server, now_ms)
}

fn name(batches: &[Batch]) -> String {
    let record = Record::decode(batches[0].records[0].clone()).unwrap();
    let head = Head::decode(record.head).unwrap();
    let payload = hazledger::pb::Payload::decode(head.payload).unwrap();
    payload.origin.unwrap().name
}

/// The checkpoint that is right for the records of some batches.
fn checkpoint(batches: &[Batch], origin: &str) -> Checkpoint {
    let mut frontier = Frontier::new();
    for record in batches.iter().flat_map(|batch| &batch.records) {
        frontier.push(leaf_hash(&Record::decode(record.clone()).unwrap().head));
    }
    Checkpoint::new(origin, frontier.size(), frontier.root()).unwrap()
}

fn note(key: &SecretKey, batches: &[Batch]) -> String {
    sign_checkpoint(key, &checkpoint(batches, &name(batches))).to_string()
}

/// The same ledger, told otherwise from some record on, and signed by its key:
/// it keeps every rule.
fn forked(flow: &Flow) -> Vec<Batch> {
    let otherwise = |position: u64| {
        let mut batches = flow.book.batches.clone();
        rewrite(&mut batches, position, |_, head| head.recorded_at_ms += 1);
        rechain(&mut batches, &Commits::Signed(&flow.book.ledger));
        batches
    };
    let keeps = |batches: &Vec<Batch>| {
        let mut verifier = Verifier::new(Expect::default());
        let mut taken = batches.iter().map(|b| {
            let (first, commit) = (b.first_position, &b.commit);
            verifier.batch(first, &b.records, commit)
        });
        taken.all(|taken| taken.is_ok()) && verifier.flush().is_ok()
    };
    let last = end(&flow.book.batches) - 1;
    (1..=last).rev().map(otherwise).find(keeps).unwrap()
}

#[track_caller]
fn says(outcome: Result<(), Alarm>, kind: AlarmKind) -> Alarm {
    let alarm = outcome.unwrap_err();
    assert_eq!(alarm.kind, kind, "{alarm}");
    alarm
}

#[test]
fn a_ledger_that_grows_batch_by_batch_raises_no_alarm() {
    let flow = Flow::whole();
    let (key, batches) = (&flow.book.ledger, &flow.book.batches);
    let mut monitor = watch(&["a", "b"], None);
    for shown in 1..=batches.len() {
        let shown = &batches[..shown];
        let now = flow.book.now;
        look(&mut monitor, 0, shown, Some(&note(key, shown)), now).unwrap();
        // The other is behind, and its checkpoint further.
        let behind = &shown[..shown.len().div_ceil(2)];
        look(&mut monitor, 1, behind, Some(&note(key, behind)), now).unwrap();
        monitor.round_over().unwrap();
    }
    let seen = monitor.seen();
    assert_eq!(seen.records, end(batches));
    assert_eq!(seen.root, checkpoint(batches, "x").root);
    // From the beginning again, and the same is found.
    let mut again = watch(&["a"], Some(&seen));
    let now = flow.book.now;
    look(&mut again, 0, batches, Some(&note(key, batches)), now).unwrap();
    again.round_over().unwrap();
    assert_eq!(again.seen().servers["b"], seen.servers["b"]);
}

#[test]
fn another_story_told_later_or_to_another_is_a_fork() {
    let flow = Flow::whole();
    let (sound, now) = (&flow.book.batches, flow.book.now);
    let other = forked(&flow);
    let mut monitor = watch(&["a", "b"], None);
    look(&mut monitor, 0, sound, None, now).unwrap();
    let alarm = says(look(&mut monitor, 1, &other, None, now), AlarmKind::Fork);
    assert_eq!(alarm.server, "b");
    let mut monitor = watch(&["a"], None);
    look(&mut monitor, 0, sound, None, now).unwrap();
    says(look(&mut monitor, 0, &other, None, now), AlarmKind::Fork);

    // One that was forgotten, but for what was seen.
    let mut monitor = watch(&["a"], Some(&monitor.seen()));
    says(look(&mut monitor, 0, &other, None, now), AlarmKind::Fork);

    // Records as before, and a checkpoint of another tree.
    let mut monitor = watch(&["a"], None);
    let elsewhere = note(&flow.book.ledger, &other);
    let alarm = says(
        look(&mut monitor, 0, sound, Some(&elsewhere), now),
        AlarmKind::Fork,
    );
    assert_eq!(alarm.notes, std::slice::from_ref(&elsewhere));

    // Both checkpoints of one size: whoever reads them sees it.
    let mut monitor = watch(&["a", "b"], None);
    let own = note(&flow.book.ledger, sound);
    look(&mut monitor, 0, sound, Some(&own), now).unwrap();
    let alarm = says(
        look(&mut monitor, 1, &other, Some(&elsewhere), now),
        AlarmKind::TwoRoots,
    );
    assert_eq!(alarm.notes, [elsewhere, own]);
}

#[test]
fn what_is_recorded_while_a_server_is_looked_at_is_no_rollback() {
    let flow = Flow::whole();
    let sound = &flow.book.batches;
    let fewer = end(&sound[..sound.len() - 1]);
    let mut monitor = watch(&["a"], None);
    // It says how much it has, records more, and shows all of it.
    monitor.told(0, fewer, None).unwrap();
    for batch in sound {
        monitor.batch(0, &stored(batch)).unwrap();
    }
    monitor.flush(0).unwrap();
    assert_eq!(monitor.seen().records, end(sound));
    monitor.round_over().unwrap();
    // What it has shown it must have from then on.
    look(&mut monitor, 0, &sound[..sound.len() - 1], None, 0).unwrap();
    says(monitor.round_over(), AlarmKind::SmallerTree);
}

#[test]
fn what_goes_back_is_a_smaller_tree_and_what_is_held_back_is_withheld() {
    let flow = Flow::whole();
    let (key, sound, now) = (&flow.book.ledger, &flow.book.batches, flow.book.now);
    let fewer = &sound[..sound.len() - 1];
    let whole = || {
        let mut monitor = watch(&["a"], None);
        look(&mut monitor, 0, sound, Some(&note(key, sound)), now).unwrap();
        monitor.round_over().unwrap();
        monitor
    };
    says(
        look(&mut whole(), 0, fewer, None, now),
        AlarmKind::SmallerTree,
    );
    let old = note(key, fewer);
    says(
        look(&mut whole(), 0, sound, Some(&old), now),
        AlarmKind::SmallerTree,
    );
    // At another address, after the monitor was started again.
    let mut moved = watch(&["elsewhere"], Some(&whole().seen()));
    look(&mut moved, 0, fewer, None, now).unwrap();
    says(moved.round_over(), AlarmKind::SmallerTree);

    let mut monitor = watch(&["a"], None);
    let ahead = note(key, sound);
    says(
        look(&mut monitor, 0, fewer, Some(&ahead), now),
        AlarmKind::Withheld,
    );
    let mut monitor = watch(&["a"], None);
    monitor.told(0, end(sound), None).unwrap();
    for batch in fewer {
        monitor.batch(0, &stored(batch)).unwrap();
    }
    says(monitor.flush(0), AlarmKind::Withheld);
}

#[test]
fn broken_rules_and_strangers_signatures_have_their_words() {
    let flow = Flow::whole();
    let (sound, now) = (&flow.book.batches, flow.book.now);
    let mut broken = sound.clone();
    rewrite(&mut broken, 3, |_, head| head.recorded_at_ms += 1);
    let mut monitor = watch(&["a"], None);
    says(
        look(&mut monitor, 0, &broken, None, now),
        AlarmKind::BrokenRule,
    );
    let stranger = SecretKey::from_seed(&[77; 32]);
    let mut monitor = watch(&["a"], None);
    says(
        look(&mut monitor, 0, sound, Some(&note(&stranger, sound)), now),
        AlarmKind::NotSigned,
    );
    // The name that the key goes by is not the ledger's.
    let key = flow.book.ledger.public().clone();
    let vkey = VerifierKey::new("example/other", NoteKeyKind::Ed25519, key).unwrap();
    let rules = Rules {
        vkey: Some(vkey),
        ..rules()
    };
    let verifier = Verifier::new(Expect::default());
    let mut monitor = Monitor::new(rules, verifier, &["a".to_owned()], None);
    says(look(&mut monitor, 0, sound, None, now), AlarmKind::Fork);
}

#[test]
fn a_record_may_wait_so_long_for_a_checkpoint_by_the_callers_clock() {
    let flow = Flow::whole();
    let (key, sound) = (&flow.book.ledger, &flow.book.batches);
    let fewer = &sound[..sound.len() - 1];
    let first = Record::decode(sound[sound.len() - 1].records[0].clone()).unwrap();
    let recorded = Head::decode(first.head).unwrap().recorded_at_ms;
    let mut monitor = watch(&["a"], None);
    let old = note(key, fewer);
    let mut at = |note: &str, now_ms: i64| look(&mut monitor, 0, sound, Some(note), now_ms);
    at(&old, recorded).unwrap();
    at(&old, recorded + LATE_MS).unwrap();
    let alarm = says(at(&old, recorded + LATE_MS + 1), AlarmKind::LateCheckpoint);
    assert!(!alarm.kind.is_final());
    // Told once, and again when it happens again.
    at(&old, recorded + LATE_MS + 2).unwrap();
    at(&note(key, sound), recorded + LATE_MS + 3).unwrap();

    // Ended and gone on with in between, as by somebody who looks once an hour.
    let mut monitor = watch(&["a"], None);
    look(&mut monitor, 0, sound, Some(&old), recorded).unwrap();
    let (seen, mut saved) = (monitor.seen(), Vec::new());
    monitor.verifier().save(&mut saved).unwrap();
    let verifier = Verifier::restore(&mut saved.as_slice(), Expect::default()).unwrap();
    let mut resumed = Monitor::new(rules(), verifier, &["a".to_owned()], Some(&seen));
    let later = recorded + LATE_MS + 1;
    says(
        look(&mut resumed, 0, sound, Some(&old), later),
        AlarmKind::LateCheckpoint,
    );

    // A record of the future is late when it has been seen for so long.
    let mut monitor = watch(&["a"], None);
    let mut at = |now_ms: i64| look(&mut monitor, 0, sound, Some(&old), now_ms);
    at(0).unwrap();
    at(LATE_MS).unwrap();
    says(at(LATE_MS + 1), AlarmKind::LateCheckpoint);
}

#[test]
fn the_key_that_is_given_must_be_one_that_the_ledger_has_had() {
    let flow = Flow::whole();
    let (sound, now) = (&flow.book.batches, flow.book.now);
    let watched = |key: &SecretKey| {
        let public = key.public().clone();
        let vkey = VerifierKey::new(&name(sound), NoteKeyKind::Ed25519, public).unwrap();
        let rules = Rules {
            vkey: Some(vkey),
            ..rules()
        };
        let verifier = Verifier::new(Expect::default());
        let mut monitor = Monitor::new(rules, verifier, &["a".to_owned()], None);
        let own = note(&flow.book.ledger, sound);
        look(&mut monitor, 0, sound, Some(&own), now)
    };
    watched(&flow.book.ledger).unwrap();
    // Another ledger of the same name agrees with itself as well.
    let alarm = says(watched(&SecretKey::from_seed(&[77; 32])), AlarmKind::Fork);
    assert!(alarm.what.contains("another ledger"), "{alarm}");
}

#[test]
fn batches_come_one_after_the_other_or_the_look_ends() {
    let flow = Flow::whole();
    let sound = &flow.book.batches;
    let told = |sent: &[StoredBatch]| {
        let mut monitor = watch(&["a"], None);
        monitor.told(0, end(sound), None).unwrap();
        let mut taken = sent.iter().map(|batch| monitor.batch(0, batch));
        taken.find(Result::is_err).unwrap_or(Ok(()))
    };
    let [first, second, third] = [0, 1, 2].map(|n| stored(&sound[n]));
    told(&[first.clone(), second.clone(), third.clone()]).unwrap();
    // For ever the same one, one of nothing, one left out, not the one asked for.
    let nothing = sent(first.end_position(), Vec::new(), second.commit.clone());
    for lie in [
        &[first.clone(), second.clone(), second.clone()][..],
        &[first.clone(), nothing][..],
        &[first, third][..],
        &[second][..],
    ] {
        says(told(lie), AlarmKind::BrokenRule);
    }
}

#[test]
fn a_look_that_is_cut_short_can_be_saved_and_gone_on_from() {
    let flow = Flow::whole();
    let (sound, now) = (&flow.book.batches, flow.book.now);
    let half = sound.len() / 2;
    let mut monitor = watch(&["a"], None);
    monitor.told(0, end(sound), None).unwrap();
    assert!(!monitor.has_shown_all(0));
    for batch in &sound[..half] {
        monitor.batch(0, &stored(batch)).unwrap();
    }
    // It falls silent.
    monitor.settle(0).unwrap();
    assert_eq!(monitor.verifier().position().0, end(&sound[..half]));
    let mut saved = Vec::new();
    monitor.verifier().save(&mut saved).unwrap();
    look(&mut monitor, 0, sound, None, now).unwrap();
    assert!(monitor.has_shown_all(0));
    assert_eq!(monitor.seen().records, end(sound));
}

#[test]
fn a_ledger_without_any_record_holds_genesis_back() {
    let mut monitor = watch(&["a"], None);
    says(look(&mut monitor, 0, &[], None, 0), AlarmKind::Withheld);
}

/// What was saved of a ledger that has grown far beyond its first records: the
/// roots at their sizes are not known any more.
fn long_after(batches: &[Batch]) -> Verifier {
    let mut verifier = Verifier::new(Expect::default());
    let mut leaves = Vec::new();
    for batch in batches {
        let (first, commit) = (batch.first_position, &batch.commit);
        verifier.batch(first, &batch.records, commit).unwrap();
        for record in &batch.records {
            let head = Record::decode(record.clone()).unwrap().head;
            leaves.push(leaf_hash(&head));
        }
    }
    verifier.flush().unwrap();
    let mut saved = Vec::new();
    verifier.save(&mut saved).unwrap();
    // Its tree: of no leaves, and then all of them.
    let count = leaves.len() as u64;
    let mut frontier = Frontier::new();
    let mut told = [0_u64.to_be_bytes(), count.to_be_bytes()].concat();
    for leaf in leaves {
        frontier.push(leaf);
        told.extend(leaf.0);
    }
    let at = saved.windows(told.len()).position(|run| run == told);
    let at = at.unwrap();
    let edge = frontier.hashes().iter().flat_map(|hash| hash.0);
    let tree = count.to_be_bytes().into_iter().chain(edge);
    let tree: Vec<u8> = tree.chain(0_u64.to_be_bytes()).collect();
    saved.splice(at..at + told.len(), tree);
    let end = saved.len() - 32;
    let hash = *blake3::hash(&saved[..end]).as_bytes();
    saved[end..].copy_from_slice(&hash);
    Verifier::restore(&mut &saved[..], Expect::default()).unwrap()
}

#[test]
fn a_checkpoint_too_old_to_be_compared_covers_nothing() {
    let flow = Flow::whole();
    let (key, sound) = (&flow.book.ledger, &flow.book.batches);
    let last = sound.last().unwrap().records.last().unwrap().clone();
    let head = Head::decode(Record::decode(last).unwrap().head).unwrap();
    let watched = || Monitor::new(rules(), long_after(sound), &["a".to_owned()], None);
    // Of a tree that never was: nobody knows any more.
    let other = forked(&flow);
    let old = note(key, &other[..other.len() - 1]);
    let mut monitor = watched();
    let now = head.recorded_at_ms;
    let alarm = says(
        look(&mut monitor, 0, sound, Some(&old), now),
        AlarmKind::LateCheckpoint,
    );
    assert!(alarm.what.contains("too old"), "{alarm}");
    look(&mut monitor, 0, sound, Some(&old), now).unwrap();
    look(&mut monitor, 0, sound, Some(&note(key, sound)), now).unwrap();

    // At the first look as well: a record before all that are known is as old
    // as those, at least.
    let late = look(&mut watched(), 0, sound, None, now + LATE_MS + 1);
    says(late, AlarmKind::LateCheckpoint);
}

#[test]
fn cosignatures_are_asked_for_by_the_policy() {
    let flow = Flow::whole();
    let (ledger, sound, now) = (&flow.book.ledger, &flow.book.batches, flow.book.now);
    let witness = SecretKey::from_seed(&[88; 32]);
    let vkey = VerifierKey::new(
        "witness.example/w",
        NoteKeyKind::Cosignature,
        witness.public().clone(),
    )
    .unwrap();
    let policy = format!("witness w {vkey}\nquorum w\n");
    let rules = Rules {
        policy: Some(Policy::parse(&policy).unwrap()),
        ..rules()
    };
    let verifier = Verifier::new(Expect::default());
    let mut monitor = Monitor::new(rules, verifier, &["a".to_owned()], None);
    let mut signed = sign_checkpoint(ledger, &checkpoint(sound, &name(sound)));
    let bare = signed.to_string();
    let alarm = says(
        look(&mut monitor, 0, sound, Some(&bare), now),
        AlarmKind::NotCosigned,
    );
    assert_eq!(alarm.notes, std::slice::from_ref(&bare));
    look(&mut monitor, 0, sound, Some(&bare), now).unwrap();
    let cosigned = cosign(&witness, "witness.example/w", &signed.text, 1_790_000_000);
    signed.signatures.push(cosigned);
    look(&mut monitor, 0, sound, Some(&signed.to_string()), now).unwrap();
    says(
        look(&mut monitor, 0, sound, Some(&bare), now),
        AlarmKind::NotCosigned,
    );
}
