//! Everything that was entered, as a clerk would keep it: lists that are read
//! from their end.

use std::collections::{BTreeMap, BTreeSet};

use hazledger::catalog;
use hazledger::pb::{
    Blacklisted, MassBasis, PackPublished, PackWithdrawn, PermitRegistered, PersonRegistered,
    QualificationKind, RuleKind, RuleLine, RuleMode, VehicleRegistered,
};

/// The whole country.
const NATION: &str = "100000";

/// Some of one lot, as it goes.
#[derive(Clone, Debug)]
pub struct Goods {
    pub lot: String,
    pub form: &'static str,
    pub gross_mg: i64,
    pub contained_mg: i64,
    /// In bulk; else in drums.
    pub loose: bool,
    pub waste: bool,
}

impl Goods {
    /// The substance's code, which its forms begin with.
    pub fn substance(&self) -> &'static str {
        self.form.split('-').next().unwrap()
    }
}

/// A permit, and what handoffs have drawn from it and claimed on it.
#[derive(Clone, Debug)]
pub struct Permit {
    pub entry: PermitRegistered,
    drawn_mg: i64,
    claims: BTreeMap<String, i64>,
}

impl Permit {
    pub fn total(&self) -> i64 {
        self.drawn_mg + self.claims.values().sum::<i64>()
    }

    /// What of goods counts against it, milligrams.
    fn counts(&self, goods: &[Goods]) -> i64 {
        let covered = |one: &&Goods| {
            let named = &self.entry.substances;
            named.is_empty() || named.iter().any(|s| s == one.substance())
        };
        let mass = |one: &Goods| match self.entry.basis() {
            MassBasis::Contained => one.contained_mg,
            _ => one.gross_mg,
        };
        match self.entry.quantity_mg {
            0 => 0,
            _ => goods.iter().filter(covered).map(mass).sum(),
        }
    }

    /// What an offer claims from now on.
    pub fn claim(&mut self, by: &str, goods: &[Goods]) {
        let mg = self.counts(goods);
        self.claims.insert(by.to_owned(), mg);
    }

    pub fn free(&mut self, by: &str) {
        self.claims.remove(by);
    }

    pub fn draw(&mut self, goods: &[Goods]) {
        self.drawn_mg += self.counts(goods);
    }

    pub fn restore(&mut self, goods: &[Goods]) {
        self.drawn_mg = (self.drawn_mg - self.counts(goods)).max(0);
    }
}

/// What an authority can seal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    Lot(&'static str),
    Place(char),
    Party(char),
    Vehicle(&'static str),
}

/// The registry and the rules.
#[derive(Default)]
pub struct Entered {
    packs: Vec<PackPublished>,
    pub permits: BTreeMap<(char, String), Permit>,
    vehicles: BTreeMap<String, VehicleRegistered>,
    persons: BTreeMap<String, PersonRegistered>,
    pub listed: BTreeMap<char, Blacklisted>,
    pub seals: BTreeSet<Thing>,
    /// The territory of the party that is an agency, while it is one.
    pub agency: Option<&'static str>,
    /// The plant disposes of its stock: it converts, stops or relocates.
    pub disposes_of_stock: bool,
    /// When the nitrocellulose was measured, or made.
    pub assayed_ms: i64,
}

/// Whether a territory covers a region: all of the country, a province, a
/// city, a county.
pub fn covers(territory: &str, region: &str) -> bool {
    let part = if territory.ends_with("0000") {
        &territory[..2]
    } else {
        territory.strip_suffix("00").unwrap_or(territory)
    };
    territory == NATION || region.starts_with(part)
}

fn depth(territory: &str) -> usize {
    match territory {
        NATION => 0,
        _ if territory.ends_with("0000") => 1,
        _ if territory.ends_with("00") => 2,
        _ => 3,
    }
}

/// How closely a line names what it is for; `None`: it is not for it.
fn closeness(line: &RuleLine, form: Option<&str>) -> Option<usize> {
    let named = usize::from(!line.forms.is_empty()) * 2 + usize::from(!line.substances.is_empty());
    let Some(form) = form else {
        return Some(named);
    };
    let by_form = line.forms.is_empty() || line.forms.iter().any(|f| f == form);
    let substance = form.split('-').next().unwrap();
    let by_name = line.substances.is_empty() || line.substances.iter().any(|s| s == substance);
    (by_form && by_name).then_some(named)
}

impl Entered {
    pub fn publish(&mut self, pack: PackPublished) {
        let same = |p: &PackPublished| p.pack == pack.pack && p.from_ms == pack.from_ms;
        self.packs.retain(|p| !same(p));
        self.packs.push(pack);
    }

    /// What begins later never does; the others end.
    pub fn withdraw(&mut self, e: &PackWithdrawn) {
        let kept = |p: &PackPublished| p.pack != e.pack || p.from_ms < e.until_ms;
        self.packs.retain(kept);
        for pack in self.packs.iter_mut().filter(|p| p.pack == e.pack) {
            if pack.until_ms == 0 || pack.until_ms > e.until_ms {
                pack.until_ms = e.until_ms;
            }
        }
    }

    /// The days on which versions of a pack begin.
    pub fn versions(&self, pack: &str) -> Vec<i64> {
        let of_pack = self.packs.iter().filter(|p| p.pack == pack);
        of_pack.map(|p| p.from_ms).collect()
    }

    pub fn packs(&self) -> usize {
        self.packs.len()
    }

    /// Registering again replaces; what was drawn stays drawn.
    pub fn permit(&mut self, holder: char, entry: PermitRegistered) {
        let key = (holder, entry.number.clone());
        let known = self.permits.remove(&key);
        let (drawn_mg, claims) = known.map_or((0, BTreeMap::new()), |p| (p.drawn_mg, p.claims));
        let permit = Permit {
            entry,
            drawn_mg,
            claims,
        };
        self.permits.insert(key, permit);
    }

    pub fn vehicle(&mut self, entry: VehicleRegistered) {
        self.vehicles.insert(entry.vehicle.clone(), entry);
    }

    pub fn vehicle_of(&self, plate: &str) -> Option<&VehicleRegistered> {
        self.vehicles.get(plate)
    }

    pub fn person(&mut self, who: &str, entry: PersonRegistered) {
        self.persons.insert(who.to_owned(), entry);
    }

    /// All qualifications of a kind that any of these people is registered
    /// with.
    pub fn qualified(
        &self,
        people: &[String],
        kind: QualificationKind,
    ) -> Vec<&hazledger::pb::Qualification> {
        let known = people.iter().filter_map(|who| self.persons.get(who));
        let all = known.flat_map(|person| &person.qualifications);
        all.filter(|q| q.kind() == kind).collect()
    }

    pub fn is_listed(&self, party: char, times: &[i64]) -> bool {
        self.listed.get(&party).is_some_and(|l| {
            let holds = |at: &i64| l.from_ms <= *at && (l.until_ms == 0 || *at < l.until_ms);
            times.iter().any(holds)
        })
    }

    /// The line that judges a form in a region at a time, if it is not off: of
    /// each pack the version that began last, if it has not ended; of the
    /// smallest territory, there the closest, there the latest.
    fn line(&self, rule: RuleKind, form: Option<&str>, region: &str, at: i64) -> Option<&RuleLine> {
        let mut best: Option<((usize, usize, i64), &RuleLine)> = None;
        let names: BTreeSet<&str> = self.packs.iter().map(|p| p.pack.as_str()).collect();
        for name in names {
            let of_pack = self.packs.iter().filter(|p| p.pack == name);
            let begun = of_pack.filter(|p| p.from_ms <= at);
            let Some(version) = begun.max_by_key(|p| p.from_ms) else {
                continue;
            };
            let has_ended = version.until_ms != 0 && at >= version.until_ms;
            if has_ended || !covers(&version.region, region) {
                continue;
            }
            for line in version.lines.iter().filter(|l| l.rule() == rule) {
                let Some(closeness) = closeness(line, form) else {
                    continue;
                };
                let rank = (depth(&version.region), closeness, version.from_ms);
                if best.is_none_or(|(known, _)| rank > known) {
                    best = Some((rank, line));
                }
            }
        }
        best.map(|(_, line)| line)
    }

    /// Every line that judges it, each with its moment, but those that are off.
    pub fn lines(
        &self,
        rule: RuleKind,
        form: Option<&str>,
        regions: &[&str],
        times: &[i64],
    ) -> Vec<(&RuleLine, i64)> {
        let mut all = Vec::new();
        for at in times {
            for region in regions {
                let line = self.line(rule, form, region, *at);
                all.extend(line.map(|line| (line, *at)));
            }
        }
        all.retain(|(line, _)| line.mode() != RuleMode::Off);
        all
    }

    /// What a pack sets in the place of a figure of the base pack; `None`: it
    /// is not asked.
    pub fn figure(
        &self,
        rule: RuleKind,
        form: Option<&str>,
        region: &str,
        at: i64,
        (unit_ms, base_ms): (i64, i64),
    ) -> Option<i64> {
        match self.line(rule, form, region, at) {
            None => Some(base_ms),
            Some(line) if line.mode() == RuleMode::Off => None,
            Some(line) => Some(line.limit * unit_ms),
        }
    }
}

/// The form's UN number, as a waybill has it.
pub fn un_number(form: &str) -> String {
    catalog::form(form).unwrap().un.to_string()
}
