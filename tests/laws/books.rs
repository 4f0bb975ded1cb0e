//! The model's books: plain maps from account to mass, from party to title,
//! from serial to package. Written from the design and from the comments of
//! `event.proto`; nothing here calls into `custody`.

use std::collections::{BTreeMap, BTreeSet};

/// Any name of 16 bytes: a lot, a handoff, a consignment, a dispute, a key.
pub type Id = [u8; 16];

/// Where matter is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    Produced,
    Imported,
    Opening,
    Inbound,
    Made,
    Found,
    Held(String, String),
    Aboard(Id),
    Disputed(Id),
    MeasureDifference(Id),
    Used,
    Transformed,
    Disposed,
    Exported,
    Outbound,
    ProcessLoss,
    Released,
    Missing,
}

impl Account {
    pub fn is_source(&self) -> bool {
        matches!(
            self,
            Self::Produced
                | Self::Imported
                | Self::Opening
                | Self::Inbound
                | Self::Made
                | Self::Found
        )
    }

    pub fn is_holding(&self) -> bool {
        matches!(self, Self::Held(..) | Self::Aboard(_))
    }

    pub fn is_between(&self) -> bool {
        matches!(self, Self::Disputed(_) | Self::MeasureDifference(_))
    }

    pub fn is_sink(&self) -> bool {
        !self.is_source() && !self.is_holding() && !self.is_between()
    }
}

/// In a party's place.
pub fn held(party: &str, place: &str) -> Account {
    Account::Held(party.to_owned(), place.to_owned())
}

/// Milligrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Amount {
    pub gross: i64,
    pub contained: i64,
}

pub fn amount(gross: i64, contained: i64) -> Amount {
    Amount { gross, contained }
}

impl Amount {
    pub const NONE: Amount = Amount {
        gross: 0,
        contained: 0,
    };
}

impl std::ops::Add for Amount {
    type Output = Amount;
    fn add(self, b: Amount) -> Amount {
        amount(self.gross + b.gross, self.contained + b.contained)
    }
}

impl std::ops::Sub for Amount {
    type Output = Amount;
    fn sub(self, b: Amount) -> Amount {
        amount(self.gross - b.gross, self.contained - b.contained)
    }
}

impl std::ops::Neg for Amount {
    type Output = Amount;
    fn neg(self) -> Amount {
        Amount::NONE - self
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(all: I) -> Amount {
        all.fold(Amount::NONE, |a, b| a + b)
    }
}

/// `whole * part / of`, rounded down.
pub fn share(whole: i64, part: i64, of: i64) -> i64 {
    i64::try_from(i128::from(whole) * i128::from(part) / i128::from(of)).unwrap()
}

/// The content of a gross mass, rounded down.
pub fn content(gross: i64, ppm: u32) -> i64 {
    share(gross, i64::from(ppm), 1_000_000)
}

/// What a package is (law 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Full,
    Open,
    Empty,
    Cleaned,
}

/// One package that is still a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub mass: Amount,
    pub account: Account,
    pub owner: String,
    /// The open offer that names it.
    pub promised: Option<Id>,
    pub life: Life,
    /// The outer packing that it is in.
    pub outer: Option<String>,
}

impl Package {
    /// Whether something is in it.
    pub fn is_filled(&self) -> bool {
        matches!(self.life, Life::Full | Life::Open)
    }

    /// What a gross mass taken out takes with it: in proportion, rounded
    /// down; the last takes the last.
    pub fn part(&self, gross: i64) -> Amount {
        if gross == self.mass.gross {
            return self.mass;
        }
        amount(gross, share(self.mass.contained, gross, self.mass.gross))
    }
}

/// What an event books on a lot.
pub type Books = BTreeMap<Account, Amount>;

/// What a running lot is made of: mass by the lot that was poured in; none:
/// of unknown origin.
pub type Blend = BTreeMap<Option<Id>, Amount>;

/// One lot's books.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Book {
    pub form: String,
    /// Who answers for it as waste.
    pub answerable: String,
    pub born_ppm: u32,
    pub ppm: u32,
    /// What is booked where, packages included. No zeros.
    pub accounts: BTreeMap<Account, Amount>,
    /// Who owns how much of the loose gross. No zeros.
    pub titles: BTreeMap<String, i64>,
    pub packages: BTreeMap<u64, Package>,
    /// Serials of packages that are none any more.
    pub ended: BTreeSet<u64>,
    /// Loose gross that an open offer has reserved, and where.
    pub promised: BTreeMap<Id, (Account, i64)>,
    /// What only one side has told, in order.
    pub one_sided: Vec<super::edges::OneSided>,
    /// Customs entries, in order.
    pub customs: Vec<super::customs::Entry>,
    /// What an order has sealed of it, by the order's number.
    pub seals: Vec<super::seizures::Seal>,
    /// Who imported it, if it was.
    pub importer: Option<String>,
    /// What it was made of, by the lot that was taken for it, and of a vessel's
    /// the lots that had been poured in.
    /// How much of that mixture, as last corrected.
    pub parents: BTreeMap<Id, (Blend, Amount)>,
    /// The vessel that it runs in: a party's place.
    pub vessel: Option<(String, String)>,
    pub blend: Blend,
    /// What it was made of when it ran no longer.
    pub blend_at_end: Blend,
}

impl Book {
    pub fn on(&self, account: &Account) -> Amount {
        self.accounts.get(account).copied().unwrap_or_default()
    }

    pub fn packed_on(&self, account: &Account) -> Amount {
        let there = self.packages.values().filter(|p| p.account == *account);
        there.map(|p| p.mass).sum()
    }

    pub fn loose_on(&self, account: &Account) -> Amount {
        self.on(account) - self.packed_on(account)
    }

    pub fn promised_on(&self, account: &Account) -> i64 {
        let there = self.promised.values().filter(|(a, _)| a == account);
        there.map(|(_, gross)| gross).sum()
    }

    /// The loose gross that no offer has reserved.
    pub fn free_on(&self, account: &Account) -> i64 {
        self.loose_on(account).gross - self.promised_on(account)
    }

    pub fn serials_on(&self, account: &Account) -> Vec<u64> {
        let there = self.packages.iter().filter(|(_, p)| p.account == *account);
        there.map(|(serial, _)| *serial).collect()
    }

    pub fn title(&self, party: &str) -> i64 {
        self.titles.get(party).copied().unwrap_or_default()
    }

    /// The content that goes with a gross mass taken from a loose one: rounded
    /// down, the remainder stays; the last gross takes the last contained.
    pub fn content_of(&self, there: Amount, gross: i64) -> i64 {
        if gross == there.gross {
            return there.contained;
        }
        if self.vessel.is_some() || !self.blend.is_empty() {
            // In a vessel: the well-mixed fraction.
            return share(there.contained, gross, there.gross);
        }
        content(gross, self.ppm).clamp(0, there.contained.max(0))
    }

    pub fn post(&mut self, account: &Account, mass: Amount) {
        let now = self.on(account) + mass;
        self.accounts.remove(account);
        if now != Amount::NONE {
            self.accounts.insert(account.clone(), now);
        }
    }

    /// What has been booked since it stood so.
    /// What is held of it in all.
    pub fn held(&self) -> Amount {
        let held = self.accounts.iter().filter(|(a, _)| a.is_holding());
        held.map(|(_, mass)| *mass).sum()
    }

    pub fn since(&self, before: &Books) -> Books {
        let mut since = self.accounts.clone();
        for (account, mass) in before {
            let now = since.entry(account.clone()).or_default();
            *now = *now - *mass;
        }
        since.retain(|_, mass| *mass != Amount::NONE);
        since
    }

    pub fn transfer(&mut self, from: &Account, to: &Account, mass: Amount) {
        self.post(from, -mass);
        self.post(to, mass);
    }

    pub fn give_title(&mut self, party: &str, gross: i64) {
        let now = self.title(party) + gross;
        self.titles.remove(party);
        if now != 0 {
            self.titles.insert(party.to_owned(), now);
        }
    }

    /// A sink takes the holder's own title first, then the others' in order
    /// of their codes. What is there and nobody owns (more was measured than
    /// offered) stands against the holder, as law 7 has it.
    ///
    /// The holder is told with those who have succeeded it, in that order.
    pub fn end_title(&mut self, line: &[String], gross: i64) {
        let holder = &line[0].clone();
        let mut owners = line.to_vec();
        owners.extend(self.titles.keys().filter(|p| !line.contains(p)).cloned());
        let mut left = gross;
        for owner in owners {
            let taken = left.min(self.title(&owner).max(0));
            self.give_title(&owner, -taken);
            left -= taken;
        }
        self.give_title(holder, -left);
    }

    /// Matter that turns out to be there makes good what has been taken
    /// beyond title, the party's own first; the rest is the party's.
    pub fn make_good(&mut self, party: &str, gross: i64) {
        let mut owing = vec![party.to_owned()];
        owing.extend(self.titles.keys().filter(|p| *p != party).cloned());
        let mut left = gross;
        for party in owing {
            let given = left.min((-self.title(&party)).max(0));
            self.give_title(&party, given);
            left -= given;
        }
        self.give_title(party, left);
    }

    /// A package goes to another account; in a sink other than missing it ends.
    pub fn move_package(&mut self, serial: u64, to: &Account) {
        let mut package = self.packages.remove(&serial).unwrap();
        self.transfer(&package.account.clone(), to, package.mass);
        if to.is_sink() && *to != Account::Missing {
            self.ended.insert(serial);
            return;
        }
        package.account = to.clone();
        package.promised = None;
        self.packages.insert(serial, package);
    }

    /// A mass is poured out of a package, which stays: open, or empty.
    pub fn pour(&mut self, serial: u64, part: Amount, to: &Account) {
        self.break_outers(&[serial], true);
        let package = self.packages.get_mut(&serial).unwrap();
        package.mass = package.mass - part;
        package.life = if package.mass.gross == 0 {
            Life::Empty
        } else {
            Life::Open
        };
        package.promised = None;
        let at = package.account.clone();
        self.transfer(&at, to, part);
    }

    /// Serials that stand in an outer packing.
    pub fn inside(&self, outer: &str) -> BTreeSet<u64> {
        let inside = |p: &Package| p.outer.as_deref() == Some(outer);
        let there = self.packages.iter().filter(|(_, p)| inside(p));
        there.map(|(serial, _)| *serial).collect()
    }

    /// Some packages go: an outer packing that does not go whole is broken.
    /// Of what is opened or emptied where it stands, any is.
    pub fn break_outers(&mut self, taken: &[u64], any: bool) {
        let outers: BTreeSet<String> = taken
            .iter()
            .filter_map(|s| self.packages[s].outer.clone())
            .collect();
        for outer in outers {
            let inside = self.inside(&outer);
            let whole = inside.iter().all(|s| taken.contains(s));
            if any || !whole {
                for serial in inside {
                    self.packages.get_mut(&serial).unwrap().outer = None;
                }
            }
        }
    }

    /// Whether anything is on an account, were it an empty.
    pub fn is_on(&self, account: &Account) -> bool {
        self.on(account) != Amount::NONE || self.packages.values().any(|p| p.account == *account)
    }

    /// All that an offer has reserved here is free again.
    pub fn release(&mut self, handoff: &Id) {
        self.promised.remove(handoff);
        for package in self.packages.values_mut() {
            if package.promised.as_ref() == Some(handoff) {
                package.promised = None;
            }
        }
    }

    /// It runs in its vessel no longer.
    pub fn end(&mut self) {
        self.vessel = None;
        self.blend_at_end = self.blend.clone();
    }

    /// Whether matter, or an empty, is still on hand or in dispute.
    pub fn is_live(&self) -> bool {
        let live = |a: &Account| a.is_holding() || matches!(a, Account::Disputed(_));
        let packages = self.packages.values().map(|p| &p.account);
        self.accounts.keys().chain(packages).any(live)
    }
}

/// A map that is written on a draft first, kept or dropped whole.
pub struct Table<K, V> {
    kept: BTreeMap<K, V>,
    draft: BTreeMap<K, V>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Table {
            kept: BTreeMap::new(),
            draft: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.draft.get(key).or_else(|| self.kept.get(key))
    }

    pub fn has(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// To be changed, on the draft. The key is known to be there.
    pub fn edit(&mut self, key: &K) -> &mut V {
        if !self.draft.contains_key(key) {
            self.draft.insert(key.clone(), self.kept[key].clone());
        }
        self.draft.get_mut(key).unwrap()
    }

    pub fn put(&mut self, key: K, value: V) {
        self.draft.insert(key, value);
    }

    /// Everything kept; the draft is empty.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        assert!(self.draft.is_empty(), "a draft is still open");
        self.kept.iter()
    }

    /// Ends the draft; returns the keys it had touched.
    pub fn close(&mut self, keep: bool) -> Vec<K> {
        let draft = std::mem::take(&mut self.draft);
        let keys = draft.keys().cloned().collect();
        if keep {
            self.kept.extend(draft);
        }
        keys
    }

    /// What the draft has touched so far.
    pub fn drafted(&self) -> Vec<K> {
        self.draft.keys().cloned().collect()
    }

    pub fn save(&self) -> BTreeMap<K, V> {
        self.draft.clone()
    }

    /// As it was when the draft was saved.
    pub fn was<'a>(&'a self, saved: &'a BTreeMap<K, V>, key: &K) -> Option<&'a V> {
        saved.get(key).or_else(|| self.kept.get(key))
    }

    pub fn restore(&mut self, saved: BTreeMap<K, V>) {
        self.draft = saved;
    }
}
