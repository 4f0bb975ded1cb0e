//! The model: who is registered, what is where, what is promised. It judges a
//! statement by the design's rules and books it in its own maps. It says
//! yes or no, and of a no only the broad class.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use hazledger::event::ids::{CLOCK_SKEW_MS, ID_WINDOW_MS};
use hazledger::event::{KeyId, StatementId};
use hazledger::pb::event::Body;
use hazledger::pb::{Accepted, Event, EventRef, Origin, Payload};

use super::books::{Account, Amount, Blend, Book, Id, Table};
use super::goods::Booked;
use super::vessels::Place;

/// Why a statement may not be recorded, broadly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// An unknown key, or bytes that it did not sign.
    Signature,
    /// For another ledger, or out of its time.
    Header,
    /// A key that does not count, or somebody who must sign and has not.
    Who,
    /// A party, site, place or unit that is unknown or closed; a key twice.
    Registry,
    /// What an event says cannot be.
    Field,
    /// Goods that are not there, or promised.
    Goods,
    /// Title that is not there.
    Title,
    /// An event named by another digest than it has.
    Reference,
    /// An offer unknown, closed, or lines that it does not have.
    Offer,
    /// A consignment unknown or closed.
    Consignment,
    /// More out than in.
    Conservation,
    /// A dispute unknown, closed, or smaller.
    Dispute,
    /// Nothing one-sided by that name, or too much.
    Edge,
    /// Customs hold it.
    Customs,
    /// It is not what was handed over that comes back.
    Return,
    /// An event that is unknown, or not to be corrected so.
    Correction,
    /// A device's number that does not fit.
    Device,
    /// It is so already.
    Pointless,
    /// No vessel, one that is in use, or one that was not cleaned.
    Vessel,
}

pub type Verdict<T = ()> = Result<T, Wrong>;

pub fn must(holds: bool, wrong: Wrong) -> Verdict {
    if holds { Ok(()) } else { Err(wrong) }
}

/// The base rules as genesis has them.
pub struct Rules {
    pub tolerance_ppm: u32,
    pub root_threshold: usize,
}

#[derive(Clone, Debug)]
pub struct Party {
    pub active: bool,
    pub authority: bool,
    pub parked: usize,
    pub succeeded_by: Option<String>,
    /// Whom it has succeeded, through others too.
    pub predecessors: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub struct Key {
    pub party: String,
    /// A person's commitment; none for a device.
    pub person: Option<Bytes>,
    pub from_ms: i64,
    pub until_ms: i64,
    pub revoked: bool,
    pub device: super::devices::Chain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Open,
    Accepted,
    Declined,
    Withdrawn,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub lot: Id,
    pub loose: i64,
    pub serials: BTreeSet<u64>,
}

#[derive(Clone, Debug)]
pub struct Offer {
    pub reference: EventRef,
    pub giver: String,
    pub taker: String,
    pub from: Account,
    pub lines: Vec<Line>,
    pub carriage: bool,
    pub mode: i32,
    pub wagons: BTreeSet<String>,
    pub consignee: String,
    pub status: Status,
    /// The handoff that it takes back.
    pub returns: Option<EventRef>,
    /// What was taken of each lot, and what has come back since.
    pub taken: BTreeMap<Id, Part>,
    pub returned: BTreeMap<Id, Part>,
    /// Who signed it.
    pub signed: BTreeSet<String>,
}

/// Some of a lot: a loose gross mass, and packages.
pub type Part = (i64, BTreeSet<u64>);

impl Offer {
    /// What was handed over of a lot and has not come back.
    pub fn left(&self, lot: &Id) -> Part {
        let (mut loose, mut serials) = self.taken.get(lot).cloned().unwrap_or_default();
        let (back, gone) = self.returned.get(lot).cloned().unwrap_or_default();
        loose -= back;
        serials.retain(|s| !gone.contains(s));
        (loose, serials)
    }
}

/// An acceptance that waits for its offer.
#[derive(Clone, Debug)]
pub struct Fact {
    pub party: String,
    pub statement: StatementId,
    pub index: u32,
    pub accepted: Accepted,
    pub signed: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub struct Consignment {
    pub carrier: String,
    pub consignee: String,
    pub mode: i32,
    /// By rail: that carry it now.
    pub wagons: BTreeSet<String>,
    pub closed: bool,
    /// Lots that have ever been aboard.
    pub lots: BTreeSet<Id>,
}

#[derive(Clone, Debug)]
pub struct Dispute {
    pub lot: Id,
    pub mass: Amount,
    pub serials: BTreeSet<u64>,
    pub owner: String,
    pub counterpart: String,
    pub handoff: Option<Id>,
}

impl Dispute {
    pub fn is_open(&self) -> bool {
        self.mass != Amount::NONE || !self.serials.is_empty()
    }
}

/// An event that has been recorded, for corrections.
#[derive(Clone, Debug)]
pub struct Happened {
    pub event: Event,
    pub digest: Bytes,
    /// What it was booked with at first, if it can be corrected.
    pub first: Option<Booked>,
    /// The same, as last restated.
    pub booked: Option<Booked>,
    /// What it took off the parts of what runs in a vessel.
    pub unmixed: BTreeMap<Id, Blend>,
    /// From whom it took title, and how much.
    pub disowned: BTreeMap<Id, BTreeMap<String, i64>>,
    /// Disputes that its corrections have opened, with their lots.
    pub left: Vec<(Id, Id)>,
}

/// How an event is named.
pub type EventName = (String, Id, u32);

pub fn event_name(reference: &EventRef) -> Option<EventName> {
    let id = reference.statement_id.as_ref().try_into().ok()?;
    Some((reference.party.clone(), id, reference.event_index))
}

/// A statement as the model hears it.
pub struct Said<'a> {
    pub payload: &'a Payload,
    pub events: &'a [Event],
    pub statement: StatementId,
    /// When the ledger hears it.
    pub now_ms: i64,
    /// Whether a signature does not hold.
    pub forged: bool,
    /// Of its payload.
    pub digest: Bytes,
}

/// One event of it, and who signed.
pub struct Case<'a> {
    pub party: &'a str,
    pub statement: StatementId,
    pub index: u32,
    pub digest: Bytes,
    pub now_ms: i64,
    /// Who signed, and whom they have succeeded.
    pub signed: &'a BTreeSet<String>,
    /// Who signed.
    pub own: &'a BTreeSet<String>,
    pub two_persons: bool,
    pub authority: bool,
    pub root: bool,
    pub key_id: Id,
}

impl Case<'_> {
    /// The name of what this event makes in its `line`.
    pub fn name(&self, line: u32) -> Id {
        hazledger::event::ids::derived(self.party, self.statement, self.index, line)
    }

    pub fn reference(&self) -> EventRef {
        EventRef {
            party: self.party.to_owned(),
            statement_id: self.statement.to_bytes(),
            event_index: self.index,
            event_digest: self.digest.clone(),
        }
    }
}

/// What a statement touched.
pub struct Touched {
    pub lots: Vec<Id>,
    pub offers: Vec<Id>,
    pub consignments: Vec<Id>,
    pub disputes: Vec<Id>,
    pub parties: Vec<String>,
    pub keys: Vec<Id>,
}

/// Everything, in plain maps.
pub struct Model {
    pub rules: Rules,
    pub origin: Origin,
    pub parties: Table<String, Party>,
    pub sites: Table<(String, String), ()>,
    pub units: Table<(String, String), ()>,
    pub places: Table<(String, String), Place>,
    pub keys: Table<Id, Key>,
    pub lots: Table<Id, Book>,
    pub offers: Table<Id, Offer>,
    pub parked: Table<Id, Vec<Fact>>,
    pub consignments: Table<Id, Consignment>,
    pub disputes: Table<Id, Dispute>,
    pub events: Table<EventName, Happened>,
}

/// Its id, its happening and its expiry, by the ledger's clock.
fn in_time(said: &Said<'_>) -> Verdict {
    let payload = said.payload;
    let id_ms = said.statement.unix_ms();
    let late = said.now_ms + CLOCK_SKEW_MS;
    // A device's statement may lie for a year.
    let window = match payload.device {
        Some(_) => 365 * 24 * 60 * 60 * 1000,
        None => ID_WINDOW_MS,
    };
    let in_time = (said.now_ms - window..=late).contains(&id_ms)
        && payload.expires_at_ms > said.now_ms
        && payload.happened_at_ms <= late;
    must(in_time, Wrong::Header)
}

/// Drafts, to go back to.
pub struct Saved {
    lots: BTreeMap<Id, Book>,
    offers: BTreeMap<Id, Offer>,
    consignments: BTreeMap<Id, Consignment>,
    disputes: BTreeMap<Id, Dispute>,
}

impl Model {
    pub fn new(rules: Rules, origin: Origin) -> Model {
        Model {
            rules,
            origin,
            parties: Table::default(),
            sites: Table::default(),
            units: Table::default(),
            places: Table::default(),
            keys: Table::default(),
            lots: Table::default(),
            offers: Table::default(),
            parked: Table::default(),
            consignments: Table::default(),
            disputes: Table::default(),
            events: Table::default(),
        }
    }

    /// Judges a statement and books it on the draft; [`Model::close`] keeps or
    /// drops that.
    pub fn judge(&mut self, said: &Said<'_>) -> Verdict {
        let here = said.payload.origin.as_ref() == Some(&self.origin);
        must(here, Wrong::Header)?;
        let keys = self.keys_of(said)?;
        in_time(said)?;
        let payload = said.payload;
        for (id, key) in &keys {
            let dated = (key.from_ms..key.until_ms).contains(&said.now_ms);
            let own = *id != payload.key_id.as_ref() || key.party == payload.party;
            if key.revoked || !dated || !own {
                return Err(Wrong::Who);
            }
        }
        if !self.parties.has(&payload.party) {
            return Err(Wrong::Registry);
        }
        let own: BTreeSet<String> = keys.iter().map(|(_, k)| k.party.clone()).collect();
        let signed = self.with_predecessors(&own);
        self.device(said, &signed)?;
        let persons: BTreeSet<&Bytes> = keys
            .iter()
            .filter(|(_, k)| k.party == payload.party)
            .filter_map(|(_, k)| k.person.as_ref())
            .collect();
        let authorities = keys
            .iter()
            .filter(|(_, k)| self.parties.get(&k.party).is_some_and(|p| p.authority))
            .count();
        for (index, event) in (0u32..).zip(said.events) {
            let digest = &payload.event_digests[usize::try_from(index).unwrap()];
            let case = Case {
                party: &payload.party,
                statement: said.statement,
                index,
                digest: digest.clone(),
                now_ms: said.now_ms,
                signed: &signed,
                own: &own,
                two_persons: persons.len() >= 2,
                authority: authorities > 0,
                root: authorities >= self.rules.root_threshold,
                key_id: payload.key_id.as_ref().try_into().unwrap(),
            };
            let before = self.lots.save();
            let booked = self.event(&case, event)?;
            self.make_up_blends();
            let lots = booked.iter().flatten().map(|(lot, _)| *lot);
            let disowned = lots.clone().map(|lot| (lot, self.disowned(&before, &lot)));
            let disowned = disowned.collect();
            let unmixed = lots.map(|lot| (lot, self.unmixed(&before, &lot))).collect();
            let happened = Happened {
                event: event.clone(),
                digest: digest.clone(),
                first: booked.clone(),
                booked,
                unmixed,
                disowned,
                left: Vec::new(),
            };
            let name = event_name(&case.reference()).unwrap();
            self.events.put(name, happened);
        }
        Ok(())
    }

    fn keys_of<'a>(&self, said: &'a Said<'_>) -> Verdict<Vec<(&'a [u8], Key)>> {
        let payload = said.payload;
        let ids = std::iter::once(&payload.key_id).chain(&payload.cosigner_key_ids);
        let known = |id: &'a Bytes| {
            let key = self.keys.get(&KeyId::from_slice(id)?.0)?;
            Some((id.as_ref(), key.clone()))
        };
        let keys: Option<Vec<_>> = ids.map(known).collect();
        keys.filter(|_| !said.forged).ok_or(Wrong::Signature)
    }

    /// One event; what it is booked with, if it can be corrected.
    fn event(&mut self, case: &Case<'_>, event: &Event) -> Verdict<Option<Booked>> {
        match event.body.as_ref().ok_or(Wrong::Field)? {
            Body::Produced(e) => return self.produced(case, e).map(Some),
            Body::Imported(e) => return self.imported(case, e).map(Some),
            Body::Opened(e) => return self.opened(case, e).map(Some),
            Body::Moved(e) => return self.moved(case, e).map(Some),
            Body::Counted(e) => return self.counted(case, e).map(Some),
            Body::Used(e) => return self.used(case, e).map(Some),
            Body::Transformed(e) => return self.transformed(case, e).map(Some),
            Body::Wasted(e) => return self.wasted(case, e).map(Some),
            Body::Disposed(e) => return self.disposed(case, e).map(Some),
            Body::Exported(e) => return self.exported(case, e).map(Some),
            Body::Incident(e) => return self.incident(case, e).map(Some),
            Body::Arrived(e) => return self.arrived(case, e).map(Some),
            Body::Departed(e) => return self.departed(case, e).map(Some),
            Body::Confirmed(e) => self.confirmed(case, e),
            Body::CustomsReported(e) => self.customs_reported(case, e),
            Body::Recovered(e) => return self.recovered(case, e).map(Some),
            Body::Accepted(e) => return self.accepted(case, e),
            Body::Packed(e) => self.packed(case, e),
            Body::Filled(e) => return self.filled(case, e).map(Some),
            Body::Drawn(e) => return self.drawn(case, e).map(Some),
            Body::Cleaned(e) => self.cleaned(case, e),
            Body::Assayed(e) => self.assayed(case, e),
            Body::Offered(e) => self.offered(case, e),
            Body::Declined(e) => self.declined(case, e),
            Body::Withdrawn(e) => self.withdrawn(case, e),
            Body::Relayed(e) => self.relayed(case, e),
            Body::Reported(e) => self.reported(case, e),
            Body::Traded(e) => self.traded(case, e),
            Body::Repacked(e) => self.repacked(case, e),
            Body::Sampled(e) => return self.sampled(case, e).map(Some),
            Body::Aggregated(e) => self.aggregated(case, e),
            Body::PackagingTreated(e) => self.packaging_treated(case, e),
            Body::Settled(e) => self.settled(case, e),
            Body::Corrected(e) => self.corrected(case, e),
            Body::Succeeded(e) => self.succeeded(case, e),
            Body::TakenOver(e) => self.taken_over(case, e),
            Body::Inherited(e) => self.inherited(case, e),
            Body::PartyRegistered(e) => self.party_registered(case, e),
            Body::SiteRegistered(e) => self.site_registered(case, e),
            Body::PlaceRegistered(e) => self.place_registered(case, e),
            Body::UnitRegistered(e) => self.unit_registered(case, e),
            Body::KeyRegistered(e) => self.key_registered(case, e),
            Body::KeyRevoked(e) => self.key_revoked(case, e),
            Body::Genesis(_)
            | Body::StateRecorded(_)
            | Body::ClockStated(_)
            | Body::RefusalsAnchored(_)
            | Body::OverdueStated(_) => Err(Wrong::Who),
            // Permits and rules have tests of their own (`tests/lawful`).
            _ => Err(Wrong::Registry),
        }?;
        Ok(None)
    }

    /// Ends the draft, kept or dropped; what it had touched.
    pub fn close(&mut self, keep: bool) -> Touched {
        self.sites.close(keep);
        self.units.close(keep);
        self.places.close(keep);
        self.parked.close(keep);
        self.events.close(keep);
        Touched {
            lots: self.lots.close(keep),
            offers: self.offers.close(keep),
            consignments: self.consignments.close(keep),
            disputes: self.disputes.close(keep),
            parties: self.parties.close(keep),
            keys: self.keys.close(keep),
        }
    }

    pub fn save(&self) -> Saved {
        Saved {
            lots: self.lots.save(),
            offers: self.offers.save(),
            consignments: self.consignments.save(),
            disputes: self.disputes.save(),
        }
    }

    pub fn restore(&mut self, saved: Saved) {
        self.lots.restore(saved.lots);
        self.offers.restore(saved.offers);
        self.consignments.restore(saved.consignments);
        self.disputes.restore(saved.disputes);
    }

    /// Who has what stands on a holding.
    pub fn holder(&self, account: &Account) -> String {
        match account {
            Account::Held(party, _) => party.clone(),
            Account::Aboard(id) => self.consignments.get(id).unwrap().carrier.clone(),
            _ => String::new(),
        }
    }

    pub fn active(&self, party: &str) -> Verdict {
        match self.parties.get(&party.to_owned()) {
            Some(p) if p.active && p.succeeded_by.is_none() => Ok(()),
            _ => Err(Wrong::Registry),
        }
    }

    pub fn own_place(&self, party: &str, place: &str) -> Verdict {
        if place.is_empty() {
            return Err(Wrong::Field);
        }
        let known = self.places.has(&(party.to_owned(), place.to_owned()));
        known.then_some(()).ok_or(Wrong::Registry)
    }

    /// Lots that are aboard now.
    pub fn aboard(&self, consignment: &Id) -> BTreeSet<Id> {
        let account = Account::Aboard(*consignment);
        let Some(c) = self.consignments.get(consignment) else {
            return BTreeSet::new();
        };
        let there = |lot: &&Id| self.lots.get(lot).unwrap().is_on(&account);
        c.lots.iter().filter(there).copied().collect()
    }
}
