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
#[path = "worked/corrected_production.rs"]
mod corrected_production;
#[path = "worked/drying.rs"]
mod drying;
#[path = "worked/half_used_drum.rs"]
mod half_used_drum;
#[path = "worked/hundred_thousand.rs"]
mod hundred_thousand;
#[path = "worked/joining.rs"]
mod joining;
#[path = "worked/left_in_the_tank.rs"]
mod left_in_the_tank;
#[path = "worked/merger.rs"]
mod merger;
#[path = "worked/missing_drum.rs"]
mod missing_drum;
#[path = "worked/paper.rs"]
mod paper;
#[path = "worked/refused_at_the_gate.rs"]
mod refused_at_the_gate;
#[path = "worked/tank.rs"]
mod tank;
#[path = "worked/tanker.rs"]
mod tanker;
#[path = "rules/tanks.rs"]
mod tanks;
#[path = "worked/train.rs"]
mod train;
#[path = "worked/two_tanks.rs"]
mod two_tanks;
#[path = "rules/verbs.rs"]
mod verbs;

use hazledger::custody::{Amount, Item, Items as _, account, lot, subject};
use hazledger::event::excerpt::Excerpt;
use hazledger::event::record::OpenRecord;
use hazledger::event::{Hash, LotId};
use hazledger::pb::{
    Account, AccountKind, LotState, NewLot, PackageRange, PackageState, Produced, Subject,
};
use hazledger::projection::genealogy::{self, Genealogy};
use hazledger::projection::trace::{ReadError, RecordSource};
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

/// Gross and contained of a lot on accounts of a kind.
fn of_kind(b: &Bench, name: &str, kind: AccountKind) -> (i64, i64) {
    let balances = lot_of(b, name).balances;
    let of = balances
        .iter()
        .filter(|p| p.account.as_ref().unwrap().kind() == kind);
    of.fold((0, 0), |(g, c), p| (g + p.gross_mg, c + p.contained_mg))
}

/// A lot's name.
fn name_of(b: &Bench, name: &str) -> LotId {
    LotId::from_slice(&b.id(name)).unwrap()
}

/// Gross and contained of all that stands in holdings.
fn in_hand(b: &Bench, name: &str) -> Amount {
    lot::held_in_all(&lot_of(b, name)).unwrap()
}

/// Solution of sodium cyanide (UN 3414), its mass in kilograms.
fn solution(b: &Bench, label: &str, mass: &str, content_ppm: u32) -> Produced {
    Produced {
        lot: Some(NewLot {
            form: "NACN-3414".into(),
            content_ppm,
            ..b.lot(label, mass, "T1")
        }),
    }
}

/// The bench's records, to be read back.
struct Records<'a>(&'a Bench);

impl RecordSource for Records<'_> {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        let record = self.0.records.get(usize::try_from(position).unwrap());
        Ok(record.map(|(sealed, _)| OpenRecord::open(&sealed.bytes).unwrap()))
    }

    /// As the ledger reads it, and the same as out of the open record.
    fn excerpt(&self, position: u64, subject: &Subject) -> Result<Option<Excerpt>, ReadError> {
        let record = self.0.records.get(usize::try_from(position).unwrap());
        let excerpt = record.and_then(|(sealed, _)| Excerpt::open(&sealed.bytes, subject).unwrap());
        let open = self.record(position)?;
        assert_eq!(excerpt, open.and_then(|open| Excerpt::of(&open, subject)));
        Ok(excerpt)
    }
}

/// Everything that some of a lot went into, and where it is.
fn forward(b: &Bench, name: &str) -> Genealogy {
    let found = genealogy::descendants(&b.state, &Records(b), name_of(b, name), b.state.next());
    found.unwrap()
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
