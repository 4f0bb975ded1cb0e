//! The plan carried out: candidates beside the segments, the whole journal
//! verified as it would be with them, then each put in its place. A crash at any
//! step leaves a journal that verifies, and what must still go is known to the
//! next run.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message as _;

use super::{Plan, RetainError};
use crate::audit::{Audit, verify_journal};
use crate::backup::{BackupError, JournalFolder, Links, Maintenance};
use crate::event::Hash;
use crate::journal::{drop_unfinished, make_withheld, put_withheld, segment_name};
use crate::pb::{Part, Record};
use crate::proof::{Expect, Report};
use crate::storage::{Storage, UNFINISHED, View};

/// The end of the name of a link to a file of an archive that holds what is
/// being withheld, beside the segment that it was: it must go when another
/// stands in its place.
const TO_GO: &str = ".withheld";

/// The projection while it is being removed.
const PROJECTION_TO_GO: &str = "projection.withheld";

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
    let journal = JournalFolder::new(&dir.join("journal"));
    apply_on(&journal, genesis_hash, plan, &mut || forget(dir), progress)
}

/// Finishes what an earlier run began and did not come to the end of: files that
/// hold what has been withheld go. Returns those of archives.
///
/// # Errors
/// [`RetainError`]; what is left is known to the next run.
pub fn finish(dir: &Path) -> Result<Vec<PathBuf>, RetainError> {
    let _maintenance = Maintenance::take(dir)?;
    remove_all(&dir.join(PROJECTION_TO_GO))?;
    finish_on(&JournalFolder::new(&dir.join("journal")))
}

/// The same of a journal on any storage.
///
/// # Errors
/// As [`finish`].
pub fn finish_on<J: Links>(journal: &J) -> Result<Vec<PathBuf>, RetainError> {
    let names = journal.list().map_err(failed("list", "the journal"))?;
    let mut gone = Vec::new();
    for name in names {
        if let Some(segment) = name.strip_suffix(TO_GO) {
            gone.extend(let_go(journal, segment)?);
        }
    }
    // Notes that a run has removed which was cut short.
    let synced = journal.sync_dir();
    synced.map_err(failed("sync", "the journal's folder"))?;
    Ok(gone)
}

/// [`apply`] on any storage. `forget` removes, durably, whatever was made of the
/// journal and may hold events.
///
/// # Errors
/// As [`apply`].
pub fn apply_on<J: Links + Clone>(
    journal: &J,
    genesis_hash: Hash,
    plan: &Plan,
    forget: &mut dyn FnMut() -> Result<(), RetainError>,
    progress: &mut dyn FnMut(u64),
) -> Result<Applied, RetainError> {
    let report = candidates(journal, genesis_hash, plan, progress)?;
    // First: a run that is cut short after a segment is in place has nothing to
    // do with that segment again, and would not know that this is there.
    forget()?;
    let mut archived = Vec::new();
    for first in plan.records.keys() {
        let name = segment_name(*first);
        // Note … as before, and a link that says what must go.
        let place = journal.place(&name);
        if let Some(place) = place.map_err(failed("look at", &name))? {
            note(journal, &name, &place)?;
        }
        // Put in place … the segment as it was, or without them.
        put_withheld(journal, *first)?;
        // Let go … without them; the link says what is left.
        archived.extend(let_go(journal, &name)?);
    }
    Ok(Applied {
        report,
        segments: plan.records.len() as u64,
        archived,
    })
}

/// Makes the candidates, and verifies the journal as it is and as it will be.
fn candidates<J: Links + Clone>(
    journal: &J,
    genesis_hash: Hash,
    plan: &Plan,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, RetainError> {
    let expect = Expect {
        genesis_hash: Some(genesis_hash),
        ..Expect::default()
    };
    let before = whole(verify_journal(journal, &expect, &[], progress));
    let before = before.map_err(RetainError::Untrue)?;
    drop_unfinished(journal)?;
    let mut withheld = before.withheld;
    for (first, positions) in &plan.records {
        make_withheld(journal, *first, &mut |position, body| {
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
    let as_it_will_be = with_candidates(journal, &names.collect())?;
    let after = whole(verify_journal(&as_it_will_be, &expect, &[], progress));
    after
        .and_then(|after| same(&before, after, withheld))
        .map_err(|what| match drop_unfinished(journal) {
            Ok(()) => RetainError::Candidate(what),
            Err(error) => error.into(),
        })
}

/// Notes, durably, which file of an archive a segment was.
fn note<J: Links>(journal: &J, segment: &str, place: &Path) -> Result<(), RetainError> {
    let note = format!("{segment}{TO_GO}");
    match journal.remove(&note) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove", &note)(error));
        }
        _ => {}
    }
    journal
        .link_to(place, &note)
        .and_then(|()| journal.sync_dir())
        .map_err(failed("create", &note))
}

/// Removes the file of an archive that a segment was and is no longer, and then
/// the note of it. Returns it, if it has gone.
fn let_go<J: Links>(journal: &J, segment: &str) -> Result<Option<PathBuf>, RetainError> {
    let note = format!("{segment}{TO_GO}");
    let noted = match journal.place(&note) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        place => place.map_err(failed("look at", &note))?,
    };
    let is = journal.place(segment).map_err(failed("look at", segment))?;
    // Nothing goes while it is all that there is.
    let is_replaced = is != noted && journal.open(segment).is_ok();
    let gone = noted.filter(|_| is_replaced);
    if let Some(place) = &gone {
        let removed = journal.remove_archived(place);
        removed.map_err(failed("remove", &place.display().to_string()))?;
    }
    journal
        .remove(&note)
        .and_then(|()| journal.sync_dir())
        .map_err(failed("remove", &note))?;
    Ok(gone)
}

/// Removes the projection, which is made again from the journal. Under another
/// name, so that half of one is never taken for one and kept.
fn forget(dir: &Path) -> Result<(), RetainError> {
    let (projection, to_go) = (dir.join("projection"), dir.join(PROJECTION_TO_GO));
    remove_all(&to_go)?;
    match fs::rename(&projection, &to_go) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("rename", &projection.display().to_string())(error));
        }
        _ => {}
    }
    remove_all(&to_go)
}

/// Removes a folder of the data directory with all that is in it, durably.
fn remove_all(folder: &Path) -> Result<(), RetainError> {
    let name = folder.display().to_string();
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove", &name)(error));
        }
        _ => {}
    }
    let dir = folder.parent().unwrap_or(Path::new("."));
    let synced = fs::File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(failed("sync the folder of", &name))
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

fn failed(action: &'static str, name: &str) -> impl FnOnce(io::Error) -> RetainError {
    let name = name.to_owned();
    move |source| {
        RetainError::Backup(BackupError::Io {
            action,
            name,
            source,
        })
    }
}

/// A journal's folder, some of its segments read from their candidates. Read
/// only.
fn with_candidates<J: Storage + Clone>(
    journal: &J,
    candidates: &BTreeSet<String>,
) -> Result<View<J>, RetainError> {
    let names = journal.list().map_err(failed("list", "journal"))?;
    let files = names.into_iter().map(|name| {
        let stored = if candidates.contains(&name) {
            format!("{name}{UNFINISHED}")
        } else {
            name.clone()
        };
        (name, stored)
    });
    Ok(View::new(journal.clone(), files))
}
