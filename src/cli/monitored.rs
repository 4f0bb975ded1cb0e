//! The folder of a monitor: what it has seen, what it has verified, and the
//! alarms it raised. One monitor at a time has it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::error::CliError;
use super::kept::read_text;
use super::key_file::from_hex;
use crate::audit::{Seen, SeenServer, read_saved, write_saved};
use crate::event::Hash;
use crate::proof::tree::TreeHash;
use crate::proof::{Expect, Verifier};
use crate::storage::{make_folder, replace_file};

/// What was seen, in JSON.
const SEEN: &str = "seen.json";
/// The verification, to go on from.
const VERIFIED: &str = "verified";
/// Alarms, one a line.
const ALARMS: &str = "alarms.jsonl";
const LOCK: &str = "LOCK";
/// As the process makes folders.
const FOLDER_MODE: u32 = 0o777;

/// Bytes of what was seen, at most: a note for each server.
const MAX_SEEN: usize = 16 * 1024 * 1024;

/// The folder.
pub struct StateDir {
    dir: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Opens it, and makes it if there is none.
    pub fn open(dir: &Path) -> Result<StateDir, CliError> {
        make_folder(dir, FOLDER_MODE).map_err(CliError::file("make", dir))?;
        let path = dir.join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(CliError::file("open", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(StateDir {
                dir: dir.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(CliError::argument(
                format!("--state {}", dir.display()),
                "another monitor has it; give each its own folder",
            )),
            Err(TryLockError::Error(error)) => Err(CliError::file("lock", &path)(error)),
        }
    }

    /// The verification to go on from, if there is one.
    ///
    /// # Errors
    /// Why the file is of no use, for people.
    pub fn verified(&self, expect: &Expect) -> Result<Option<Verifier>, String> {
        let path = self.dir.join(VERIFIED);
        read_saved(&path, expect)
            .map_err(|why| format!("{} is not gone on from: {why}", path.display()))
    }

    /// Keeps it.
    pub fn keep_verified(&self, verifier: &Verifier) -> Result<(), CliError> {
        let path = self.dir.join(VERIFIED);
        write_saved(&path, verifier).map_err(CliError::file("write", &path))
    }

    /// What was seen before, if anything. A file that is not what was written
    /// is an error: to go on without it would be to forget.
    pub fn seen(&self) -> Result<Option<Seen>, CliError> {
        let path = self.dir.join(SEEN);
        let there = path
            .try_exists()
            .map_err(CliError::file("look for", &path))?;
        if !there {
            return Ok(None);
        }
        let text = read_text(&path, MAX_SEEN)?;
        let value = serde_json::from_str(&text).ok();
        let seen = value.as_ref().and_then(from_value);
        seen.map(Some).ok_or_else(|| {
            let why = "it is not what a monitor wrote; find out who changed it, then take it \
                       away to begin anew";
            CliError::argument(path.display().to_string(), why)
        })
    }

    /// Keeps it.
    pub fn keep_seen(&self, seen: &Seen) -> Result<(), CliError> {
        let path = self.dir.join(SEEN);
        let text = to_value(seen).to_string();
        let written = replace_file(&path, |mut file| file.write_all(text.as_bytes()));
        written.map_err(|why| CliError::file("write", &path)(why.into()))
    }

    /// Adds an alarm.
    pub fn add_alarm(&self, alarm: &Value) -> Result<(), CliError> {
        let path = self.dir.join(ALARMS);
        let failed = |e| CliError::file("append to", &path)(e);
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
        let line = format!("{alarm}\n");
        file.write_all(line.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(CliError::file("append to", &path))
    }
}

fn to_value(seen: &Seen) -> Value {
    let server = |(url, seen): (&String, &SeenServer)| {
        let waiting = seen
            .waiting
            .map(|(record, since_ms)| json!({ "record": record, "sinceMs": since_ms }));
        let value = json!({
            "records": seen.records,
            "checkpoint": seen.note,
            "waiting": waiting,
        });
        (url.clone(), value)
    };
    json!({
        "records": seen.records,
        "lastHead": seen.head.to_string(),
        "treeRoot": seen.root.to_base64(),
        "servers": seen.servers.iter().map(server).collect::<serde_json::Map<_, _>>(),
    })
}

/// The record of a server that waits for a checkpoint, and since when; an
/// older monitor did not say.
fn waiting(server: &Value) -> Option<(u64, i64)> {
    let waiting = server.get("waiting")?;
    let record = waiting.get("record")?.as_u64()?;
    Some((record, waiting.get("sinceMs")?.as_i64()?))
}

fn from_value(value: &Value) -> Option<Seen> {
    let mut servers = BTreeMap::new();
    for (url, server) in value.get("servers")?.as_object()? {
        let seen = SeenServer {
            records: server.get("records")?.as_u64()?,
            note: server.get("checkpoint")?.as_str()?.to_owned(),
            waiting: waiting(server),
        };
        servers.insert(url.clone(), seen);
    }
    let head = from_hex(value.get("lastHead")?.as_str()?)?;
    Some(Seen {
        records: value.get("records")?.as_u64()?,
        head: Hash::from_slice(&head)?,
        root: TreeHash::from_base64(value.get("treeRoot")?.as_str()?)?,
        servers,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::fs;

    use super::*;
    use crate::proof::tree::leaf_hash;

    #[test]
    fn what_was_seen_is_read_as_it_was_written_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::open(folder.path()).unwrap();
        assert_eq!(dir.seen().unwrap(), None);
        let server = SeenServer {
            records: 7,
            note: "a\nb".into(),
            waiting: Some((7, 1_790_000_000_000)),
        };
        let quiet = SeenServer {
            waiting: None,
            ..server.clone()
        };
        let seen = Seen {
            records: 9,
            head: Hash([3; 32]),
            root: leaf_hash(b"x"),
            servers: BTreeMap::from([
                ("http://a:1".to_owned(), server),
                ("http://b:1".to_owned(), quiet),
            ]),
        };
        dir.keep_seen(&seen).unwrap();
        assert_eq!(dir.seen().unwrap(), Some(seen));
        let second = StateDir::open(folder.path());
        assert!(second.is_err_and(|e| e.to_string().contains("another monitor")));
        fs::write(folder.path().join(SEEN), "{\"records\": 9}").unwrap();
        let error = dir.seen().unwrap_err().to_string();
        assert!(error.contains("seen.json"), "{error}");
    }
}
