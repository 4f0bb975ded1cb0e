//! What each refusal and finding is called and means, Chinese beside English.
//!
//! The numbers are `codes.proto`'s and what to do about a refusal is told by
//! `event::codes`; neither is written here again.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use super::table::{self, Row, TableError};
use crate::pb::{FindingCode, RefusalCode};

/// Whether a code says no or but.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodeKind {
    /// Nothing was recorded.
    Refusal,
    /// It was recorded, and this was found.
    Finding,
}

impl FromStr for CodeKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refusal" => Ok(Self::Refusal),
            "finding" => Ok(Self::Finding),
            _ => Err(format!("{text:?} is not refusal or finding")),
        }
    }
}

/// Articles whose duties have been read in the law itself; no code names
/// another.
const READ: [u16; 16] = [
    33, 40, 41, 42, 52, 58, 59, 60, 61, 62, 63, 68, 69, 71, 72, 82,
];

/// An article of the Law on the Safety of Hazardous Chemicals
/// (危险化学品安全法, in force since 2026-05-01), written `L art 41`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Article(u16);

impl Article {
    /// Its number in the law.
    pub fn number(self) -> u16 {
        self.0
    }
}

impl FromStr for Article {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("L art ")
            .and_then(|number| number.parse().ok())
            .filter(|number| READ.contains(number))
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not `L art` and one of {READ:?}"))
    }
}

impl fmt::Display for Article {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "L art {}", self.0)
    }
}

/// One code of `codes.proto`, in words.
#[derive(Clone, Debug)]
pub struct Code {
    /// Whether it says no or but.
    pub kind: CodeKind,
    /// Its number, unique within its kind.
    pub number: i32,
    /// Its name, for example `OFFER_CLOSED`.
    pub name: &'static str,
    /// Its name in Chinese.
    pub name_zh: &'static str,
    /// What it means, one sentence.
    pub meaning: &'static str,
    /// The same in Chinese.
    pub meaning_zh: &'static str,
    /// Articles with a duty that it bears on, within that duty's own scope.
    pub articles: Vec<Article>,
}

static CODES: LazyLock<Result<Vec<Code>, TableError>> = LazyLock::new(|| {
    table::rows("codes.csv", include_str!("data/codes.csv"))?
        .iter()
        .map(read)
        .collect()
});

fn read(row: &Row) -> Result<Code, TableError> {
    let code = Code {
        kind: row.value("kind")?,
        number: row.value("code")?,
        name: row.text("name")?,
        name_zh: row.text("name_zh")?,
        meaning: row.text("meaning")?,
        meaning_zh: row.text("meaning_zh")?,
        articles: match row.optional("articles")? {
            Some(_) => row.list("articles")?,
            None => Vec::new(),
        },
    };
    if declared(code.kind, code.number) != Some(code.name) {
        return Err(row.error("name", "is not what codes.proto calls this number"));
    }
    Ok(code)
}

/// A code's name in `codes.proto`, without its prefix.
fn declared(kind: CodeKind, number: i32) -> Option<&'static str> {
    match kind {
        CodeKind::Refusal => RefusalCode::try_from(number)
            .ok()?
            .as_str_name()
            .strip_prefix("REFUSAL_CODE_"),
        CodeKind::Finding => FindingCode::try_from(number)
            .ok()?
            .as_str_name()
            .strip_prefix("FINDING_CODE_"),
    }
}

pub(super) fn parsed() -> Result<&'static [Code], TableError> {
    match &*CODES {
        Ok(codes) => Ok(codes),
        Err(error) => Err(error.clone()),
    }
}

/// Every code: refusals, then findings, each in order of number.
pub fn codes() -> &'static [Code] {
    parsed().unwrap_or_default()
}

fn find(kind: CodeKind, number: i32) -> Option<&'static Code> {
    codes()
        .iter()
        .find(|code| code.kind == kind && code.number == number)
}

/// A refusal in words; `None` for `UNSPECIFIED`.
pub fn refusal_code(code: RefusalCode) -> Option<&'static Code> {
    find(CodeKind::Refusal, code.into())
}

/// A finding in words; `None` for `UNSPECIFIED`.
pub fn finding_code(code: FindingCode) -> Option<&'static Code> {
    find(CodeKind::Finding, code.into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::collections::BTreeSet;

    use prost_reflect::DescriptorPool;

    use super::*;

    /// The numbers of an enumeration of `codes.proto`, ascending, without 0.
    fn declared_numbers(name: &str) -> Vec<i32> {
        let pool = DescriptorPool::decode(crate::pb::DESCRIPTORS).unwrap();
        let all = pool.get_enum_by_name(name).unwrap();
        let numbers: BTreeSet<i32> = all.values().map(|v| v.number()).collect();
        numbers.into_iter().filter(|n| *n != 0).collect()
    }

    #[test]
    fn the_table_lists_every_code_once_in_order_of_number() {
        parsed().unwrap();
        let mut expected = Vec::new();
        for (kind, name) in [
            (CodeKind::Refusal, "hazledger.v1.RefusalCode"),
            (CodeKind::Finding, "hazledger.v1.FindingCode"),
        ] {
            expected.extend(declared_numbers(name).into_iter().map(|n| (kind, n)));
        }
        assert!(expected.len() > 100, "the enumerations are not empty");
        let listed: Vec<_> = codes().iter().map(|c| (c.kind, c.number)).collect();
        assert_eq!(listed, expected);
    }

    #[test]
    fn chinese_names_are_short_and_no_two_codes_of_a_kind_share_one() {
        let mut seen = BTreeSet::new();
        for code in codes() {
            let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            assert!(code.name_zh.chars().all(han), "{}", code.name);
            assert!(code.name_zh.chars().count() <= 9, "{}", code.name);
            assert!(seen.insert((code.kind, code.name_zh)), "{}", code.name_zh);
        }
    }

    #[test]
    fn a_meaning_is_one_sentence_in_either_language() {
        for code in codes() {
            let (en, zh) = (code.meaning, code.meaning_zh);
            assert!(en.ends_with('.') && en.matches(". ").count() == 0, "{en}");
            assert!(zh.ends_with('。') && zh.matches('。').count() == 1, "{zh}");
        }
    }

    #[test]
    fn an_article_is_of_the_law_and_one_that_was_read() {
        assert_eq!("L art 41".parse(), Ok(Article(41)));
        for text in ["L art 24", "R591 art 41", "41", "L art 41 52", "L art x"] {
            assert!(text.parse::<Article>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_code_is_found_by_its_value() {
        let name = |code: Option<&Code>| code.map(|c| c.name_zh);
        assert_eq!(
            name(refusal_code(RefusalCode::PapersMissing)),
            Some("缺少安全单证")
        );
        assert_eq!(
            name(finding_code(FindingCode::PapersMissing)),
            Some("缺少单证")
        );
        assert_eq!(name(finding_code(FindingCode::Unspecified)), None);
    }
}
