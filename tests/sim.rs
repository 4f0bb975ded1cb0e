//! The world against the rules, in process: what the world holds for
//! acceptable is accepted, what it means to be refused is refused with that
//! code, and every record folds.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use bytes::Bytes;
use hazledger::catalog::{CodeKind, codes};
use hazledger::custody::decide::{Recorded, decide_genesis, keys_of};
use hazledger::custody::state::nowhere;
use hazledger::custody::{Context, State, decide};
use hazledger::event::record::{OpenRecord, Standing, seal};
use hazledger::event::signing::SecretKey;
use hazledger::event::{Hash, Refused, Statement};
use hazledger::pb::event::Body;
use hazledger::pb::{
    Event, EventRef, Finding, FindingCode, Genesis, Origin, RefusalCode, SignedStatement,
};
use hazledger::sim::{Expect, Issued, Span, World};

const NAME: &str = "hazledger.test/sim";
const SPAN: Span = Span {
    from_ms: 1_795_000_000_000,
    until_ms: 1_796_700_000_000,
    events: 6_000,
};
const SALT: [u8; 32] = [3; 32];

/// A ledger without files: decides, seals, folds.
struct Bench {
    state: State,
    genesis: Genesis,
    /// Payload digests by party and id, and the records that corrections name.
    known: HashMap<(String, Bytes), Hash>,
    records: HashMap<(String, Bytes), OpenRecord>,
}

impl Bench {
    fn begin(signed: SignedStatement) -> Bench {
        let statement = Statement::open(signed).unwrap();
        let decision = decide_genesis(&statement).unwrap();
        let standing = Standing {
            position: 0,
            recorded_at_ms: SPAN.until_ms,
            previous: Hash::ZERO,
        };
        let sealed = seal(&statement, &decision.additions, standing, &SALT).unwrap();
        let record = OpenRecord::open(&sealed.bytes).unwrap();
        let mut state = State::new();
        state.apply(&record, &mut nowhere).unwrap();
        let genesis = state.genesis().unwrap();
        Bench {
            state,
            genesis,
            known: HashMap::new(),
            records: HashMap::new(),
        }
    }

    fn recorded(&self, reference: &EventRef) -> Option<Recorded> {
        let name = (reference.party.clone(), reference.statement_id.clone());
        let record = self.records.get(&name)?;
        let index = usize::try_from(reference.event_index).ok()?;
        let mine = |i: &u32| *i == reference.event_index;
        let changes = record.outcomes.iter().flatten().flat_map(|o| {
            let subject = o.subject.clone().unwrap_or_default();
            o.changes.iter().map(move |c| (subject.clone(), c.clone()))
        });
        Some(Recorded {
            position: record.position(),
            findings: record.findings.iter().flatten().cloned().collect(),
            payload: record.payload.clone(),
            event_index: reference.event_index,
            event: record.events.get(index)?.clone()?,
            changes: changes
                .filter(|(_, c)| c.cause.as_ref().is_some_and(|c| mine(&c.event_index)))
                .collect(),
        })
    }

    /// Where it became a record, with what findings; `None`: it was one before.
    fn submit(&mut self, signed: SignedStatement) -> Result<Option<(u64, Vec<Finding>)>, Refused> {
        let statement = Statement::open(signed)?;
        statement.verify(&keys_of(&self.state, &statement)?)?;
        let name = (statement.payload.party.clone(), statement.id.to_bytes());
        match self.known.get(&name) {
            Some(digest) if *digest == statement.digest => return Ok(None),
            Some(_) => return Err(Refused::new(RefusalCode::IdReused, "payload.id")),
            None => {}
        }
        let position = self.state.next();
        let context = Context {
            position,
            recorded_at_ms: SPAN.until_ms,
            genesis: &self.genesis,
            recorded: &|reference: &EventRef| self.recorded(reference),
        };
        let decision = decide(&self.state, &statement, &context)?;
        let standing = Standing {
            position,
            recorded_at_ms: SPAN.until_ms,
            previous: self.state.last_head(),
        };
        let sealed = seal(&statement, &decision.additions, standing, &SALT)?;
        let record = OpenRecord::open(&sealed.bytes).expect("a sealed record opens");
        if let Err(error) = self.state.apply(&record, &mut nowhere) {
            panic!("position {position} was decided but does not fold: {error}");
        }
        let findings = record.findings.iter().flatten().cloned().collect();
        self.known.insert(name.clone(), statement.digest);
        self.records.insert(name, record);
        Ok(Some((position, findings)))
    }
}

/// The world that two tests look at.
static PLAYED: LazyLock<Met> = LazyLock::new(|| {
    let (bench, world, met) = play(7, SPAN.events);
    Met {
        records: bench.state.next(),
        story_told: world.story_told(),
        ..met
    }
});

/// What a world was answered.
#[derive(Default)]
struct Met {
    records: u64,
    story_told: bool,
    refused: BTreeMap<RefusalCode, u64>,
    found: BTreeMap<FindingCode, u64>,
}

/// What is wrong is listed up to so much.
const WRONG_SHOWN: usize = 40;
/// Codes from here on are of rules and of enforcement.
const FIRST_RULE_FINDING: i32 = 100;

/// What is wrong with the findings of rules in a record: it is to have those
/// that the world means, and no others.
fn not_as_meant(issued: &Issued, findings: &[Finding]) -> Option<String> {
    let of_rules = |f: &&Finding| f.code >= FIRST_RULE_FINDING;
    let found: BTreeSet<FindingCode> = findings
        .iter()
        .filter(of_rules)
        .map(Finding::code)
        .collect();
    let meant: BTreeSet<FindingCode> = issued.means.iter().copied().collect();
    let told: Vec<&str> = findings.iter().map(|f| f.detail.as_str()).collect();
    let what = issued.what;
    (found != meant).then(|| format!("'{what}': meant {meant:?}, found {found:?}: {told:?}"))
}

fn play(seed: u64, events: u64) -> (Bench, World, Met) {
    let span = Span { events, ..SPAN };
    play_out(World::new(seed, span).unwrap(), seed, events, true)
}

/// Plays a world to its end. `exactly`: what is found of rules is compared.
fn play_out(mut world: World, seed: u64, events: u64, exactly: bool) -> (Bench, World, Met) {
    let mut bench = Bench::begin(world.genesis(NAME, &SecretKey::from_seed(&[1; 32])));
    let genesis_hash = bench.state.last_head().to_bytes();
    world.join(Origin {
        name: NAME.into(),
        genesis_hash,
    });
    let mut met = Met::default();
    let mut wrong = Vec::new();
    while world.issued() < events || !world.story_told() {
        let issued = world.next_statement();
        let (expect, what) = (issued.expect, issued.what);
        match (bench.submit(issued.signed.clone()), expect) {
            (Ok(Some((position, findings))), Expect::Accepted) => {
                wrong.extend(not_as_meant(&issued, &findings).filter(|_| exactly));
                for finding in &findings {
                    *met.found.entry(finding.code()).or_default() += 1;
                }
                if issued.heard {
                    world.heard(position, &findings);
                }
            }
            (Ok(None), Expect::Repeated) => {}
            (Err(got), Expect::Refused(want)) if got.code == want => {
                *met.refused.entry(want).or_default() += 1;
            }
            (answer, _) => wrong.push(format!("'{what}': wanted {expect:?}, got {answer:?}")),
        }
        let first: Vec<&String> = wrong.iter().take(WRONG_SHOWN).collect();
        assert!(wrong.len() < WRONG_SHOWN, "seed {seed}: {first:#?}");
    }
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    (bench, world, met)
}

#[test]
fn the_rules_answer_as_the_world_expects_for_six_thousand_events() {
    assert!(PLAYED.records > 4_000, "{} records", PLAYED.records);
    assert!(PLAYED.refused.values().sum::<u64>() > 100);
    assert!(PLAYED.story_told);
}

/// Findings that no world meets, and why.
const NEVER_FOUND: &[(FindingCode, &str)] = &[
    (
        FindingCode::ClockJumped,
        "only the clock of the ledger's own machine makes it, and the world has none",
    ),
    (FindingCode::HandoffOverdue, BY_ITSELF),
    (FindingCode::CarriageOverdue, BY_ITSELF),
    (FindingCode::WasteReceiptOverdue, BY_ITSELF),
    (FindingCode::DeviceSilent, BY_ITSELF),
    (FindingCode::StockTakeOverdue, BY_ITSELF),
];

/// Refusals that no world meets, and why.
const NEVER_REFUSED: &[(RefusalCode, &str)] = &[
    (RefusalCode::NotTheLedgerKey, NO_ROTATION),
    (RefusalCode::LedgerKeyNotProven, NO_ROTATION),
    (RefusalCode::TooManyLedgerKeys, NO_ROTATION),
];

const NO_ROTATION: &str = "the world's ledger keeps its key (tests/rules/rotation.rs, \
                           src/ledger/tests/rotation.rs)";

const BY_ITSELF: &str = "nobody tells it: the ledger finds it when the time has passed \
                         (tests/rules/overdue.rs, src/ledger/tests/overdue.rs)";

#[test]
fn every_code_of_the_catalogue_is_met_but_those_that_are_named() {
    let (mut refusals, mut findings) = (Vec::new(), Vec::new());
    for code in codes() {
        match code.kind {
            CodeKind::Refusal => {
                let refusal = RefusalCode::try_from(code.number).unwrap();
                let named = NEVER_REFUSED.iter().any(|(never, _)| *never == refusal);
                if PLAYED.refused.contains_key(&refusal) == named {
                    refusals.push(refusal);
                }
            }
            CodeKind::Finding => {
                let finding = FindingCode::try_from(code.number).unwrap();
                let named = NEVER_FOUND.iter().any(|(never, _)| *never == finding);
                if PLAYED.found.contains_key(&finding) == named {
                    findings.push(finding);
                }
            }
        }
    }
    assert!(
        refusals.is_empty(),
        "never refused, or refused though named: {refusals:?}"
    );
    assert!(
        findings.is_empty(),
        "never found, or found though named: {findings:?}"
    );
}

/// The lots that an event names, if it hands on, sells or uses them.
fn goes_on(event: &Event) -> Vec<Bytes> {
    let goods = match &event.body {
        Some(Body::Offered(e)) => e.lines.clone(),
        Some(Body::Traded(e)) => e.goods.clone(),
        Some(Body::Used(e)) => e.goods.iter().cloned().collect(),
        _ => Vec::new(),
    };
    goods.into_iter().map(|g| g.lot).collect()
}

#[test]
fn successors_inherit_in_the_middle_of_trade_and_trade_on_with_it() {
    let (bench, ..) = play(7, 3_000);
    let mut records: Vec<&OpenRecord> = bench.records.values().collect();
    records.sort_unstable_by_key(|r| r.position());
    let mut inherited: Vec<(String, Bytes)> = Vec::new();
    let mut went_on = 0;
    for record in records {
        let party = &record.payload.party;
        for event in record.events.iter().flatten() {
            if let Some(Body::Inherited(e)) = &event.body {
                inherited.extend(e.lines.iter().map(|l| (party.clone(), l.lot.clone())));
            }
            let ours = |lot: Bytes| inherited.contains(&(party.clone(), lot));
            went_on += goes_on(event)
                .into_iter()
                .filter(|l| ours(l.clone()))
                .count();
        }
    }
    let parties: BTreeSet<&String> = inherited.iter().map(|(party, _)| party).collect();
    assert!(parties.len() > 1, "{} successors", parties.len());
    assert!(went_on > 5, "{went_on} times");
}

#[test]
fn without_the_rule_book_nothing_is_refused_or_found_by_a_rule() {
    let span = Span {
        events: 1_500,
        ..SPAN
    };
    let world = World::new(7, span).unwrap().without_rule_book();
    let (_, _, met) = play_out(world, 7, span.events, false);
    let by_rule = |code: &RefusalCode| (180..=200).contains(&i32::from(*code));
    assert!(!met.refused.keys().any(by_rule), "{:?}", met.refused);
    let of_rule = |code: &FindingCode| (100..=121).contains(&i32::from(*code));
    assert!(!met.found.keys().any(of_rule), "{:?}", met.found);
}

#[test]
fn and_so_they_do_for_other_seeds() {
    for seed in 0..4 {
        play(seed, 1_500);
    }
}

#[test]
#[ignore = "takes a minute: run it by name"]
fn and_so_they_do_for_a_hundred_thousand_events() {
    play(7, 100_000);
}
