//! The opinion that the ledger is held against: what stands against an act or
//! a fact, by the words of `rules.proto` and of the table of codes.

use std::collections::BTreeSet;

use hazledger::pb::{FindingCode, RefusalCode, RuleKind, RuleLine, RuleMode};

use super::entered::{Entered, Goods, Thing};

/// The rules, each with the code of its refusal, if it can refuse, and of its
/// finding.
#[rustfmt::skip]
pub const RULES: &[(RuleKind, Option<RefusalCode>, FindingCode)] = {
    use {FindingCode as F, RefusalCode as R, RuleKind as K};
    &[
        (K::GiverPermit, Some(R::GiverPermit), F::GiverPermit),
        (K::TakerPermit, Some(R::TakerPermit), F::TakerPermit),
        (K::CarrierPermit, Some(R::CarrierPermit), F::CarrierPermit),
        (K::DisposerPermit, Some(R::DisposerPermit), F::DisposerPermit),
        (K::PurchaseRight, Some(R::PurchaseRight), F::PurchaseRight),
        (K::PurchaseQuantity, Some(R::PurchaseQuantity), F::PurchaseQuantity),
        (K::RoadPass, Some(R::RoadPass), F::RoadPass),
        (K::VehicleCertificate, Some(R::VehicleCertificate), F::VehicleCertificate),
        (K::TankInspection, Some(R::TankInspection), F::TankInspection),
        (K::TankMedia, Some(R::TankMedia), F::TankMedia),
        (K::DriverQualification, Some(R::DriverQualification), F::DriverQualification),
        (K::EscortQualification, Some(R::EscortQualification), F::EscortQualification),
        (K::LoadingChecks, Some(R::LoadingChecks), F::LoadingChecks),
        (K::Lending, Some(R::Lending), F::Lending),
        (K::PapersPassedOn, Some(R::PapersNotPassedOn), F::PapersNotPassedOn),
        (K::Blacklisted, Some(R::Blacklisted), F::Blacklisted),
        (K::Prohibited, Some(R::Prohibited), F::Prohibited),
        (K::Restricted, Some(R::Restricted), F::Restricted),
        (K::Controlled, None, F::Controlled),
        (K::WaybillFields, Some(R::WaybillFieldsMissing), F::WaybillIncomplete),
        (K::ManifestFields, Some(R::ManifestFieldsMissing), F::ManifestIncomplete),
        (K::TwoPersons, None, F::OnePerson),
        (K::Filing, None, F::FiledLate),
        (K::Wetting, None, F::WettingTooLow),
        (K::AssayDue, None, F::AssayOverdue),
        (K::BackDating, None, F::BackDated),
    ]
};

/// What is known of a right or a paper; the better goes last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Known {
    /// The registry does not know it.
    Nothing,
    /// It knows that it is not as it should be.
    Bad,
    /// A paper says so that nobody has confirmed.
    Claimed,
    Good,
}

impl Known {
    pub fn good_if(is: bool) -> Known {
        if is { Known::Good } else { Known::Bad }
    }
}

/// Where and when something is judged, and whether it can still be refused.
#[derive(Clone, Debug)]
pub struct Setting {
    pub regions: Vec<&'static str>,
    pub times: Vec<i64>,
    pub can_be_refused: bool,
}

/// What stands against one act or fact.
pub struct Opinion<'a> {
    pub entered: &'a Entered,
    pub refused: BTreeSet<RefusalCode>,
    pub found: BTreeSet<FindingCode>,
    /// Rules that judged it and that it keeps.
    pub kept: BTreeSet<FindingCode>,
}

impl<'a> Opinion<'a> {
    pub fn new(entered: &'a Entered) -> Opinion<'a> {
        Opinion {
            entered,
            refused: BTreeSet::new(),
            found: BTreeSet::new(),
            kept: BTreeSet::new(),
        }
    }

    /// The refusal that is given: the lowest number.
    pub fn refusal(&self) -> Option<RefusalCode> {
        self.refused.iter().copied().min_by_key(|c| i32::from(*c))
    }

    /// Judges one rule, line by line. What the registry does not prove is
    /// found only, unless the line says that the registry is complete.
    pub fn judge(
        &mut self,
        setting: &Setting,
        rule: RuleKind,
        form: Option<&str>,
        known: impl Fn(&RuleLine, i64) -> Known,
    ) {
        let (_, refusal, finding) = RULES.iter().find(|(kind, _, _)| *kind == rule).unwrap();
        let lines = self
            .entered
            .lines(rule, form, &setting.regions, &setting.times);
        let mut broken = false;
        for (line, at) in &lines {
            let known = known(line, *at);
            if known == Known::Good {
                continue;
            }
            broken = true;
            let counts = known == Known::Bad || line.complete;
            let refuses = setting.can_be_refused && counts && line.mode() == RuleMode::Refuse;
            match refusal {
                Some(code) if refuses => self.refused.insert(*code),
                _ => self.found.insert(*finding),
            };
        }
        if !lines.is_empty() && !broken {
            self.kept.insert(*finding);
        }
    }

    /// The same for each form that goes.
    pub fn judge_each(
        &mut self,
        setting: &Setting,
        rule: RuleKind,
        goods: &[Goods],
        known: impl Fn(&RuleLine, i64, &Goods) -> Known,
    ) {
        for one in goods {
            self.judge(setting, rule, Some(one.form), |line, at| {
                known(line, at, one)
            });
        }
    }

    /// A region's lists.
    pub fn lists(&mut self, setting: &Setting, goods: &[Goods]) {
        let bad = |_: &RuleLine, _: i64, _: &Goods| Known::Bad;
        self.judge_each(setting, RuleKind::Prohibited, goods, bad);
        self.judge_each(setting, RuleKind::Controlled, goods, bad);
        let much = |line: &RuleLine, _: i64, one: &Goods| {
            let same = goods.iter().filter(|g| g.form == one.form);
            Known::good_if(same.map(|g| g.gross_mg).sum::<i64>() <= line.limit)
        };
        self.judge_each(setting, RuleKind::Restricted, goods, much);
        // Nothing keeps these two but that no list names the goods.
        let (refused, found) = (&self.refused, &self.found);
        if !refused.contains(&RefusalCode::Prohibited) && !found.contains(&FindingCode::Prohibited)
        {
            self.kept.insert(FindingCode::Prohibited);
        }
        if !found.contains(&FindingCode::Controlled) {
            self.kept.insert(FindingCode::Controlled);
        }
    }

    /// Parties to a handoff or a sale that are on the blacklist: found without
    /// any pack, refused where one says so. `homes`: where the parties are.
    pub fn blacklist(&mut self, setting: &Setting, homes: &[&str], parties: &[char]) {
        let mut listed = parties.iter();
        let lines = self
            .entered
            .lines(RuleKind::Blacklisted, None, homes, &setting.times);
        if !listed.any(|p| self.entered.is_listed(*p, &setting.times)) {
            if !lines.is_empty() {
                self.kept.insert(FindingCode::Blacklisted);
            }
            return;
        }
        let mut modes = lines.iter().map(|(line, _)| line.mode());
        if setting.can_be_refused && modes.any(|mode| mode == RuleMode::Refuse) {
            self.refused.insert(RefusalCode::Blacklisted);
        } else {
            self.found.insert(FindingCode::Blacklisted);
        }
    }

    /// Whether any of these is sealed: no pack is asked.
    pub fn seals(&mut self, can_be_refused: bool, things: &[Thing]) {
        if !things.iter().any(|t| self.entered.seals.contains(t)) {
            self.kept.insert(FindingCode::SealedGoodsTouched);
        } else if can_be_refused {
            self.refused.insert(RefusalCode::Sealed);
        } else {
            self.found.insert(FindingCode::SealedGoodsTouched);
        }
    }

    /// Two persons of a party where two must be.
    pub fn two_persons(&mut self, setting: &Setting, goods: &[Goods], two: bool) {
        let known = |_: &RuleLine, _: i64, _: &Goods| Known::good_if(two);
        self.judge_each(setting, RuleKind::TwoPersons, goods, known);
    }

    /// A sale is filed within so many days after the day of the sale.
    pub fn filing(&mut self, setting: &Setting, goods: &[Goods], recorded_ms: i64) {
        let known = |line: &RuleLine, happened_ms: i64, _: &Goods| {
            Known::good_if(day_in_china(recorded_ms) <= day_in_china(happened_ms) + line.limit)
        };
        self.judge_each(setting, RuleKind::Filing, goods, known);
    }

    /// A limit on lateness is the pack's, else the base pack's.
    pub fn late(&mut self, code: FindingCode, limit_ms: Option<i64>, late_ms: i64) {
        match limit_ms {
            Some(limit_ms) if late_ms > limit_ms => self.found.insert(code),
            Some(_) => self.kept.insert(code),
            None => false,
        };
    }
}

fn day_in_china(ms: i64) -> i64 {
    const HOUR: i64 = 3_600_000;
    (ms + 8 * HOUR).div_euclid(24 * HOUR)
}
