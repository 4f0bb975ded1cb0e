//! Chains that are broken, endless or too long; what a package is told of.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;
use crate::custody::account;
use crate::event::Hash;
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{
    AccountKind, Cause, Change, Counted, Event, EventKind, Head, Link, LinkKind, Outcome,
    PackageParted, PackageRange, PackagesEmptied, PartTaken, Payload, Posting, Repackaged,
    SerialRange, Used,
};

const LOT: LotId = LotId([7; 16]);

/// Records by position.
#[derive(Default)]
struct Listed(BTreeMap<u64, OpenRecord>);

impl RecordSource for Listed {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        Ok(self.0.get(&position).cloned())
    }
}

fn change(change: C) -> Change {
    Change {
        cause: Some(Cause::default()),
        change: Some(change),
    }
}

fn posting(account: Account, gross_mg: i64) -> C {
    C::Posting(Posting {
        account: Some(account),
        gross_mg,
        contained_mg: gross_mg,
    })
}

/// A record about the lot that happened and was recorded at `position` hours.
fn record(position: u64, previous: Option<u64>, body: Body, changes: Vec<C>) -> OpenRecord {
    let ms = i64::try_from(position).unwrap() * 3_600_000;
    let subject = Some(subject::lot(LOT));
    let link = Link {
        subject: subject.clone(),
        kind: LinkKind::Chain.into(),
        previous,
    };
    let outcome = Outcome {
        subject,
        changes: changes.into_iter().map(change).collect(),
    };
    OpenRecord {
        head: Head {
            position,
            recorded_at_ms: ms,
            ..Head::default()
        },
        head_bytes: Bytes::new(),
        hash: Hash::ZERO,
        payload: Payload {
            happened_at_ms: ms,
            ..Payload::default()
        },
        events: vec![Some(Event {
            external_refs: Vec::new(),
            body: Some(body),
        })],
        links: vec![Some(link)],
        outcomes: vec![Some(outcome)],
        findings: Vec::new(),
    }
}

fn chain(records: impl IntoIterator<Item = OpenRecord>) -> Listed {
    Listed(
        records
            .into_iter()
            .map(|record| (record.position(), record))
            .collect(),
    )
}

fn used() -> Body {
    Body::Used(Used::default())
}

fn ask(records: &Listed, last: u64) -> Result<Traced, TraceError> {
    let state = LotState {
        last,
        ..LotState::default()
    };
    let ask = Ask {
        lot: LOT,
        serial: None,
        before: u64::MAX,
        known_at_ms: None,
        true_at_ms: None,
    };
    trace(records, &state, &ask)
}

#[test]
fn a_link_to_a_record_that_is_not_there_is_told_with_its_position() {
    let records = chain([record(9, Some(4), used(), Vec::new())]);
    let wanted = TraceError::Broken {
        subject: subject::show(&subject::lot(LOT)),
        position: 4,
    };
    assert_eq!(ask(&records, 9), Err(wanted));
}

#[test]
fn a_record_about_something_else_breaks_the_chain() {
    let mut other = record(4, None, used(), Vec::new());
    other.links.clear();
    let records = chain([record(9, Some(4), used(), Vec::new()), other]);
    assert!(matches!(
        ask(&records, 9),
        Err(TraceError::Broken { position: 4, .. })
    ));
}

#[test]
fn a_chain_that_leads_forward_or_in_a_circle_ends_as_broken() {
    for previous in [9, 10] {
        let records = chain([
            record(9, Some(previous), used(), Vec::new()),
            record(10, Some(9), used(), Vec::new()),
        ]);
        assert!(matches!(
            ask(&records, 10),
            Err(TraceError::Broken { position: 9, .. })
        ));
    }
}

#[test]
fn a_chain_longer_than_an_answer_is_told_as_too_long_and_one_as_long_is_not() {
    let most = u64::try_from(MAX_CHAIN).unwrap();
    let records = chain((0..=most).map(|p| record(p, p.checked_sub(1), used(), Vec::new())));
    assert_eq!(ask(&records, most - 1).unwrap().steps.len(), MAX_CHAIN);
    assert_eq!(ask(&records, most), Err(TraceError::TooLong));
}

#[test]
fn sums_beyond_64_bits_are_told_and_do_not_wrap() {
    let found = account::plain(AccountKind::Found);
    let most = vec![posting(found, i64::MAX)];
    let records = chain([
        record(1, None, used(), most.clone()),
        record(2, Some(1), used(), most),
    ]);
    assert_eq!(
        ask(&records, 2),
        Err(TraceError::Overflow("found".to_owned()))
    );
}

#[test]
fn a_count_that_changes_nothing_is_a_step_and_touches_the_packages_it_saw() {
    let packed = C::Packaged(PackageRange {
        first: 1,
        last: 9,
        gross_mg_each: 5,
        contained_mg_each: 4,
        account: Some(account::held("P", "T1")),
        ..PackageRange::default()
    });
    let counted = Body::Counted(Counted {
        lot: LOT.to_bytes(),
        serials_scanned: vec![SerialRange { first: 1, last: 3 }],
        serials_assumed: vec![SerialRange { first: 4, last: 6 }],
        ..Counted::default()
    });
    let records = chain([
        record(1, None, used(), vec![packed]),
        record(2, Some(1), counted, Vec::new()),
    ]);
    let of_package = |serial| {
        let state = LotState {
            last: 2,
            ..LotState::default()
        };
        let ask = Ask {
            lot: LOT,
            serial: Some(serial),
            before: u64::MAX,
            known_at_ms: None,
            true_at_ms: None,
        };
        trace(&records, &state, &ask).unwrap()
    };
    let kinds = |traced: &Traced| traced.steps.iter().map(TraceStep::kind).collect::<Vec<_>>();
    assert_eq!(kinds(&of_package(3)), [EventKind::Used, EventKind::Counted]);
    assert_eq!(kinds(&of_package(6)), [EventKind::Used, EventKind::Counted]);
    assert_eq!(kinds(&of_package(7)), [EventKind::Used]);
    let held = of_package(7).holdings;
    assert_eq!(
        held.iter()
            .map(|h| (h.gross_mg, h.contained_mg))
            .collect::<Vec<_>>(),
        [(5, 4)]
    );
}

#[test]
fn a_repacked_package_names_its_parents_and_they_are_told_with_it() {
    let range = |first, last| SerialRange { first, last };
    let packed = |first, last, gross_mg_each| {
        C::Packaged(PackageRange {
            first,
            last,
            gross_mg_each,
            account: Some(account::held("P", "T1")),
            ..PackageRange::default()
        })
    };
    let repacked = vec![
        C::PackagesEmptied(PackagesEmptied { first: 1, last: 2 }),
        C::PackageParted(PackageParted {
            serial: 3,
            gross_mg: 1,
            contained_mg: 0,
        }),
        packed(5, 5, 11),
        C::Repackaged(Repackaged {
            first: 5,
            last: 5,
            parents: vec![range(1, 2)],
            parts: vec![PartTaken {
                serial: 3,
                gross_mg: 1,
            }],
            loose_gross_mg: 0,
        }),
    ];
    let records = chain([
        record(1, None, used(), vec![packed(1, 4, 5)]),
        record(2, Some(1), used(), repacked),
    ]);
    let of_package = |serial| {
        let state = LotState {
            last: 2,
            ..LotState::default()
        };
        let ask = Ask {
            lot: LOT,
            serial: Some(serial),
            before: u64::MAX,
            known_at_ms: None,
            true_at_ms: None,
        };
        trace(&records, &state, &ask).unwrap()
    };
    let told = |serial| {
        let traced = of_package(serial);
        let positions: Vec<u64> = traced.steps.iter().map(|step| step.position).collect();
        let holdings = traced.holdings.iter();
        let here: Vec<_> = holdings.map(|h| (h.gross_mg, h.empties.clone())).collect();
        (positions, here)
    };
    assert_eq!(told(1), (vec![1, 2], vec![(0, vec![range(1, 1)])]));
    assert_eq!(told(3), (vec![1, 2], vec![(4, vec![])]));
    assert_eq!(told(4), (vec![1], vec![(5, vec![])]));
    assert_eq!(told(5), (vec![2], vec![(11, vec![])]));
    let traced = of_package(5);
    let mut changes = traced.steps.iter().flat_map(|step| &step.changes);
    let parents = changes.find_map(|c| match &c.change {
        Some(C::Repackaged(r)) => Some(r.parents.clone()),
        _ => None,
    });
    assert_eq!(parents, Some(vec![range(1, 2)]));
}
