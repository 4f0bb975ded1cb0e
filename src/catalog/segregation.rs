//! Classes of dangerous goods that are to be kept apart, and how far: the table
//! of the IMDG Code, 7.2.4, for the classes that the catalogue has. It is made
//! for ships; a rule pack says from which degree on it holds in a store. By
//! primary class alone: subsidiary hazards and segregation groups are not in it.

use std::sync::LazyLock;

use super::form::Form;
use super::table::{self, Confidence, Row, TableError};

/// The degree of two classes.
#[derive(Clone, Debug)]
pub struct Segregation {
    /// Classes or divisions, without the compatibility group of an explosive.
    pub classes: [&'static str; 2],
    /// 1: away from; 2: separated from; 3: by a complete compartment; 4:
    /// lengthwise by one between them.
    pub degree: i64,
    /// Where the row comes from.
    pub source: &'static str,
    /// How sure it is, of goods in a store.
    pub confidence: Confidence,
}

static SEGREGATIONS: LazyLock<Result<Vec<Segregation>, TableError>> = LazyLock::new(|| {
    table::rows("segregation.csv", include_str!("data/segregation.csv"))?
        .iter()
        .map(read)
        .collect()
});

fn read(row: &Row) -> Result<Segregation, TableError> {
    let segregation = Segregation {
        classes: [row.text("class_a")?, row.text("class_b")?],
        degree: row.value("degree")?,
        source: row.text("source")?,
        confidence: row.value("confidence")?,
    };
    if !(1..=4).contains(&segregation.degree) {
        return Err(row.error("degree", "is none of 1 to 4"));
    }
    Ok(segregation)
}

pub(super) fn parsed() -> Result<&'static [Segregation], TableError> {
    SEGREGATIONS.as_deref().map_err(Clone::clone)
}

/// A division without the compatibility group: `1.1D` is of `1.1`.
fn division(form: &Form) -> &'static str {
    form.class_division
        .trim_end_matches(|c: char| c.is_ascii_uppercase())
}

/// How far two forms are to be kept apart: 1 to 4; 0 where nothing is said.
pub fn segregation(a: &Form, b: &Form) -> i64 {
    let pair = [division(a), division(b)];
    let turned = [division(b), division(a)];
    let rows = SEGREGATIONS.as_deref().unwrap_or_default();
    let row = rows
        .iter()
        .find(|row| row.classes == pair || row.classes == turned);
    row.map_or(0, |row| row.degree)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::catalog::{form, forms};

    #[test]
    fn what_tianjin_had_side_by_side_is_to_be_kept_apart_either_way_round() {
        let degree = |a, b| segregation(form(a).unwrap(), form(b).unwrap());
        let cases = [
            ("AN-1942", "NC-2555", 1),
            ("AN-1942", "NACN-1689", 1),
            ("AN-0222", "AN-1942", 4),
            ("NC-0340", "NACN-1689", 2),
            ("NC-0342", "NC-2555", 3),
            ("NC-2059", "AN-1942", 2),
            ("NACN-1689", "NC-2555", 0),
            ("NACN-1689", "NACN-1689", 0),
            ("AN-2071", "NC-0340", 0),
        ];
        for (a, b, wanted) in cases {
            assert_eq!((degree(a, b), degree(b, a)), (wanted, wanted), "{a} {b}");
        }
    }

    #[test]
    fn every_row_is_about_classes_of_the_catalogue_and_none_is_there_twice() {
        let known = |class: &str| forms().iter().any(|form| division(form) == class);
        let rows = parsed().unwrap();
        assert!(!rows.is_empty());
        for (i, row) in rows.iter().enumerate() {
            assert!(row.classes.iter().all(|class| known(class)), "{row:?}");
            let [a, b] = row.classes;
            let same = |other: &Segregation| other.classes == [a, b] || other.classes == [b, a];
            assert_eq!(rows.iter().position(same), Some(i), "{row:?}");
        }
    }
}
