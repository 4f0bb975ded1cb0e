//! The plan carried out: candidates beside the segments, the whole journal
//! verified as it would be with them, then each put in its place. A crash at any
//! step leaves a journal that verifies.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message as _;

use super::{Plan, RetainError};
use crate::audit::{Audit, verify_journal};
use crate::backup::{BackupError, Maintenance};
use crate::event::Hash;
use crate::journal::{drop_unfinished, make_withheld, put_withheld, segment_name};
use crate::pb::{Part, Record};
use crate::proof::{Expect, Report};
use crate::storage::{DirStorage, ReadOnlyFolder, Storage as _, UNFINISHED, View};

/// What was withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What the journal verified as, before and after: the same but for what is
    /// withheld.
    pub report: Report,
    /// Segments written again.
    pub segments: u64,
    /// Files of an archive that held what was withheld, and are gone.
    pub archived: Vec<PathBuf>,
}

/// Carries a plan out in a data directory that nobody has open.
/// `progress` is told records.
///
/// # Errors
/// [`RetainError`]; up to [`RetainError::Candidate`] nothing has changed.
pub fn apply(
    dir: &Path,
    genesis_hash: Hash,
    plan: &Plan,
    progress: &mut dyn FnMut(u64),
) -> Result<Applied, RetainError> {
    let _maintenance = Maintenance::take(dir)?;
    let journal = dir.join("journal");
    let storage = DirStorage::new(&journal);
    let expect = Expect {
        genesis_hash: Some(genesis_hash),
        ..Expect::default()
    };
    let audited = |storage: &View<ReadOnlyFolder>, progress: &mut dyn FnMut(u64)| {
        whole(verify_journal(storage, &expect, &[], progress))
    };
    let as_it_is = with_candidates(&journal, &BTreeSet::new())?;
    let before = audited(&as_it_is, progress).map_err(RetainError::Untrue)?;
    drop_unfinished(&storage)?;
    let mut withheld = before.withheld;
    for (first, positions) in &plan.records {
        make_withheld(&storage, *first, &mut |position, body| {
            let (shorter, events) = positions
                .contains(&position)
                .then(|| without_events(body))
                .flatten()?;
            withheld = withheld.saturating_add(events);
            Some(shorter)
        })?;
    }
    // As the disk gives the candidates back, in the midst of all the others.
    let names = plan.records.keys().map(|first| segment_name(*first));
    let as_it_will_be = with_candidates(&journal, &names.collect())?;
    let after = audited(&as_it_will_be, progress).and_then(|after| same(&before, after, withheld));
    let report = match after {
        Ok(after) => after,
        Err(what) => {
            drop_unfinished(&storage)?;
            return Err(RetainError::Candidate(what));
        }
    };
    let mut archived = Vec::new();
    for first in plan.records.keys() {
        let path = journal.join(segment_name(*first));
        let linked = fs::read_link(&path).ok();
        // What was there goes only when the other is durable under its name.
        put_withheld(&storage, *first)?;
        if let Some(file) = linked {
            remove(&file)?;
            archived.push(file);
        }
    }
    // It may hold what has been withheld, and is made again from the journal.
    let projection = dir.join("projection");
    match fs::remove_dir_all(&projection) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove", &projection, error));
        }
        _ => {}
    }
    Ok(Applied {
        report,
        segments: plan.records.len() as u64,
        archived,
    })
}

/// A stored record without its events' bodies and salts, and how many there
/// were; `None` if it cannot be read.
pub(super) fn without_events(stored: &Bytes) -> Option<(Bytes, u64)> {
    let mut record = Record::decode(stored.clone()).ok()?;
    let none = Part::default();
    let events = record.events.iter().filter(|part| **part != none).count();
    record.events.fill(none);
    Some((record.encode_to_vec().into(), events as u64))
}

fn whole(audit: Audit) -> Result<Report, String> {
    match audit.problems.first() {
        Some(problem) => Err(problem.to_string()),
        None => audit.report.ok_or_else(|| "it holds nothing".to_owned()),
    }
}

/// The same ledger, with so many events withheld.
fn same(before: &Report, after: Report, withheld: u64) -> Result<Report, String> {
    let wanted = Report {
        withheld,
        ..before.clone()
    };
    if after == wanted {
        Ok(after)
    } else {
        Err(format!(
            "{} events would be withheld, not {withheld}, or the records would come to another state",
            after.withheld
        ))
    }
}

fn remove(file: &Path) -> Result<(), RetainError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", file, error)),
        _ => Ok(()),
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> RetainError {
    RetainError::Backup(BackupError::Io {
        action,
        name: path.display().to_string(),
        source,
    })
}

/// A journal's folder, some of its segments read from their candidates. Read
/// only.
fn with_candidates(
    journal: &Path,
    candidates: &BTreeSet<String>,
) -> Result<View<ReadOnlyFolder>, RetainError> {
    let folder = ReadOnlyFolder::new(journal);
    let names = folder.list();
    let names = names.map_err(|error| failed("list", journal, error))?;
    let files = names.into_iter().map(|name| {
        let stored = match candidates.contains(&name) {
            true => format!("{name}{UNFINISHED}"),
            false => name.clone(),
        };
        (name, stored)
    });
    Ok(View::new(folder, files))
}
