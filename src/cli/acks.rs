//! The file of acknowledgements that `submit --acks` appends to and `verify
//! --acks` reads: one `hazledger.v1.Acknowledgement` a line, in the proto3
//! JSON mapping. Whoever keeps it can show what the ledger took.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::error::CliError;
use super::json;
use crate::pb::Acknowledgement;

/// Bytes of a line, at most: a head of 65,535 bytes, its commit and its path,
/// in base64.
const MAX_LINE: u64 = 256 * 1024;

/// The file, open for appending.
pub struct AckWriter {
    path: PathBuf,
    file: File,
}

impl AckWriter {
    /// Opens or makes the file. A last line that was cut off is ended, so that
    /// what follows stands on lines of its own.
    pub fn open(path: &Path) -> Result<AckWriter, CliError> {
        let failed = || CliError::file("open", path);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(failed())?;
        let mut last = [b'\n'];
        if file.metadata().map_err(failed())?.len() > 0 {
            file.seek(SeekFrom::End(-1)).map_err(failed())?;
            file.read_exact(&mut last).map_err(failed())?;
        }
        if last != [b'\n'] {
            file.write_all(b"\n").map_err(failed())?;
        }
        Ok(AckWriter {
            path: path.to_owned(),
            file,
        })
    }

    /// Appends one, in one write.
    pub fn append(&mut self, ack: &Acknowledgement) -> Result<(), CliError> {
        let value = json::to_json("Acknowledgement", ack)
            .map_err(|e| CliError::file("write", &self.path)(std::io::Error::other(e)))?;
        let line = format!("{value}\n");
        self.file
            .write_all(line.as_bytes())
            .map_err(CliError::file("append to", &self.path))
    }

    /// Makes what was appended durable.
    pub fn sync(&self) -> Result<(), CliError> {
        self.file
            .sync_data()
            .map_err(CliError::file("sync", &self.path))
    }
}

/// Reads one line.
pub fn parse(line: &[u8]) -> Result<Acknowledgement, String> {
    let value = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    json::from_json("Acknowledgement", value)
}

/// Reads a file of acknowledgements, line after line.
pub struct AckReader {
    path: PathBuf,
    reader: BufReader<File>,
    number: u64,
}

impl AckReader {
    /// Opens the file.
    pub fn open(path: &Path) -> Result<AckReader, CliError> {
        let file = File::open(path).map_err(CliError::file("read", path))?;
        Ok(AckReader {
            path: path.to_owned(),
            reader: BufReader::new(file),
            number: 0,
        })
    }

    fn read(&mut self) -> Result<Option<(u64, Acknowledgement)>, CliError> {
        loop {
            self.number += 1;
            let mut bytes = Vec::new();
            let read = (&mut self.reader)
                .take(MAX_LINE + 1)
                .read_until(b'\n', &mut bytes);
            read.map_err(CliError::file("read", &self.path))?;
            if bytes.is_empty() {
                return Ok(None);
            }
            if bytes.len() as u64 > MAX_LINE {
                return Err(self.error(&format!("longer than {MAX_LINE} bytes")));
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            return match parse(&bytes) {
                Ok(ack) => Ok(Some((self.number, ack))),
                Err(why) => Err(self.error(&why)),
            };
        }
    }

    fn error(&self, why: &str) -> CliError {
        let why = format!(
            "no acknowledgement ({why}); was the file written by 'hazledger submit --acks'? \
             If its last write was cut off, take that line out"
        );
        CliError::Line {
            file: self.path.display().to_string(),
            line: self.number,
            why,
        }
    }
}

/// Each with its line's number from 1.
impl Iterator for AckReader {
    type Item = Result<(u64, Acknowledgement), CliError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn ack(byte: u8) -> Acknowledgement {
        Acknowledgement {
            head: vec![byte; 40].into(),
            ..Acknowledgement::default()
        }
    }

    #[test]
    fn what_is_appended_is_read_again_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acks.jsonl");
        for byte in [1, 2] {
            let mut writer = AckWriter::open(&path).unwrap();
            writer.append(&ack(byte)).unwrap();
            writer.sync().unwrap();
        }
        let mut reader = AckReader::open(&path).unwrap();
        assert_eq!(reader.next().unwrap().unwrap(), (1, ack(1)));
        assert_eq!(reader.next().unwrap().unwrap(), (2, ack(2)));
        assert!(reader.next().is_none());
    }

    #[test]
    fn a_line_cut_off_spoils_only_itself_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acks.jsonl");
        std::fs::write(&path, "{\"head\": \"AA").unwrap();
        AckWriter::open(&path).unwrap().append(&ack(3)).unwrap();
        let mut reader = AckReader::open(&path).unwrap();
        let error = reader.next().unwrap().unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
        assert_eq!(reader.next().unwrap().unwrap(), (2, ack(3)));
    }
}
