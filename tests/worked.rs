//! Worked cases: what happens among real parties on a bad day, told step by
//! step with its figures. Everything runs in process, and at the end of each
//! case the verifier reads all of its records.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "rules/bench.rs"]
mod bench;
#[path = "worked/merger.rs"]
mod merger;
#[path = "worked/paper.rs"]
mod paper;
#[path = "rules/verbs.rs"]
mod verbs;

use hazledger::custody::{Item, Items as _, account, lot, subject};
use hazledger::event::{Hash, LotId};
use hazledger::pb::{Account, LotState};
use hazledger::proof::{Expect, Verifier, sign_commit};
use prost::Message as _;

use bench::{Bench, key, party};

/// Kilograms as milligrams.
const KG: i64 = 1_000_000;

/// A lot as it stands.
fn lot_of(b: &Bench, name: &str) -> LotState {
    let id = LotId::from_slice(&b.id(name)).unwrap();
    match b.state.get(&subject::lot(id)).as_deref() {
        Some(Item::Lot(lot)) => lot.clone(),
        _ => panic!("there is no lot {name}"),
    }
}

/// Milligrams of gross on an account.
fn on(lot: &LotState, account: &Account) -> i64 {
    lot::balance(lot, account).gross
}

/// A party's place.
fn held(letter: char, place: &str) -> Account {
    account::held(&party(letter), place)
}

/// The verifier finds nothing wrong with what was recorded.
fn verified(b: &Bench) {
    let genesis = b.records[0].0.hash;
    let heads: Vec<Hash> = b.records.iter().map(|(sealed, _)| sealed.hash).collect();
    let records: Vec<_> = b
        .records
        .iter()
        .map(|(sealed, _)| sealed.bytes.clone())
        .collect();
    let commit = sign_commit(&key("ledger"), genesis, 0, &heads);
    let mut verifier = Verifier::new(Expect::default());
    verifier
        .batch(0, &records, &commit.encode_to_vec().into())
        .unwrap();
    let report = verifier.finish().unwrap();
    assert_eq!(report.records, b.records.len() as u64);
    assert_eq!(report.state_digest, b.state.digest());
}
