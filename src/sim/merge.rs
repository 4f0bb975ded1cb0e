//! One party succeeds another, by a decree of all agencies, in the middle of
//! trade. Offers, consignments and disputes go on under the successor's name at
//! once; goods and title pass lot by lot, when somebody comes to the lot.

use std::collections::BTreeSet;

use super::cast::Who;
use super::goods::Pile;
use super::make::Next;
use super::ship::{Dispute, Leg, Shipment};
use super::world::Job;
use super::{Issued, World};
use crate::event::LotId;
use crate::pb::event::Body;
use crate::pb::{
    Inherited, InheritedLine, PlaceRegistered, SiteRegistered, Succeeded, UnitRegistered,
};

/// Under this code a successor registers its predecessor's site as its own.
const SITE: &str = "SITE-2";

/// Who has left, and who has succeeded it, if anybody has.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    pub(super) who: Who,
    pub(super) heir: Option<Who>,
    /// Its keys have been revoked.
    pub(super) keyless: bool,
}

/// The code under which a successor registers its predecessor's place.
fn taken_as(place: &'static str) -> &'static str {
    match place {
        "MAG-1" => "MAG-2",
        "WORKS-1" => "WORKS-2",
        "LINE-1" => "LINE-2",
        "STORE-1" => "STORE-2",
        "YARD-1" => "YARD-3",
        "YARD-2" => "YARD-4",
        other => other,
    }
}

/// Whether goods of a shipment stand where they were, free of offers.
fn not_yet_offered(s: &Shipment) -> bool {
    matches!(s.leg, Leg::Sell | Leg::Load)
}

impl World {
    /// Whether a party has left, succeeded or not.
    pub(super) fn has_left(&self, who: &Who) -> bool {
        self.gone.iter().any(|g| g.who.code == who.code)
    }

    /// Whether a party has left and nobody has succeeded it.
    pub(super) fn has_vanished(&self, who: &Who) -> bool {
        self.has_left(who) && self.heir(who).is_none()
    }

    /// The party that has left and that nobody has succeeded.
    pub(super) fn who_vanished(&self) -> Option<Who> {
        let gone = self.gone.iter().find(|g| g.heir.is_none())?;
        Some(gone.who.clone())
    }

    /// Who has succeeded a party.
    pub(super) fn heir(&self, who: &Who) -> Option<Who> {
        let gone = self.gone.iter().find(|g| g.who.code == who.code)?;
        gone.heir.clone()
    }

    /// All agencies decree that one party succeeds another. The successor
    /// registers its places at once, and what it comes to first passes.
    pub(super) fn merge(&mut self, from: &Who, to: &Who) -> Issued {
        let succeeded = Succeeded {
            predecessor: from.code.clone(),
            successor: to.code.clone(),
            effective_at_ms: self.now_ms(),
            reason: format!("merger by deed 合并协议 HB-2026-{:04}", self.number()),
        };
        let said = self.decree(
            vec![Body::Succeeded(succeeded)],
            "lets a party succeed another",
        );
        let places = self.register_taken(from, to);
        self.ready.push_back(places);
        let keyless = self.has_vanished(from);
        self.gone.retain(|g| g.who.code != from.code);
        self.gone.push(Gone {
            who: from.clone(),
            heir: Some(to.clone()),
            keyless,
        });
        if !keyless {
            self.cast.retire(from);
        }
        self.jobs.iter_mut().for_each(|job| pass(job, from, to));
        let theirs = |p: &&Pile| p.holder.code == from.code || p.owner.code == from.code;
        let first = self.stock.iter().find(theirs).map(|p| p.lot);
        if let Some(lot) = first {
            let passed = self.inherit(lot, from, to);
            self.ready.push_back(passed);
        }
        said.issued
    }

    fn register_taken(&mut self, from: &Who, to: &Who) -> Issued {
        let party = || to.code.clone();
        let mut bodies = vec![Body::SiteRegistered(SiteRegistered {
            party: party(),
            site: SITE.to_owned(),
            name_zh: from.name_zh.to_owned(),
            name_en: from.name_en.to_owned(),
            kind: from.site_kind.to_owned(),
            region: from.region.to_owned(),
            ..SiteRegistered::default()
        })];
        for place in from.places() {
            let mut unit = String::new();
            if !place.unit.is_empty() {
                unit = format!("{}-2", place.unit);
                bodies.push(Body::UnitRegistered(UnitRegistered {
                    party: party(),
                    unit: unit.clone(),
                    site: SITE.to_owned(),
                    name_zh: place.name_zh.to_owned(),
                    name_en: place.name_en.to_owned(),
                    design_maxima: super::setup::design_maxima(),
                }));
            }
            bodies.push(Body::PlaceRegistered(PlaceRegistered {
                party: party(),
                place: taken_as(place.code).to_owned(),
                site: SITE.to_owned(),
                unit,
                name_zh: place.name_zh.to_owned(),
                name_en: place.name_en.to_owned(),
                kind: place.kind.to_owned(),
                ..PlaceRegistered::default()
            }));
        }
        self.say(to, bodies, "registers its predecessor's places")
            .issued
    }

    /// A pile that has been taken from the stock is dealt with, unless its
    /// holder or owner has left: then it is put into other hands first.
    pub(super) fn pick_up(&mut self, pile: Pile) -> Issued {
        if self.has_vanished(&pile.holder) {
            return self.take_over(pile);
        }
        if let Some((from, to)) = self.to_inherit(&pile) {
            let lot = pile.lot;
            self.stock.push(pile);
            return self.inherit(lot, &from, &to);
        }
        if self.has_vanished(&pile.owner) {
            self.stock.push(pile);
            return self.make();
        }
        self.deal_with(pile)
    }

    fn to_inherit(&self, pile: &Pile) -> Option<(Who, Who)> {
        let mut parties = [&pile.holder, &pile.owner].into_iter();
        parties.find_map(|who| Some((who.clone(), self.heir(who)?)))
    }

    /// The lot of a thing under way that must pass before it can go on, from
    /// whom and to whom.
    pub(super) fn passes_first(&self, job: &Job) -> Option<(LotId, Who, Who)> {
        let pile = match job {
            Job::Fresh(fresh) => &fresh.pile,
            Job::Ship(s) if not_yet_offered(s) => &s.pile,
            _ => return None,
        };
        let (from, to) = self.to_inherit(pile)?;
        Some((pile.lot, from, to))
    }

    /// All of one lot that stands in the predecessor's places free of offers,
    /// and the title to all of it, wherever it stands.
    pub(super) fn inherit(&mut self, lot: LotId, from: &Who, to: &Who) -> Issued {
        let free = self.stock.iter().chain(self.jobs.iter().filter_map(free));
        let there = free.filter(|p| p.lot == lot && p.holder.code == from.code);
        let places: BTreeSet<&'static str> = there.map(|p| p.place).collect();
        let line = |place: &str, to_place: &str| InheritedLine {
            lot: lot.to_bytes(),
            place: place.to_owned(),
            to_place: to_place.to_owned(),
        };
        let mut lines: Vec<InheritedLine> = places
            .into_iter()
            .map(|place| line(place, taken_as(place)))
            .collect();
        if lines.is_empty() {
            lines.push(line("", ""));
        }
        for pile in &mut self.stock {
            pass_goods(pile, lot, from, to);
        }
        for job in &mut self.jobs {
            if let Some(pile) = free_mut(job) {
                pass_goods(pile, lot, from, to);
            }
            for pile in owned_mut(job) {
                pass_title(pile, lot, from, to);
            }
        }
        let inherited = Inherited {
            predecessor: from.code.clone(),
            lines,
        };
        self.say(to, vec![Body::Inherited(inherited)], "inherits a lot")
            .issued
    }

    /// Missing goods of who has left come back at its successor's.
    pub(super) fn where_it_is_now(&self, pile: Pile) -> Pile {
        match self.heir(&pile.holder) {
            Some(heir) => {
                let place = taken_as(pile.place);
                pile.at(&heir, place)
            }
            None => pile,
        }
    }
}

/// A thing under way whose goods no offer has promised.
fn free(job: &Job) -> Option<&Pile> {
    match job {
        Job::Fresh(fresh) => Some(&fresh.pile),
        Job::Ship(s) if not_yet_offered(s) => Some(&s.pile),
        _ => None,
    }
}

fn free_mut(job: &mut Job) -> Option<&mut Pile> {
    match job {
        Job::Fresh(fresh) => Some(&mut fresh.pile),
        Job::Ship(s) if not_yet_offered(s) => Some(&mut s.pile),
        _ => None,
    }
}

/// Every pile of a thing under way.
fn owned_mut(job: &mut Job) -> Vec<&mut Pile> {
    match job {
        Job::Fresh(fresh) => vec![&mut fresh.pile],
        Job::Ship(s) => {
            let Shipment { pile, leg, .. } = &mut **s;
            match leg {
                Leg::Settle(Dispute::Short(_, short)) => vec![pile, short],
                _ => vec![pile],
            }
        }
        Job::Lost(pile) => vec![pile],
        Job::Edge(_) => Vec::new(),
    }
}

fn pass_goods(pile: &mut Pile, lot: LotId, from: &Who, to: &Who) {
    pass_title(pile, lot, from, to);
    if pile.lot == lot && pile.holder.code == from.code {
        pile.holder = to.clone();
        pile.place = taken_as(pile.place);
    }
}

fn pass_title(pile: &mut Pile, lot: LotId, from: &Who, to: &Who) {
    if pile.lot == lot && pile.owner.code == from.code {
        pile.owner = to.clone();
    }
}

/// What is under way goes on under the successor's name; goods stay where they
/// are until they are inherited.
fn pass(job: &mut Job, from: &Who, to: &Who) {
    match job {
        // The books of a correction reach back to the predecessor's own place.
        Job::Fresh(fresh) if fresh.pile.holder.code == from.code => {
            if matches!(fresh.next, Next::Correct) {
                fresh.next = Next::Pack;
            }
        }
        Job::Ship(s) => {
            for who in [&mut s.giver, &mut s.carrier, &mut s.consignee] {
                if who.code == from.code {
                    *who = to.clone();
                }
            }
        }
        _ => {}
    }
}
