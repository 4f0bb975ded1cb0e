//! Which refusals are kept, and how the others are counted: by party, by day, in
//! all, and by the address that they came from.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::world::{DAY_MS, START_MS};
use crate::event::codes::Refused;
use crate::event::{Hash, StatementId};
use crate::ledger::batch::{By, Refusal};
use crate::ledger::refusals::{Noted, Refusals, TakenUp, nothing};
use crate::ledger::{Keeping, MAX_ADDRESSES};
use crate::pb::RefusalCode;

/// Where whoever sends what does not verify is.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn refusal_of(party: &str, at_ms: i64) -> Refusal {
    let by = By {
        digest: Hash::ZERO,
        party: party.to_owned(),
        key_id: bytes::Bytes::from_static(&[1; 16]),
        statement_id: StatementId::v7(START_MS, [0; 10]).unwrap().to_bytes(),
    };
    Refusal {
        refused: Refused::new(RefusalCode::UnknownLot, "events[0]"),
        by: Some(Box::new(by)),
        at_ms,
        judged_at: 1,
    }
}

#[test]
fn of_any_history_each_party_has_so_many_a_day_kept_all_so_many_and_the_rest_counted() {
    for seed in 0..200 {
        let mut dice = StdRng::seed_from_u64(seed);
        let keeping = Keeping {
            party_a_day: dice.random_range(1..6),
            a_day: dice.random_range(1..12),
            in_all: dice.random_range(1..30),
            ..Keeping::default()
        };
        let refusals = Refusals::new(keeping, TakenUp::default(), nothing());
        let mut now = START_MS;
        // The obvious model: what has been kept, by day and party.
        let mut model: Vec<(i64, usize)> = Vec::new();
        let (mut not, mut unverified) = (0, 0);
        for _ in 0..dice.random_range(1..200) {
            now += dice.random_range(0..DAY_MS / 10);
            let who = dice.random_range(0..4);
            if dice.random_bool(0.1) {
                let mut forged = refusal_of("M", now);
                forged.by = None;
                assert_eq!(
                    refusals.refused(&forged, Some(ELSEWHERE)),
                    Noted::Unverified
                );
                unverified += 1;
                continue;
            }
            // Midnight in Shanghai is 16:00 in Greenwich.
            let day = (now + 8 * 3_600_000) / DAY_MS;
            let today = model.iter().filter(|(of, _)| *of == day).count();
            let his = model.iter().filter(|kept| **kept == (day, who)).count();
            let fits = (his as u32) < keeping.party_a_day
                && (today as u32) < keeping.a_day
                && (model.len() as u64) < keeping.in_all;
            let noted = refusals.refused(&refusal_of(&format!("P{who}"), now), None);
            assert_eq!(noted == Noted::Waits, fits, "seed {seed}: {noted:?}");
            if fits {
                model.push((day, who));
            } else {
                not += 1;
            }
        }
        let counts = refusals
            .word(None, now)
            .map(|word| (word.not_kept, word.unverified));
        assert_eq!(
            counts,
            (not > 0).then_some((not, unverified)),
            "seed {seed}"
        );
    }
}

#[test]
fn addresses_are_told_apart_up_to_a_bound() {
    let refusals = Refusals::new(Keeping::default(), TakenUp::default(), nothing());
    let mut forged = refusal_of("M", START_MS);
    forged.by = None;
    let mut sent: BTreeMap<IpAddr, u64> = BTreeMap::new();
    for number in 0..(MAX_ADDRESSES as u32 + 100) {
        let from = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + number));
        *sent.entry(from).or_default() += 1;
        refusals.refused(&forged, Some(from));
    }
    for _ in 0..3 {
        refusals.refused(&forged, Some(ELSEWHERE));
        refusals.refused(&forged, Some(IpAddr::V4(Ipv4Addr::from(0x0a00_0001))));
    }
    refusals.refused(&forged, None);
    let counts = refusals.counts();
    assert_eq!(refusals.addresses(), MAX_ADDRESSES);
    assert_eq!(counts.other_addresses, 100 + 3 + 1);
    assert_eq!(counts.unverified, sent.len() as u64 + 7);
    assert_eq!(counts.addresses.len(), crate::ledger::MAX_LISTED_ADDRESSES);
    assert_eq!(counts.addresses[0].address, "10.0.0.1");
    assert_eq!(counts.addresses[0].unverified, 4);
}
