//! What is counted: how many refusals each party has had kept today, and how
//! many statements came from each address that did not verify. Both bounded.

use std::collections::HashMap;
use std::net::IpAddr;

use super::NotKept;
use super::bounds::Keeping;
use crate::event::when::legal_day;
use crate::pb::AddressCount;

/// Addresses that are told apart, at most; others are counted together.
pub const MAX_ADDRESSES: usize = 4096;

/// How many have been kept of one day. No more parties are known than are
/// kept.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Allowances {
    day: i64,
    all: u32,
    parties: HashMap<String, u32>,
}

impl Allowances {
    /// Counts one of a party in, unless it has had as many as it may.
    pub(super) fn draw(
        &mut self,
        party: &str,
        at_ms: i64,
        keeping: &Keeping,
    ) -> Result<(), NotKept> {
        self.begin(at_ms);
        if self.all >= keeping.a_day {
            return Err(NotKept::Day);
        }
        let party_has = self.parties.get(party).copied().unwrap_or(0);
        if party_has >= keeping.party_a_day {
            return Err(NotKept::Party);
        }
        self.add(party);
        Ok(())
    }

    /// The same of one that has been kept already.
    pub(super) fn had(&mut self, party: &str, at_ms: i64) {
        self.begin(at_ms);
        self.add(party);
    }

    fn add(&mut self, party: &str) {
        self.all = self.all.saturating_add(1);
        let party_has = self.parties.entry(party.to_owned()).or_default();
        *party_has = party_has.saturating_add(1);
    }

    /// A later day begins anew; an earlier one, by a clock that was set back,
    /// does not.
    fn begin(&mut self, at_ms: i64) {
        let day = legal_day(at_ms);
        if day > self.day {
            *self = Allowances {
                day,
                ..Allowances::default()
            };
        }
    }
}

/// Statements refused before a signature of theirs had verified, by address,
/// since the start.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    known: HashMap<IpAddr, Counted>,
    others: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    unverified: u64,
    bad_signatures: u64,
}

impl Addresses {
    /// One more from an address, if that is known.
    pub(super) fn count(&mut self, from: Option<IpAddr>, bad_signature: bool) {
        let is_room = self.known.len() < MAX_ADDRESSES;
        let known = from.filter(|from| is_room || self.known.contains_key(from));
        let Some(from) = known else {
            self.others = self.others.saturating_add(1);
            return;
        };
        let counted = self.known.entry(from).or_default();
        counted.unverified = counted.unverified.saturating_add(1);
        let bad = u64::from(bad_signature);
        counted.bad_signatures = counted.bad_signatures.saturating_add(bad);
    }

    /// How many addresses are told apart.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// What came from elsewhere than those.
    pub(super) fn others(&self) -> u64 {
        self.others
    }

    /// Those that most came from, the most first.
    pub(super) fn worst(&self, most: usize) -> Vec<AddressCount> {
        let mut all: Vec<(&IpAddr, &Counted)> = self.known.iter().collect();
        all.sort_by_key(|(address, counted)| (std::cmp::Reverse(counted.unverified), **address));
        all.truncate(most);
        let count = |(address, counted): (&IpAddr, &Counted)| AddressCount {
            address: address.to_string(),
            unverified: counted.unverified,
            bad_signatures: counted.bad_signatures,
        };
        all.into_iter().map(count).collect()
    }
}
