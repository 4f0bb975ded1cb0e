//! A ledger that cheats, and signs what it wrote: every rule of the verifier
//! is broken at least once, and named at its record.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]
#![allow(clippy::too_many_lines, reason = "a table, one line a rule")]

use std::collections::BTreeSet;

use bytes::Bytes;
use hazledger::custody::subject;
use hazledger::event::record::{SealedRecord, Standing, seal};
use hazledger::event::signing::{Purpose, SecretKey};
use hazledger::event::statement::Draft;
use hazledger::event::{Hash, Statement};
use hazledger::pb::change::Change as C;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Aggregated, Cause, Change, Commit, Consumed, Declined, DeviceLink, DeviceSaid, EventRef,
    Finding, Goods, Head, Moved, Outcome, PackagingTreated, PackagingTreatment, Part, Payload,
    Posting, Record, Restated, SerialRange, Settled, Settlement, SettlementCause, SignedCommit,
    TransformInput, Transformed, Used,
};
use hazledger::proof::{BadCommit, Expect, Failure, Report, Verifier, Violation, sign_commit};
use prost::Message as _;

use super::book::{Book, Entry, Member, event, key, key_registered};
use super::flow::{Flow, accepted, loose, name, new_lot, offered, packages, place};
use super::rewrite::{Commits, rechain, rewrite};

fn verify(book: &Book, expect: Expect) -> Result<Report, Failure> {
    let mut verifier = Verifier::new(expect);
    for batch in &book.batches {
        verifier.batch(batch.first_position, &batch.records, &batch.commit)?;
    }
    verifier.finish()
}

fn failure(book: &Book) -> Failure {
    verify(book, Expect::default()).unwrap_err()
}

/// A move of packages by the maker, decided but not recorded.
fn moving(flow: &mut Flow) -> (Draft, Entry) {
    let moved = Body::Moved(Moved {
        goods: Some(packages(flow.lot, 5, 6)),
        from_place: "T1".to_owned(),
        to_place: "T2".to_owned(),
    });
    let maker = flow.cast.maker.clone();
    let draft = flow.book.draft(&maker.party, vec![event(moved)]);
    let entry = flow.book.decide(draft.sign(&maker.key, &[]));
    (draft, entry)
}

/// Records an entry as it is, and ends the batch.
fn record(mut flow: Flow, entry: &Entry) -> Failure {
    flow.book.append(entry);
    flow.book.commit();
    failure(&flow.book)
}

/// The move, changed after it was decided, before the ledger seals it.
pub fn cheat(change: impl FnOnce(&mut Flow, &mut Draft, &mut Entry)) -> Failure {
    let mut flow = Flow::start();
    let (mut draft, mut entry) = moving(&mut flow);
    change(&mut flow, &mut draft, &mut entry);
    record(flow, &entry)
}

/// The move, signed again after its header was changed.
fn signed_otherwise(change: impl FnOnce(&mut Draft)) -> Failure {
    cheat(|flow, draft, entry| {
        change(draft);
        entry.signed = draft.sign(&flow.cast.maker.key, &[]);
    })
}

/// A record whose statement no decoder of statements would have let through.
fn sealed_otherwise(change: impl FnOnce(&mut Statement, &SecretKey)) -> Failure {
    let mut flow = Flow::start();
    let (_, entry) = moving(&mut flow);
    let mut statement = Statement::open(entry.signed).unwrap();
    change(&mut statement, &flow.cast.maker.key);
    let standing = Standing {
        position: flow.book.state.next(),
        recorded_at_ms: flow.book.now,
        previous: flow.book.state.last_head(),
    };
    let salts = flow.book.ledger.salt_secret();
    let sealed = seal(&statement, &entry.additions, standing, salts).unwrap();
    flow.book.append_sealed(sealed);
    flow.book.commit();
    failure(&flow.book)
}

/// The same decision under another party's name: its links, its signature.
fn as_if(flow: &Flow, draft: &mut Draft, entry: &mut Entry, to: &Member) {
    let from = &flow.cast.maker;
    draft.party.clone_from(&to.party);
    entry.signed = draft.sign(&to.key, &[]);
    for link in &mut entry.additions.links {
        for (old, new) in [
            (subject::party(&from.party), subject::party(&to.party)),
            (subject::key(from.key.id()), subject::key(to.key.id())),
        ] {
            if link.subject.as_ref() == Some(&old) {
                let item = hazledger::custody::Items::get(&flow.book.state, &new).unwrap();
                link.previous = Some(subject::last(&item));
                link.subject = Some(new);
            }
        }
    }
    entry
        .additions
        .links
        .sort_by(|a, b| (a.kind, &a.subject).cmp(&(b.kind, &b.subject)));
}

/// The first change of this kind in an entry.
fn change_of<T>(entry: &mut Entry, pick: impl Fn(&mut C) -> Option<&mut T>) -> &mut T {
    let changes = entry
        .additions
        .outcomes
        .iter_mut()
        .flat_map(|o| &mut o.changes);
    changes
        .filter_map(|c| c.change.as_mut())
        .find_map(pick)
        .unwrap()
}

/// A book whose genesis was changed before it was signed.
fn genesis(
    change: impl FnOnce(&mut hazledger::pb::Genesis),
    edit: impl FnOnce(&mut Entry),
) -> Failure {
    let mut book = Book::new();
    book.batches.clear();
    book.state = hazledger::custody::State::new();
    book.now = super::book::START_MS;
    let mut entry = book.genesis_entry(change);
    edit(&mut entry);
    book.genesis_hash = book.seal(&entry).hash;
    book.append(&entry);
    book.commit();
    failure(&book)
}

/// The last batch's commit, made anew by the ledger.
fn commit_again(make: impl FnOnce(&Book, u64, &[Hash]) -> SignedCommit) -> Failure {
    let mut flow = Flow::start();
    let heads: Vec<Hash> = flow
        .book
        .batches
        .last()
        .unwrap()
        .records
        .iter()
        .map(head)
        .collect();
    let first = flow.book.batches.last().unwrap().first_position;
    let signed = make(&flow.book, first, &heads);
    flow.book.batches.last_mut().unwrap().commit = signed.encode_to_vec().into();
    failure(&flow.book)
}

fn head(record: &Bytes) -> Hash {
    hazledger::event::digest::head_hash(&Record::decode(record.clone()).unwrap().head)
}

/// The next position at which a state record is due.
fn until_due(flow: &mut Flow) {
    while !flow.book.state.next().is_multiple_of(super::book::INTERVAL) {
        let counted = Body::Counted(hazledger::pb::Counted {
            lot: flow.lot.to_bytes(),
            place: "T1".to_owned(),
            loose_gross_mg: 500_000,
            serials_scanned: vec![SerialRange { first: 1, last: 10 }],
            serials_assumed: Vec::new(),
            outers_seen: Vec::new(),
            loose_measure: None,
        });
        let maker = flow.cast.maker.clone();
        flow.book.submit(&maker, &[], vec![event(counted)]);
    }
}

fn state_record(change: impl FnOnce(&mut hazledger::pb::StateRecorded)) -> Failure {
    let mut flow = Flow::start();
    until_due(&mut flow);
    let entry = flow.book.state_entry(change);
    record(flow, &entry)
}

/// A statement recorded although the ledger's clock is in doubt.
fn moved_in_doubt() -> Failure {
    let mut flow = Flow::start();
    flow.book.clock_in_doubt();
    let (_, entry) = moving(&mut flow);
    record(flow, &entry)
}

/// A word on the refusals that are kept which counts as many as the one before
/// it, decided before that one was recorded.
fn anchored_twice() -> Failure {
    let mut flow = Flow::start();
    let second = flow.book.anchor_entry(7, 0);
    let first = flow.book.anchor_entry(7, 0);
    flow.book.append(&first);
    flow.book.state_record_if_due();
    record(flow, &second)
}

fn expecting(expect: Expect) -> Failure {
    verify(&Flow::start().book, expect).unwrap_err()
}

/// A transformation, with another consumption booked than was decided.
fn consumed(contained_mg: i64) -> Failure {
    let mut flow = Flow::start();
    let transformed = Body::Transformed(Transformed {
        inputs: vec![TransformInput {
            goods: Some(loose(flow.lot, 100_000)),
            place: "T1".to_owned(),
        }],
        outputs: vec![new_lot("M1", "NACN-3414", 100_000, 900_000, "T1")],
        consumed: vec![Consumed {
            substance: "NACN".to_owned(),
            contained_mg: 8_000,
        }],
        ..Transformed::default()
    });
    let maker = flow.cast.maker.clone();
    let draft = flow.book.draft(&maker.party, vec![event(transformed)]);
    let mut entry = flow.book.decide(draft.sign(&maker.key, &[]));
    let booked = change_of(&mut entry, |c| match c {
        C::Conservation(c) => Some(c),
        _ => None,
    });
    booked.consumed[0].contained_mg = contained_mg;
    record(flow, &entry)
}

/// An answer to the standing offer, decided.
fn answer(flow: &mut Flow, body: Body) -> (Draft, Entry) {
    let user = flow.cast.user.clone();
    let draft = flow.book.draft(&user.party, vec![event(body)]);
    let entry = flow.book.decide(draft.sign(&user.key, &[]));
    (draft, entry)
}

fn wrong_reference() -> Failure {
    let mut flow = Flow::start().offer();
    let offer = flow.offer_ref();
    let declined = |offer: EventRef| {
        Body::Declined(Declined {
            offer: Some(offer),
            reason: String::new(),
        })
    };
    let (mut draft, mut entry) = answer(&mut flow, declined(offer.clone()));
    let other = EventRef {
        event_digest: Bytes::copy_from_slice(&[0; 32]),
        ..offer
    };
    draft.events = vec![event(declined(other))];
    entry.signed = draft.sign(&flow.cast.user.key, &[]);
    record(flow, &entry)
}

fn offer_differs() -> Failure {
    let mut flow = Flow::start();
    let body = |mg| {
        offered(
            &Flow::start().cast.user,
            place("T1"),
            vec![loose(flow.lot, mg)],
            None,
        )
    };
    let (signed, booked) = (body(1000), body(900));
    let maker = flow.cast.maker.clone();
    let mut draft = flow.book.draft(&maker.party, vec![event(booked)]);
    let mut entry = flow.book.decide(draft.sign(&maker.key, &[]));
    draft.events = vec![event(signed)];
    entry.signed = draft.sign(&maker.key, &[]);
    let reference = draft.event_ref(0, &maker.key);
    let offer = change_of(&mut entry, |c| match c {
        C::Offered(o) => Some(o),
        _ => None,
    });
    offer.offer = reference;
    record(flow, &entry)
}

fn revoked_key() -> Failure {
    let mut flow = Flow::whole();
    let mut draft = flow.book.draft(&flow.cast.user.party.clone(), Vec::new());
    draft.events = vec![event(Body::Used(Used {
        goods: Some(packages(flow.lot, 2, 2)),
        place: "U".to_owned(),
        purpose: "leaching".to_owned(),
    }))];
    let mut entry = flow.book.decide(draft.sign(&flow.cast.user.key, &[]));
    entry.signed = draft.sign(&flow.cast.spare.key, &[]);
    record(flow, &entry)
}

fn outdated_key() -> Failure {
    cheat(|flow, draft, entry| {
        flow.book.now += 366 * 24 * 60 * 60 * 1000;
        let fresh = flow.book.draft(&draft.party, draft.events.clone());
        entry.signed = fresh.sign(&flow.cast.maker.key, &[]);
    })
}

/// A second key for the user, with one authority's signature of the two.
fn one_authority_too_few() -> Failure {
    let mut flow = Flow::start();
    let (first, second) = (flow.book.authority.clone(), flow.book.second.clone());
    let spare = key_registered(&flow.cast.user.party, &flow.cast.spare.key);
    let draft = flow
        .book
        .draft(&first.party, vec![event(Body::KeyRegistered(spare))]);
    let mut entry = flow.book.decide(draft.sign(&first.key, &[&second.key]));
    entry.signed = draft.sign(&first.key, &[]);
    let gone = Some(subject::key(second.key.id()));
    entry.additions.links.retain(|link| link.subject != gone);
    record(flow, &entry)
}

fn withheld_registration() -> Failure {
    let mut flow = Flow::start();
    rewrite(&mut flow.book.batches, 1, |record, _| {
        record.events[1] = Part::default();
    });
    rechain(&mut flow.book.batches, &Commits::Signed(&flow.book.ledger));
    failure(&flow.book)
}

fn misplaced_state_record() -> Failure {
    let mut flow = Flow::start();
    until_due(&mut flow);
    let twice = flow.book.state_entry(|_| {});
    flow.book.state_record_if_due();
    record(flow, &twice)
}

fn repeated_statement() -> Failure {
    let mut flow = Flow::start();
    let (_, entry) = moving(&mut flow);
    flow.book.append(&entry);
    let back = Body::Moved(Moved {
        goods: Some(packages(flow.lot, 5, 6)),
        from_place: "T2".to_owned(),
        to_place: "T1".to_owned(),
    });
    let maker = flow.cast.maker.clone();
    flow.book.submit(&maker, &[], vec![event(back)]);
    flow.book.state_record_if_due();
    let again = flow.book.decide(entry.signed);
    record(flow, &again)
}

fn bad_payload(change: impl FnOnce(&mut Payload)) -> Failure {
    sealed_otherwise(|statement, key| {
        change(&mut statement.payload);
        statement.payload_bytes = statement.payload.encode_to_vec().into();
        statement.signatures = vec![key.signature(Purpose::Statement, &statement.payload_bytes)];
    })
}

fn cut_record() -> Failure {
    let mut flow = Flow::start();
    let (_, entry) = moving(&mut flow);
    let SealedRecord { bytes, head, hash } = flow.book.seal(&entry);
    let bytes = bytes.slice(..bytes.len() - 1);
    flow.book.append_sealed(SealedRecord { bytes, head, hash });
    flow.book.commit();
    failure(&flow.book)
}

fn commit_of(
    book: &Book,
    change: impl FnOnce(&mut Commit),
    first: u64,
    heads: &[Hash],
) -> SignedCommit {
    let signed = sign_commit(&book.ledger, book.genesis_hash, first, heads);
    let mut commit = Commit::decode(signed.commit).unwrap();
    change(&mut commit);
    let commit: Bytes = commit.encode_to_vec().into();
    SignedCommit {
        signature: Some(book.ledger.signature(Purpose::Commit, &commit)),
        commit,
    }
}

/// Every rule, and a ledger that breaks it at this position (the move stands
/// at 6, after a batch of 1 to 3 and one of 4 and 5).
fn broken() -> Vec<(Failure, u64)> {
    let zeros = Bytes::copy_from_slice(&[0; 32]);
    let fresh = key(77);
    let twice = {
        let book = Flow::start().book;
        let mut verifier = Verifier::new(Expect::default());
        let batch = &book.batches[0];
        verifier.batch(0, &batch.records, &batch.commit).unwrap();
        verifier.batch(0, &batch.records, &batch.commit).unwrap();
        verifier.finish().unwrap_err()
    };
    let empty = {
        let mut verifier = Verifier::new(Expect::default());
        verifier.batch(0, &[], &Bytes::new()).unwrap();
        verifier.finish().unwrap_err()
    };
    vec![
        (twice, 0),
        (empty, 0),
        (
            commit_again(|book, first, heads| {
                sign_commit(&key(9), book.genesis_hash, first, heads)
            }),
            4,
        ),
        (
            commit_again(|book, first, heads| {
                sign_commit(&book.ledger, book.genesis_hash, first + 1, heads)
            }),
            4,
        ),
        (
            commit_again(|book, first, heads| {
                sign_commit(
                    &book.ledger,
                    book.genesis_hash,
                    first,
                    &[heads[1], heads[1]],
                )
            }),
            4,
        ),
        (
            commit_again(|book, first, heads| {
                commit_of(book, |c| c.last_head_hash = zeros.clone(), first, heads)
            }),
            4,
        ),
        (cut_record(), 6),
        (
            cheat(|_, _, entry| entry.additions.findings = vec![Finding::default(); 257]),
            6,
        ),
        (bad_payload(|payload| payload.id = zeros.slice(..16)), 6),
        (
            sealed_otherwise(|statement, _| statement.signatures.clear()),
            6,
        ),
        (
            sealed_otherwise(|statement, _| statement.signatures[0].signature = zeros.clone()),
            6,
        ),
        (genesis(|genesis| genesis.root_threshold = 0, |_| {}), 0),
        (
            genesis(
                |_| {},
                |entry| entry.additions.findings.push(Finding::default()),
            ),
            0,
        ),
        (
            expecting(Expect {
                genesis_hash: Some(Hash::ZERO),
                ..Expect::default()
            }),
            0,
        ),
        (
            expecting(Expect {
                ledger_key: Some(fresh.public().clone()),
                ..Expect::default()
            }),
            0,
        ),
        (signed_otherwise(|draft| draft.origin.name.push('x')), 6),
        (
            signed_otherwise(|draft| draft.expires_at_ms = draft.happened_at_ms),
            6,
        ),
        (repeated_statement(), 9),
        (
            cheat(|_, draft, entry| entry.signed = draft.sign(&fresh, &[])),
            6,
        ),
        (revoked_key(), 30),
        (outdated_key(), 6),
        (
            cheat(|flow, draft, entry| entry.signed = draft.sign(&flow.cast.carrier.key, &[])),
            6,
        ),
        (cheat(|_, _, entry| drop(entry.additions.links.pop())), 6),
        (
            cheat(|_, _, entry| {
                entry
                    .additions
                    .outcomes
                    .push(entry.additions.outcomes[0].clone());
            }),
            6,
        ),
        (overlapping_serials(), 6),
        (withheld_registration(), 1),
        (one_authority_too_few(), 6),
        (
            cheat(|_, _, entry| {
                let change = &mut entry.additions.outcomes[0].changes[0];
                change.cause.as_mut().unwrap().event_index = 7;
            }),
            6,
        ),
        (wrong_reference(), 7),
        (offer_differs(), 6),
        (
            cheat(|_, _, entry| entry.additions.links[0].previous = Some(0)),
            6,
        ),
        (consumed(7_999), 6),
        (
            {
                let mut flow = Flow::start();
                until_due(&mut flow);
                let (_, entry) = moving(&mut flow);
                record(flow, &entry)
            },
            8,
        ),
        (misplaced_state_record(), 9),
        (state_record(|said| said.state_digest = zeros.clone()), 8),
        (state_record(|said| said.touched_count += 1), 8),
        (moved_in_doubt(), 7),
        (anchored_twice(), 7),
        (super::rotation::misplaced(), 6),
        (
            cheat(|_, _, entry| {
                entry.additions.outcomes.remove(0);
                entry.additions.links.remove(0);
            }),
            6,
        ),
    ]
}

fn overlapping_serials() -> Failure {
    let mut flow = Flow::start();
    let body = offered(
        &flow.cast.user.clone(),
        place("T1"),
        vec![packages(flow.lot, 1, 2)],
        None,
    );
    let maker = flow.cast.maker.clone();
    let draft = flow.book.draft(&maker.party, vec![event(body)]);
    let mut entry = flow.book.decide(draft.sign(&maker.key, &[]));
    let reserved = change_of(&mut entry, |c| match c {
        C::Reserved(r) => Some(r),
        _ => None,
    });
    reserved.serials.push(SerialRange { first: 1, last: 2 });
    record(flow, &entry)
}

/// How many rules there are, and which one this is.
const RULES: usize = 40;
fn number(violation: &Violation) -> usize {
    use Violation as V;
    match violation {
        V::BatchPosition { .. } => 0,
        V::EmptyBatch => 1,
        V::Commit(_) => 2,
        V::CommitPositions { .. } => 3,
        V::CommitRoot { .. } => 4,
        V::CommitLastHead { .. } => 5,
        V::Record(_) => 6,
        V::TooMany { .. } => 7,
        V::Statement(_) => 8,
        V::SignatureSet => 9,
        V::Signature(_) => 10,
        V::Genesis(_) => 11,
        V::GenesisOutcome => 12,
        V::GenesisHash { .. } => 13,
        V::LedgerKey { .. } => 14,
        V::Origin => 15,
        V::Time { .. } => 16,
        V::Repeated { .. } => 17,
        V::UnknownKey(_) => 18,
        V::RevokedKey(_) => 19,
        V::KeyDates(_) => 20,
        V::KeyNotOfParty { .. } => 21,
        V::Uses => 22,
        V::OutcomeOrder => 23,
        V::Serials => 24,
        V::WithheldRegistry(_) => 25,
        V::Registry { .. } => 26,
        V::Cause { .. } => 27,
        V::EventRef(_) => 28,
        V::NotAsSigned { .. } => 29,
        V::Apply(_) => 30,
        V::Law { .. } => 31,
        V::StateRecordMissing(_) => 32,
        V::StateRecordMisplaced => 33,
        V::StateDigest { .. } => 34,
        V::Touched => 35,
        V::Clock => 36,
        V::Anchor { .. } => 37,
        V::Rotation(_) => 38,
        V::WithoutEffect { .. } => 39,
    }
}

#[test]
fn every_rule_is_noticed_at_the_record_that_breaks_it() {
    let mut reached = BTreeSet::new();
    for (index, (failure, position)) in broken().into_iter().enumerate() {
        assert_eq!(number(&failure.what), index, "{failure}");
        assert_eq!(*failure.positions.start(), position, "{failure}");
        reached.insert(number(&failure.what));
    }
    assert_eq!(reached.len(), RULES);
}

fn law(failure: &Failure) -> u8 {
    match &failure.what {
        Violation::Law { broken, .. } => broken.law,
        other => panic!("not a law: {other}"),
    }
}

#[test]
fn custody_does_not_cross_without_both_signatures() {
    // A third party moves the maker's goods.
    let moved = cheat(|flow, draft, entry| {
        let user = flow.cast.user.clone();
        as_if(flow, draft, entry, &user);
    });
    assert_eq!(law(&moved), 5, "{moved}");
    // The maker books its goods onto the user.
    let pushed = cheat(|flow, _, entry| {
        for outcome in &mut entry.additions.outcomes {
            for change in &mut outcome.changes {
                let to = match &mut change.change {
                    Some(C::Posting(p)) => p.account.as_mut(),
                    Some(C::PackagesMoved(m)) => m.to.as_mut(),
                    _ => None,
                };
                if let Some(to) = to.filter(|to| to.place == "T2") {
                    to.party.clone_from(&flow.cast.user.party);
                }
            }
        }
    });
    assert_eq!(law(&pushed), 5, "{pushed}");
}

#[test]
fn an_event_is_not_left_out_of_its_lots_chain() {
    let failure = cheat(|_, _, entry| {
        let lot = entry.additions.outcomes.remove(0).subject;
        let links = &mut entry.additions.links;
        links.retain(|link| link.subject != lot);
    });
    let left_out = matches!(failure.what, Violation::WithoutEffect { .. });
    assert!(left_out && *failure.positions.start() == 6, "{failure}");
}

#[test]
fn empties_do_not_end_without_their_holder() {
    let mut flow = Flow::start();
    let maker = flow.cast.maker.clone();
    let used = Body::Used(Used {
        goods: Some(packages(flow.lot, 5, 6)),
        place: "T1".to_owned(),
        purpose: "dosing".to_owned(),
    });
    flow.book.submit(&maker, &[], vec![event(used)]);
    let treated = Body::PackagingTreated(PackagingTreated {
        lot: flow.lot.to_bytes(),
        place: "T1".to_owned(),
        serials: vec![SerialRange { first: 5, last: 6 }],
        treatment: PackagingTreatment::Destroyed.into(),
        method: "shredded".to_owned(),
        certificate_hash: Bytes::new(),
    });
    let mut draft = flow.book.draft(&maker.party, vec![event(treated)]);
    let mut entry = flow.book.decide(draft.sign(&maker.key, &[]));
    let other = flow.cast.user.clone();
    as_if(&flow, &mut draft, &mut entry, &other);
    let ended = record(flow, &entry);
    assert_eq!(law(&ended), 5, "{ended}");
}

/// The maker offers pallet PAL-1, around packages 5 and 6, by its name alone;
/// the ledger books these packages.
fn pallet_offered(first: u64, last: u64) -> Result<Report, Failure> {
    let mut flow = Flow::start();
    let (maker, user) = (flow.cast.maker.clone(), flow.cast.user.clone());
    let outer = "PAL-1".to_owned();
    let closed = Body::Aggregated(Aggregated {
        lot: flow.lot.to_bytes(),
        place: "T1".to_owned(),
        outer: outer.clone(),
        serials: vec![SerialRange { first: 5, last: 6 }],
        broken: false,
    });
    flow.book.submit(&maker, &[], vec![event(closed)]);
    let goods = Goods {
        serials: Vec::new(),
        outers: vec![outer],
        ..packages(flow.lot, 5, 6)
    };
    let body = offered(&user, place("T1"), vec![goods], None);
    flow.book.state_record_if_due();
    let draft = flow.book.draft(&maker.party, vec![event(body)]);
    let mut entry = flow.book.decide(draft.sign(&maker.key, &[]));
    let booked = vec![SerialRange { first, last }];
    let line = change_of(&mut entry, |c| match c {
        C::Offered(o) => o.lines.first_mut(),
        _ => None,
    });
    line.serials.clone_from(&booked);
    let reserved = change_of(&mut entry, |c| match c {
        C::Reserved(r) => Some(r),
        _ => None,
    });
    reserved.serials = booked;
    flow.book.append(&entry);
    flow.book.commit();
    verify(&flow.book, Expect::default())
}

#[test]
fn an_offer_by_a_pallets_name_is_of_what_is_on_it() {
    pallet_offered(5, 6).unwrap();
    for (first, last) in [(5, 7), (4, 6), (7, 8)] {
        let more = pallet_offered(first, last).unwrap_err();
        assert!(matches!(more.what, Violation::NotAsSigned { .. }), "{more}");
    }
}

#[test]
fn a_taker_gets_no_more_than_was_offered() {
    for more in [false, true] {
        let mut flow = Flow::start().offer();
        let taken = accepted(
            flow.offer_ref(),
            "U",
            1000,
            &[SerialRange { first: 9, last: 10 }],
        );
        let (_, mut entry) = answer(&mut flow, taken);
        for change in entry
            .additions
            .outcomes
            .iter_mut()
            .flat_map(|o| &mut o.changes)
        {
            if let Some(C::Posting(p)) = &mut change.change
                && more
                && p.gross_mg.abs() == 1000
            {
                p.gross_mg *= 2;
            }
        }
        flow.book.append(&entry);
        flow.book.commit();
        match verify(&flow.book, Expect::default()) {
            Ok(_) => assert!(!more),
            Err(failure) => assert_eq!((law(&failure), more), (5, true), "{failure}"),
        }
    }
}

#[test]
fn a_dispute_does_not_end_by_one_side() {
    let mut flow = Flow::start().offer();
    let short = accepted(
        flow.offer_ref(),
        "U",
        500,
        &[SerialRange { first: 9, last: 10 }],
    );
    let (draft, entry) = answer(&mut flow, short);
    flow.book.append(&entry);
    flow.book.state_record_if_due();
    let settled = Body::Settled(Settled {
        dispute: Bytes::copy_from_slice(&name(&draft, 0, 0)),
        settlements: vec![Settlement {
            cause: SettlementCause::Spill.into(),
            gross_mg: 500,
            ..Settlement::default()
        }],
    });
    let Flow { book, cast, .. } = &mut flow;
    let draft = book.draft(&cast.user.party, vec![event(settled)]);
    let mut entry = book.decide(draft.sign(&cast.user.key, &[&cast.maker.key]));
    entry.signed = draft.sign(&cast.user.key, &[]);
    let other = Some(subject::key(cast.maker.key.id()));
    entry.additions.links.retain(|link| link.subject != other);
    let failure = record(flow, &entry);
    assert_eq!(law(&failure), 5, "{failure}");
}

#[test]
fn matter_does_not_change_its_content_in_a_transformation() {
    assert_eq!(law(&consumed(8_001)), 4);
    // The gross is the fold's to check, and it does.
    let lighter = cheat(|_, _, entry| {
        let posting = change_of(entry, |c| match c {
            C::Posting(p) if p.gross_mg > 0 => Some(p),
            _ => None,
        });
        posting.gross_mg -= 1;
    });
    assert!(matches!(lighter.what, Violation::Apply(_)), "{lighter}");
}

#[test]
fn a_withheld_event_of_no_registry_is_tolerated_and_counted() {
    let mut flow = Flow::start();
    rewrite(&mut flow.book.batches, 5, |record, _| {
        record.events[0] = Part::default();
    });
    rechain(&mut flow.book.batches, &Commits::Signed(&flow.book.ledger));
    let report = verify(&flow.book, Expect::default()).unwrap();
    assert_eq!((report.records, report.withheld), (6, 1));
}

#[test]
fn the_verifier_answers_any_bytes_without_panicking() {
    let flow = Flow::start();
    let batch = &flow.book.batches[1];
    for (index, record) in batch.records.iter().enumerate() {
        for at in (0..record.len()).step_by(3) {
            let mut bytes = record.to_vec();
            bytes[at] = bytes[at].wrapping_mul(31).wrapping_add(1);
            bytes.truncate(record.len() - at % 5);
            let mut records = batch.records.clone();
            records[index] = bytes.into();
            let mut verifier = Verifier::new(Expect::default());
            let first = &flow.book.batches[0];
            verifier.batch(0, &first.records, &first.commit).unwrap();
            verifier
                .batch(batch.first_position, &records, &batch.commit)
                .unwrap();
            assert!(verifier.finish().is_err());
        }
    }
}

#[test]
fn a_failure_is_answered_again_and_is_the_earliest() {
    let mut flow = Flow::start();
    // A bad signature at 4 and a broken chain at 5, under a signed commit.
    rewrite(&mut flow.book.batches, 4, |_, head: &mut Head| {
        head.signatures[0].signature = Bytes::copy_from_slice(&[0; 64]);
    });
    let failure = failure(&flow.book);
    assert_eq!(failure.positions, 4..=4, "{failure}");
    let mut verifier = Verifier::new(Expect::default());
    let [first, second, third] = flow.book.batches.as_slice() else {
        panic!("three batches")
    };
    verifier.batch(0, &first.records, &first.commit).unwrap();
    verifier.batch(1, &second.records, &second.commit).unwrap();
    verifier.batch(4, &third.records, &third.commit).unwrap();
    assert_eq!(verifier.flush().unwrap_err(), failure);
    assert_eq!(
        verifier
            .batch(6, &first.records, &first.commit)
            .unwrap_err(),
        failure
    );
    assert_eq!(verifier.finish().unwrap_err(), failure);
}

#[test]
fn a_commit_by_another_key_is_not_the_ledgers_word() {
    let stranger = key(9);
    let failure =
        commit_again(|book, first, heads| sign_commit(&stranger, book.genesis_hash, first, heads));
    let own = Flow::start().book.ledger.id();
    assert_eq!(failure.what, Violation::Commit(BadCommit::Signature(own)));
    assert_eq!(failure.positions, 4..=5);
}

#[test]
fn a_number_of_a_device_that_was_signed_is_booked_and_no_other_is() {
    let link = DeviceLink {
        sequence: 1,
        previous: Bytes::new(),
    };
    let failure = bad_payload(|payload| payload.device = Some(link));
    let Violation::NotAsSigned { why, .. } = failure.what else {
        panic!("{failure}")
    };
    assert_eq!(why, "another place in the device's chain");
    let failure = cheat(|flow, _, entry| {
        let key = subject::key(flow.cast.maker.key.id());
        let said = DeviceSaid {
            sequence: 1,
            ..DeviceSaid::default()
        };
        entry.additions.outcomes.push(Outcome {
            subject: Some(key),
            changes: vec![Change {
                cause: Some(Cause::default()),
                change: Some(C::DeviceSaid(said)),
            }],
        });
    });
    assert!(
        matches!(failure.what, Violation::NotAsSigned { .. }),
        "{failure}"
    );
}

/// A move of packages that says beside it that another event booked more.
#[test]
fn nothing_but_a_correction_restates_an_event() {
    let restated = |p: i64| Restated {
        position: 1,
        postings: vec![Posting {
            account: Some(hazledger::custody::account::held("nobody", "T1")),
            gross_mg: p,
            contained_mg: p,
        }],
        ..Restated::default()
    };
    for mass in [0, 1_000] {
        let failure = cheat(|_, _, entry| {
            let changes = &mut entry.additions.outcomes[0].changes;
            let cause = changes[0].cause;
            changes.push(Change {
                cause,
                change: Some(C::Restated(restated(mass))),
            });
        });
        let Violation::NotAsSigned { why, .. } = &failure.what else {
            panic!("{failure}");
        };
        assert!(why.contains("no correction"), "{why}");
    }
}
