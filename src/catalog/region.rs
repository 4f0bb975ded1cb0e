//! Administrative regions (GB/T 2260): any code can be carried, those of Inner
//! Mongolia have names and plate prefixes.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use super::table::{self, Confidence, TableError};

/// First two digits of each province-level division (GB/T 2260).
const PROVINCES: [[u8; 2]; 34] = [
    *b"11", *b"12", *b"13", *b"14", *b"15", *b"21", *b"22", *b"23", *b"31", *b"32", *b"33", *b"34",
    *b"35", *b"36", *b"37", *b"41", *b"42", *b"43", *b"44", *b"45", *b"46", *b"50", *b"51", *b"52",
    *b"53", *b"54", *b"61", *b"62", *b"63", *b"64", *b"65", *b"71", *b"81", *b"82",
];

/// Whether these two digits begin a province's codes.
pub(super) fn is_province(prefix: [u8; 2]) -> bool {
    PROVINCES.contains(&prefix)
}

/// A region's six digits: province, city, county, two each, `00` for all of
/// them. `100000` is the whole country. Beyond the province the digits are not
/// checked: counties are created and renamed every year.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionCode([u8; 6]);

/// Why a text is not a region code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// Not exactly six ASCII digits.
    #[error("a region code is exactly six digits, as in 150100")]
    Shape,
    /// The first two digits are no province's.
    #[error("no province has region codes that begin with {found}; Inner Mongolia's begin with 15")]
    Province {
        /// The first two digits.
        found: u8,
    },
    /// A county without a city: `150001`.
    #[error(
        "region code with city 00 must have county 00; write the province's code or the county's whole code"
    )]
    CountyWithoutCity,
}

impl RegionCode {
    /// The whole country, for authorities of the State Council.
    pub const NATION: Self = Self(*b"100000");

    /// The six digits.
    pub fn as_str(&self) -> &str {
        // ASCII by construction, so the default is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The code of the province it lies in; the nation's own is the nation.
    #[must_use]
    pub const fn province(self) -> Self {
        let [a, b, ..] = self.0;
        Self([a, b, b'0', b'0', b'0', b'0'])
    }

    /// The code of the prefecture-level city or league it lies in; a
    /// province's own is the province.
    #[must_use]
    pub const fn city(self) -> Self {
        let [a, b, c, d, ..] = self.0;
        Self([a, b, c, d, b'0', b'0'])
    }

    /// Whether `other` is this region or lies within it: a territory covers
    /// its counties. Counties that a province governs without a city are only
    /// in the province.
    pub fn covers(self, other: Self) -> bool {
        self == Self::NATION || self == other || self == other.city() || self == other.province()
    }
}

impl FromStr for RegionCode {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code: [u8; 6] = text.as_bytes().try_into().map_err(|_| RegionError::Shape)?;
        if !code.iter().all(u8::is_ascii_digit) {
            return Err(RegionError::Shape);
        }
        let code = Self(code);
        if code == Self::NATION {
            return Ok(code);
        }
        let [a, b, ..] = code.0;
        if !is_province([a, b]) {
            let found = (a - b'0') * 10 + (b - b'0');
            return Err(RegionError::Province { found });
        }
        if code.city() == code.province() && code != code.province() {
            return Err(RegionError::CountyWithoutCity);
        }
        Ok(code)
    }
}

impl fmt::Display for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegionCode({})", self.as_str())
    }
}

/// What kind of division a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegionKind {
    /// A province-level division: 自治区.
    Province,
    /// A prefecture-level city: 市.
    City,
    /// A league: 盟.
    League,
}

impl FromStr for RegionKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "province" => Ok(Self::Province),
            "city" => Ok(Self::City),
            "league" => Ok(Self::League),
            _ => Err(format!("{text:?} is not province, city or league")),
        }
    }
}

/// A region that the catalogue knows by name.
#[derive(Clone, Debug)]
pub struct Region {
    /// Its code.
    pub code: RegionCode,
    /// Its Chinese name, such as 包头市.
    pub name_zh: &'static str,
    /// Its English name, such as Baotou.
    pub name_en: &'static str,
    /// What kind of division it is.
    pub kind: RegionKind,
    /// How its vehicles' plates begin, such as 蒙B.
    pub plate_prefix: &'static str,
    /// Remarks on the row, such as former codes.
    pub note: Option<&'static str>,
    /// Where the row comes from.
    pub source: &'static str,
    /// How sure the row is.
    pub confidence: Confidence,
}

static REGIONS: LazyLock<Result<Vec<Region>, TableError>> = LazyLock::new(|| {
    table::rows("regions.csv", include_str!("data/regions.csv"))?
        .iter()
        .map(|row| {
            Ok(Region {
                code: row.value("code")?,
                name_zh: row.text("name_zh")?,
                name_en: row.text("name_en")?,
                kind: row.value("kind")?,
                plate_prefix: row.text("plate_prefix")?,
                note: row.optional("note")?,
                source: row.text("source")?,
                confidence: row.value("confidence")?,
            })
        })
        .collect()
});

pub(super) fn parsed() -> Result<&'static [Region], TableError> {
    REGIONS.as_deref().map_err(Clone::clone)
}

/// The regions known by name: Inner Mongolia and its twelve cities and leagues.
pub fn regions() -> &'static [Region] {
    REGIONS.as_deref().unwrap_or_default()
}

/// The named region with this code, if the catalogue knows it.
pub fn region(code: RegionCode) -> Option<&'static Region> {
    regions().iter().find(|region| region.code == code)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::collections::BTreeSet;

    use super::*;

    fn code(text: &str) -> RegionCode {
        text.parse().unwrap()
    }

    #[test]
    fn every_row_parses_and_no_code_or_plate_stands_twice() {
        let rows = parsed().unwrap();
        assert_eq!(rows.len(), 13);
        assert_eq!(
            rows.iter().map(|r| r.code).collect::<BTreeSet<_>>().len(),
            13
        );
        assert_eq!(
            rows.iter()
                .map(|r| r.plate_prefix)
                .collect::<BTreeSet<_>>()
                .len(),
            13
        );
        for row in rows {
            assert!(code("150000").covers(row.code), "{row:?}");
        }
    }

    #[test]
    fn cities_are_found_by_code_with_names_and_plates() {
        for (digits, zh, en, plate, kind) in [
            (
                "150000",
                "内蒙古自治区",
                "Inner Mongolia Autonomous Region",
                "蒙",
                RegionKind::Province,
            ),
            ("150100", "呼和浩特市", "Hohhot", "蒙A", RegionKind::City),
            ("150600", "鄂尔多斯市", "Ordos", "蒙K", RegionKind::City),
            (
                "152900",
                "阿拉善盟",
                "Alxa League",
                "蒙M",
                RegionKind::League,
            ),
        ] {
            let found = region(code(digits)).unwrap();
            assert_eq!(
                (found.name_zh, found.name_en, found.plate_prefix, found.kind),
                (zh, en, plate, kind)
            );
        }
        assert!(region(code("110000")).is_none());
        assert!(region(code("150781")).is_none());
    }

    #[test]
    fn a_text_that_is_no_region_is_refused_with_its_reason() {
        for (text, expected) in [
            ("15010", RegionError::Shape),
            ("1501000", RegionError::Shape),
            ("15O100", RegionError::Shape),
            ("１５", RegionError::Shape),
            ("160100", RegionError::Province { found: 16 }),
            ("000000", RegionError::Province { found: 0 }),
            ("100001", RegionError::Province { found: 10 }),
            ("150001", RegionError::CountyWithoutCity),
        ] {
            assert_eq!(text.parse::<RegionCode>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_territory_covers_what_lies_in_it_and_nothing_else() {
        for (territory, place, expected) in [
            ("100000", "150100", true),
            ("150000", "150781", true),
            ("150700", "150781", true),
            ("150781", "150781", true),
            ("150781", "150700", false),
            ("150700", "150000", false),
            ("150100", "150200", false),
            ("150000", "100000", false),
            ("150000", "110000", false),
            ("152500", "152501", true),
        ] {
            assert_eq!(
                code(territory).covers(code(place)),
                expected,
                "{territory} {place}"
            );
        }
    }
}
