//! The arithmetic under the rules: serial ranges against a plain set, and a
//! lot's books, whose laws must break where they are broken.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::account::{self, Class};
use super::lot::{self, Amount, Broken};
use super::overlay::{Layers, Overlay};
use super::subject::{self, Item, Items};
use super::{State, packaging, ranges};
use crate::event::{ConsignmentId, DisputeId, HandoffId, LotId};
use crate::pb::{
    Account, AccountKind, LooseReservation, LotState, PackageRange, PackageState, Posting,
    SerialRange, TitlePosting,
};

fn range(first: u64, last: u64) -> SerialRange {
    SerialRange { first, last }
}

/// Ranges of a set of small serials, as they are kept.
fn of(set: &BTreeSet<u64>) -> Vec<SerialRange> {
    let mut list = Vec::new();
    for n in set {
        ranges::insert(&mut list, range(*n, *n));
    }
    list
}

fn set(list: &[SerialRange]) -> BTreeSet<u64> {
    list.iter().flat_map(|r| r.first..=r.last).collect()
}

proptest! {
    #[test]
    fn ranges_are_sets(
        a in prop::collection::btree_set(1u64..40, 0..20),
        b in prop::collection::btree_set(1u64..40, 0..20),
    ) {
        let (x, y) = (of(&a), of(&b));
        prop_assert!(ranges::is_sound(&x));
        prop_assert_eq!(set(&x), a.clone());
        prop_assert_eq!(ranges::total(&x), Some(a.len() as u64));
        prop_assert_eq!(set(&ranges::minus(&x, &y)), &a - &b);
        prop_assert!(ranges::is_sound(&ranges::minus(&x, &y)));
        prop_assert_eq!(set(&ranges::common(&x, &y)), &a & &b);
        prop_assert_eq!(ranges::overlap(&x, &y), !a.is_disjoint(&b));
    }
}

#[test]
fn unsound_ranges_are_known() {
    assert!(ranges::is_sound(&[]));
    assert!(ranges::is_sound(&[range(1, 1), range(2, u64::MAX - 1)]));
    assert!(!ranges::is_sound(&[range(0, 1)]));
    assert!(!ranges::is_sound(&[range(2, 1)]));
    assert!(!ranges::is_sound(&[range(1, u64::MAX)]));
    assert!(!ranges::is_sound(&[range(1, 2), range(2, 3)]));
    assert!(!ranges::is_sound(&[range(4, 5), range(1, 2)]));
    let many = (1..2_000).map(|n| range(2 * n, 2 * n)).collect::<Vec<_>>();
    assert!(!ranges::is_sound(&many));
    assert_eq!(ranges::count(2, 1), 0);
    assert_eq!(ranges::count(0, u64::MAX), 0);
    assert_eq!(ranges::total(&[range(1, u64::MAX); 2]), None);
    assert_eq!(ranges::show(&[range(1, 40), range(57, 57)]), "1-40,57");
}

fn held(place: &str) -> Account {
    account::held("P", place)
}

fn amount(gross: i64, contained: i64) -> Amount {
    Amount { gross, contained }
}

/// 1,000 mg (500 mg pure) produced by P, at T1: 400 of them in drums 1 to 4.
fn stock() -> LotState {
    let mut lot = LotState {
        content_ppm: 500_000,
        ..LotState::default()
    };
    let source = account::plain(AccountKind::Produced);
    lot::post(&mut lot, &source, amount(-1_000, -500)).unwrap();
    lot::post(&mut lot, &held("T1"), amount(1_000, 500)).unwrap();
    lot::post_title(&mut lot, "P", 600).unwrap();
    let drums = PackageRange {
        first: 1,
        last: 4,
        gross_mg_each: 100,
        contained_mg_each: 50,
        account: Some(held("T1")),
        owner: "P".into(),
        ..PackageRange::default()
    };
    lot::add_packages(&mut lot, drums).unwrap();
    lot::check(&lot).unwrap();
    lot
}

type Break = fn(&mut LotState) -> Result<(), Broken>;

fn check(lot: &mut LotState, change: impl FnOnce(&mut LotState)) -> Result<(), Broken> {
    change(lot);
    lot::check(lot)
}

static A: Bytes = Bytes::from_static(b"a");
static B: Bytes = Bytes::from_static(b"b");

fn reserve(lot: &mut LotState, first: u64, last: u64, handoff: &Bytes) -> Result<(), Broken> {
    lot::reserve_packages(lot, &range(first, last), handoff)
}

fn reserve_loose(lot: &mut LotState, gross: i64) -> Result<(), Broken> {
    lot::reserve_loose(lot, &A, Some(&held("T1")), gross)
}

fn reservation(place: &str, gross_mg: i64) -> LooseReservation {
    LooseReservation {
        account: Some(held(place)),
        gross_mg,
        ..LooseReservation::default()
    }
}

fn posting(account: Account) -> Posting {
    Posting {
        account: Some(account),
        gross_mg: 1,
        contained_mg: 0,
    }
}

/// What is done to the stock's books, and the law that it breaks.
#[rustfmt::skip]
const LAWS: &[(Break, u8)] = &[
    (|l| lot::post(l, &Account::default(), amount(1, 0)), 1),
    (|l| lot::post(l, &held("T1"), amount(i64::MAX, 0)), 1),
    (|l| lot::post(l, &held("T1"), amount(-1_001, 0)), 2),
    (|l| lot::post(l, &held("T1"), amount(0, -501)), 2),
    (|l| lot::post(l, &held("T2"), amount(-1, 0)), 2),
    (|l| lot::post(l, &account::plain(AccountKind::Produced), amount(1_001, 0)), 2),
    (|l| lot::post(l, &account::plain(AccountKind::Used), amount(-1, 0)), 2),
    (|l| reserve(l, 1, 2, &A).and_then(|()| reserve(l, 2, 3, &B)), 2),
    (|l| reserve_loose(l, 5).and_then(|()| reserve_loose(l, -6)), 2),
    (|l| reserve_loose(l, -1), 2),
    (|l| check(l, |l| l.reservations.push(reservation("T1", 601))), 2),
    (|l| check(l, |l| drop(lot::post(l, &held("T1"), amount(1, 0)))), 3),
    (|l| check(l, |l| drop(lot::post(l, &held("T1"), amount(0, 1)))), 3),
    (|l| check(l, |l| l.balances.push(posting(account::plain(AccountKind::Used)))), 3),
    (|l| lot::add_packages(l, PackageRange { first: 4, last: 5, ..PackageRange::default() }), 6),
    (|l| lot::add_packages(l, PackageRange { first: 0, last: 5, ..PackageRange::default() }), 6),
    (|l| lot::move_packages(l, 4, 5, &held("T2")), 6),
    (|l| lot::move_packages(l, 4, 5, &account::plain(AccountKind::Used)), 6),
    (|l| packaging::take_part(l, 5, amount(1, 0)), 6),
    (|l| packaging::take_part(l, 4, amount(101, 50)), 2),
    (|l| packaging::take_part(l, 4, amount(1, 51)), 2),
    (|l| packaging::take_part(l, 4, amount(100, 49)), 2),
    (|l| packaging::take_part(l, 4, amount(0, 0)), 2),
    (|l| packaging::take_part(l, 4, amount(100, 50)).and_then(|()| packaging::take_part(l, 4, amount(1, 0))), 2),
    (|l| check(l, |l| drop(packaging::take_part(l, 4, amount(1, 0)))), 7),
    (|l| check(l, |l| l.packages.iter_mut().for_each(|p| p.set_state(PackageState::Empty))), 6),
    (|l| check(l, |l| l.packages.iter_mut().for_each(|p| p.gross_mg_each = 0)), 6),
    (|l| packaging::empty(l, 4, 5), 6),
    (|l| packaging::empty(l, 4, 4).and_then(|()| packaging::empty(l, 3, 4)), 6),
    (|l| packaging::clean(l, 4, 4), 6),
    (|l| packaging::end(l, 4, 4), 6),
    (|l| lot::own_packages(l, 5, 5, "W"), 6),
    (|l| check(l, |l| l.packages.iter_mut().for_each(|p| p.gross_mg_each = 251)), 6),
    (|l| check(l, |l| l.packages.iter_mut().for_each(|p| p.account = Some(held("T2")))), 6),
    (|l| check(l, |l| l.reservations.push(reservation("T2", 0))), 6),
    (|l| check(l, |l| l.titles.clear()), 7),
    (|l| check(l, |l| l.titles.push(TitlePosting { party: "W".into(), gross_mg: 1 })), 7),
    (|l| check(l, |l| { drop(lot::post_title(l, "P", 1)); drop(lot::post_title(l, "W", -1)); }), 7),
];

#[test]
fn books_that_break_a_law_are_told_which() {
    for (line, (change, law)) in LAWS.iter().enumerate() {
        let broken = change(&mut stock()).unwrap_err();
        assert_eq!(broken.law, *law, "line {line}: {broken}");
    }
}

#[test]
fn the_last_gross_takes_the_last_contained() {
    let mut lot = stock();
    lot.content_ppm = 333_333;
    let there = amount(600, 301);
    assert_eq!(lot::contained_of(&lot, there, 600), 301);
    assert_eq!(lot::contained_of(&lot, there, 599), 199);
    assert_eq!(lot::contained_of(&lot, amount(600, 3), 599), 3);
}

#[test]
fn packages_that_end_are_never_used_again_and_missing_ones_may_come_back() {
    let mut lot = stock();
    lot::move_packages(&mut lot, 2, 3, &account::plain(AccountKind::Used)).unwrap();
    assert_eq!(lot.ended, [range(2, 3)]);
    let again = PackageRange {
        first: 3,
        last: 3,
        ..PackageRange::default()
    };
    assert_eq!(lot::add_packages(&mut lot, again).unwrap_err().law, 6);
    let missing = account::plain(AccountKind::Missing);
    lot::move_packages(&mut lot, 1, 1, &missing).unwrap();
    lot::move_packages(&mut lot, 1, 1, &held("T2")).unwrap();
    assert_eq!(lot.ended, [range(2, 3)]);
}

#[test]
fn an_empty_keeps_its_lot_open_until_it_ends() {
    let mut lot = stock();
    lot::post(&mut lot, &held("T1"), amount(-1_000, -500)).unwrap();
    lot::post(
        &mut lot,
        &account::plain(AccountKind::Used),
        amount(1_000, 500),
    )
    .unwrap();
    lot::post_title(&mut lot, "P", -600).unwrap();
    packaging::take_part(&mut lot, 4, amount(60, 30)).unwrap();
    packaging::take_part(&mut lot, 4, amount(40, 20)).unwrap();
    packaging::empty(&mut lot, 1, 3).unwrap();
    lot::check(&lot).unwrap();
    assert_eq!(lot.packages.len(), 1, "alike again: {:?}", lot.packages);
    let is_open = |lot: &LotState| subject::is_open(&Item::Lot(lot.clone()));
    assert!(is_open(&lot));
    packaging::clean(&mut lot, 1, 2).unwrap();
    packaging::end(&mut lot, 1, 4).unwrap();
    assert_eq!(lot.ended, [range(1, 4)]);
    lot::check(&lot).unwrap();
    assert!(!is_open(&lot));
}

#[test]
fn packages_that_are_alike_again_are_one_range_again() {
    let mut lot = stock();
    let before = lot.clone();
    lot::move_packages(&mut lot, 2, 2, &held("T2")).unwrap();
    assert_eq!(lot.packages.len(), 3);
    lot::move_packages(&mut lot, 2, 2, &held("T1")).unwrap();
    assert_eq!(lot, before);
    let handoff = Bytes::from_static(b"a");
    lot::reserve_packages(&mut lot, &range(1, 2), &handoff).unwrap();
    lot::unreserve_packages(&mut lot, &range(1, 9), &Bytes::from_static(b"b"));
    assert_ne!(lot, before, "another handoff's are not freed");
    lot::unreserve_packages(&mut lot, &range(1, 9), &handoff);
    assert_eq!(lot, before);
}

#[test]
fn only_whole_selections_are_given() {
    let lot = stock();
    assert_eq!(lot::select(&lot, 2, 3).unwrap().len(), 1);
    assert_eq!(lot::select(&lot, 4, 5), None);
    assert_eq!(lot::select(&lot, 5, 5), None);
    assert_eq!(lot::select(&lot, 3, 2), None);
    assert_eq!(lot::select(&lot, 1, u64::MAX), None);
}

#[test]
fn every_account_has_a_class_and_shows_itself() {
    let kinds = (1..100).filter_map(|n| AccountKind::try_from(n).ok());
    for kind in kinds {
        let class = account::class(kind).unwrap();
        let by_number = match kind as i32 {
            ..20 => Class::Source,
            20..30 => Class::Holding,
            30..40 => Class::Between,
            _ => Class::Sink,
        };
        assert_eq!(class, by_number, "{kind:?}");
    }
    assert_eq!(account::class(AccountKind::Unspecified), None);
    let id = "01".repeat(16);
    let shown = [
        account::held("P", "T1"),
        account::aboard(ConsignmentId([1; 16])),
        account::disputed(DisputeId([1; 16])),
        account::measure_difference(HandoffId([1; 16])),
        account::plain(AccountKind::Used),
    ]
    .map(|a| account::show(&a));
    let wanted = [
        "held(P, T1)".into(),
        format!("aboard({id})"),
        format!("disputed({id})"),
        format!("measure_difference({id})"),
        "used".into(),
    ];
    assert_eq!(shown, wanted);
}

#[test]
fn the_newest_layer_answers_first() {
    let subject = subject::lot(LotId([1; 16]));
    let item = |ppm| {
        Arc::new(Item::Lot(LotState {
            content_ppm: ppm,
            ..LotState::default()
        }))
    };
    let (mut newer, mut older) = (Overlay::default(), Overlay::default());
    assert!(newer.is_empty());
    newer.insert(subject.clone(), item(1));
    older.insert(subject.clone(), item(2));
    older.insert(subject::lot(LotId([2; 16])), item(3));
    let nothing = State::new();
    let layers = Layers(vec![&newer, &older, &nothing]);
    assert_eq!(layers.get(&subject), Some(item(1)));
    assert_eq!(layers.get(&subject::lot(LotId([2; 16]))), Some(item(3)));
    assert_eq!(layers.get(&subject::lot(LotId([3; 16]))), None);
}

#[test]
fn a_lot_is_open_while_anything_of_it_can_still_move() {
    let open = |lot: LotState| subject::is_open(&Item::Lot(lot));
    let at = |account| {
        open(LotState {
            balances: vec![posting(account)],
            ..LotState::default()
        })
    };
    assert!(at(held("T1")));
    assert!(at(account::aboard(ConsignmentId([1; 16]))));
    assert!(at(account::disputed(DisputeId([1; 16]))));
    assert!(!at(account::plain(AccountKind::Used)));
    assert!(!at(account::plain(AccountKind::Missing)));
    assert!(!at(account::measure_difference(HandoffId([1; 16]))));
    assert!(!open(LotState::default()));
}
