//! Reading the embedded CSV tables into typed values.
//!
//! Not a general CSV reader: a field may be quoted to hold commas, but may not
//! contain a quote or a line break, so every field is a slice of the file.

use std::fmt::Display;
use std::str::FromStr;

/// How sure the catalogue is of a row. Ordered: `Low < Medium < High`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Second-hand, or sources disagree.
    Low,
    /// One good source, or derived by hand from the standard's classes.
    Medium,
    /// Read in the standard or the announcement itself.
    High,
}

impl FromStr for Confidence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "low" => Ok(Self::Low),
            "medium" => Ok(Self::Medium),
            "high" => Ok(Self::High),
            _ => Err(format!("{text:?} is not low, medium or high")),
        }
    }
}

/// Why an embedded table does not parse. Lines count from 1, the header's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A quote that does not enclose a whole field.
    #[error("{file}, line {line}: a quote must enclose a whole field; correct the field")]
    Quote {
        /// The table's file name.
        file: &'static str,
        /// The line at fault.
        line: usize,
    },
    /// A row with more or fewer fields than the header.
    #[error("{file}, line {line}: {found} fields, the header has {expected}; add or remove commas")]
    Fields {
        /// The table's file name.
        file: &'static str,
        /// The line at fault.
        line: usize,
        /// Number of columns in the header.
        expected: usize,
        /// Number of fields in the row.
        found: usize,
    },
    /// A value that is missing or that its column does not allow.
    #[error("{file}, line {line}, column {column}: {reason}")]
    Value {
        /// The table's file name.
        file: &'static str,
        /// The line at fault.
        line: usize,
        /// The column at fault.
        column: &'static str,
        /// What is wrong with the value.
        reason: String,
    },
}

/// One row, its fields reached by column name.
pub(super) struct Row {
    file: &'static str,
    line: usize,
    fields: Vec<(&'static str, &'static str)>,
}

/// Splits a table with a header row into its rows.
pub(super) fn rows(file: &'static str, text: &'static str) -> Result<Vec<Row>, TableError> {
    let mut lines = text.lines().zip(1..);
    let header = match lines.next() {
        Some((header, line)) => split(file, line, header)?,
        None => Vec::new(),
    };
    lines
        .map(|(content, line)| {
            let fields = split(file, line, content)?;
            if fields.len() != header.len() {
                return Err(TableError::Fields {
                    file,
                    line,
                    expected: header.len(),
                    found: fields.len(),
                });
            }
            let fields = header.iter().copied().zip(fields).collect();
            Ok(Row { file, line, fields })
        })
        .collect()
}

fn split(
    file: &'static str,
    line: usize,
    content: &'static str,
) -> Result<Vec<&'static str>, TableError> {
    let misquoted = || TableError::Quote { file, line };
    let mut fields = Vec::new();
    let mut rest = Some(content);
    while let Some(text) = rest {
        let (field, after) = if let Some(quoted) = text.strip_prefix('"') {
            let (field, after) = quoted.split_once('"').ok_or_else(misquoted)?;
            match after.strip_prefix(',') {
                Some(next) => (field, Some(next)),
                None if after.is_empty() => (field, None),
                None => return Err(misquoted()),
            }
        } else {
            match text.split_once(',') {
                Some((field, next)) => (field, Some(next)),
                None => (text, None),
            }
        };
        if field.contains('"') {
            return Err(misquoted());
        }
        fields.push(field);
        rest = after;
    }
    Ok(fields)
}

impl Row {
    /// The field's text; empty is an error.
    pub(super) fn text(&self, column: &'static str) -> Result<&'static str, TableError> {
        self.optional(column)?
            .ok_or_else(|| self.error(column, "is empty"))
    }

    /// The field's text, or `None` where it is empty.
    pub(super) fn optional(
        &self,
        column: &'static str,
    ) -> Result<Option<&'static str>, TableError> {
        let field = self.fields.iter().find(|(name, _)| *name == column);
        match field {
            Some((_, "")) => Ok(None),
            Some((_, value)) => Ok(Some(value)),
            None => Err(self.error(column, "the header has no such column")),
        }
    }

    /// The field's typed value; empty is an error.
    pub(super) fn value<T>(&self, column: &'static str) -> Result<T, TableError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(column)?;
        text.parse().map_err(|e: T::Err| self.error(column, e))
    }

    /// The field's typed value, or `None` where it is empty.
    pub(super) fn optional_value<T>(&self, column: &'static str) -> Result<Option<T>, TableError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.optional(column)?
            .map(|text| text.parse().map_err(|e: T::Err| self.error(column, e)))
            .transpose()
    }

    /// The typed values of a field that lists them with `;`.
    pub(super) fn list<T>(&self, column: &'static str) -> Result<Vec<T>, TableError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(column)?
            .split(';')
            .map(|item| item.parse().map_err(|e: T::Err| self.error(column, e)))
            .collect()
    }

    /// `yes` or `no`, or `None` where it is not established.
    pub(super) fn flag(&self, column: &'static str) -> Result<Option<bool>, TableError> {
        match self.optional(column)? {
            None => Ok(None),
            Some("yes") => Ok(Some(true)),
            Some("no") => Ok(Some(false)),
            Some(other) => Err(self.error(column, format!("{other:?} is not yes, no or empty"))),
        }
    }

    /// A decimal times 10^`places`, exactly: `0.75` with 9 places is 750,000,000.
    pub(super) fn scaled(
        &self,
        column: &'static str,
        places: usize,
    ) -> Result<Option<i64>, TableError> {
        self.optional(column)?
            .map(|text| {
                scaled(text, places).ok_or_else(|| {
                    let reason = format!("{text:?} is not a decimal with at most {places} places");
                    self.error(column, reason)
                })
            })
            .transpose()
    }

    /// An error that names this row and `column`.
    pub(super) fn error(&self, column: &'static str, reason: impl Display) -> TableError {
        TableError::Value {
            file: self.file,
            line: self.line,
            column,
            reason: reason.to_string(),
        }
    }
}

fn scaled(text: &str, places: usize) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > places {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
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
    fn quoted_fields_may_hold_commas_and_empty_fields_are_kept() {
        let rows = rows("t", "a,b,c\n1,\"x,y\",\n\"\",2,\"z\"\n").unwrap();
        assert_eq!(rows[0].fields, [("a", "1"), ("b", "x,y"), ("c", "")]);
        assert_eq!(rows[1].fields, [("a", ""), ("b", "2"), ("c", "z")]);
    }

    #[test]
    fn a_malformed_row_is_named_by_its_line() {
        for (text, expected) in [
            ("a,b\n1,2\n\"1,2", TableError::Quote { file: "t", line: 3 }),
            ("a,b\n\"1\"x,2", TableError::Quote { file: "t", line: 2 }),
            ("a,b\n1\",2", TableError::Quote { file: "t", line: 2 }),
            ("a,b\n\"1\"\"\",2", TableError::Quote { file: "t", line: 2 }),
            (
                "a,b\n1",
                TableError::Fields {
                    file: "t",
                    line: 2,
                    expected: 2,
                    found: 1,
                },
            ),
        ] {
            assert_eq!(rows("t", text).err(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn a_bad_value_is_named_by_line_and_column() {
        let rows = rows("t", "flag,n,empty\nmaybe,x,\n").unwrap();
        let row = &rows[0];
        let message = |e: TableError| e.to_string();
        assert_eq!(
            message(row.flag("flag").unwrap_err()),
            "t, line 2, column flag: \"maybe\" is not yes, no or empty"
        );
        assert!(message(row.value::<u8>("n").unwrap_err()).starts_with("t, line 2, column n: "));
        assert!(message(row.text("empty").unwrap_err()).ends_with("is empty"));
        assert!(message(row.text("absent").unwrap_err()).ends_with("no such column"));
        assert_eq!(row.optional_value::<u8>("empty"), Ok(None));
    }

    #[test]
    fn decimals_scale_exactly_or_not_at_all() {
        for (text, places, expected) in [
            ("0.75", 9, Some(750_000_000)),
            ("50", 9, Some(50_000_000_000)),
            ("1.5", 1, Some(15)),
            ("20", 1, Some(200)),
            ("1.25", 1, None),
            ("-1", 1, None),
            ("1.", 1, None),
            (".5", 1, None),
            ("1e3", 9, None),
            ("9999999999999999999", 9, None),
        ] {
            assert_eq!(scaled(text, places), expected, "{text}");
        }
    }
}
