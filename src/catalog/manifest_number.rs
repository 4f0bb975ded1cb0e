//! Numbers of hazardous waste manifests (危险废物转移管理办法): 14 digits, the year, the
//! province and the city by two digits of GB/T 2260 each, and a serial of six.

use super::region::{self, RegionCode};
use super::table::Confidence;

/// Digits of a number.
const DIGITS: usize = 14;
/// Years that a number may be off: handed out in one year, used in another.
const YEARS: i16 = 1;

/// Why a text is no manifest's number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestNumberError {
    /// Not exactly fourteen ASCII digits.
    #[error("a manifest's number is exactly 14 digits: year, province, city, serial")]
    Shape,
    /// Another year's.
    #[error("a number of {found}, where one of {year} is wanted")]
    Year {
        /// What its first four digits say.
        found: i16,
        /// The year in which it is used.
        year: i16,
    },
    /// No province begins with its digits, or that province has no such city.
    #[error("no province and city of GB/T 2260 begin with {0}")]
    Region(String),
}

/// Whether a text is a manifest's number that may be used in a year. The city
/// is looked for where the catalogue knows the province's cities.
pub fn check_manifest_number(text: &str, year: i16) -> Result<(), ManifestNumberError> {
    if text.len() != DIGITS || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ManifestNumberError::Shape);
    }
    let part = |range| text.get(range).unwrap_or_default();
    let found: i16 = part(0..4).parse().unwrap_or_default();
    if found.saturating_sub(year).saturating_abs() > YEARS {
        return Err(ManifestNumberError::Year { found, year });
    }
    let unknown = || ManifestNumberError::Region(part(4..8).to_owned());
    let city: RegionCode = format!("{}00", part(4..8)).parse().map_err(|_| unknown())?;
    let known = |code: RegionCode| {
        region::region(code).is_some_and(|region| region.confidence == Confidence::High)
    };
    if city == RegionCode::NATION || (known(city.province()) && !known(city)) {
        return Err(unknown());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_of_a_year_and_a_city() {
        use ManifestNumberError as E;
        let region = |digits: &str| Err(E::Region(digits.to_owned()));
        let year = |found| Err(E::Year { found, year: 2026 });
        for (text, wanted) in [
            ("20261501000001", Ok(())),
            ("20251522999999", Ok(())),
            ("20271501000001", Ok(())),
            ("20241501000001", year(2024)),
            ("20281501000001", year(2028)),
            ("2026150100001", Err(E::Shape)),
            ("202615010000011", Err(E::Shape)),
            ("2026150100000X", Err(E::Shape)),
            // Inner Mongolia has no city 99; of Beijing none is known.
            ("20261599000001", region("1599")),
            ("20261199000001", Ok(())),
            ("20269901000001", region("9901")),
            ("20261000000001", region("1000")),
        ] {
            assert_eq!(check_manifest_number(text, 2026), wanted, "{text}");
        }
    }
}
