//! The fields of the papers that go with goods: which of them each paper's
//! form has, which must be filled in and when, in Chinese and English.
//!
//! What this is not: it looks into no paper. Who judges one matches these
//! fields against it; a missing one that is not of high confidence never by
//! itself causes a refusal.

use std::str::FromStr;
use std::sync::LazyLock;

use super::table::{self, Confidence, Row, TableError};
use crate::pb::TransportMode;

/// Whether a field must be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// Always.
    Mandatory,
    /// Where its condition holds.
    Conditional,
    /// Never.
    Optional,
}

impl FromStr for Need {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "mandatory" => Ok(Self::Mandatory),
            "conditional" => Ok(Self::Conditional),
            "optional" => Ok(Self::Optional),
            _ => Err(format!(
                "{text:?} is not mandatory, conditional or optional"
            )),
        }
    }
}

/// One field of a paper's form.
#[derive(Clone, Debug)]
pub struct PaperField {
    /// Its code, for example `carrierPermitNo`.
    pub code: &'static str,
    /// Its name on the form.
    pub name_zh: &'static str,
    /// Its English name.
    pub name_en: &'static str,
    /// Whether it must be filled in.
    pub need: Need,
    /// When, if its need is conditional: `trailer`, `tank`, `grouped`.
    pub when: Option<&'static str>,
    /// Where the row comes from.
    pub source: &'static str,
    /// How sure the row is.
    pub confidence: Confidence,
}

fn read(row: &Row) -> Result<PaperField, TableError> {
    let field = PaperField {
        code: row.text("field")?,
        name_zh: row.text("name_zh")?,
        name_en: row.text("name_en")?,
        need: row.value("need")?,
        when: row.optional("when")?,
        source: row.text("source")?,
        confidence: row.value("confidence")?,
    };
    if (field.need == Need::Conditional) != field.when.is_some() {
        return Err(row.error("when", "goes with a conditional need"));
    }
    Ok(field)
}

static WAYBILL: LazyLock<Result<Vec<(TransportMode, PaperField)>, TableError>> =
    LazyLock::new(|| {
        table::rows(
            "waybill_fields.csv",
            include_str!("data/waybill_fields.csv"),
        )?
        .iter()
        .map(|row| Ok((mode(row)?, read(row)?)))
        .collect()
    });

fn mode(row: &Row) -> Result<TransportMode, TableError> {
    match row.text("mode")? {
        "road" => Ok(TransportMode::Road),
        "rail" => Ok(TransportMode::Rail),
        "air" => Ok(TransportMode::Air),
        "water" => Ok(TransportMode::Water),
        "pipeline" => Ok(TransportMode::Pipeline),
        other => Err(row.error("mode", format!("{other:?} is no mode of transport"))),
    }
}

pub(super) fn parsed() -> Result<(), TableError> {
    WAYBILL.as_ref().map(drop).map_err(Clone::clone)
}

/// The fields of a mode's waybill, in the order of the form.
pub fn waybill_fields(mode: TransportMode) -> impl Iterator<Item = &'static PaperField> {
    let all = WAYBILL.as_deref().unwrap_or_default().iter();
    all.filter(move |(of, _)| *of == mode)
        .map(|(_, field)| field)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_mode_has_fields_and_none_twice() {
        assert_eq!(parsed(), Ok(()));
        for (mode, count) in [
            (TransportMode::Unspecified, 0),
            (TransportMode::Road, 38),
            (TransportMode::Rail, 5),
            (TransportMode::Air, 2),
            (TransportMode::Water, 5),
            (TransportMode::Pipeline, 4),
        ] {
            let codes: Vec<&str> = waybill_fields(mode).map(|f| f.code).collect();
            let once: BTreeSet<&str> = codes.iter().copied().collect();
            assert_eq!((codes.len(), once.len()), (count, count), "{mode:?}");
        }
    }

    #[test]
    fn only_mandatory_fields_of_the_road_are_sure() {
        for field in waybill_fields(TransportMode::Road) {
            let sure = field.confidence == Confidence::High;
            assert_eq!(sure, field.need == Need::Mandatory, "{}", field.code);
        }
    }
}
