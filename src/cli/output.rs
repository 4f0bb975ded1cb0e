//! What goes to standard output: tables for people, JSON for programs. A
//! reader that goes away is told from a disk that is full (see
//! [`CliError::is_broken_pipe`]).

use std::borrow::Cow;
use std::io::{self, Write as _};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use prost::Message;
use serde::Serialize;

use super::error::CliError;
use super::json;

/// How a subcommand prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs: one JSON object, or one a line.
    Json,
}

/// Text without what would move a terminal's cursor, colour it or turn the
/// order of its letters: much of what is shown was written by others, who must not
/// be able to write over a line that says no.
pub fn plain(text: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(acts) {
        text.replace(acts, "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// Standard output.
pub struct Out {
    lock: io::BufWriter<io::StdoutLock<'static>>,
}

impl Default for Out {
    fn default() -> Out {
        Out::new()
    }
}

impl Out {
    /// Locks standard output.
    pub fn new() -> Out {
        Out {
            lock: io::BufWriter::new(io::stdout().lock()),
        }
    }

    /// One line, sent at once, so that a reader who waits for it gets it.
    pub fn line(&mut self, text: &str) -> Result<(), CliError> {
        writeln!(self.lock, "{}", plain(text))
            .and_then(|()| self.lock.flush())
            .map_err(CliError::Output)
    }

    /// One JSON value on a line.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(value).map_err(|e| CliError::Output(e.into()))?;
        self.line(&text)
    }

    /// Names and values, one pair a line.
    pub fn fields(&mut self, fields: &[(&str, String)]) -> Result<(), CliError> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for (name, value) in fields {
            table.add_row([*name, value]);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        self.line(&table.trim_fmt())
    }

    /// A message of `hazledger.v1` that answers `what`, as one line of JSON.
    pub fn message(
        &mut self,
        what: &'static str,
        name: &str,
        message: &impl Message,
    ) -> Result<(), CliError> {
        let value = json::to_json(name, message);
        self.json(&value.map_err(|why| CliError::Server { what, why })?)
    }

    /// A table with a heading; columns named by `right` are aligned right.
    pub fn table(
        &mut self,
        headings: &[&str],
        right: &[usize],
        rows: Vec<Vec<String>>,
    ) -> Result<(), CliError> {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(headings);
        table.add_rows(rows);
        for index in right {
            if let Some(column) = table.column_mut(*index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self.line(&table.trim_fmt())
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_others_wrote_cannot_write_over_a_line() {
        assert_eq!(plain("fork 分叉\n\tat 7"), "fork 分叉\n\tat 7");
        assert_eq!(plain("\u{1b}[2Kverified\r"), "\u{fffd}[2Kverified\u{fffd}");
        assert_eq!(plain("a\u{202e}b\u{9b}"), "a\u{fffd}b\u{fffd}");
    }
}
