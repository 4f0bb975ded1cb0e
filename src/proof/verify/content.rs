//! Law 4 in contained mass: what a transformation takes in of a substance
//! comes out, is lost, or is named as consumed. Gross is checked by the fold.

use std::collections::BTreeMap;

use super::violation::Violation;
use crate::catalog;
use crate::custody::Broken;
use crate::custody::subject::{self, Item, Items};
use crate::event::record::OpenRecord;
use crate::pb::change::Change as C;
use crate::pb::{Account, AccountKind, Subject};

/// Into `transformed` less out of `made` and less what was consumed, for each
/// event and substance. Losses and shortfalls are postings of their own, so
/// they are in neither.
type Balance = BTreeMap<(u32, String), i128>;

/// Checks a record that has been folded into `after`.
pub(super) fn check(after: &dyn Items, record: &OpenRecord) -> Result<(), Violation> {
    let mut balance = Balance::new();
    for outcome in record.outcomes.iter().flatten() {
        for change in &outcome.changes {
            let index = change.cause.as_ref().map_or(0, |c| c.event_index);
            match &change.change {
                Some(C::Posting(p)) => {
                    let kind = p.account.as_ref().map(Account::kind);
                    if matches!(kind, Some(AccountKind::Transformed | AccountKind::Made)) {
                        let substance = substance_of(after, outcome.subject.as_ref());
                        add(&mut balance, index, substance, i128::from(p.contained_mg));
                    }
                }
                Some(C::Conservation(c)) => {
                    for consumed in &c.consumed {
                        let taken = i128::from(consumed.contained_mg);
                        add(&mut balance, index, consumed.substance.clone(), -taken);
                    }
                }
                _ => {}
            }
        }
    }
    for ((index, substance), left) in balance {
        if left != 0 {
            let what = format!("event {index}: in and out differ by {left} mg of {substance}");
            return Err(Violation::Law {
                subject: "transformation".to_owned(),
                broken: Broken { law: 4, what },
            });
        }
    }
    Ok(())
}

fn add(balance: &mut Balance, index: u32, substance: String, amount: i128) {
    // At most some ten thousand 64-bit figures fit a record: no overflow.
    let sum = balance.entry((index, substance)).or_default();
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
