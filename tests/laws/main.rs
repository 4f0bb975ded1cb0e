//! The eight laws of matter (design, section 3), as a property: random
//! histories of thousands of events, some of them wrong on purpose, judged by
//! the ledger and by a separately written, obvious model of the same rules.
//! After every statement both must agree on everything that is anywhere.
//!
//! `HAZLEDGER_SEED` explores another history:
//! `HAZLEDGER_SEED=7 cargo test --test laws explore -- --ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod amends;
mod books;
mod change;
mod correct;
mod customs;
mod deals;
mod devices;
mod edges;
mod goods;
mod handoff;
mod laws;
mod ledger;
mod matter;
mod model;
mod modes;
mod orders;
mod packages;
mod plans;
mod player;
mod registry;
mod restated;
mod seizures;
mod stock;
mod succession;
mod tanks;
mod vessels;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use hazledger::custody::state::nowhere;
use hazledger::custody::{Items as _, State};
use hazledger::event::record::OpenRecord;
use hazledger::event::statement::kind_name;
use hazledger::event::{Hash, Statement};
use hazledger::pb::change::Change;
use hazledger::pb::event::Body;
use hazledger::pb::{AccountKind, BaseRulePack, EventRef, Subject, SubjectKind};
use rand::RngExt as _;

use ledger::{Accepted, Ledger};
use model::{Key, Model, Party, Rules, Said, Touched, Wrong};
use player::{LIVE, Player};
use world::{Signed, World};

/// Differences of a handoff up to a thousandth are the scales'.
const TOLERANCE_PPM: u32 = 1000;
/// What no history may pass over.
const PATHS: &[&str] = &[
    "a correction corrected",
    "a difference of the scales",
    "a package opened",
    "an empty left behind",
    "a gauge change",
    "a return",
    "another mode than road",
    "assay overdue",
    "backfilled",
    "both halves at once",
    "corrected: accepted",
    "corrected: arrived",
    "corrected: counted",
    "corrected: departed",
    "corrected: disposed",
    "corrected: drawn",
    "corrected: exported",
    "corrected: filled",
    "corrected: imported",
    "corrected: incident",
    "corrected: moved",
    "corrected: opened",
    "corrected: produced",
    "corrected: recovered",
    "corrected: sampled",
    "corrected: transformed",
    "corrected: used",
    "corrected: wasted",
    "confirmation differs",
    "confirmation out of order",
    "correction not covered",
    "count over",
    "count short",
    "customs held",
    "device gap",
    "device gap filled",
    "goods refused",
    "outer broken",
    "instrument unverified",
    "one sided",
    "outsider is a party",
    "over delivery",
    "packages unaccounted",
    "parked fact does not fit",
    "postings of a fact that had waited",
    "reserved goods taken",
    "sealed goods touched",
    "settled as miscount",
    "settled as scale",
    "carried on by a successor",
    "offered goods taken by a successor",
    "offer withdrawn by a successor",
    "several events",
    "party succeeded",
    "short delivery",
    "shortfall",
];
/// Records between two state records.
const INTERVAL: u64 = 500;
/// Records between two comparisons of everything.
const WHOLE: usize = 1000;

/// One history: the ledger, the model and who plays.
struct History {
    ledger: Ledger,
    model: Model,
    player: Player,
    /// Digest of the state after so many records.
    digests: BTreeMap<usize, Hash>,
    /// A digest is taken once in so many records.
    sample: usize,
    /// What has happened on the way, beside the events.
    paths: BTreeMap<String, usize>,
    accepted: usize,
    events: usize,
    refused: BTreeMap<Wrong, usize>,
}

impl History {
    fn new(seed: u64, sample: usize) -> History {
        let mut world = World::new(seed);
        let rules = BaseRulePack {
            measure_tolerance_ppm: TOLERANCE_PPM,
            dispute_deadline_ms: 1_000_000,
            back_dating_limit_ms: 1_000_000_000,
            count_tolerance_ppm: 100,
            assay_due_ms: 20_000_000,
        };
        let genesis = world.genesis(rules, INTERVAL);
        let ledger = Ledger::open(genesis, world.ledger_key.clone(), world.now_ms);
        world.origin = ledger.origin.clone();
        let mut history = History {
            model: genesis_model(&world),
            ledger,
            player: Player::new(world),
            digests: BTreeMap::new(),
            sample,
            paths: BTreeMap::new(),
            accepted: 0,
            events: 0,
            refused: BTreeMap::new(),
        };
        for _ in 0..10 {
            let member = history.player.world.new_member();
            let plan = history.player.world.enrolment(member);
            let signed = history.player.world.signed(&plan);
            history.step(signed);
        }
        assert_eq!(history.accepted, 10, "the players are enrolled");
        history
    }

    /// Plays until so many events have been accepted.
    fn play(&mut self, events: usize) {
        while self.events < events {
            let step = self.player.world.rng.random_range(1..30_000);
            self.player.world.now_ms += step;
            self.ledger.now_ms = self.player.world.now_ms;
            let signed = self.player.next(&self.model);
            self.step(signed);
        }
    }

    /// One statement, judged by both.
    fn step(&mut self, signed: Signed) {
        let statement = Statement::open(signed.statement.clone()).unwrap();
        let said = Said {
            payload: &statement.payload,
            events: &statement.events,
            statement: statement.id,
            now_ms: self.ledger.now_ms,
            forged: signed.forged,
            digest: statement.digest.to_bytes(),
        };
        let expected = self.model.judge(&said);
        match (self.ledger.submit(signed.statement), expected) {
            (Ok(record), Ok(())) => self.took(&statement, &record),
            (Err(refused), Err(wrong)) => {
                assert_eq!(
                    laws::class(&refused),
                    wrong,
                    "{refused}\n{:?}",
                    statement.events
                );
                self.left(wrong);
            }
            (Ok(_), Err(wrong)) => {
                panic!(
                    "accepted, but the model says {wrong:?}\n{:?}",
                    statement.events
                )
            }
            (Err(refused), Ok(())) => {
                panic!(
                    "refused ({refused}), but the model books it\n{:?}",
                    statement.events
                )
            }
        }
    }

    fn took(&mut self, statement: &Statement, accepted: &Accepted) {
        let touched = self.model.close(true);
        self.compare(&touched, &accepted.changed);
        laws::record_laws(&self.model, &accepted.record);
        let references = (0u32..).map_while(|i| statement.event_ref(i));
        let events: Vec<(EventRef, _)> = references.zip(statement.events.clone()).collect();
        self.player.learn(&self.model, &touched, &events);
        self.player.world.said(&statement.payload, statement.digest);
        self.accepted += 1;
        self.events += events.len();
        self.walked(statement, accepted);
        let records = self.ledger.records.len();
        if records.is_multiple_of(self.sample) {
            self.digests.insert(records, self.ledger.state.digest());
        }
        if self.accepted.is_multiple_of(WHOLE) {
            laws::agree_wholly(&self.model, self.ledger.state.items());
        }
    }

    /// A refused statement leaves everything as it was.
    fn left(&mut self, wrong: Wrong) {
        let touched = self.model.close(false);
        // None is told just after a state record.
        if let Some(before) = self.digests.get(&self.ledger.records.len()) {
            let digest = self.ledger.state.digest();
            assert_eq!(*before, digest, "a refusal changed the state");
        }
        self.compare(&touched, &[]);
        *self.refused.entry(wrong).or_default() += 1;
    }

    /// Remembers what has happened on the way: findings, both halves in one
    /// statement, facts that had waited, the scales, corrections corrected,
    /// an authority's word.
    fn walked(&mut self, statement: &Statement, accepted: &Accepted) {
        let mut seen: Vec<String> = Vec::new();
        for finding in accepted.record.findings.iter().flatten() {
            let name = finding.code().as_str_name();
            let name = name.strip_prefix("FINDING_CODE_").unwrap();
            seen.push(name.to_lowercase().replace('_', " "));
        }
        let bodies: Vec<&Body> = statement.events.iter().flat_map(|e| &e.body).collect();
        let offered = bodies.iter().any(|b| matches!(b, Body::Offered(_)));
        for body in &bodies {
            match body {
                Body::Relayed(e) if !e.wagons.is_empty() => seen.push("a gauge change".to_owned()),
                Body::Offered(e) if e.carriage.as_ref().is_some_and(|c| c.mode > 1) => {
                    seen.push("another mode than road".to_owned());
                }
                Body::Accepted(e) if e.returns.is_some() => seen.push("a return".to_owned()),
                Body::Accepted(_) if offered => seen.push("both halves at once".to_owned()),
                Body::Corrected(e) => {
                    let name = model::event_name(e.original.as_ref().unwrap()).unwrap();
                    let original = self.model.events.get(&name).unwrap();
                    if matches!(original.event.body, Some(Body::Corrected(_))) {
                        seen.push("a correction corrected".to_owned());
                    }
                    let restated = e.restated.as_ref().unwrap();
                    let kind = kind_name(laws::kind(restated));
                    seen.push(format!("corrected: {kind}"));
                }
                Body::Settled(e) => seen.extend(e.settlements.iter().map(|s| {
                    let cause = s.cause().as_str_name().to_lowercase();
                    cause.replace("settlement_cause_", "settled as ")
                })),
                _ => {}
            }
        }
        seen.extend(self.successors_at_work(statement, &bodies));
        if bodies.len() > 1 {
            seen.push("several events".to_owned());
        }
        for outcome in accepted.record.outcomes.iter().flatten() {
            for change in &outcome.changes {
                let waited = change.cause.unwrap().parked_position.is_some();
                match &change.change {
                    Some(Change::Posting(p)) if waited && p.gross_mg > 0 => {
                        seen.push("postings of a fact that had waited".to_owned());
                    }
                    Some(Change::Posting(p)) => {
                        let kind = p.account.as_ref().unwrap().kind();
                        if kind == AccountKind::MeasureDifference {
                            seen.push("a difference of the scales".to_owned());
                        }
                    }
                    Some(Change::PackageParted(_)) => seen.push("a package opened".to_owned()),
                    Some(Change::PackagesEmptied(_)) => {
                        seen.push("an empty left behind".to_owned());
                    }
                    _ => {}
                }
            }
        }
        for path in seen {
            *self.paths.entry(path).or_default() += 1;
        }
    }

    /// What a party did for one whom it has succeeded.
    fn successors_at_work(&self, statement: &Statement, bodies: &[&Body]) -> Vec<String> {
        let party = &statement.payload.party;
        let theirs = |whose: &String| self.model.succeeds(party, whose);
        let offer = |e: &Option<EventRef>| {
            let name = handoff::handoff_name(e.as_ref().unwrap())?;
            self.model.offers.get(&name)
        };
        let did = |body: &&&Body| match body {
            Body::Accepted(e) if offer(&e.offer).is_some_and(|o| theirs(&o.taker)) => {
                Some("offered goods taken by a successor")
            }
            Body::Withdrawn(e) if offer(&e.offer).is_some_and(|o| theirs(&o.giver)) => {
                Some("offer withdrawn by a successor")
            }
            Body::Reported(e) => {
                let name = e.consignment.as_ref().try_into().unwrap();
                let carrier = &self.model.consignments.get(&name).unwrap().carrier;
                theirs(carrier).then_some("carried on by a successor")
            }
            _ => None,
        };
        let seen = bodies.iter().filter_map(|body| did(&body));
        seen.map(str::to_owned).collect()
    }

    fn compare(&self, touched: &Touched, changed: &[Subject]) {
        let state = &self.ledger.state;
        let named = |kind: SubjectKind, ids: &[books::Id]| -> Vec<Subject> {
            let subject = |id: &books::Id| Subject {
                kind: kind.into(),
                id: bytes::Bytes::copy_from_slice(id),
            };
            ids.iter().map(subject).collect()
        };
        let mut subjects = changed.to_vec();
        subjects.extend(named(SubjectKind::Lot, &touched.lots));
        subjects.extend(named(SubjectKind::Handoff, &touched.offers));
        subjects.extend(named(SubjectKind::Consignment, &touched.consignments));
        subjects.extend(named(SubjectKind::Dispute, &touched.disputes));
        subjects.extend(named(SubjectKind::Key, &touched.keys));
        let parties = touched.parties.iter();
        subjects.extend(parties.map(|p| hazledger::custody::subject::party(p)));
        subjects.sort_unstable();
        subjects.dedup();
        for subject in subjects {
            match state.get(&subject) {
                Some(item) => laws::agrees(&self.model, &subject, &item),
                // Touched on a draft that was dropped.
                None => assert!(changed.is_empty(), "the state lacks {subject:?}"),
            }
        }
    }

    /// Law 8: the records, folded again from their bytes, make the same state
    /// at every position on the way.
    fn fold_again(&self) {
        let mut state = State::new();
        for (position, bytes) in self.ledger.records.iter().enumerate() {
            let record = OpenRecord::open(bytes).unwrap();
            state.apply(&record, &mut nowhere).unwrap();
            let told = self.digests.get(&(position + 1));
            if (position + 1).is_multiple_of(29 * self.sample)
                && let Some(told) = told
            {
                assert_eq!(state.digest(), *told, "law 8, at position {position}");
            }
        }
        assert_eq!(state.digest(), self.ledger.state.digest(), "law 8");
        assert_eq!(state.last_head(), self.ledger.state.last_head(), "law 8");
    }

    fn table(&self) -> String {
        let mut lines = vec!["accepted, by kind of event".to_owned()];
        for &kind in LIVE {
            let count = self.player.counts.get(&kind).copied().unwrap_or_default();
            lines.push(format!("  {:<36}{count:>7}", kind_name(kind)));
        }
        lines.push("on the way".to_owned());
        let paths = self.paths.iter();
        lines.extend(paths.map(|(path, count)| format!("  {path:<36}{count:>7}")));
        lines.push("refused, by class".to_owned());
        for (wrong, count) in &self.refused {
            lines.push(format!("  {:<36}{count:>7}", format!("{wrong:?}")));
        }
        let statements = self.accepted + self.refused.values().sum::<usize>();
        lines.push(format!(
            "{} events; {} of {statements} statements accepted ({} %); {} lots, {} offers, \
             {} consignments, {} disputes\n",
            self.events,
            self.accepted,
            100 * self.accepted / statements,
            self.model.lots.iter().count(),
            self.model.offers.iter().count(),
            self.model.consignments.iter().count(),
            self.model.disputes.iter().count(),
        ));
        lines.join("\n")
    }
}

/// The model after record 0.
fn genesis_model(world: &World) -> Model {
    let rules = Rules {
        tolerance_ppm: TOLERANCE_PPM,
        root_threshold: 2,
    };
    let mut model = Model::new(rules, world.origin.clone());
    for member in &world.members {
        let party = Party {
            active: true,
            authority: true,
            parked: 0,
            succeeded_by: None,
            predecessors: BTreeSet::new(),
        };
        model.parties.put(member.code.clone(), party);
        let key = Key {
            party: member.code.clone(),
            person: Some(member.keys[0].commitment.clone()),
            from_ms: 0,
            until_ms: i64::MAX,
            revoked: false,
            device: devices::Chain::default(),
        };
        model.keys.put(member.keys[0].secret.id().0, key);
    }
    model.close(true);
    model
}

/// Plays one history and asks that it was rich enough to mean something.
fn hold_over(seed: u64, events: usize, sample: usize) {
    let history = played(seed, events, sample);
    for &kind in LIVE {
        let count = history
            .player
            .counts
            .get(&kind)
            .copied()
            .unwrap_or_default();
        assert!(count >= 100, "{} events of {}", count, kind_name(kind));
    }
    for path in PATHS {
        assert!(history.paths.contains_key(*path), "no {path}");
    }
    let refused: usize = history.refused.values().sum();
    let share = 100 * history.accepted / (history.accepted + refused);
    assert!(share >= 55, "{share} % of the statements were accepted");
    assert!(history.events >= 10_000);
    assert!(history.model.lots.iter().count() >= 200);
}

/// Plays one history with everything that must hold, and says its seed if it
/// fails.
fn played(seed: u64, events: usize, sample: usize) -> History {
    let start = Instant::now();
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut history = History::new(seed, sample);
        history.play(events);
        laws::agree_wholly(&history.model, history.ledger.state.items());
        history.fold_again();
        history.ledger.verified();
        history
    }));
    let history = played.unwrap_or_else(|failure| {
        eprintln!("the history of HAZLEDGER_SEED={seed} fails");
        resume_unwind(failure)
    });
    println!("seed {seed}, {:?}\n{}", start.elapsed(), history.table());
    history
}

#[test]
fn the_eight_laws_hold_over_a_random_history() {
    hold_over(1, 14_000, 1);
}

#[test]
fn the_eight_laws_hold_over_another_random_history() {
    hold_over(20_261_123, 14_000, 1);
}

#[test]
fn the_eight_laws_hold_over_a_third_random_history() {
    hold_over(0x5eed, 14_000, 1);
}

#[test]
#[ignore = "explores: takes its seed from HAZLEDGER_SEED"]
fn explore_the_history_of_a_seed() {
    let seed = std::env::var("HAZLEDGER_SEED").unwrap_or_default();
    played(seed.parse().unwrap_or(42), 10_000, 1);
}

#[test]
#[ignore = "long: a hundred thousand events"]
fn the_eight_laws_hold_over_a_hundred_thousand_events() {
    let seed = std::env::var("HAZLEDGER_SEED").unwrap_or_default();
    hold_over(seed.parse().unwrap_or(100_000), 100_000, 100);
}
