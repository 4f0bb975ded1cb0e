//! Marks that nobody ordered: a ledger that seals, calls back, lists, orders or
//! finds dangers on its own is found out.

use bytes::Bytes;
use hazledger::custody::subject;
use hazledger::pb::change::Change as C;
use hazledger::pb::{
    Blacklisting, Change, OrderMark, Outcome, OverdueTold, RecallBegun, RuleKind, Seal, SealLifted,
    Subject,
};
use hazledger::proof::Violation;

use super::rules::cheat;

/// A mark on the lot that is moved, or on the party that moves it.
fn marked(on_party: bool, mark: C) -> Violation {
    let failure = cheat(|flow, _, entry| {
        let maker = subject::party(&flow.cast.maker.party);
        let what = if on_party {
            maker
        } else {
            subject::lot(flow.lot)
        };
        put(&mut entry.additions.outcomes, what, mark);
    });
    failure.what
}

fn put(outcomes: &mut Vec<Outcome>, what: Subject, mark: C) {
    let cause = outcomes[0].changes[0].cause;
    let change = Change {
        cause,
        change: Some(mark),
    };
    let known = outcomes
        .iter_mut()
        .find(|o| o.subject.as_ref() == Some(&what));
    match known {
        Some(outcome) => outcome.changes.push(change),
        None => outcomes.push(Outcome {
            subject: Some(what),
            changes: vec![change],
        }),
    }
    outcomes.sort_by(|a, b| a.subject.cmp(&b.subject));
}

#[test]
fn a_mark_that_no_authority_ordered_is_found() {
    let order = "YJ-1".to_owned();
    let seal = || {
        C::Seal(Seal {
            order: order.clone(),
            ..Seal::default()
        })
    };
    let lifted = || {
        C::SealLifted(SealLifted {
            order: order.clone(),
        })
    };
    let named = || {
        C::OrderMark(OrderMark {
            order: order.clone(),
            ..OrderMark::default()
        })
    };
    let entry = C::Blacklisting(Blacklisting {
        order: order.clone(),
        ..Blacklisting::default()
    });
    let overdue = |rule: RuleKind, since_ms| {
        C::OverdueTold(OverdueTold {
            rule: rule.into(),
            since_ms,
            ..OverdueTold::default()
        })
    };
    let marks = [
        (false, seal(), "a seal that no authority"),
        (true, seal(), "a seal that no authority"),
        (false, lifted(), "no authority released"),
        (true, lifted(), "no authority released"),
        (true, entry, "a listing that no authority"),
        (false, named(), "an order that no authority"),
        (true, named(), "an order that no authority"),
        (false, overdue(RuleKind::StockTakeDue, 1), "nobody says so"),
        (
            false,
            overdue(RuleKind::HandoffDue, 1),
            "by a rule for something else",
        ),
        (
            false,
            overdue(RuleKind::StockTakeDue, i64::MAX),
            "since a time that cannot be",
        ),
    ];
    for (on_party, mark, wanted) in marks {
        let shown = format!("{mark:?}");
        let Violation::NotAsSigned { why, .. } = marked(on_party, mark) else {
            panic!("not found: {shown}");
        };
        assert!(why.contains(wanted), "{shown}: {why}");
    }
}

#[test]
fn a_recall_that_is_no_event_of_its_own_is_found() {
    let failure = cheat(|flow, _, entry| {
        let begun = RecallBegun {
            lot: flow.lot.to_bytes(),
            by: flow.cast.maker.party.clone(),
            ..RecallBegun::default()
        };
        let recall = subject::recall(&Bytes::from_static(&[7; 16]));
        put(
            &mut entry.additions.outcomes,
            recall.clone(),
            C::RecallBegun(begun),
        );
        let link = hazledger::pb::Link {
            subject: Some(recall),
            kind: hazledger::pb::LinkKind::Chain.into(),
            previous: None,
        };
        let links = &mut entry.additions.links;
        links.push(link);
        links.sort_by(|a, b| (a.kind, &a.subject).cmp(&(b.kind, &b.subject)));
    });
    let Violation::NotAsSigned { why, .. } = failure.what else {
        panic!("{failure}");
    };
    assert_eq!(why, "a recall that is not its event's");
}
