//! Where lines come from: a file, which is read through once before anything
//! is sent, or standard input, line after line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use super::line::{Line, MAX_LINE};
use crate::cli::error::CliError;

/// Lines with their numbers from 1; empty ones are left out.
pub struct Source {
    name: String,
    reader: Box<dyn BufRead + Send>,
    number: u64,
}

/// A line and where it stands.
pub struct Numbered {
    /// From 1.
    pub number: u64,
    /// The line.
    pub line: Line,
}

impl Source {
    /// Opens `path`; `-` is standard input.
    pub fn open(path: &Path) -> Result<Source, CliError> {
        if is_standard_input(path) {
            let reader = Box::new(BufReader::new(io::stdin()));
            return Ok(Source {
                name: "standard input".to_owned(),
                reader,
                number: 0,
            });
        }
        let file = File::open(path).map_err(CliError::file("read", path))?;
        let name = path.display().to_string();
        Ok(Source {
            name,
            reader: Box::new(BufReader::new(file)),
            number: 0,
        })
    }

    fn read(&mut self) -> Result<Option<Numbered>, CliError> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            self.number += 1;
            let limit = MAX_LINE as u64 + 1;
            let read = (&mut self.reader).take(limit).read_until(b'\n', &mut bytes);
            read.map_err(|e| self.error(e.to_string()))?;
            if bytes.is_empty() {
                return Ok(None);
            }
            if bytes.len() > MAX_LINE {
                return Err(
                    self.error(format!("longer than {MAX_LINE} bytes; split the statement"))
                );
            }
            let text = std::str::from_utf8(&bytes).map_err(|e| self.error(e.to_string()))?;
            if text.trim().is_empty() {
                continue;
            }
            let line = Line::parse(text).map_err(|why| self.error(why))?;
            return Ok(Some(Numbered {
                number: self.number,
                line,
            }));
        }
    }

    /// The file, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For the line just read.
    pub fn error(&self, why: String) -> CliError {
        CliError::Line {
            file: self.name.clone(),
            line: self.number,
            why,
        }
    }
}

/// The next line that is not empty.
impl Iterator for Source {
    type Item = Result<Numbered, CliError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Whether `-` was given.
pub fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}
