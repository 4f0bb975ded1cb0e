//! Law 4 in contained mass: what a transformation takes in of a substance
//! comes out, is lost, or is named as consumed. Gross is checked by the fold.

use std::collections::BTreeMap;

use super::violation::Violation;
use crate::catalog;
use crate::custody::Broken;
use crate::custody::conservation::{Which, named};
use crate::custody::subject::{self, Item, Items};
use crate::event::record::OpenRecord;
use crate::pb::change::Change as C;
use crate::pb::{Account, AccountKind, Conservation, Posting, Subject};

/// Into `transformed` less out of `made` and less what was consumed, for each
/// event and substance. Losses and shortfalls are postings of their own, so
/// they are in neither.
type Balance = BTreeMap<(Which, String), i128>;

/// Checks a record that has been folded into `after`.
pub(super) fn check(after: &dyn Items, record: &OpenRecord) -> Result<(), Violation> {
    let mut balance = Balance::new();
    for outcome in record.outcomes.iter().flatten() {
        let lot = outcome.subject.as_ref();
        for change in &outcome.changes {
            let index = change.cause.as_ref().map_or(0, |c| c.event_index);
            let here = (index, None);
            match &change.change {
                Some(C::Posting(p)) => post(&mut balance, here, after, lot, p),
                Some(C::Conservation(c)) => consume(&mut balance, here, c),
                Some(C::Restated(r)) => {
                    let there = (index, Some((r.position, r.event_index)));
                    for p in &r.postings {
                        post(&mut balance, there, after, lot, p);
                    }
                    if let Some(c) = &r.conservation {
                        consume(&mut balance, there, c);
                    }
                }
                _ => {}
            }
        }
    }
    for (((index, restated), substance), left) in balance {
        if left != 0 {
            let which = named(restated);
            let what =
                format!("event {index}{which}: in and out differ by {left} mg of {substance}");
            return Err(Violation::Law {
                subject: "transformation".to_owned(),
                broken: Broken { law: 4, what },
            });
        }
    }
    Ok(())
}

fn post(
    balance: &mut Balance,
    which: Which,
    after: &dyn Items,
    lot: Option<&Subject>,
    posting: &Posting,
) {
    let kind = posting.account.as_ref().map(Account::kind);
    if matches!(kind, Some(AccountKind::Transformed | AccountKind::Made)) {
        let amount = i128::from(posting.contained_mg);
        add(balance, which, substance_of(after, lot), amount);
    }
}

fn consume(balance: &mut Balance, which: Which, conservation: &Conservation) {
    for consumed in &conservation.consumed {
        let taken = i128::from(consumed.contained_mg);
        add(balance, which, consumed.substance.clone(), -taken);
    }
}

fn add(balance: &mut Balance, which: Which, substance: String, amount: i128) {
    // At most some ten thousand 64-bit figures fit a record: no overflow.
    let sum = balance.entry((which, substance)).or_default();
    *sum = sum.saturating_add(amount);
}

/// The code of the lot's substance; of a form that the catalogue does not
/// know, the form's own.
fn substance_of(items: &dyn Items, lot: Option<&Subject>) -> String {
    let item = lot.and_then(|lot| items.get(lot));
    let Some(Item::Lot(state)) = item.as_deref() else {
        return lot.map(subject::show).unwrap_or_default();
    };
    let form = state
        .born
        .as_ref()
        .map(|b| b.form.as_str())
        .unwrap_or_default();
    catalog::form(form)
        .map_or(form, |f| f.substance.code())
        .to_owned()
}
