//! The player: random statements, most of them right, some wrong on purpose.
//! It looks at the model to know what could be done, never at the ledger.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use hazledger::event::Statement;
use hazledger::pb::event::Body;
use hazledger::pb::{Event, EventKind, EventRef, ExternalRef, incident};

use super::books::{Account, Id};
use super::model::{Model, Touched};
use super::world::{Plan, Signed, TWISTS, World};

/// Things of one kind that can be played with: an even pick, and those that
/// no longer serve fall out.
#[derive(Default)]
pub struct Pool {
    live: Vec<Id>,
    known: HashSet<Id>,
    gone: Vec<Id>,
}

impl Pool {
    pub fn add(&mut self, id: Id) {
        if self.known.insert(id) {
            self.live.push(id);
        }
    }

    pub fn pick(&mut self, world: &mut World, serves: impl Fn(&Id) -> bool) -> Option<Id> {
        for _ in 0..60 {
            if self.live.is_empty() {
                return None;
            }
            let at = world.upto(self.live.len() - 1);
            let id = self.live[at];
            if serves(&id) {
                return Some(id);
            }
            self.live.swap_remove(at);
            self.known.remove(&id);
            self.gone.push(id);
        }
        None
    }

    /// One that fell out.
    pub fn pick_gone(&self, world: &mut World) -> Option<Id> {
        if self.gone.is_empty() {
            return None;
        }
        Some(*world.pick(&self.gone))
    }
}

/// A plan still to be signed, or a statement that is.
pub enum Play {
    Plan(Plan),
    Signed(Signed),
}

pub struct Player {
    pub world: World,
    pub lots: Pool,
    pub lost: Pool,
    pub offers: Pool,
    pub consignments: Pool,
    pub disputes: Pool,
    /// Lots with something that is still to be confirmed.
    pub edges: Pool,
    /// Lots with customs entries.
    pub customs: Pool,
    /// Lots with something that is sealed.
    pub sealed: Pool,
    /// Events that can be corrected, and corrections.
    pub past: Vec<EventRef>,
    /// Those of them that happened aboard.
    pub past_aboard: Vec<EventRef>,
    /// Keys registered, or about to be: (member, key).
    pub new_keys: Vec<(usize, super::world::Keyed)>,
    /// Offers signed already whose acceptances go first.
    pub held_back: Vec<Signed>,
    /// What devices have signed and not yet sent.
    pub offline: Vec<Signed>,
    /// Only this member acts, while a statement of several events is made.
    pub only: Option<usize>,
    pub labels: u64,
    /// Accepted so far, by kind.
    pub counts: BTreeMap<EventKind, u64>,
}

/// Every kind that a party or an authority can bring about.
pub const LIVE: &[EventKind] = &[
    EventKind::Produced,
    EventKind::Imported,
    EventKind::Opened,
    EventKind::Arrived,
    EventKind::Moved,
    EventKind::Packed,
    EventKind::Filled,
    EventKind::Drawn,
    EventKind::Cleaned,
    EventKind::Repacked,
    EventKind::Assayed,
    EventKind::Sampled,
    EventKind::Counted,
    EventKind::Aggregated,
    EventKind::Offered,
    EventKind::Accepted,
    EventKind::Declined,
    EventKind::Withdrawn,
    EventKind::Relayed,
    EventKind::Reported,
    EventKind::Traded,
    EventKind::Used,
    EventKind::Transformed,
    EventKind::Wasted,
    EventKind::Disposed,
    EventKind::PackagingTreated,
    EventKind::Exported,
    EventKind::Departed,
    EventKind::Confirmed,
    EventKind::CustomsReported,
    EventKind::Incident,
    EventKind::Recovered,
    EventKind::Settled,
    EventKind::Corrected,
    EventKind::Succeeded,
    EventKind::TakenOver,
    EventKind::Seized,
    EventKind::Unsealed,
    EventKind::Inherited,
    EventKind::PartyRegistered,
    EventKind::SiteRegistered,
    EventKind::PlaceRegistered,
    EventKind::UnitRegistered,
    EventKind::KeyRegistered,
    EventKind::KeyRevoked,
];

/// What happens more often than the rest.
const COMMON: &[EventKind] = &[
    EventKind::Produced,
    EventKind::Packed,
    EventKind::Packed,
    EventKind::Moved,
    EventKind::Offered,
    EventKind::Offered,
    EventKind::Offered,
    EventKind::Offered,
    EventKind::Offered,
    EventKind::Accepted,
    EventKind::Accepted,
    EventKind::Accepted,
    EventKind::Traded,
    EventKind::Used,
    EventKind::Counted,
    EventKind::Corrected,
];

/// What can stand beside others in one statement.
const SIMPLE: &[EventKind] = &[
    EventKind::Filled,
    EventKind::Drawn,
    EventKind::Produced,
    EventKind::Imported,
    EventKind::Opened,
    EventKind::Arrived,
    EventKind::Moved,
    EventKind::Packed,
    EventKind::Counted,
    EventKind::Traded,
    EventKind::Used,
    EventKind::Transformed,
    EventKind::Wasted,
    EventKind::Disposed,
    EventKind::Exported,
    EventKind::Departed,
    EventKind::Incident,
    EventKind::Recovered,
    EventKind::SiteRegistered,
    EventKind::UnitRegistered,
];

impl Player {
    pub fn new(world: World) -> Player {
        Player {
            world,
            lots: Pool::default(),
            lost: Pool::default(),
            offers: Pool::default(),
            consignments: Pool::default(),
            disputes: Pool::default(),
            edges: Pool::default(),
            customs: Pool::default(),
            sealed: Pool::default(),
            past: Vec::new(),
            past_aboard: Vec::new(),
            new_keys: Vec::new(),
            held_back: Vec::new(),
            offline: Vec::new(),
            only: None,
            labels: 0,
            counts: BTreeMap::new(),
        }
    }

    /// The next statement.
    pub fn next(&mut self, model: &Model) -> Signed {
        if !self.held_back.is_empty() && self.world.percent(30) {
            return self.held_back.remove(0);
        }
        if !self.offline.is_empty() && self.world.percent(4) {
            return self.offline.remove(0);
        }
        loop {
            let signed = self.made(model);
            let statement = Statement::open(signed.statement.clone());
            let numbered = statement.ok().filter(|s| s.payload.device.is_some());
            match numbered.filter(|_| self.world.percent(6)) {
                // A device without a network keeps it for later.
                Some(statement) => {
                    self.world.said(&statement.payload, statement.digest);
                    self.offline.push(signed);
                }
                None => return signed,
            }
        }
    }

    fn made(&mut self, model: &Model) -> Signed {
        loop {
            self.only = None;
            let kind = self.kind();
            let next = if self.world.percent(12) {
                self.several(model)
            } else {
                self.play(model, kind)
            };
            match next {
                Some(Play::Signed(signed)) => return signed,
                Some(Play::Plan(plan)) => return self.finish(model, plan),
                None => {}
            }
        }
    }

    fn finish(&mut self, model: &Model, mut plan: Plan) -> Signed {
        if self.world.percent(4) {
            self.enter_paper(model, &mut plan);
        }
        if self.world.percent(10) {
            let number = format!("T-{}", self.world.upto(9999));
            plan.events[0].external_refs.push(ExternalRef {
                system: "ERP".to_owned(),
                number,
            });
        }
        if self.world.percent(4) {
            plan.twist = *self.world.pick(&TWISTS);
        }
        self.world.signed(&plan)
    }

    /// The rarest so far, the common ones, or any.
    fn kind(&mut self) -> EventKind {
        match self.world.upto(9) {
            0..=3 => {
                let count = |k: &EventKind| self.counts.get(k).copied().unwrap_or_default();
                let mut rare = LIVE.to_vec();
                rare.sort_by_key(count);
                *self.world.pick(&rare[..6])
            }
            4..=6 => *self.world.pick(COMMON),
            _ => *self.world.pick(LIVE),
        }
    }

    /// Several events of one member in one statement.
    fn several(&mut self, model: &Model) -> Option<Play> {
        let by = self.world.anybody();
        self.only = Some(by);
        let mut all = Plan {
            by,
            ..Plan::default()
        };
        for _ in 0..=self.world.upto(3) {
            let kind = *self.world.pick(SIMPLE);
            if let Some(Play::Plan(plan)) = self.play(model, kind)
                && plan.by == by
            {
                all.events.extend(plan.events);
                all.with.extend(plan.with);
                all.second |= plan.second;
                all.authorities = all.authorities.max(plan.authorities);
            }
        }
        all.with.sort_unstable();
        all.with.dedup();
        (!all.events.is_empty()).then_some(Play::Plan(all))
    }

    /// What an accepted statement brought.
    pub fn learn(&mut self, model: &Model, touched: &Touched, events: &[(EventRef, Event)]) {
        for lot in &touched.lots {
            let book = model.lots.get(lot).unwrap();
            if book.is_live() {
                self.lots.add(*lot);
            }
            if !book.one_sided.is_empty() {
                self.edges.add(*lot);
            }
            if !book.seals.is_empty() {
                self.sealed.add(*lot);
            }
            if !book.customs.is_empty() {
                self.customs.add(*lot);
            }
            if book.on(&Account::Missing).gross > 0 {
                self.lost.add(*lot);
            }
        }
        touched.offers.iter().for_each(|o| self.offers.add(*o));
        touched.disputes.iter().for_each(|d| self.disputes.add(*d));
        let consignments = touched.consignments.iter();
        consignments.for_each(|c| self.consignments.add(*c));
        for (reference, event) in events {
            *self.counts.entry(super::laws::kind(event)).or_default() += 1;
            match event.body.as_ref().unwrap() {
                Body::Produced(_)
                | Body::Imported(_)
                | Body::Opened(_)
                | Body::Moved(_)
                | Body::Counted(_)
                | Body::Accepted(_)
                | Body::Used(_)
                | Body::Transformed(_)
                | Body::Wasted(_)
                | Body::Disposed(_)
                | Body::Exported(_)
                | Body::Recovered(_)
                | Body::Arrived(_)
                | Body::Departed(_)
                | Body::Sampled(_)
                | Body::Filled(_)
                | Body::Drawn(_)
                | Body::Corrected(_) => self.past.push(reference.clone()),
                Body::Incident(e) => {
                    self.past.push(reference.clone());
                    if matches!(e.at, Some(incident::At::Consignment(_))) {
                        self.past_aboard.push(reference.clone());
                    }
                }
                Body::Succeeded(e) => {
                    let gone = self.world.member(&e.predecessor).unwrap();
                    self.world.gone.insert(gone);
                }
                Body::KeyRegistered(e) => self.key_registered(&e.public_key),
                Body::KeyRevoked(e) => self.key_revoked(&e.key_id),
                _ => {}
            }
        }
    }

    fn key_registered(&mut self, public: &Bytes) {
        let ours =
            |(_, k): &(usize, super::world::Keyed)| super::world::public(&k.secret) == public;
        if let Some(at) = self.new_keys.iter().position(ours) {
            let (member, key) = self.new_keys.swap_remove(at);
            self.world.members[member].keys.push(key);
        }
    }

    fn key_revoked(&mut self, id: &Bytes) {
        let keys = self.world.members.iter_mut().flat_map(|m| &mut m.keys);
        for key in keys.filter(|k| k.secret.id().to_bytes() == id) {
            key.revoked = true;
        }
    }

    /// Who acts next.
    pub fn actor(&mut self) -> usize {
        match self.only {
            Some(by) => by,
            None => self.world.anybody(),
        }
    }

    /// Once in a while something is wrong on purpose.
    pub fn wild(&mut self) -> bool {
        self.world.percent(20)
    }
}
