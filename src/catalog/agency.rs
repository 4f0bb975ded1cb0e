//! The supervising authorities (危险化学品安全法 art. 7), by stable code.

use std::sync::LazyLock;

use super::table::{self, Confidence, TableError};

/// One kind of authority.
#[derive(Clone, Debug)]
pub struct Agency {
    /// Two to five capital letters.
    pub code: &'static str,
    /// Its name.
    pub name_zh: &'static str,
    /// Its name in English.
    pub name_en: &'static str,
    /// What of the lifecycle it supervises, in words.
    pub stages: Vec<&'static str>,
    /// What it answers for, in words.
    pub duties: &'static str,
    /// The permits that it issues, by their Chinese names.
    pub permits: Vec<&'static str>,
    /// Where the row comes from.
    pub source: &'static str,
    /// How sure the row is.
    pub confidence: Confidence,
}

static AGENCIES: LazyLock<Result<Vec<Agency>, TableError>> = LazyLock::new(|| {
    let split =
        |text: Option<&'static str>| text.map_or_else(Vec::new, |words| words.split(';').collect());
    table::rows("agencies.csv", include_str!("data/agencies.csv"))?
        .iter()
        .map(|row| {
            Ok(Agency {
                code: row.text("code")?,
                name_zh: row.text("name_zh")?,
                name_en: row.text("name_en")?,
                stages: split(row.optional("lifecycle_stages")?),
                duties: row.text("duties")?,
                permits: split(row.optional("permits_issued")?),
                source: row.text("source")?,
                confidence: row.value("confidence")?,
            })
        })
        .collect()
});

pub(super) fn parsed() -> Result<&'static [Agency], TableError> {
    AGENCIES.as_deref().map_err(Clone::clone)
}

/// All of them.
pub fn agencies() -> &'static [Agency] {
    AGENCIES.as_deref().unwrap_or_default()
}

/// The one of this code.
pub fn agency(code: &str) -> Option<&'static Agency> {
    agencies().iter().find(|agency| agency.code == code)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn every_agency_parses_under_a_code_of_its_own() {
        let rows = parsed().unwrap();
        assert_eq!(rows.len(), 20);
        for (at, row) in rows.iter().enumerate() {
            let mut later = rows.iter().skip(at + 1);
            assert!(later.all(|other| other.code != row.code), "{}", row.code);
            assert!(!row.name_zh.is_empty() && !row.name_en.is_empty());
        }
        assert_eq!(agency("PS").unwrap().name_zh, "公安机关");
    }
}
