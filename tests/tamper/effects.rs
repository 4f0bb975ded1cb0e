//! A ledger that records what somebody signed as if it had had no effect, or
//! only some of it: it leaves out changes and links, seals and chains and signs
//! the record anew, and everything agrees with itself. Told of every kind of
//! event that the seeded world plays, and of every sort of change that each kind
//! makes there. What the verifier is satisfied with is named, with the reason.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use bytes::Bytes;
use hazledger::custody::decide::{Recorded, decide_genesis, keys_of};
use hazledger::custody::registry::{self, LEDGER};
use hazledger::custody::state::{nowhere, touched_root};
use hazledger::custody::{Context, State, decide, subject};
use hazledger::event::record::{Additions, OpenRecord, SealedRecord, Standing, seal};
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::{Draft, kind_of};
use hazledger::event::{Hash, Statement, StatementId};
use hazledger::pb::change::Change as C;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Change, ClockStated, Event, EventKind, EventRef, LinkKind, Origin, OverdueLine, OverdueStated,
    RuleKind, SignedStatement, StateRecorded,
};
use hazledger::proof::{Expect, Failure, Verifier, sign_commit};
use hazledger::sim::{self, Span, World};
use prost::Message as _;

use super::book::{Book, Entry, event, key};
use super::on_all_cores;

const SPAN: Span = Span {
    from_ms: 1_795_000_000_000,
    until_ms: 1_796_700_000_000,
    events: 3_000,
};
const NAME: &str = "hazledger.test/effects";

/// Kinds that the seeded world does not play, and why.
const NOT_PLAYED: &[(EventKind, &str)] = &[
    (EventKind::Granted, "it is named, and not live"),
    (EventKind::Genesis, "record 0 is compared with its decision"),
    (EventKind::ClockStated, OWN_WORD),
    (EventKind::RefusalsAnchored, OWN_WORD),
    (EventKind::OverdueStated, OWN_WORD),
    (EventKind::LedgerKeyRotated, OWN_WORD),
];

const OWN_WORD: &str = "the ledger's own word, or its key: told apart, below";

/// What may be left out of a kind of event and is not missed, and why.
const NOT_MISSED: &[(EventKind, LeftOut, &str)] = &[
    (EventKind::Filled, LeftOut::Sort("Assay"), MIXED),
    (EventKind::Drawn, LeftOut::Sort("Blended"), MIXED),
    (EventKind::Cleaned, LeftOut::Sort("Blended"), MIXED),
    (EventKind::Offered, LeftOut::Sort("PermitReserved"), PERMIT),
    (EventKind::Accepted, LeftOut::Sort("PermitReserved"), PERMIT),
    (EventKind::Accepted, LeftOut::Sort("PermitDrawn"), PERMIT),
    (EventKind::Traded, LeftOut::Sort("PermitDrawn"), PERMIT),
    (EventKind::Accepted, LeftOut::Sort("WasteDue"), MANIFEST),
    (EventKind::Reported, LeftOut::Sort("OverdueTold"), RULE),
    (EventKind::Used, LeftOut::Sort("PackagesAggregated"), LOT),
    (EventKind::Incident, LeftOut::Sort("LineShrunk"), LOT),
    (EventKind::Incident, LeftOut::Sort("Unreserved"), LOT),
    (EventKind::Corrected, LeftOut::Half, NET),
];

const MIXED: &str = "what a mixture is made of is worked out from what is held of it";
const PERMIT: &str = "whether a permit's quantity counts the goods is a rule's to say";
const MANIFEST: &str = "what a manifest says is to come off is in the consignment";
const RULE: &str = "whether a stop is too long is a rule's to say";
const LOT: &str = "which offers and outer packings lose by it is in the lot";
const NET: &str = "a correction books the difference to what lies far behind: the restated \
                   event beside it is asked for whole";

/// What can be left out of an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LeftOut {
    /// All of its changes, and the links of what these change.
    Everything,
    /// The changes of one sort.
    Sort(&'static str),
    /// Half of what it books, and of the title that goes with it.
    Half,
    /// What had waited for it.
    Waiting,
}

/// A ledger without files, and the verifier of its records.
struct Ledger {
    key: SecretKey,
    genesis_hash: Hash,
    state: State,
    verifier: Verifier,
    records: HashMap<(String, Bytes), OpenRecord>,
}

impl Ledger {
    fn new(key: SecretKey, genesis: SignedStatement) -> Ledger {
        let statement = Statement::open(genesis).unwrap();
        let decision = decide_genesis(&statement).unwrap();
        let mut ledger = Ledger {
            key,
            genesis_hash: Hash::ZERO,
            state: State::new(),
            verifier: Verifier::new(Expect::default()),
            records: HashMap::new(),
        };
        let sealed = ledger.seal(&statement, &decision.additions).unwrap();
        ledger.genesis_hash = sealed.hash;
        ledger.append(&sealed);
        ledger
    }

    fn seal(&self, statement: &Statement, additions: &Additions) -> Option<SealedRecord> {
        let standing = Standing {
            position: self.state.next(),
            recorded_at_ms: SPAN.until_ms,
            previous: self.state.last_head(),
        };
        seal(statement, additions, standing, &[3; 32]).ok()
    }

    /// A batch of one record, as the ledger signs it.
    fn told(&self, sealed: &SealedRecord) -> Bytes {
        let heads = [sealed.hash];
        let signed = sign_commit(&self.key, self.genesis_hash, self.state.next(), &heads);
        signed.encode_to_vec().into()
    }

    fn append(&mut self, sealed: &SealedRecord) -> OpenRecord {
        let commit = self.told(sealed);
        let first = self.state.next();
        let records = [sealed.bytes.clone()];
        self.verifier.batch(first, &records, &commit).unwrap();
        let record = OpenRecord::open(&sealed.bytes).unwrap();
        self.state.apply(&record, &mut nowhere).unwrap();
        let name = (record.payload.party.clone(), record.payload.id.clone());
        self.records.insert(name, record.clone());
        record
    }

    fn recorded(&self, named: &EventRef) -> Option<Recorded> {
        let name = (named.party.clone(), named.statement_id.clone());
        let record = self.records.get(&name)?;
        let outcomes = record.outcomes.iter().flatten();
        let changes = outcomes.flat_map(|o| o.changes.iter().map(|c| (o.subject.clone(), c)));
        let own = changes.filter(|(_, c)| c.cause.unwrap().event_index == named.event_index);
        let index = usize::try_from(named.event_index).unwrap();
        Some(Recorded {
            position: record.position(),
            findings: record.findings.iter().flatten().cloned().collect(),
            payload: record.payload.clone(),
            event_index: named.event_index,
            event: record.events.get(index)?.clone()?,
            changes: own.map(|(s, c)| (s.unwrap(), c.clone())).collect(),
        })
    }

    fn decide(&self, statement: &Statement) -> Additions {
        let keys = keys_of(&self.state, statement).unwrap();
        statement.verify(&keys).unwrap();
        let genesis = self.state.genesis().unwrap();
        let context = Context {
            position: self.state.next(),
            recorded_at_ms: SPAN.until_ms,
            genesis: &genesis,
            recorded: &|named: &EventRef| self.recorded(named),
        };
        decide(&self.state, statement, &context).unwrap().additions
    }

    /// The ledger's own record, where the interval says that one stands.
    fn state_record(&self, origin: &Origin) -> Option<SignedStatement> {
        let (position, genesis) = (self.state.next(), self.state.genesis().unwrap());
        if !position.is_multiple_of(genesis.state_record_interval) {
            return None;
        }
        let said = StateRecorded {
            state_digest: self.state.digest().to_bytes(),
            touched_root: touched_root(self.state.touched()).to_bytes(),
            touched_count: self.state.touched().len() as u64,
        };
        let [_, _, _, _, _, _, random @ ..] = u128::from(position).to_be_bytes();
        let draft = Draft {
            origin: origin.clone(),
            id: StatementId::v7(SPAN.until_ms, random).unwrap(),
            party: LEDGER.to_owned(),
            happened_at_ms: SPAN.until_ms,
            expires_at_ms: SPAN.until_ms + 1_000_000,
            events: vec![Event {
                external_refs: Vec::new(),
                body: Some(Body::StateRecorded(said)),
            }],
        };
        Some(draft.sign(&self.key, &[]))
    }
}

/// Whether a change is one of an event's own; the place in a device's chain is
/// the header's.
fn is_own(change: &Change, index: u32) -> bool {
    let cause = change.cause.unwrap();
    let header = matches!(change.change, Some(C::DeviceSaid(_) | C::DeviceEntered(_)));
    cause.event_index == index && cause.parked_position.is_none() && !header
}

fn waited(change: &Change) -> bool {
    change.cause.unwrap().parked_position.is_some()
}

/// A change's sort: its name in the message.
fn sort_of(change: &Change) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let shown = format!("{:?}", change.change.as_ref().unwrap());
    let name = shown.split('(').next().unwrap();
    let mut names = NAMES.lock().unwrap();
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = name.to_owned().leak();
    names.insert(name);
    name
}

/// Without the changes of which `goes` says so, and without the links of what is
/// then left without a change.
fn without(truth: &Additions, goes: impl Fn(&Change) -> bool) -> Additions {
    let mut told = truth.clone();
    let mut bare = BTreeSet::new();
    for outcome in &mut told.outcomes {
        outcome.changes.retain(|change| !goes(change));
        if outcome.changes.is_empty() {
            bare.insert(outcome.subject.clone());
        }
    }
    told.outcomes.retain(|o| !o.changes.is_empty());
    let chain = i32::from(LinkKind::Chain);
    told.links
        .retain(|link| link.kind != chain || !bare.contains(&link.subject));
    told
}

/// The party's own chain goes on in any case: else it is no record of its.
fn keep_own_link(told: &mut Additions, truth: &Additions, party: &str) {
    let own = Some(subject::party(party));
    let chain = i32::from(LinkKind::Chain);
    let is_it = |l: &&hazledger::pb::Link| l.kind == chain && l.subject == own;
    if !told.links.iter().any(|l| is_it(&l)) {
        told.links.extend(truth.links.iter().find(is_it).cloned());
    }
    told.links
        .sort_by(|a, b| (a.kind, &a.subject).cmp(&(b.kind, &b.subject)));
}

/// The truth with something left out; `None` if there is nothing of it.
fn lie(truth: &Additions, statement: &Statement, index: u32, what: &LeftOut) -> Option<Additions> {
    let party = &statement.payload.party;
    let mut told = match what {
        LeftOut::Everything => {
            let mut told = without(truth, |c| is_own(c, index));
            // What a registry event changes, and what is only linked.
            let event = &statement.events[index as usize];
            let changed = registry::subjects(event);
            let alone = statement.events.len() == 1;
            let chain = i32::from(LinkKind::Chain);
            told.links.retain(|link| {
                let subject = link.subject.as_ref().unwrap();
                let kept = told.outcomes.iter().any(|o| o.subject == link.subject);
                link.kind != chain || kept || !(alone || changed.contains(subject))
            });
            told
        }
        LeftOut::Sort(sort) => without(truth, |c| is_own(c, index) && sort_of(c) == *sort),
        LeftOut::Waiting => without(truth, waited),
        LeftOut::Half => halved(truth, index)?,
    };
    told.findings.clear();
    keep_own_link(&mut told, truth, party);
    let same = told.outcomes == truth.outcomes && told.links == truth.links;
    (!same).then_some(told)
}

/// With half of what an event books and of the titles that go with it, where no
/// package is among it.
fn halved(truth: &Additions, index: u32) -> Option<Additions> {
    let mut told = truth.clone();
    for change in told.outcomes.iter_mut().flat_map(|o| &mut o.changes) {
        if !is_own(change, index) {
            continue;
        }
        match change.change.as_mut().unwrap() {
            C::Posting(p) => {
                p.gross_mg /= 2;
                p.contained_mg /= 2;
            }
            C::Title(t) => t.gross_mg /= 2,
            C::Packaged(_) | C::PackagesMoved(_) | C::PackagesEmptied(_) | C::PackageParted(_) => {
                return None;
            }
            _ => {}
        }
    }
    Some(told)
}

/// What can be left out of an event, by its changes.
fn all_left_out(truth: &Additions, index: u32) -> BTreeSet<LeftOut> {
    let changes = || truth.outcomes.iter().flat_map(|o| &o.changes);
    let own = changes().filter(|c| is_own(c, index));
    let mut all: BTreeSet<LeftOut> = own.map(|c| LeftOut::Sort(sort_of(c))).collect();
    all.insert(LeftOut::Everything);
    if all.contains(&LeftOut::Sort("Posting")) {
        all.insert(LeftOut::Half);
    }
    if changes().any(waited) {
        all.insert(LeftOut::Waiting);
    }
    all
}

/// How often each lie was told, and which of them nobody noticed.
#[derive(Default)]
struct Told {
    told: BTreeMap<(i32, LeftOut), u64>,
    missed: BTreeMap<(i32, LeftOut), String>,
}

/// How often a lie is told of a kind of event.
fn often(what: &LeftOut) -> u64 {
    match what {
        LeftOut::Everything => 3,
        _ => 1,
    }
}

/// Tells the lies that are still to be told of a record, each to a verifier that
/// knows the truth before it.
fn tell(ledger: &mut Ledger, statement: &Statement, truth: &Additions, met: &mut Told) {
    let mut lies: Vec<(EventKind, LeftOut, Additions)> = Vec::new();
    for (index, event) in (0u32..).zip(&statement.events) {
        let kind = kind_of(event);
        for what in all_left_out(truth, index) {
            let told = met.told.entry((kind.into(), what.clone())).or_default();
            if *told >= often(&what) {
                continue;
            }
            if let Some(additions) = lie(truth, statement, index, &what) {
                *told += 1;
                lies.push((kind, what, additions));
            }
        }
    }
    if lies.is_empty() {
        return;
    }
    ledger.verifier.flush().unwrap();
    let mut saved = Vec::new();
    ledger.verifier.save(&mut saved).unwrap();
    let missed = Mutex::new(Vec::new());
    on_all_cores(&lies, |(kind, what, additions)| {
        let Err(failure) = believed(ledger, &saved, statement, additions) else {
            missed.lock().unwrap().push((*kind, what.clone()));
            return;
        };
        let at = ledger.state.next();
        assert_eq!(failure.positions, at..=at, "{kind:?} {what:?}: {failure}");
    });
    for (kind, what) in missed.into_inner().unwrap() {
        let at = format!("record {}", ledger.state.next());
        met.missed.insert((kind.into(), what), at);
    }
}

/// What the verifier says of a lie.
fn believed(
    ledger: &Ledger,
    saved: &[u8],
    statement: &Statement,
    additions: &Additions,
) -> Result<(), Failure> {
    let mut verifier = Verifier::restore(&mut &saved[..], Expect::default()).unwrap();
    let sealed = ledger.seal(statement, additions).unwrap();
    let commit = ledger.told(&sealed);
    verifier.batch(
        ledger.state.next(),
        std::slice::from_ref(&sealed.bytes),
        &commit,
    )?;
    verifier.flush()
}

/// Plays the world, and lies of every record.
fn played() -> Told {
    let key = SecretKey::from_seed(&[1; 32]);
    let mut world = World::new(7, SPAN).unwrap();
    let mut ledger = Ledger::new(key.clone(), world.genesis(NAME, &key));
    let origin = Origin {
        name: NAME.into(),
        genesis_hash: ledger.genesis_hash.to_bytes(),
    };
    world.join(origin.clone());
    let mut met = Told::default();
    while world.issued() < SPAN.events || !world.story_told() {
        let issued = world.next_statement();
        if issued.expect != sim::Expect::Accepted {
            continue;
        }
        if let Some(own) = ledger.state_record(&origin) {
            step(&mut ledger, own, &mut met);
        }
        let record = step(&mut ledger, issued.signed, &mut met);
        if issued.heard {
            let findings: Vec<_> = record.findings.iter().flatten().cloned().collect();
            world.heard(record.position(), &findings);
        }
    }
    ledger.verifier.finish().unwrap();
    met
}

fn step(ledger: &mut Ledger, signed: SignedStatement, met: &mut Told) -> OpenRecord {
    let statement = Statement::open(signed).unwrap();
    let truth = ledger.decide(&statement);
    tell(ledger, &statement, &truth, met);
    let sealed = ledger.seal(&statement, &truth).unwrap();
    ledger.append(&sealed)
}

#[test]
fn no_event_of_the_seeded_world_is_recorded_without_its_effect() {
    let met = played();
    let told: BTreeSet<i32> = met.told.keys().map(|(kind, _)| *kind).collect();
    let every = (10..=300).filter_map(|n| EventKind::try_from(n).ok());
    let not_told: Vec<EventKind> = every
        .filter(|kind| told.contains(&i32::from(*kind)) == is_named(*kind))
        .collect();
    assert!(
        not_told.is_empty(),
        "not told, or told though named: {not_told:?}"
    );
    let named = |(kind, what): &(i32, LeftOut)| {
        let is_it =
            |named: &&(EventKind, LeftOut, &str)| i32::from(named.0) == *kind && named.1 == *what;
        NOT_MISSED.iter().any(|named| is_it(&named))
    };
    let missed = met.missed.iter();
    let shown: Vec<String> = missed
        .filter(|(lie, _)| !named(lie))
        .map(|((kind, what), at)| format!("{:?} {what:?}: {at}", EventKind::try_from(*kind)))
        .collect();
    assert!(shown.is_empty(), "believed: {shown:#?}");
    let noticed = NOT_MISSED.iter().filter(|(kind, what, _)| {
        let lie = (i32::from(*kind), what.clone());
        !met.missed.contains_key(&lie)
    });
    let noticed: Vec<_> = noticed.map(|(kind, what, _)| (kind, what)).collect();
    assert!(noticed.is_empty(), "noticed though named: {noticed:?}");
}

fn is_named(kind: EventKind) -> bool {
    NOT_PLAYED.iter().any(|(named, _)| *named == kind)
}

/// The ledger's own words, and its key: left without effect in a book of their
/// own.
#[test]
fn no_word_of_the_ledgers_own_is_recorded_without_its_effect() {
    let tell = |make: fn(&mut Book) -> Entry| {
        let mut book = Book::new();
        let mut entry = make(&mut book);
        let own = subject::party(&book.authority.party);
        let chain = i32::from(LinkKind::Chain);
        let kept = |l: &hazledger::pb::Link| l.kind != chain || l.subject.as_ref() == Some(&own);
        entry.additions.links.retain(kept);
        entry.additions.outcomes.clear();
        judged(book, &entry)
    };
    let rotated = |book: &mut Book| {
        let e = book.rotation_to(&key(9));
        book.rotation_entry(e)
    };
    let stated = |book: &mut Book| {
        let word = ClockStated {
            clock_ms: book.now,
            ledger_ms: book.now,
            jumped_by_ms: 1,
            ..ClockStated::default()
        };
        let draft = book.draft(LEDGER, vec![event(Body::ClockStated(word))]);
        book.decide(draft.sign(&book.ledger, &[]))
    };
    for make in [rotated as fn(&mut Book) -> Entry, stated, |book| {
        book.anchor_entry(1, 0)
    }] {
        let failure = tell(make);
        assert_eq!(failure.positions, 1..=1, "{failure}");
    }
}

/// The word that a lot's stock-take is due, with its links and without its mark.
#[test]
fn no_word_on_what_is_overdue_is_recorded_without_its_mark() {
    let mut book = Book::new();
    let word = OverdueStated {
        lines: vec![OverdueLine {
            rule: RuleKind::StockTakeDue.into(),
            id: Bytes::copy_from_slice(&[5; 16]),
            party: book.authority.party.clone(),
            place: "T1".to_owned(),
        }],
    };
    let draft = book.draft(LEDGER, vec![event(Body::OverdueStated(word))]);
    let like = book.anchor_entry(1, 0);
    let entry = Entry {
        signed: draft.sign(&book.ledger, &[]),
        additions: like.additions,
    };
    let failure = judged(book, &entry);
    assert!(
        failure
            .to_string()
            .contains("lacks this record in its chain"),
        "{failure}"
    );
}

fn judged(mut book: Book, entry: &Entry) -> Failure {
    book.append(entry);
    book.commit();
    let mut verifier = Verifier::new(Expect::default());
    for batch in &book.batches {
        verifier
            .batch(batch.first_position, &batch.records, &batch.commit)
            .unwrap();
    }
    verifier.finish().unwrap_err()
}
