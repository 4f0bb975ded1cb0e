//! A lot's books: balances, title, packages, reservations, and the laws that
//! hold among them. Pure arithmetic on [`LotState`]; who may do what is
//! decided elsewhere.

mod packages;

use super::account::{self, Class};
use super::{packaging, ranges};
use crate::event::mass::Mass;
use crate::pb::{
    Account, AccountKind, LooseReservation, LotState, PackageRange, Posting, TitlePosting,
};

pub use packages::{
    add_packages, move_packages, own_packages, reserve_packages, select, unreserve_packages,
};
pub(super) use packages::{change_packages, take_out};

/// A law (design, section 3) that an outcome would break.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("law {law}: {what}")]
pub struct Broken {
    /// Its number.
    pub law: u8,
    /// What breaks it.
    pub what: String,
}

/// A broken law, by number and words.
pub fn broken<T>(law: u8, what: impl Into<String>) -> Result<T, Broken> {
    Err(Broken {
        law,
        what: what.into(),
    })
}

fn overflow() -> Broken {
    Broken {
        law: 1,
        what: "a mass overflows".into(),
    }
}

fn sum(a: i64, b: i64) -> Result<i64, Broken> {
    a.checked_add(b).ok_or_else(overflow)
}

/// Gross and contained, milligrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Amount {
    /// Gross.
    pub gross: i64,
    /// Contained.
    pub contained: i64,
}

impl Amount {
    /// Adds, checked.
    pub fn plus(self, other: Amount) -> Result<Amount, Broken> {
        Ok(Amount {
            gross: sum(self.gross, other.gross)?,
            contained: sum(self.contained, other.contained)?,
        })
    }

    /// Subtracts, checked.
    pub fn minus(self, other: Amount) -> Result<Amount, Broken> {
        self.plus(other.negated()?)
    }

    /// The other way round.
    pub fn negated(self) -> Result<Amount, Broken> {
        Ok(Amount {
            gross: self.gross.checked_neg().ok_or_else(overflow)?,
            contained: self.contained.checked_neg().ok_or_else(overflow)?,
        })
    }

    /// Neither.
    pub fn is_zero(self) -> bool {
        self == Amount::default()
    }
}

fn account_of(account: Option<&Account>) -> Account {
    account.cloned().unwrap_or_default()
}

/// The form it is of now.
pub fn form(lot: &LotState) -> &str {
    if lot.form.is_empty() {
        lot.born.as_ref().map_or("", |born| &born.form)
    } else {
        &lot.form
    }
}

/// Whether it runs in a vessel, or is still to be cleared out of one.
pub fn is_running(lot: &LotState) -> bool {
    lot.running_in.is_some() || !lot.blend.is_empty()
}

/// All of it that stands in holdings.
pub fn held_in_all(lot: &LotState) -> Result<Amount, Broken> {
    let holdings = lot.balances.iter().filter(|b| {
        let kind = b.account.as_ref().map(Account::kind);
        kind.and_then(account::class) == Some(Class::Holding)
    });
    holdings
        .into_iter()
        .try_fold(Amount::default(), |total, b| {
            total.plus(Amount {
                gross: b.gross_mg,
                contained: b.contained_mg,
            })
        })
}

/// Where an account's balance stands, or would stand.
fn place_of(lot: &LotState, account: &Account) -> Result<usize, usize> {
    let is_it = |b: &Posting| {
        b.account
            .as_ref()
            .is_some_and(|a| account::same(a, account))
    };
    // They are few; where a new one would stand is asked less often.
    if let Some(at) = lot.balances.iter().position(is_it) {
        return Ok(at);
    }
    lot.balances
        .binary_search_by(|b| b.account.as_ref().cmp(&Some(account)))
}

fn balance_at(lot: &LotState, place: Result<usize, usize>) -> Amount {
    let booked = place.ok().and_then(|at| lot.balances.get(at));
    booked
        .map(|b| Amount {
            gross: b.gross_mg,
            contained: b.contained_mg,
        })
        .unwrap_or_default()
}

/// What is booked on an account.
pub fn balance(lot: &LotState, account: &Account) -> Amount {
    balance_at(lot, place_of(lot, account))
}

/// The mass of the packages that stand on an account.
pub fn packed(lot: &LotState, account: &Account) -> Result<Amount, Broken> {
    lot.packages
        .iter()
        .filter(|p| p.account.as_ref() == Some(account))
        .try_fold(Amount::default(), |total, p| total.plus(package_mass(p)?))
}

/// The mass of a range of packages.
pub fn package_mass(range: &PackageRange) -> Result<Amount, Broken> {
    let n = ranges::count(range.first, range.last);
    let times = |each: i64| {
        Mass::mg(each)
            .times(n)
            .map(Mass::as_mg)
            .map_err(|_| overflow())
    };
    Ok(Amount {
        gross: times(range.gross_mg_each)?,
        contained: times(range.contained_mg_each)?,
    })
}

/// Whether anything of the lot is on an account: matter, or an empty package.
pub fn is_on(lot: &LotState, account: &Account) -> bool {
    let here = |p: &PackageRange| p.account.as_ref() == Some(account);
    !balance(lot, account).is_zero() || lot.packages.iter().any(here)
}

/// What is on an account outside packages.
pub fn loose(lot: &LotState, account: &Account) -> Result<Amount, Broken> {
    balance(lot, account).minus(packed(lot, account)?)
}

/// Loose gross on an account that open offers have reserved.
pub fn reserved(lot: &LotState, account: &Account) -> Result<i64, Broken> {
    lot.reservations
        .iter()
        .filter(|r| r.account.as_ref() == Some(account))
        .try_fold(0, |total, r| sum(total, r.gross_mg))
}

/// The contained mass that goes with `gross` taken from a loose amount: by
/// the lot's content, rounded down, the remainder staying; whoever takes the
/// last gross takes the last contained (design, section 3). Of a running lot
/// it is the well-mixed fraction of what is there, rounded down: its content
/// is no whole number of parts per million.
pub fn contained_of(lot: &LotState, from: Amount, gross: i64) -> i64 {
    if gross == from.gross {
        return from.contained;
    }
    if is_running(lot) {
        let mixed = Mass::mg(from.contained).share(gross, from.gross);
        return mixed.unwrap_or_default().as_mg();
    }
    let by_content = Mass::mg(gross)
        .contained(lot.content_ppm)
        .unwrap_or_default()
        .as_mg();
    by_content.min(from.contained).max(0)
}

/// Books an amount on an account; holdings and sinks never below zero,
/// sources never above (law 2).
pub fn post(lot: &mut LotState, account: &Account, amount: Amount) -> Result<(), Broken> {
    let Some(class) = account::class(account.kind()) else {
        return broken(1, "a posting to no account");
    };
    let at = place_of(lot, account);
    let now = balance_at(lot, at).plus(amount)?;
    let sound = match class {
        Class::Source => now.gross <= 0,
        Class::Holding => now.gross >= 0 && now.contained >= 0,
        Class::Between => true,
        Class::Sink => now.gross >= 0,
    };
    if !sound {
        return broken(
            2,
            format!("{} would stand at {} mg", account::show(account), now.gross),
        );
    }
    match at {
        Ok(i) if now.is_zero() => {
            lot.balances.remove(i);
        }
        Ok(i) => {
            if let Some(b) = lot.balances.get_mut(i) {
                (b.gross_mg, b.contained_mg) = (now.gross, now.contained);
            }
        }
        Err(_) if now.is_zero() => {}
        Err(i) => lot.balances.insert(
            i,
            Posting {
                account: Some(account.clone()),
                gross_mg: now.gross,
                contained_mg: now.contained,
            },
        ),
    }
    Ok(())
}

/// Title to loose matter that a party has, milligrams of gross.
pub fn title(lot: &LotState, party: &str) -> i64 {
    lot.titles
        .iter()
        .find(|t| t.party == party)
        .map_or(0, |t| t.gross_mg)
}

/// Books title. Below zero only as far as matter is in dispute or measured
/// the wrong way round (law 7), which [`check`] sees to.
pub fn post_title(lot: &mut LotState, party: &str, gross: i64) -> Result<(), Broken> {
    let now = sum(title(lot, party), gross)?;
    lot.titles.retain(|t| t.party != party);
    if now != 0 {
        lot.titles.push(TitlePosting {
            party: party.to_owned(),
            gross_mg: now,
        });
        lot.titles.sort_by(|a, b| a.party.cmp(&b.party));
    }
    Ok(())
}

/// Adds to (negative: takes from) a handoff's loose reservation.
pub fn reserve_loose(
    lot: &mut LotState,
    handoff: &bytes::Bytes,
    account: Option<&Account>,
    gross: i64,
) -> Result<(), Broken> {
    let at = lot
        .reservations
        .binary_search_by(|r| r.handoff.cmp(handoff));
    match at {
        Ok(i) => {
            let Some(r) = lot.reservations.get_mut(i) else {
                return Ok(());
            };
            r.gross_mg = sum(r.gross_mg, gross)?;
            match r.gross_mg {
                0 => drop(lot.reservations.remove(i)),
                1.. => {}
                _ => return broken(2, "more is freed than was reserved"),
            }
        }
        Err(_) if gross <= 0 => return broken(2, "what was not reserved cannot be freed"),
        Err(i) => lot.reservations.insert(
            i,
            LooseReservation {
                handoff: handoff.clone(),
                account: Some(account_of(account)),
                gross_mg: gross,
            },
        ),
    }
    Ok(())
}

/// What a party owns of a lot: loose by title, packages by range.
fn owned(lot: &LotState) -> Result<i64, Broken> {
    let loose = lot
        .titles
        .iter()
        .try_fold(0, |total, t| sum(total, t.gross_mg))?;
    lot.packages
        .iter()
        .filter(|p| {
            p.account
                .as_ref()
                .is_some_and(|a| a.kind() != AccountKind::Missing)
        })
        .try_fold(loose, |total, p| sum(total, package_mass(p)?.gross))
}

/// The laws that hold within one lot after every record: 1 and 3 (balances
/// sum to zero), 2 (nothing below zero, nothing reserved twice), 6 (packages
/// fit their accounts), 7 (what is owned is what is there).
pub fn check(lot: &LotState) -> Result<(), Broken> {
    let mut total = Amount::default();
    let mut there = 0;
    let mut over = 0;
    let mut even = Vec::new();
    for b in &lot.balances {
        let account = account_of(b.account.as_ref());
        let amount = Amount {
            gross: b.gross_mg,
            contained: b.contained_mg,
        };
        total = total.plus(amount)?;
        let class = account::class(account.kind());
        if matches!(class, Some(Class::Holding | Class::Between)) {
            there = sum(there, b.gross_mg)?;
        }
        let has_packages = class == Some(Class::Holding) || account.kind() == AccountKind::Missing;
        let loose = amount.minus(packed(lot, &account)?)?;
        // Packages have owners of their own: title is short of loose matter.
        if class == Some(Class::Between) {
            over = sum(over, loose.gross.min(0))?;
        }
        if has_packages && (loose.gross < 0 || loose.contained < 0) {
            return broken(6, format!("packages outweigh {}", account::show(&account)));
        }
        if reserved(lot, &account)? > loose.gross.max(0) {
            return broken(
                2,
                format!(
                    "{} is reserved beyond what is there",
                    account::show(&account)
                ),
            );
        }
    }
    if !total.is_zero() {
        return broken(
            3,
            format!("sources and the rest differ by {} mg", total.gross),
        );
    }
    if let Some(p) = lot.packages.iter().find(|p| !packaging::weighs_right(p)) {
        let state = packaging::show(p.state());
        let what = format!(
            "package {} weighs {} mg, and is {state}",
            p.first, p.gross_mg_each
        );
        return broken(6, what);
    }
    let homeless = |account: Option<&Account>| balance(lot, &account_of(account)).is_zero();
    let reserved = lot.reservations.iter().map(|r| r.account.as_ref());
    // Empties weigh nothing, wherever they stand.
    let packages = lot
        .packages
        .iter()
        .filter(|p| p.gross_mg_each != 0)
        .map(|p| p.account.as_ref());
    for account in reserved.chain(packages).filter(|a| homeless(*a)) {
        // Packages in dispute may weigh just what was delivered too much.
        let account = account_of(account);
        if account::class(account.kind()) != Some(Class::Between) {
            return broken(6, "goods are named where there are none");
        }
        if !even.contains(&account) {
            over = sum(over, packed(lot, &account)?.negated()?.gross.min(0))?;
            even.push(account);
        }
    }
    let owned = owned(lot)?;
    if owned != there {
        return broken(7, format!("{owned} mg are owned, {there} mg are there"));
    }
    let oversold = lot
        .titles
        .iter()
        .try_fold(0, |total, t| sum(total, t.gross_mg.min(0)))?;
    if oversold < over {
        return broken(7, format!("{oversold} mg are sold that nobody owned"));
    }
    Ok(())
}
