//! The world's clock, its books, and its next statement.

use std::collections::{BTreeMap, VecDeque};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::cast::{Cast, Who};
use super::device::Talk;
use super::edges::Edge;
use super::goods::Pile;
use super::law::{Law, is_highly_toxic};
use super::make::Fresh;
use super::merge::Gone;
use super::ship::Shipment;
use super::story::Story;
use super::{Expect, Issued, milestones, refuse, story};
use crate::catalog::UsccError;
use crate::event::ids::derived;
use crate::event::signing::SecretKey;
use crate::event::statement::{Draft, Header, kind_of};
use crate::event::{LotId, StatementId};
use crate::pb::event::Body;
use crate::pb::{Event, EventRef, ExternalRef, FindingCode, Goods, Origin, RefusalCode};

/// Piles in the books, at most: above it goods are only used up.
const MAX_PILES: usize = 400;
/// Things under way at once, at most.
const MAX_JOBS: usize = 48;
/// One statement in so many is meant to be refused.
const REFUSED_ONE_IN: u64 = 10;
/// One statement in so many is sent twice.
const REPEATED_ONE_IN: u64 = 60;
/// Events of a world's course beside its founding, at least.
const SHORTEST: u64 = 300;
/// How long statements stay valid after the world's end: a day, in milliseconds.
const EXPIRES_AFTER_MS: i64 = 24 * 60 * 60 * 1000;

/// The time that the world lives through, and how much happens in it.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Unix milliseconds.
    pub from_ms: i64,
    /// Unix milliseconds; nothing happens after it.
    pub until_ms: i64,
    /// About how many events happen in it; the clock's pace.
    pub events: u64,
}

/// Something that takes several statements.
#[derive(Debug)]
pub(super) enum Job {
    /// A new lot on its way to the store.
    Fresh(Box<Fresh>),
    /// Goods on their way to another party.
    Ship(Box<Shipment>),
    /// Packages that were missing and will be found again.
    Lost(Pile),
    /// Goods across the ledger's edge, to be confirmed.
    Edge(Box<Edge>),
}

/// A seeded world; see the module.
#[derive(Debug)]
pub struct World {
    pub(super) cast: Cast,
    pub(super) origin: Origin,
    pub(super) span: Span,
    pub(super) stock: Vec<Pile>,
    pub(super) jobs: Vec<Job>,
    /// Statements that are signed and wait for their turn.
    pub(super) ready: VecDeque<Issued>,
    pub(super) story: Story,
    /// A carrier's key that has been revoked.
    pub(super) revoked: Option<(Who, SecretKey)>,
    /// Keys of a carrier that are not as they should be, and what comes of it.
    pub(super) odd_keys: Vec<(Who, SecretKey, RefusalCode)>,
    /// The last delivery that was taken over: by whom, which offer, what.
    pub(super) taken: Option<(Who, EventRef, Goods)>,
    /// The last statement that should have become a record.
    pub(super) last: Option<Issued>,
    /// Who has left, and who has succeeded them.
    pub(super) gone: Vec<Gone>,
    /// Milestones that have been passed.
    pub(super) milestone: usize,
    /// The title of the story that is being told.
    pub(super) chapter: Option<&'static str>,
    /// Cases that have been told.
    pub(super) case: usize,
    /// What the neighbour that will join the ledger is to confirm by then.
    pub(super) awaiting: Vec<Edge>,
    /// What devices have said, by their party.
    pub(super) talks: BTreeMap<String, Talk>,
    /// The last lots imported, and their customs entries.
    pub(super) imports: VecDeque<(LotId, String)>,
    /// Whether it has joined.
    pub(super) joined: bool,
    /// Attempts that must be refused and are still to be made, by number.
    pub(super) owed: VecDeque<usize>,
    /// What the law asks, by the world's own books.
    pub(super) law: Law,
    /// Whether the law is in force.
    pub(super) rule_book: bool,
    /// Events of the registry and the opening stock, before anything else
    /// happened.
    pub(super) founded: u64,
    /// How often each thing has been done, so that every variant gets its turn.
    turns: BTreeMap<&'static str, u64>,
    rng: ChaCha8Rng,
    now_ms: i64,
    issued: u64,
    pub(super) labels: u64,
}

/// A statement that has just been signed.
pub(super) struct Said {
    pub(super) issued: Issued,
    pub(super) id: StatementId,
    party: String,
    refs: Vec<EventRef>,
}

impl Said {
    /// The name derived for an event's line.
    pub(super) fn name(&self, index: u32, line: u32) -> [u8; 16] {
        derived(&self.party, self.id, index, line)
    }

    /// The same, and the ledger is to find this in it.
    pub(super) fn meaning(mut self, findings: &[FindingCode]) -> Said {
        self.issued.means.extend(findings);
        self
    }

    /// How other statements name its events.
    pub(super) fn reference(&self, index: usize) -> EventRef {
        self.refs.get(index).cloned().unwrap_or_default()
    }
}

impl World {
    /// The world of a seed, before its ledger exists. The error cannot happen
    /// while the cast's own table is right.
    pub fn new(seed: u64, span: Span) -> Result<World, UsccError> {
        Ok(World {
            cast: Cast::new(seed)?,
            origin: Origin::default(),
            span,
            stock: Vec::new(),
            jobs: Vec::new(),
            ready: VecDeque::new(),
            story: Story::default(),
            revoked: None,
            odd_keys: Vec::new(),
            taken: None,
            last: None,
            gone: Vec::new(),
            milestone: 0,
            chapter: None,
            case: 0,
            awaiting: Vec::new(),
            joined: false,
            talks: BTreeMap::new(),
            imports: VecDeque::new(),
            owed: VecDeque::new(),
            law: Law::default(),
            rule_book: true,
            founded: 0,
            turns: BTreeMap::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            now_ms: span.from_ms,
            issued: 0,
            labels: 0,
        })
    }

    /// The same world without the rule book: no packs, licences, agencies of
    /// cities or cases, so that trade begins sooner. It means no findings of
    /// rules and no refusals by them. Before it is joined.
    #[must_use]
    pub fn without_rule_book(mut self) -> World {
        self.rule_book = false;
        self
    }

    /// Who plays.
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// Events in the statements handed out so far that should become records.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// Events since the world was founded that should have become records, and
    /// about how many there are to be.
    pub(super) fn progress(&self) -> (u64, u64) {
        let all = self.span.events.saturating_sub(self.founded);
        (self.issued.saturating_sub(self.founded), all.max(SHORTEST))
    }

    /// The next statement. There is always one more.
    pub fn next_statement(&mut self) -> Issued {
        let issued = self.choose();
        if issued.expect == Expect::Accepted {
            self.issued = self.issued.saturating_add(issued.events);
            self.last = Some(issued.clone());
            // Repeats must not come before what they repeat.
            if !issued.story && self.one_in(REPEATED_ONE_IN) {
                let what = "sends the same statement again";
                let again = Issued {
                    expect: Expect::Repeated,
                    what,
                    ..issued.clone()
                };
                self.ready.push_back(again);
            }
        }
        issued
    }

    fn choose(&mut self) -> Issued {
        if let Some(waiting) = self.ready.pop_front() {
            return waiting;
        }
        if let Some(turning) = milestones::next(self) {
            return turning;
        }
        if story::due(self) {
            return story::step(self);
        }
        if self.one_in(REFUSED_ONE_IN)
            && let Some(refused) = refuse::any(self)
        {
            return refused;
        }
        let busy = self.jobs.len() >= MAX_JOBS || (!self.jobs.is_empty() && self.below(3) > 0);
        if busy {
            let at = self.below(u64::try_from(self.jobs.len()).unwrap_or(1));
            let job = self
                .jobs
                .swap_remove(usize::try_from(at).unwrap_or_default());
            return self.go_on_with(job);
        }
        let full = self.stock.len() >= MAX_PILES;
        if self.stock.is_empty() || (!full && self.one_in(4)) {
            return self.make();
        }
        let pile = self.take_pile();
        match pile {
            Some(pile) => self.pick_up(pile),
            None => self.make(),
        }
    }

    fn go_on_with(&mut self, job: Job) -> Issued {
        if let Some((lot, from, to)) = self.passes_first(&job) {
            self.jobs.push(job);
            return self.inherit(lot, &from, &to);
        }
        match job {
            Job::Fresh(fresh) => self.tend(*fresh),
            Job::Ship(shipment) => self.carry_on(*shipment),
            Job::Lost(pile) => self.recover(pile),
            Job::Edge(edge) => self.confirm(*edge),
        }
    }

    fn take_pile(&mut self) -> Option<Pile> {
        let count = u64::try_from(self.stock.len()).ok().filter(|n| *n > 0)?;
        let at = usize::try_from(self.below(count)).ok()?;
        Some(self.stock.swap_remove(at))
    }

    /// A pile of the stock whose holder and owner are there, left where it is.
    pub(super) fn look_at_pile(&mut self) -> Option<Pile> {
        let pile = self.take_pile()?;
        self.stock.push(pile.clone());
        Some(pile).filter(|pile| !self.has_left(&pile.holder) && !self.has_left(&pile.owner))
    }

    /// A number below `bound` (0 for a bound of 0).
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// Whether one chance in `n` comes up.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// How often this has been asked before: variants take turns.
    pub(super) fn turn(&mut self, of: &'static str) -> u64 {
        let turn = self.turns.entry(of).or_default();
        let now = *turn;
        *turn = turn.saturating_add(1);
        now
    }

    /// The world's time, Unix milliseconds.
    pub(super) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// When the world's statements expire, Unix milliseconds.
    pub(super) fn expires_ms(&self) -> i64 {
        self.span.until_ms.saturating_add(EXPIRES_AFTER_MS)
    }

    /// Some 32 bytes: a document's hash, a person's commitment.
    pub(super) fn hash(&mut self) -> bytes::Bytes {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        bytes::Bytes::copy_from_slice(&bytes)
    }

    /// A number that no label or waybill has had.
    pub(super) fn number(&mut self) -> u64 {
        self.labels = self.labels.saturating_add(1);
        self.labels
    }

    /// A lot's label: `CF-NACN-000012`.
    pub(super) fn label(&mut self, who: &Who, substance: &str) -> String {
        format!("{}-{substance}-{:06}", who.letters, self.number())
    }

    /// Time passes: between half and one and a half of the mean pace, never
    /// beyond the world's end.
    fn tick(&mut self) {
        let all = self.span.until_ms.saturating_sub(self.span.from_ms);
        let events = i64::try_from(self.span.events.max(1)).unwrap_or(i64::MAX);
        let mean = u64::try_from(all / events).unwrap_or_default();
        let step = i64::try_from(mean / 2 + self.below(mean + 1)).unwrap_or_default();
        self.now_ms = self.now_ms.saturating_add(step).min(self.span.until_ms);
    }

    /// A new id, at a new moment.
    pub(super) fn fresh_id(&mut self) -> StatementId {
        self.tick();
        self.id_at(self.now_ms)
    }

    /// A new id of a moment.
    pub(super) fn id_at(&mut self, ms: i64) -> StatementId {
        let mut random = [0; 10];
        self.rng.fill_bytes(&mut random);
        // Only a time before 1970 or after 10889 has no id.
        StatementId::v7(ms, random).unwrap_or(StatementId([0; 16]))
    }

    /// A statement of now, still to be signed.
    pub(super) fn draft(&self, who: &Who, id: StatementId, bodies: Vec<Body>) -> Draft {
        Draft {
            origin: self.origin.clone(),
            id,
            party: who.code.clone(),
            happened_at_ms: self.now_ms,
            expires_at_ms: self.expires_ms(),
            events: bodies
                .into_iter()
                .map(|body| Event {
                    external_refs: Vec::new(),
                    body: Some(body),
                })
                .collect(),
        }
    }

    /// Signs and names a draft; it should be accepted.
    pub(super) fn signed(
        draft: &Draft,
        key: &SecretKey,
        cosigners: &[&SecretKey],
        what: &'static str,
    ) -> Said {
        World::signed_with(&Header::default(), draft, key, cosigners, what)
    }

    /// The same with a device's number, or from paper.
    pub(super) fn signed_with(
        header: &Header,
        draft: &Draft,
        key: &SecretKey,
        cosigners: &[&SecretKey],
        what: &'static str,
    ) -> Said {
        let refs = (0u32..)
            .zip(&draft.events)
            .filter_map(|(index, _)| draft.event_ref(index, key))
            .collect();
        let issued = Issued {
            signed: draft.sign_with(header, key, cosigners),
            expect: Expect::Accepted,
            what,
            events: u64::try_from(draft.events.len()).unwrap_or(u64::MAX),
            kinds: draft.events.iter().map(kind_of).collect(),
            story: false,
            chapter: None,
            means: Vec::new(),
            heard: false,
        };
        Said {
            issued,
            id: draft.id,
            party: draft.party.clone(),
            refs,
        }
    }

    /// A party says what happened now, with a person's key.
    pub(super) fn say(&mut self, who: &Who, bodies: Vec<Body>, what: &'static str) -> Said {
        let id = self.fresh_id();
        self.say_as(id, who, &[], bodies, what)
    }

    /// The same under a known id, with co-signers.
    pub(super) fn say_as(
        &mut self,
        id: StatementId,
        who: &Who,
        cosigners: &[&SecretKey],
        bodies: Vec<Body>,
        what: &'static str,
    ) -> Said {
        let draft = self.draft(who, id, bodies);
        let key = if cosigners.is_empty() && self.one_in(2) {
            &who.second
        } else {
            &who.first
        };
        World::signed(&draft, key, cosigners, what)
    }

    /// A party hands out, takes in or counts goods of a substance: where they
    /// are highly toxic, with two persons' keys.
    pub(super) fn say_of(
        &mut self,
        who: &Who,
        substance: &str,
        bodies: Vec<Body>,
        what: &'static str,
    ) -> Said {
        if !is_highly_toxic(substance) {
            return self.say(who, bodies, what);
        }
        let id = self.fresh_id();
        self.say_as(id, who, &[&who.second], bodies, what)
    }

    /// The same with a number of another system beside it.
    pub(super) fn say_with_ref(
        &mut self,
        who: &Who,
        substance: &str,
        bodies: Vec<Body>,
        (system, number): (&str, &str),
        what: &'static str,
    ) -> Said {
        let id = self.fresh_id();
        let mut draft = self.draft(who, id, bodies);
        for event in &mut draft.events {
            event.external_refs = vec![ExternalRef {
                system: system.to_owned(),
                number: number.to_owned(),
            }];
        }
        let second = [&who.second];
        let two = if is_highly_toxic(substance) {
            second.as_slice()
        } else {
            &[]
        };
        World::signed(&draft, &who.first, two, what)
    }

    /// Whether nothing of the lot is under way.
    pub(super) fn at_rest(&self, lot: LotId) -> bool {
        !self.jobs.iter().any(|job| match job {
            Job::Fresh(fresh) => fresh.pile.lot == lot,
            Job::Ship(shipment) => shipment.lot() == lot,
            Job::Lost(pile) => pile.lot == lot,
            Job::Edge(_) => false,
        })
    }
}
