//! The rules of the world: the national pack that this version brings, what
//! Inner Mongolia and one of its cities add, and what they allow while the
//! ledger begins.

use super::World;
use super::goods::{CELLULOSE, CYANIDE_SOLUTION, KG, TONNE_KG};
use crate::catalog::{national_packs, national_rules};
use crate::pb::event::Body;
use crate::pb::{DocumentRef, PackPublished, PackWithdrawn, RuleKind, RuleLine, RuleMode};

/// Who joins the ledger enters what it has bought and sold of so many days.
const FILING_DAYS: i64 = 30;
/// Kilograms of nitrocellulose in one act, at most, where it is made.
pub(super) const MOST_CELLULOSE_KG: i64 = 5 * TONNE_KG;
/// The region of that list, and of the city that shuns who is on the blacklist.
const ULANQAB: &str = "150900";
const CHIFENG: &str = "150400";
/// Where a stack of dried nitrocellulose is small, and its kilograms.
const BAOTOU: &str = "150200";
const MOST_STACK_KG: i64 = 50;
/// A league where nobody of the world is, and how long goods may stand on its
/// roads.
pub(super) const ALXA: &str = "152900";
pub(super) const LONGEST_STOP_MINUTES: i64 = 120;
/// Where the neighbour is.
const NINGXIA: &str = "640000";
/// The packs' provinces and cities.
const INNER_MONGOLIA: &str = "150000";
/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Packs of regions hold from so many days before the world begins.
const OLD_DAYS: i64 = 40;

fn line(rule: RuleKind, mode: RuleMode) -> RuleLine {
    RuleLine {
        rule: rule.into(),
        mode: mode.into(),
        ..RuleLine::default()
    }
}

/// A line of the national pack's latest version, in another mode.
fn sharper(rule: RuleKind) -> Option<RuleLine> {
    let national = national_rules().iter().rfind(|r| r.line.rule() == rule)?;
    Some(RuleLine {
        mode: RuleMode::Refuse.into(),
        law: String::new(),
        ..national.line.clone()
    })
}

/// What Inner Mongolia adds: licences that are known to be bad and papers with
/// gaps are refused; dried nitrocellulose goes nowhere; every act with the
/// solution is told.
fn of_the_region() -> Vec<RuleLine> {
    let kinds = [
        RuleKind::GiverPermit,
        RuleKind::TakerPermit,
        RuleKind::DisposerPermit,
        RuleKind::WaybillFields,
        RuleKind::ManifestFields,
    ];
    let mut lines: Vec<RuleLine> = kinds.into_iter().filter_map(sharper).collect();
    lines.push(filing());
    lines.push(RuleLine {
        forms: vec![super::drying::DRIED.form.to_owned()],
        ..line(RuleKind::Prohibited, RuleMode::Refuse)
    });
    lines.push(RuleLine {
        forms: vec![CYANIDE_SOLUTION.form.to_owned()],
        ..line(RuleKind::Controlled, RuleMode::Find)
    });
    lines
}

fn filing() -> RuleLine {
    RuleLine {
        limit: FILING_DAYS,
        ..line(RuleKind::Filing, RuleMode::Find)
    }
}

impl World {
    /// All packs, before anything is traded.
    pub(super) fn publish_packs(&mut self) {
        let national = national_packs()
            .into_iter()
            .map(Body::PackPublished)
            .collect();
        let said = self.decree(national, "publishes the national rules");
        self.ready.push_back(said.issued);
        let dried = super::drying::DRIED.form.to_owned();
        // Dried and wetted it stands beside its own kind, where it is made.
        let restricted = vec![
            RuleLine {
                forms: vec![CELLULOSE.form.to_owned()],
                limit: MOST_CELLULOSE_KG * KG,
                ..line(RuleKind::Restricted, RuleMode::Refuse)
            },
            RuleLine {
                forms: vec![CELLULOSE.form.to_owned(), dried.clone()],
                ..line(RuleKind::IncompatibleGoods, RuleMode::Off)
            },
        ];
        let stacks = vec![RuleLine {
            forms: vec![dried],
            limit: MOST_STACK_KG * KG,
            ..line(RuleKind::Stack, RuleMode::Find)
        }];
        let shunned = vec![line(RuleKind::Blacklisted, RuleMode::Refuse)];
        let stops = vec![RuleLine {
            limit: LONGEST_STOP_MINUTES,
            ..line(RuleKind::LongStop, RuleMode::Find)
        }];
        let packs = [
            (
                "nm-2026",
                INNER_MONGOLIA,
                "内蒙古规则及禁限控目录",
                of_the_region(),
            ),
            ("nx-opening", NINGXIA, "宁夏上线过渡期", vec![filing()]),
            ("ulanqab-limits", ULANQAB, "乌兰察布限量", restricted),
            ("baotou-stacks", BAOTOU, "包头堆垛限量", stacks),
            ("alxa-stops", ALXA, "阿拉善途中停车", stops),
            ("chifeng-blacklist", CHIFENG, "赤峰黑名单从严", shunned),
        ];
        for (pack, region, name_zh, lines) in packs {
            let pack = self.region_pack(pack, region, name_zh, lines);
            let said = self.order(vec![pack], "publishes the rules of a region");
            self.ready.push_back(said.issued);
        }
        self.try_a_pack();
    }

    /// A pack that is tried, and ends before it has judged much.
    fn try_a_pack(&mut self) {
        let told = vec![line(RuleKind::Controlled, RuleMode::Find)];
        let pack = self.region_pack("alxa-trial", ALXA, "阿拉善试行", told);
        let withdrawn = Body::PackWithdrawn(PackWithdrawn {
            pack: "alxa-trial".to_owned(),
            until_ms: self.expires_ms(),
            reason: "trial over 试行结束".to_owned(),
        });
        let said = self.order(vec![pack, withdrawn], "tries the rules of a region");
        self.ready.push_back(said.issued);
    }

    /// A region's pack, with the notice it carries out.
    pub(super) fn region_pack(
        &mut self,
        pack: &str,
        region: &str,
        name_zh: &str,
        lines: Vec<RuleLine>,
    ) -> Body {
        Body::PackPublished(PackPublished {
            pack: pack.to_owned(),
            name_zh: name_zh.to_owned(),
            name_en: format!("Demo pack {pack}"),
            region: region.to_owned(),
            from_ms: self.span.from_ms.saturating_sub(OLD_DAYS * DAY_MS),
            until_ms: 0,
            lines,
            sources: vec![DocumentRef {
                kind: "notice 通知".to_owned(),
                hash: self.hash(),
            }],
        })
    }
}

/// Whether the region's list has every act with such goods told.
pub(super) fn is_controlled(form: &str) -> bool {
    form == CYANIDE_SOLUTION.form
}

/// The most of a product that goes in one act, milligrams.
pub(super) fn most_in_one_act(form: &str) -> i64 {
    if form == CELLULOSE.form {
        MOST_CELLULOSE_KG * KG
    } else {
        i64::MAX
    }
}
