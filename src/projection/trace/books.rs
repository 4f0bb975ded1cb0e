//! Accounts of one lot, folded from the changes of its steps: gross, contained
//! and the serials of packages.
//!
//! What it is not: it is not the live state and checks no law. As true at a
//! time, corrected figures may stand below zero, and that is told, not refused.

use std::collections::BTreeMap;

use super::TraceError;
use crate::custody::account::{self, Class};
use crate::custody::ranges;
use crate::custody::{Amount, lot};
use crate::pb::change::Change as C;
use crate::pb::{Account, Change, Holding, PackageParted, PackageRange, SerialRange};

/// What stands where.
#[derive(Default)]
pub(super) struct Books {
    amounts: BTreeMap<Account, Amount>,
    serials: BTreeMap<Account, Vec<SerialRange>>,
    /// As packed; their accounts are where they began.
    packed: Vec<PackageRange>,
    /// What was taken out of single packages.
    parted: BTreeMap<u64, Amount>,
    /// Packages with nothing in them that counts.
    empties: Vec<SerialRange>,
}

impl Books {
    /// Adds changes of the lot, in order.
    pub fn fold(&mut self, changes: &[Change]) -> Result<(), TraceError> {
        for change in changes {
            match &change.change {
                Some(C::Posting(p)) => {
                    let account = p.account.clone().unwrap_or_default();
                    let amount = Amount {
                        gross: p.gross_mg,
                        contained: p.contained_mg,
                    };
                    self.post(account, amount)?;
                }
                Some(C::Packaged(range)) => {
                    let serials = SerialRange {
                        first: range.first,
                        last: range.last,
                    };
                    self.place(serials, range.account.clone().unwrap_or_default());
                    self.packed.push(range.clone());
                }
                Some(C::PackagesMoved(m)) => {
                    let serials = SerialRange {
                        first: m.first,
                        last: m.last,
                    };
                    self.place(serials, m.to.clone().unwrap_or_default());
                }
                Some(C::PackageParted(p)) => self.part(p)?,
                Some(C::PackagesEmptied(e)) => {
                    let (first, last) = (e.first, e.last);
                    ranges::insert(&mut self.empties, SerialRange { first, last });
                }
                Some(C::PackagesEnded(e)) => self.end(SerialRange {
                    first: e.first,
                    last: e.last,
                }),
                _ => {}
            }
        }
        Ok(())
    }

    fn post(&mut self, account: Account, amount: Amount) -> Result<(), TraceError> {
        let name = account::show(&account);
        let sum = self.amounts.entry(account).or_default();
        *sum = sum.plus(amount).map_err(|_| TraceError::Overflow(name))?;
        Ok(())
    }

    /// A mass comes out of a package, which is empty if it was the last.
    fn part(&mut self, part: &PackageParted) -> Result<(), TraceError> {
        let amount = Amount {
            gross: part.gross_mg,
            contained: part.contained_mg,
        };
        let sum = self.parted.entry(part.serial).or_default();
        *sum = sum
            .plus(amount)
            .map_err(|_| TraceError::Overflow(format!("package {}", part.serial)))?;
        if self.mass_of(part.serial).is_some_and(|m| m.gross == 0) {
            let (first, last) = (part.serial, part.serial);
            ranges::insert(&mut self.empties, SerialRange { first, last });
        }
        Ok(())
    }

    /// Empties that are no packages any more stand nowhere.
    fn end(&mut self, ended: SerialRange) {
        for ranges in self.serials.values_mut() {
            *ranges = ranges::minus(ranges, &[ended]);
        }
        self.empties = ranges::minus(&self.empties, &[ended]);
    }

    /// What is in a package; `None` if it has not been packed.
    fn mass_of(&self, serial: u64) -> Option<Amount> {
        let packed = self
            .packed
            .iter()
            .find(|p| p.first <= serial && serial <= p.last)?;
        let one = SerialRange {
            first: serial,
            last: serial,
        };
        if ranges::overlap(&self.empties, &[one]) {
            return Some(Amount::default());
        }
        let whole = lot::package_mass(&PackageRange {
            first: serial,
            last: serial,
            ..packed.clone()
        })
        .ok()?;
        let out = self.parted.get(&serial).copied().unwrap_or_default();
        whole.minus(out).ok()
    }

    fn place(&mut self, serials: SerialRange, to: Account) {
        for ranges in self.serials.values_mut() {
            *ranges = ranges::minus(ranges, &[serials]);
        }
        ranges::insert(self.serials.entry(to).or_default(), serials);
    }

    /// Accounts with matter or packages, in order of account. Sources are
    /// negative; packages that went into a sink are told with it.
    pub fn holdings(&self) -> Vec<Holding> {
        let mut accounts: Vec<&Account> = self.amounts.keys().chain(self.serials.keys()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts
            .into_iter()
            .filter_map(|account| {
                let amount = self.amounts.get(account).copied().unwrap_or_default();
                let serials = self.serials.get(account).cloned().unwrap_or_default();
                let holding = Holding {
                    account: Some(account.clone()),
                    gross_mg: amount.gross,
                    contained_mg: amount.contained,
                    empties: ranges::common(&serials, &self.empties),
                    serials,
                };
                (!amount.is_zero() || !holding.serials.is_empty()).then_some(holding)
            })
            .collect()
    }

    /// Where one package stands, with its own mass; `None` if it has not been
    /// packed.
    pub fn package(&self, serial: u64) -> Option<Holding> {
        let one = SerialRange {
            first: serial,
            last: serial,
        };
        let (account, _) = self
            .serials
            .iter()
            .find(|(_, ranges)| ranges::overlap(ranges, &[one]))?;
        let mass = self.mass_of(serial)?;
        Some(Holding {
            account: Some(account.clone()),
            gross_mg: mass.gross,
            contained_mg: mass.contained,
            empties: ranges::common(&[one], &self.empties),
            serials: vec![one],
        })
    }

    /// Holdings and sinks that stand below zero, in order of account.
    pub fn below_zero(&self) -> Vec<Account> {
        self.amounts
            .iter()
            .filter(|(account, amount)| {
                matches!(
                    account::class(account.kind()),
                    Some(Class::Holding | Class::Sink)
                ) && (amount.gross < 0 || amount.contained < 0)
            })
            .map(|(account, _)| account.clone())
            .collect()
    }
}
