//! The national special-control list of twenty substances (特别管控危险化学品
//! 目录, first edition, announcement 2020 No. 1): those whose whole life is to
//! be tracked electronically.

use std::sync::LazyLock;

use super::table::{self, Confidence, TableError};
use super::{Cas, Substance, UnNumber};

/// One line of the list.
#[derive(Clone, Debug)]
pub struct SpecialControl {
    /// Its number on the list, 1 to 20.
    pub seq: u8,
    /// The substance it names.
    pub substance: Substance,
    /// The list's own grouping: 爆炸性化学品, 有毒化学品, 易燃气体, 易燃液体.
    pub group_zh: &'static str,
    /// The name as listed, with the list's exceptions.
    pub name_zh: &'static str,
    /// The name in English.
    pub name_en: &'static str,
    /// Other Chinese names.
    pub aliases_zh: Vec<&'static str>,
    /// CAS number.
    pub cas: Cas,
    /// The UN numbers that fall under the line.
    pub un_numbers: Vec<UnNumber>,
    /// The main hazard in the list's words.
    pub main_hazard_zh: &'static str,
    /// Which measures do not apply, and what is not verified.
    pub note: Option<&'static str>,
    /// Where the row comes from.
    pub source: &'static str,
    /// How sure the row is.
    pub confidence: Confidence,
}

static SPECIAL_CONTROL: LazyLock<Result<Vec<SpecialControl>, TableError>> = LazyLock::new(|| {
    table::rows(
        "special_control.csv",
        include_str!("data/special_control.csv"),
    )?
    .iter()
    .map(|row| {
        let aliases = row.optional("alias_zh")?;
        Ok(SpecialControl {
            seq: row.value("seq")?,
            substance: row.value("substance")?,
            group_zh: row.text("group_zh")?,
            name_zh: row.text("name_zh")?,
            name_en: row.text("name_en")?,
            aliases_zh: aliases.map_or_else(Vec::new, |names| names.split(';').collect()),
            cas: row.value("cas")?,
            un_numbers: row.list("un_numbers")?,
            main_hazard_zh: row.text("main_hazard_zh")?,
            note: row.optional("note")?,
            source: row.text("source")?,
            confidence: row.value("confidence")?,
        })
    })
    .collect()
});

pub(super) fn parsed() -> Result<&'static [SpecialControl], TableError> {
    SPECIAL_CONTROL.as_deref().map_err(Clone::clone)
}

/// The list, in its own order.
pub fn special_control() -> &'static [SpecialControl] {
    SPECIAL_CONTROL.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use super::*;

    #[test]
    fn all_twenty_lines_parse_in_order_one_substance_each() {
        let rows = parsed().unwrap();
        assert_eq!(rows.len(), 20);
        for (row, substance) in rows.iter().zip(Substance::ALL) {
            assert_eq!(row.substance, substance);
            assert_eq!(row.seq, substance.special_control_seq());
        }
    }

    #[test]
    fn facts_are_those_of_the_announcement() {
        let cyanide = &special_control()[8];
        assert_eq!(cyanide.name_zh, "氰化钠");
        assert_eq!(cyanide.cas.to_string(), "143-33-9");
        assert_eq!(cyanide.aliases_zh, ["山奈", "山奈钠"]);
        assert_eq!(cyanide.group_zh, "有毒化学品");
        // The solution's place on the list is not verified.
        assert_eq!(cyanide.confidence, Confidence::Medium);
        let nitrocellulose = &special_control()[1];
        assert_eq!(nitrocellulose.un_numbers.len(), 7);
        assert_eq!(
            nitrocellulose.main_hazard_zh,
            "干燥时能自燃,遇高热、火星有燃烧爆炸的危险"
        );
    }
}
