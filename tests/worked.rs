//! Worked cases: what happens in a store, a plant or on the road, told in the
//! field's own words, with the figures that anybody can check by hand. One
//! file a case; all of them run on the bench of the rules.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "rules/bench.rs"]
mod bench;
#[path = "rules/verbs.rs"]
mod verbs;

#[path = "worked/half_used_drum.rs"]
mod half_used_drum;
#[path = "worked/hundred_thousand.rs"]
mod hundred_thousand;
#[path = "worked/missing_drum.rs"]
mod missing_drum;

use hazledger::custody::{Item, Items as _, account, lot, subject};
use hazledger::event::LotId;
use hazledger::pb::{Account, AccountKind, LotState, PackageRange, PackageState};

use bench::{Bench, party};

/// A lot as it stands.
fn lot_of(b: &Bench, name: &str) -> LotState {
    let id = LotId::from_slice(&b.id(name)).unwrap();
    match b.state.get(&subject::lot(id)).as_deref() {
        Some(Item::Lot(lot)) => lot.clone(),
        _ => panic!("no lot {name}"),
    }
}

/// A party's place.
fn at(letter: char, place: &str) -> Account {
    account::held(&party(letter), place)
}

/// Milligrams of gross and of contained on an account.
fn booked(lot: &LotState, account: &Account) -> (i64, i64) {
    let amount = lot::balance(lot, account);
    (amount.gross, amount.contained)
}

/// The same of a source or a sink.
fn gone(lot: &LotState, kind: AccountKind) -> (i64, i64) {
    booked(lot, &account::plain(kind))
}

/// One package.
fn package(lot: &LotState, serial: u64) -> PackageRange {
    lot::select(lot, serial, serial).unwrap().remove(0)
}

/// What is in a package, its state, and where it is.
fn content(lot: &LotState, serial: u64) -> (i64, i64, PackageState, Account) {
    let p = package(lot, serial);
    let at = p.account.clone().unwrap_or_default();
    (p.gross_mg_each, p.contained_mg_each, p.state(), at)
}
