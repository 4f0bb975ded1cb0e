//! Limits that a form's name states, and the form that matter is of beyond
//! them: nitrocellulose with less than 25 % of water is no longer UN 2555.

use std::str::FromStr;
use std::sync::LazyLock;

use super::form::{Form, FormCode, form};
use super::table::{self, Confidence, Row, TableError};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Water, alcohol or plasticiser, by mass of the whole.
    Wetting,
    /// Nitrogen, by mass of what is dry.
    Nitrogen,
}

impl FromStr for Figure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "wetting" => Ok(Self::Wetting),
            "nitrogen" => Ok(Self::Nitrogen),
            _ => Err(format!("{text:?} is not wetting or nitrogen")),
        }
    }
}

/// On which side of a limit the form stays what it is; the limit itself is
/// within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// At the limit or above.
    AtLeast,
    /// At the limit or below.
    AtMost,
}

impl FromStr for Side {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "at least" => Ok(Self::AtLeast),
            "at most" => Ok(Self::AtMost),
            _ => Err(format!("{text:?} is not at least or at most")),
        }
    }
}

/// One limit of one form.
#[derive(Clone, Debug)]
pub struct FormLimit {
    /// The form.
    pub form: FormCode,
    /// What its name limits.
    pub figure: Figure,
    /// The limit, parts per million.
    pub limit_ppm: u32,
    /// Where it is still that form.
    pub side: Side,
    /// The form that it is beyond.
    pub becomes: FormCode,
    /// Where the row comes from.
    pub source: &'static str,
    /// How sure the row is.
    pub confidence: Confidence,
}

static LIMITS: LazyLock<Result<Vec<FormLimit>, TableError>> = LazyLock::new(|| {
    table::rows("form_limits.csv", include_str!("data/form_limits.csv"))?
        .iter()
        .map(read)
        .collect()
});

fn read(row: &Row) -> Result<FormLimit, TableError> {
    let limit = FormLimit {
        form: row.value("form")?,
        figure: row.value("figure")?,
        limit_ppm: row.value("limit_ppm")?,
        side: row.value("side")?,
        becomes: row.value("becomes")?,
        source: row.text("source")?,
        confidence: row.value("confidence")?,
    };
    let substance = |code: FormCode| form(code.as_str()).map(|f| f.substance);
    if substance(limit.form) != substance(limit.becomes) {
        return Err(row.error("becomes", "is a form of another substance"));
    }
    Ok(limit)
}

pub(super) fn parsed() -> Result<&'static [FormLimit], TableError> {
    match &*LIMITS {
        Ok(limits) => Ok(limits),
        Err(error) => Err(error.clone()),
    }
}

/// Every limit of the catalogue.
pub fn form_limits() -> &'static [FormLimit] {
    parsed().unwrap_or_default()
}

/// Whether a form's name limits a figure, so that it is to be measured again
/// and again.
pub fn depends_on_assay(code: &str) -> bool {
    form_limits().iter().any(|l| l.form.as_str() == code)
}

/// The form that matter of a form is of by its figures (parts per million;
/// `None`: not measured), if that is another one. The first limit that is
/// passed decides.
pub fn becomes(code: &str, wetting: Option<u32>, nitrogen: Option<u32>) -> Option<&'static Form> {
    let passed = |limit: &&FormLimit| {
        let measured = match limit.figure {
            Figure::Wetting => wetting,
            Figure::Nitrogen => nitrogen,
        };
        measured.is_some_and(|ppm| match limit.side {
            Side::AtLeast => ppm < limit.limit_ppm,
            Side::AtMost => ppm > limit.limit_ppm,
        })
    };
    let mut limits = form_limits().iter().filter(|l| l.form.as_str() == code);
    form(limits.find(passed)?.becomes.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(code: &str, wetting: Option<u32>, nitrogen: Option<u32>) -> Option<&'static str> {
        super::becomes(code, wetting, nitrogen).map(|form| form.code.as_str())
    }

    #[test]
    fn only_forms_with_a_limit_depend_on_an_assay() {
        assert!(depends_on_assay("NC-2555"));
        assert!(!depends_on_assay("NC-0340"));
        assert!(!depends_on_assay("NACN-1689"));
    }

    #[test]
    fn a_form_stays_what_it_is_up_to_its_limit() {
        assert_eq!(becomes("NC-2555", Some(250_000), None), None);
        assert_eq!(becomes("NC-2555", Some(249_999), None), Some("NC-0340"));
        assert_eq!(becomes("NC-2556", Some(300_000), Some(126_000)), None);
        assert_eq!(
            becomes("NC-2556", Some(300_000), Some(126_001)),
            Some("NC-0342")
        );
        assert_eq!(
            becomes("NC-2556", Some(249_999), Some(126_001)),
            Some("NC-0340"),
            "dry before rich in nitrogen"
        );
        assert_eq!(becomes("NC-2555", None, Some(200_000)), None);
        assert_eq!(becomes("NACN-1689", Some(0), Some(0)), None);
    }

    #[test]
    fn nitrocellulose_that_dries_has_a_fiftieth_of_its_critical_quantity() {
        let wet = form("NC-2555").and_then(|f| f.critical_quantity_mg);
        let dry = super::becomes("NC-2555", Some(200_000), None);
        let dry = dry.and_then(|f| f.critical_quantity_mg);
        assert_eq!(wet, Some(50_000_000_000), "50 t, GB 18218-2018 table 1");
        assert_eq!(dry, Some(1_000_000_000), "1 t");
    }
}
