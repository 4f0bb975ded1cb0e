//! All packs, arranged so that a rule is found without reading them through.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Form, RegionCode, Substance};
use crate::custody::subject::{self, Item, Items};
use crate::pb::{PackPublished, RuleKind, RuleLine, RuleMode, RulesState};

/// Packs by rule.
#[derive(Debug, Default)]
pub struct Book {
    by_rule: BTreeMap<i32, Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    region: RegionCode,
    /// From inclusive, until exclusive, Unix milliseconds; what a newer version
    /// of the pack takes over is not among it.
    from_ms: i64,
    until_ms: i64,
    /// A bit for each substance, by its number on the list; 0: all.
    substances: u32,
    pack: String,
    line: RuleLine,
}

impl Entry {
    fn is_for(&self, form: &Form) -> bool {
        let forms = &self.line.forms;
        (self.substances == 0 || self.substances & bit(form.substance) != 0)
            && (forms.is_empty() || forms.iter().any(|code| code == form.code.as_str()))
    }

    /// By form, by substance, for all.
    fn exactness(&self) -> (bool, bool) {
        (!self.line.forms.is_empty(), self.substances != 0)
    }
}

/// A line that judges something, and the moment that it judges.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its pack.
    pub pack: &'a str,
    /// What it says.
    pub line: &'a RuleLine,
    /// The moment at which it holds, Unix milliseconds.
    pub at_ms: i64,
}

impl Asked<'_> {
    /// How a breach is judged.
    pub fn mode(&self) -> RuleMode {
        self.line.mode()
    }
}

/// The item that a book was made of, and the book.
type Made = (Arc<Item>, Arc<Book>);

thread_local! {
    /// The book made last, on this thread: packs change a few times a year.
    static LAST: RefCell<Option<Made>> = const { RefCell::new(None) };
}

impl Book {
    /// The book of the packs as they stand in `items`.
    pub fn of(items: &dyn Items) -> Arc<Book> {
        let Some(item) = items.get(&subject::rules()) else {
            return Arc::default();
        };
        LAST.with_borrow_mut(|last| {
            if let Some((of, book)) = last
                && Arc::ptr_eq(of, &item)
            {
                return Arc::clone(book);
            }
            let book = match item.as_ref() {
                Item::Rules(rules) => Arc::new(Book::new(rules)),
                _ => Arc::default(),
            };
            *last = Some((item, Arc::clone(&book)));
            book
        })
    }

    /// The book of these packs.
    pub fn new(rules: &RulesState) -> Book {
        let mut book = Book::default();
        for (at, pack) in rules.packs.iter().enumerate() {
            let next = rules.packs.get(at + 1).filter(|p| p.pack == pack.pack);
            book.add(pack, next);
        }
        book
    }

    fn add(&mut self, pack: &PackPublished, next: Option<&PackPublished>) {
        let Ok(region) = pack.region.parse() else {
            return;
        };
        let own = match pack.until_ms {
            0 => i64::MAX,
            until => until,
        };
        let until_ms = next.map_or(own, |p| own.min(p.from_ms));
        for line in &pack.lines {
            self.by_rule.entry(line.rule).or_default().push(Entry {
                region,
                from_ms: pack.from_ms,
                until_ms,
                substances: mask(&line.substances),
                pack: pack.pack.clone(),
                line: line.clone(),
            });
        }
    }

    /// Whether no pack says anything.
    pub fn is_empty(&self) -> bool {
        self.by_rule.is_empty()
    }

    /// Whether no pack says anything of the rule.
    pub fn is_silent(&self, rule: RuleKind) -> bool {
        !self.by_rule.contains_key(&i32::from(rule))
    }

    /// The smallest limit that any pack sets for the rule, wherever and whenever;
    /// `None`: none does.
    pub fn smallest(&self, rule: RuleKind) -> Option<i64> {
        let entries = self.by_rule.get(&i32::from(rule))?.iter();
        let judging = entries
            .filter(|entry| !matches!(entry.line.mode(), RuleMode::Off | RuleMode::Unspecified));
        judging.map(|entry| entry.line.limit).min()
    }

    /// The largest limit that any pack in force at a time sets for the rule and a
    /// form, wherever; `None`: none does.
    pub fn largest(&self, rule: RuleKind, form: &Form, at_ms: i64) -> Option<i64> {
        let entries = self.by_rule.get(&i32::from(rule))?.iter();
        let covering = entries.filter(|entry| {
            (entry.from_ms..entry.until_ms).contains(&at_ms)
                && entry.is_for(form)
                && !matches!(entry.line.mode(), RuleMode::Off | RuleMode::Unspecified)
        });
        covering.map(|entry| entry.line.limit).max()
    }

    /// The line that judges a form (`None`: whatever it is) in a region at a
    /// time: of the smallest territory that covers it, there of the most exact
    /// (by form, by substance, for all), and there the latest.
    pub fn line(
        &self,
        rule: RuleKind,
        form: Option<&Form>,
        region: RegionCode,
        at_ms: i64,
    ) -> Option<Asked<'_>> {
        let entries = self.by_rule.get(&i32::from(rule))?;
        let fits = |entry: &&Entry| {
            (entry.from_ms..entry.until_ms).contains(&at_ms)
                && entry.region.covers(region)
                && form.is_none_or(|form| entry.is_for(form))
        };
        let best = entries
            .iter()
            .filter(fits)
            .max_by_key(|entry| (depth(entry.region), entry.exactness(), entry.from_ms))?;
        Some(Asked {
            pack: &best.pack,
            line: &best.line,
            at_ms,
        })
    }

    /// Every line that judges it in any of the regions at any of the times, the
    /// strictest first; those that are off are not among them.
    pub fn lines(
        &self,
        rule: RuleKind,
        form: Option<&Form>,
        regions: &[RegionCode],
        times_ms: &[i64],
    ) -> Vec<Asked<'_>> {
        if self.is_silent(rule) {
            return Vec::new();
        }
        let mut asked: Vec<Asked<'_>> = times_ms
            .iter()
            .flat_map(|at| regions.iter().map(move |region| (*region, *at)))
            .filter_map(|(region, at)| self.line(rule, form, region, at))
            .filter(|asked| !matches!(asked.mode(), RuleMode::Off | RuleMode::Unspecified))
            .collect();
        asked.sort_by_key(|asked| (std::cmp::Reverse(asked.line.mode), asked.at_ms));
        asked.dedup_by_key(|asked| (std::ptr::from_ref(asked.line), asked.at_ms));
        asked
    }
}

fn bit(substance: Substance) -> u32 {
    1 << u32::from(substance.special_control_seq())
}

fn mask(substances: &[String]) -> u32 {
    let known = substances.iter().filter_map(|s| s.parse().ok());
    known.map(bit).fold(0, |all, one| all | one)
}

/// How small a territory is: nation, province, city, county.
fn depth(region: RegionCode) -> u8 {
    match region {
        RegionCode::NATION => 0,
        r if r == r.province() => 1,
        r if r == r.city() => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use super::*;

    fn pack(name: &str, region: &str, from_ms: i64, mode: RuleMode) -> PackPublished {
        PackPublished {
            pack: name.to_owned(),
            region: region.to_owned(),
            from_ms,
            lines: vec![RuleLine {
                rule: RuleKind::Prohibited.into(),
                mode: mode.into(),
                ..RuleLine::default()
            }],
            ..PackPublished::default()
        }
    }

    fn mode_of(packs: Vec<PackPublished>, region: &str, at_ms: i64) -> Option<RuleMode> {
        let book = Book::new(&RulesState { packs, last: 0 });
        let region = region.parse().unwrap();
        let form = crate::catalog::form("AN-1942");
        assert!(form.is_some());
        let asked = book.line(RuleKind::Prohibited, form, region, at_ms);
        asked.map(|asked| asked.mode())
    }

    #[test]
    fn the_smallest_territory_and_then_the_latest_version_judges() {
        let packs = || {
            vec![
                pack("banner", "150122", 10, RuleMode::Off),
                pack("national", "100000", 10, RuleMode::Find),
                pack("national", "100000", 20, RuleMode::Refuse),
            ]
        };
        let cases = [
            ("150102", 9, None),
            ("150102", 10, Some(RuleMode::Find)),
            ("150102", 19, Some(RuleMode::Find)),
            ("150102", 20, Some(RuleMode::Refuse)),
            ("150122", 9, None),
            ("150122", 20, Some(RuleMode::Off)),
        ];
        for (region, at, expected) in cases {
            assert_eq!(mode_of(packs(), region, at), expected, "{region} at {at}");
        }
    }

    #[test]
    fn what_has_ended_judges_nothing_though_an_older_version_had_no_end() {
        let mut ended = pack("p", "150000", 20, RuleMode::Refuse);
        ended.until_ms = 30;
        let packs = || vec![pack("p", "150000", 10, RuleMode::Find), ended.clone()];
        assert_eq!(mode_of(packs(), "150100", 29), Some(RuleMode::Refuse));
        assert_eq!(mode_of(packs(), "150100", 30), None);
        assert_eq!(mode_of(packs(), "110000", 29), None);
    }

    #[test]
    fn a_line_for_other_substances_says_nothing_and_one_by_name_goes_first() {
        let mut by_name = pack("a", "100000", 10, RuleMode::Refuse);
        by_name.lines[0].substances = vec!["AN".to_owned()];
        let mut other = pack("b", "100000", 12, RuleMode::Refuse);
        other.lines[0].substances = vec!["NACN".to_owned()];
        let all = pack("c", "100000", 15, RuleMode::Find);
        assert_eq!(mode_of(vec![other.clone()], "150100", 20), None);
        assert_eq!(
            mode_of(vec![by_name, other, all], "150100", 20),
            Some(RuleMode::Refuse)
        );
    }

    #[test]
    fn a_line_by_form_goes_before_one_by_substance_and_says_nothing_of_others() {
        let by_form = |form: &str, mode| {
            let mut pack = pack(form, "100000", 10, mode);
            pack.lines[0].forms = vec![form.to_owned()];
            pack
        };
        let mut by_name = pack("an", "100000", 15, RuleMode::Find);
        by_name.lines[0].substances = vec!["AN".to_owned()];
        let packs = vec![by_form("AN-1942", RuleMode::Refuse), by_name.clone()];
        assert_eq!(mode_of(packs, "150100", 20), Some(RuleMode::Refuse));
        let packs = vec![by_form("AN-2067", RuleMode::Refuse), by_name];
        assert_eq!(mode_of(packs, "150100", 20), Some(RuleMode::Find));
        let packs = vec![by_form("AN-2067", RuleMode::Refuse)];
        assert_eq!(mode_of(packs, "150100", 20), None);
    }

    #[test]
    fn the_strictest_of_all_regions_and_times_comes_first() {
        let packs = vec![
            pack("a", "150100", 10, RuleMode::Refuse),
            pack("n", "100000", 10, RuleMode::Find),
        ];
        let book = Book::new(&RulesState { packs, last: 0 });
        let regions = ["110000".parse().unwrap(), "150100".parse().unwrap()];
        let lines = book.lines(RuleKind::Prohibited, None, &regions, &[10, 11]);
        let modes: Vec<RuleMode> = lines.iter().map(Asked::mode).collect();
        let (refuse, find) = (RuleMode::Refuse, RuleMode::Find);
        assert_eq!(modes, [refuse, refuse, find, find]);
        assert!(
            book.lines(RuleKind::Wetting, None, &regions, &[10])
                .is_empty()
        );
    }
}
