//! The mass balance of the whole ledger: what stands on each kind of account,
//! by substance, in gross and contained. Law 3 (sources = holdings + sinks +
//! disputed + measure differences) makes each substance sum to zero, and the
//! answer says whether it does.
//!
//! What it is not: a holding of anybody's. Those are in the lots.

use std::collections::BTreeMap;

use prost::Message as _;

use super::projector::Folded;
use super::store::{Reading, Store, StoreError, Table, Writes};
use super::view::View;
use crate::catalog;
use crate::pb::change::Change as C;
use crate::pb::item::Item;
use crate::pb::{self, AccountKind, BalanceResponse, BalanceRow, Outcome, Subject, SubjectKind};

/// The key of the one row: the answer as it is given. One row, so that a
/// reader sees all sums at one position.
const ROW: &[u8] = b"all";

/// Gross and contained milligrams. Sums of 64-bit masses over all lots pass
/// 64 bits; 128 are beyond what any journal can hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    gross: i128,
    contained: i128,
}

impl Sum {
    fn add(&mut self, gross: i64, contained: i64) {
        self.gross = self.gross.saturating_add(i128::from(gross));
        self.contained = self.contained.saturating_add(i128::from(contained));
    }
}

/// The view: the running sums.
#[derive(Debug, Default)]
pub struct Balance {
    /// By substance code and kind of account; at most the catalogue's
    /// substances times the kinds of accounts.
    sums: BTreeMap<(String, AccountKind), Sum>,
    lots: u64,
    /// Since they were last written.
    changed: bool,
}

impl View for Balance {
    fn name(&self) -> &'static str {
        "balance"
    }

    fn load(&mut self, store: &Store) -> Result<(), StoreError> {
        let answer = balance(&store.reading())?;
        self.lots = answer.lots;
        self.sums.clear();
        for row in &answer.rows {
            let number = |text: &str| text.parse().map_err(|_| StoreError::Row(Table::Balances));
            let sum = Sum {
                gross: number(&row.gross_mg)?,
                contained: number(&row.contained_mg)?,
            };
            self.sums
                .insert((row.substance.clone(), row.account()), sum);
        }
        Ok(())
    }

    fn fold(&mut self, folded: &Folded, _: &mut Writes) {
        for outcome in folded.record.outcomes.iter().flatten() {
            let lot = outcome
                .subject
                .as_ref()
                .filter(|s| s.kind() == SubjectKind::Lot);
            if let Some(lot) = lot {
                self.changed |= self.fold_lot(lot, outcome, folded);
            }
        }
    }

    fn finish(&mut self, next: u64, writes: &mut Writes) {
        if std::mem::take(&mut self.changed) {
            writes.put(Table::Balances, ROW, self.answer(next).encode_to_vec());
        }
    }
}

impl Balance {
    fn fold_lot(&mut self, lot: &Subject, outcome: &Outcome, folded: &Folded) -> bool {
        let mut substance = None;
        let mut changed = false;
        for change in &outcome.changes {
            match &change.change {
                Some(C::Born(_)) => self.lots = self.lots.saturating_add(1),
                Some(C::Posting(posting)) => {
                    let substance = substance.get_or_insert_with(|| substance_of(lot, folded));
                    let kind = posting
                        .account
                        .as_ref()
                        .map(pb::Account::kind)
                        .unwrap_or_default();
                    let sum = self.sums.entry((substance.clone(), kind)).or_default();
                    sum.add(posting.gross_mg, posting.contained_mg);
                }
                _ => continue,
            }
            changed = true;
        }
        changed
    }

    fn answer(&self, as_of: u64) -> BalanceResponse {
        let mut totals: BTreeMap<&str, Sum> = BTreeMap::new();
        let mut rows = Vec::with_capacity(self.sums.len());
        for ((substance, account), sum) in &self.sums {
            let total = totals.entry(substance).or_default();
            total.gross = total.gross.saturating_add(sum.gross);
            total.contained = total.contained.saturating_add(sum.contained);
            if *sum != Sum::default() {
                rows.push(BalanceRow {
                    substance: substance.clone(),
                    account: i32::from(*account),
                    gross_mg: sum.gross.to_string(),
                    contained_mg: sum.contained.to_string(),
                });
            }
        }
        BalanceResponse {
            as_of,
            rows,
            lots: self.lots,
            balanced: totals.values().all(|total| *total == Sum::default()),
        }
    }
}

/// The substance whose contained mass a lot carries. Its item is among those
/// that the record being folded has changed; a form that this version's
/// catalogue does not know stands for itself.
fn substance_of(lot: &Subject, folded: &Folded) -> String {
    let mut items = folded.items.iter();
    let changed = items.find(|changed| changed.subject == *lot);
    let form = match changed.map(|changed| &changed.item) {
        Some(Item::Lot(lot)) => lot.born.as_ref().map_or("", |born| &born.form),
        _ => "",
    };
    catalog::form(form)
        .map_or(form, |form| form.substance.code())
        .to_owned()
}

/// The balance as of the store's position.
pub fn balance(reading: &Reading<'_>) -> Result<BalanceResponse, StoreError> {
    let as_of = reading.position();
    let row = reading.get(Table::Balances, ROW)?;
    let answer = match row {
        Some(row) => {
            BalanceResponse::decode(row.as_slice()).map_err(|_| StoreError::Row(Table::Balances))?
        }
        None => BalanceResponse {
            balanced: true,
            ..BalanceResponse::default()
        },
    };
    Ok(BalanceResponse { as_of, ..answer })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::custody::state::Changed;
    use crate::custody::{account, leaf, subject};
    use crate::event::record::OpenRecord;
    use crate::event::{Hash, LotId};
    use crate::pb::{Account, Change, Head, LotBorn, LotState, Payload, Posting};
    use crate::projection::Standing;

    /// A record that moves `gross` of a lot from its source to a holding.
    fn record(position: u64, lot: LotId, gross: i64, born: bool) -> OpenRecord {
        let posting = |account: Account, gross_mg| {
            C::Posting(Posting {
                account: Some(account),
                gross_mg,
                contained_mg: 0,
            })
        };
        let mut changes = vec![
            posting(account::plain(AccountKind::Produced), -gross),
            posting(account::held("P", "T1"), gross),
        ];
        if born {
            changes.insert(0, C::Born(LotBorn::default()));
        }
        let booked = |change| Change {
            cause: None,
            change: Some(change),
        };
        OpenRecord {
            head: Head {
                position,
                ..Head::default()
            },
            head_bytes: bytes::Bytes::new(),
            hash: Hash::ZERO,
            payload: Payload::default(),
            events: Vec::new(),
            links: Vec::new(),
            outcomes: vec![Some(Outcome {
                subject: Some(subject::lot(lot)),
                changes: changes.into_iter().map(booked).collect(),
            })],
            findings: Vec::new(),
        }
    }

    /// Folds a record as the projector does: the lot's item goes first.
    fn fold(view: &mut Balance, store: &Store, lot: LotId, form: &str, record: &OpenRecord) {
        let born = LotBorn {
            form: form.to_owned(),
            ..LotBorn::default()
        };
        let item = Item::Lot(LotState {
            born: Some(born),
            ..LotState::default()
        });
        let folded = Folded {
            record: record.clone(),
            items: vec![Changed {
                subject: subject::lot(lot),
                bytes: leaf::encoded(&item).into(),
                item,
            }],
        };
        let mut writes = Writes::default();
        view.fold(&folded, &mut writes);
        view.finish(record.position() + 1, &mut writes);
        let standing = Standing {
            next: record.position() + 1,
            ..Standing::default()
        };
        store.apply(writes, standing).unwrap();
    }

    #[test]
    fn sums_go_on_where_they_stood_when_opened_again_and_pass_64_bits() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let lots = [LotId([1; 16]), LotId([2; 16])];
        for (lot, position) in lots.into_iter().zip(0..) {
            // As after a restart: a new view for each record.
            let mut view = Balance::default();
            view.load(&store).unwrap();
            let record = record(position, lot, i64::MAX, true);
            fold(&mut view, &store, lot, "NACN-3414", &record);
        }
        let answer = balance(&store.reading()).unwrap();
        assert_eq!((answer.as_of, answer.lots, answer.balanced), (2, 2, true));
        let held: Vec<&str> = answer
            .rows
            .iter()
            .filter(|row| row.account() == AccountKind::Held && row.substance == "NACN")
            .map(|row| row.gross_mg.as_str())
            .collect();
        assert_eq!(held, ["18446744073709551614"]);
    }

    #[test]
    fn what_does_not_sum_to_zero_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let lot = LotId([1; 16]);
        let mut crooked = record(0, lot, 5, true);
        if let Some(Some(outcome)) = crooked.outcomes.first_mut() {
            outcome.changes.pop();
        }
        let mut view = Balance::default();
        fold(&mut view, &store, lot, "NACN-1689", &crooked);
        assert!(!balance(&store.reading()).unwrap().balanced);
    }
}
