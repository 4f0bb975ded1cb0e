//! One plan an event kind, with the wrongs that belong to it.

use bytes::Bytes;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Assayed, Counted, EventKind, Imported, KeyRevoked, Moved, Opened, Packed, PartyStatus, Produced,
};
use rand::RngExt as _;

use super::books::Id;
use super::model::Model;
use super::player::{Play, Player};
use super::stock::ranges;
use super::world::{Plan, event, place_in, public, site, unit};

pub fn one(by: usize, body: Body) -> Play {
    Play::Plan(plan(by, body))
}

pub fn plan(by: usize, body: Body) -> Plan {
    Plan {
        by,
        events: vec![event(body)],
        ..Plan::default()
    }
}

pub fn bytes(id: &Id) -> Bytes {
    Bytes::copy_from_slice(id)
}

impl Player {
    /// A statement of one kind of event, if there is occasion for it.
    pub fn play(&mut self, model: &Model, kind: EventKind) -> Option<Play> {
        match kind {
            EventKind::Produced if self.only.is_none() && self.world.percent(10) => {
                Some(self.fresh())
            }
            EventKind::Produced => {
                let lot = Some(self.new_lot());
                Some(one(self.actor(), Body::Produced(Produced { lot })))
            }
            EventKind::Imported => Some(self.imported()),
            EventKind::Opened => Some(self.opened()),
            EventKind::Arrived => Some(self.arrived()),
            EventKind::Departed => self.departed(model),
            EventKind::Confirmed => self.confirmed(model),
            EventKind::CustomsReported => self.customs_reported(model),
            EventKind::Moved => self.moved(model),
            EventKind::Packed => self.packed(model),
            EventKind::Filled => self.filled(model),
            EventKind::Drawn => self.drawn(model),
            EventKind::Cleaned => self.cleaned(model),
            EventKind::Assayed => self.assayed(model),
            EventKind::Counted => self.counted(model),
            EventKind::Offered => self.offered(model),
            EventKind::Accepted => self.accepted(model),
            EventKind::Declined | EventKind::Withdrawn => self.closed(model, kind),
            EventKind::Relayed => self.relayed(model),
            EventKind::Reported => self.reported(model),
            EventKind::Traded => self.traded(model),
            EventKind::Used
            | EventKind::Disposed
            | EventKind::Exported
            | EventKind::Wasted
            | EventKind::Sampled => self.gone(model, kind),
            EventKind::Transformed => self.transformed(model),
            EventKind::Repacked => self.repacked(model),
            EventKind::Aggregated => self.aggregated(model),
            EventKind::PackagingTreated => self.packaging_treated(model),
            EventKind::Incident => self.incident(model),
            EventKind::Recovered => self.recovered(model),
            EventKind::Settled => self.settled(model),
            EventKind::Corrected => self.corrected(model),
            EventKind::Succeeded => self.succeeded(model),
            EventKind::TakenOver => self.taken_over(model),
            EventKind::Seized => self.seized(model),
            EventKind::Unsealed => self.unsealed(model),
            EventKind::Inherited => self.inherited(model),
            EventKind::PartyRegistered => Some(self.party_registered(model)),
            EventKind::SiteRegistered => Some(self.within(Within::Site)),
            EventKind::UnitRegistered => Some(self.within(Within::Unit)),
            EventKind::PlaceRegistered => Some(self.within(Within::Place)),
            EventKind::KeyRegistered => Some(self.key_plan()),
            EventKind::KeyRevoked => self.revocation(model),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum Within {
    Site,
    Unit,
    Place,
}

/// The registry.
impl Player {
    pub fn party_registered(&mut self, model: &Model) -> Play {
        let there = self.world.members.len() - self.world.gone.len();
        if there < 18 && self.world.percent(15) {
            let member = self.world.new_member();
            return Play::Plan(self.world.enrolment(member));
        }
        let closed: Vec<usize> = (self.world.authorities..self.world.members.len())
            .filter(|m| {
                let party = model.parties.get(&self.world.code(*m));
                party.is_some_and(|p| !p.active)
            })
            .collect();
        let (member, status) = match closed.first() {
            Some(closed) => (*closed, PartyStatus::Active),
            None if self.world.percent(20) => (self.world.anybody(), PartyStatus::Closed),
            None => (self.world.anybody(), PartyStatus::Active),
        };
        let registered = self.world.party(member, status);
        let by = if self.wild() {
            self.world.anybody()
        } else {
            self.world.upto(2)
        };
        one(by, Body::PartyRegistered(registered))
    }

    /// Sites, units and places: by the party or an authority.
    fn within(&mut self, what: Within) -> Play {
        let by = self.actor();
        let wild = self.wild();
        let member = if wild { self.world.anybody() } else { by };
        let party = self.world.code(member);
        let number = self.world.upto(40);
        let known = if wild && self.world.percent(50) {
            "OTHER"
        } else {
            "MAIN"
        };
        let body = match what {
            Within::Site => Body::SiteRegistered(site(&party, &format!("SITE-{number}"))),
            Within::Unit => Body::UnitRegistered(unit(&party, &format!("UNIT-{number}"), known)),
            Within::Place => {
                let unit = if self.world.percent(10) { "U-9" } else { "U-1" };
                let place = format!("P-{number}");
                Body::PlaceRegistered(place_in(&party, &place, known, unit))
            }
        };
        let by_authority = self.only.is_none() && self.world.percent(20);
        one(if by_authority { 1 } else { by }, body)
    }

    pub fn key_plan(&mut self) -> Play {
        let member = self.world.anybody();
        let person = self.world.percent(60);
        let key = self.world.new_key(person);
        let mut registered = self.world.key_registered(member, &key);
        let mut plan = Plan {
            by: self.world.upto(2),
            authorities: 1,
            ..Plan::default()
        };
        if self.wild() {
            match self.world.upto(3) {
                0 => plan.authorities = 0,
                1 => plan.by = member,
                2 => registered.public_key = public(&self.world.members[member].keys[0].secret),
                _ => "91150100MA00000000".clone_into(&mut registered.party),
            }
        }
        plan.events.push(event(Body::KeyRegistered(registered)));
        self.new_keys.push((member, key));
        Play::Plan(plan)
    }

    pub fn revocation(&mut self, model: &Model) -> Option<Play> {
        let wild = self.wild();
        // Keys of the succeeded too, by the successor's.
        let members = self.world.authorities..self.world.members.len();
        let spare = |m: &usize| {
            let kept = self.world.kept_keys(*m);
            let mut keys = self.world.members[*m].keys.iter().skip(kept);
            keys.any(|k| !k.revoked)
        };
        let spare: Vec<usize> = members.filter(spare).collect();
        if spare.is_empty() {
            return None;
        }
        let member = *self.world.pick(&spare);
        let keys = &self.world.members[member].keys;
        let candidates: Vec<Bytes> = keys
            .iter()
            .skip(self.world.kept_keys(member))
            .filter(|k| !k.revoked || wild)
            .map(|k| k.secret.id().to_bytes())
            .collect();
        if candidates.is_empty() {
            return None;
        }
        let key_id = self.world.pick(&candidates).clone();
        let by = match self.world.upto(9) {
            0 if wild => self.world.anybody(),
            0..=3 => self.world.upto(2),
            _ => self.heir(model, member),
        };
        let reason = "lost".to_owned();
        Some(one(by, Body::KeyRevoked(KeyRevoked { key_id, reason })))
    }
}

/// Entering and in store.
impl Player {
    pub fn imported(&mut self) -> Play {
        let country = if self.world.percent(3) {
            "Xanadu"
        } else {
            "MN"
        };
        let imported = Imported {
            lot: Some(self.new_lot()),
            country: country.to_owned(),
            customs_entry: "E-1".to_owned(),
            customs_status: self.customs_status().into(),
        };
        one(self.actor(), Body::Imported(imported))
    }

    pub fn opened(&mut self) -> Play {
        let opened = Opened {
            lot: Some(self.new_lot()),
            provenance: String::new(),
        };
        let second = !self.world.percent(10);
        Play::Plan(Plan {
            second,
            ..plan(self.actor(), Body::Opened(opened))
        })
    }

    pub fn moved(&mut self, model: &Model) -> Option<Play> {
        let stock = self.stock(model)?;
        let mut goods = self.goods(&stock);
        self.with_empties(&mut goods, &stock);
        self.with_outers(model, &mut goods, &stock);
        if self.world.percent(3) {
            self.pour(model, &mut goods, &stock);
        }
        let moved = Moved {
            goods: Some(goods),
            to_place: self.place(),
            from_place: stock.place,
        };
        Some(one(stock.by, Body::Moved(moved)))
    }

    pub fn packed(&mut self, model: &Model) -> Option<Play> {
        let stock = self.stock(model)?;
        let book = model.lots.get(&stock.lot).unwrap();
        let used = book.packages.keys().chain(&book.ended).max();
        let mut first = used.copied().unwrap_or_default() + 1;
        if self.world.percent(20) {
            first += 3;
        }
        let count = self.world.rng.random_range(1..=9);
        let mut each = self.some((stock.free / count).max(1)).max(1);
        if self.world.percent(10) {
            first = first.saturating_sub(2).max(1);
        }
        if self.world.percent(3) {
            each = 0;
        }
        let last = first + u64::try_from(count).unwrap() - 1;
        let packed = Packed {
            lot: bytes(&stock.lot),
            place: stock.place,
            serials: Some(hazledger::pb::SerialRange { first, last }),
            gross_mg_each: each,
            packaging: "steel drum 1A2".to_owned(),
        };
        Some(one(stock.by, Body::Packed(packed)))
    }

    pub fn assayed(&mut self, model: &Model) -> Option<Play> {
        let mut stock = self.stock(model)?;
        for _ in 0..40 {
            let book = model.lots.get(&stock.lot).unwrap();
            let holdings = book.accounts.keys().filter(|a| a.is_holding());
            if stock.loose > 0 && book.promised.is_empty() && holdings.count() == 1 {
                break;
            }
            stock = self.stock(model)?;
        }
        let book = model.lots.get(&stock.lot).unwrap();
        let near = i64::from(book.ppm) + self.world.rng.random_range(-9999..=9999);
        let content_ppm = u32::try_from(near).unwrap_or(0).min(1_000_000);
        let assayed = Assayed {
            lot: bytes(&stock.lot),
            content_ppm,
            certificate_hash: Bytes::from_static(&[4; 32]),
            wetting_ppm: self.world.percent(50).then_some(240_000),
            weighed: (self.world.percent(20) && stock.loose > 0).then(|| {
                let less = if self.world.percent(90) { 0 } else { -2 };
                let gross = stock.loose - stock.loose / 50 - less;
                self.quantity(gross.max(1))
            }),
            ..Assayed::default()
        };
        Some(one(stock.by, Body::Assayed(assayed)))
    }

    pub fn counted(&mut self, model: &Model) -> Option<Play> {
        let stock = if self.world.percent(25) {
            self.promised_stock(model)?
        } else {
            self.stock(model)?
        };
        let loose_gross_mg = match self.world.upto(9) {
            0 => stock.loose + self.some(1000),
            1 => (stock.loose - self.some(1000)).max(0),
            2 => 0,
            3 if self.wild() => -1,
            _ => stock.loose,
        };
        let measured = loose_gross_mg.max(0) + i64::from(self.world.percent(5));
        let loose_measure = self.world.percent(20).then(|| hazledger::pb::Measure {
            value: measured.to_string(),
            unit: hazledger::pb::MeasureUnit::Mg.into(),
            verified_until_ms: 1,
            ..hazledger::pb::Measure::default()
        });
        let mut scanned = stock.serials.clone();
        let mut assumed = Vec::new();
        match self.world.upto(7) {
            0 => scanned = self.some_serials(&stock.serials),
            1 => scanned.push(4000),
            2 => assumed = scanned.split_off(scanned.len() / 2),
            3 if self.wild() => assumed.clone_from(&scanned),
            _ => {}
        }
        let outers_seen = self.outers_seen(model, &stock, &mut scanned);
        let counted = Counted {
            lot: bytes(&stock.lot),
            place: stock.place,
            loose_gross_mg,
            serials_scanned: ranges(&scanned),
            serials_assumed: ranges(&assumed),
            outers_seen,
            loose_measure,
        };
        Some(one(stock.by, Body::Counted(counted)))
    }
}
