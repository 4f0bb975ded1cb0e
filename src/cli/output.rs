//! What goes to standard output: tables for people, JSON for programs. A
//! reader that goes away is told from a disk that is full (see
//! [`CliError::is_broken_pipe`]).

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
        writeln!(self.lock, "{text}")
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
