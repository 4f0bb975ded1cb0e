//! Repair: damaged and missing segments of a journal that nobody has open,
//! healed from another copy of it. A segment of the copy is taken only after
//! it has been verified, what it replaces is kept under another name, and the
//! journal is read again afterwards. What the files are is in
//! [`journal`], what the ledger signs in [`proof`](crate::proof).
//!
//! What this is not: the audit. It holds every frame and checksum, every head,
//! every link of the chain and every commit's signature against the ledger's
//! keys, from record 0 on; statements' own signatures and the laws are for `verify`.
//!
//! | file | what it is |
//! |---|---|
//! | `check` | one segment against the ledger's signatures |
//! | `keys` | the keys that have followed the one of record 0 |
//! | `survey` | which segments are hurt |

mod check;
mod keys;
mod survey;

use std::collections::BTreeMap;

// For whoever else copies segments.
pub(crate) use self::check::{Checked, Ledger};
pub(crate) use self::survey::End;

use self::survey::{Hurt, Surveyed};
use crate::event::Hash;
use crate::journal::{self, Copied, Damage, JournalError};
use crate::storage::Storage;

/// Why a repair could not be tried, or not to its end. What had been healed
/// by then is healed.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// A file could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Record 0 is neither here nor in the copy, so nobody knows whose
    /// signatures to ask for.
    #[error(
        "record 0 of the ledger {genesis} cannot be read, neither here ({here}) nor in the copy \
         ({copy}); give a copy of this ledger that has its first segment"
    )]
    NoGenesis {
        /// The ledger, as its data directory says.
        genesis: Hash,
        /// Why not here.
        here: String,
        /// Why not in the copy.
        copy: String,
    },
}

/// A segment that has been healed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healed {
    /// What was wrong with it.
    pub damage: Damage,
    /// Its file name.
    pub segment: String,
    /// Position of its first record.
    pub first: u64,
    /// Position after its last record.
    pub end: u64,
    /// The name under which what stood there is kept; `None` if nothing did.
    pub kept: Option<String>,
}

/// A segment that could not be healed, and is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotHealed {
    /// What is wrong with it.
    pub damage: Damage,
    /// Why the copy does not help.
    pub why: String,
}

/// What a repair found and did.
#[derive(Debug, Default)]
pub struct Repair {
    /// In the order in which they were healed.
    pub healed: Vec<Healed>,
    /// In order of position.
    pub not_healed: Vec<NotHealed>,
    /// A torn tail, which the next opening sets aside: no damage.
    pub torn: Option<Damage>,
    /// Records that the journal holds now, as far as it could be read.
    pub records: u64,
}

/// Heals a journal from another copy of it. Nobody may have the journal open.
/// `progress` is told the number of records read so far.
///
/// # Errors
/// [`RepairError`] if the folder cannot be written to, or if the ledger's key
/// is nowhere to be read.
pub fn repair<S: Storage, C: Storage>(
    storage: &S,
    copy: &C,
    genesis_hash: Hash,
    progress: &mut dyn FnMut(u64),
) -> Result<Repair, RepairError> {
    let mut ledger = Ledger::find(storage, genesis_hash).or_else(|here| {
        Ledger::find(copy, genesis_hash).map_err(|there| RepairError::NoGenesis {
            genesis: genesis_hash,
            here,
            copy: there,
        })
    })?;
    keys::follow(&mut ledger, storage, copy);
    let mut repair = Repair::default();
    // Each turn heals something that was not healed before; what one segment
    // hides of the next is seen in the turn after.
    let mut failed: BTreeMap<u64, String> = BTreeMap::new();
    loop {
        let surveyed = survey::survey(storage, copy, &ledger, progress)?;
        let mut healed = 0;
        for hurt in &surveyed.hurt {
            if failed.contains_key(&hurt.first) {
                continue;
            }
            let tried = replace(storage, copy, &ledger, hurt)?;
            match tried {
                Ok(done) if !already(&repair, done.first) => {
                    healed += 1;
                    repair.healed.push(done);
                }
                Ok(done) => {
                    let why = "it was healed and is damaged again; look at the disk".to_owned();
                    failed.insert(done.first, why);
                }
                Err(why) => {
                    failed.insert(hurt.first, why);
                }
            }
        }
        if healed == 0 {
            return Ok(finished(repair, surveyed, &failed));
        }
    }
}

fn already(repair: &Repair, first: u64) -> bool {
    repair.healed.iter().any(|healed| healed.first == first)
}

fn finished(repair: Repair, surveyed: Surveyed, failed: &BTreeMap<u64, String>) -> Repair {
    let not_healed = surveyed.hurt.into_iter().map(|hurt| NotHealed {
        why: failed.get(&hurt.first).cloned().unwrap_or_default(),
        damage: hurt.damage,
    });
    Repair {
        not_healed: not_healed.collect(),
        torn: surveyed.torn,
        records: surveyed.records,
        ..repair
    }
}

/// Puts the copy's segment in the place of a damaged one, or says why not.
fn replace<S: Storage, C: Storage>(
    storage: &S,
    copy: &C,
    ledger: &Ledger,
    hurt: &Hurt,
) -> Result<Result<Healed, String>, RepairError> {
    let first = hurt.first;
    let name = journal::segment_name(first);
    match journal::has_segment(copy, first) {
        Ok(true) => {}
        Ok(false) => return Ok(Err(format!("the copy has no {name}"))),
        Err(error) => return Ok(Err(format!("the copy cannot be read: {error}"))),
    }
    let of_copy = match ledger.check(
        journal::scan_segment(copy, first),
        hurt.good.map(|good| good.position),
    ) {
        Ok(checked) => checked,
        Err(damage) => return Ok(Err(format!("the copy's is damaged too: {damage}"))),
    };
    if let Some(why) = hurt.good.and_then(|good| parts(good, &of_copy)) {
        return Ok(Err(why));
    }
    let all = of_copy.damage.is_none() && (of_copy.sealed || hurt.is_gone);
    let copied = if all {
        Copied::Whole
    } else {
        Copied::UpTo(of_copy.batches_end)
    };
    journal::make_candidate(storage, copy, first, copied)?;
    // Not the copy but what would stand here, as the disk gives it back.
    let candidate = ledger
        .check(journal::scan_candidate(storage, first), None)
        .map_err(|damage| damage.to_string())
        .and_then(|checked| will_do(storage, ledger, hurt, checked, &of_copy));
    match candidate {
        Err(why) => {
            journal::drop_candidate(storage, first)?;
            Ok(Err(why))
        }
        Ok(checked) => Ok(Ok(Healed {
            kept: journal::heal(storage, first)?,
            damage: hurt.damage.clone(),
            segment: name,
            first,
            end: checked.end,
        })),
    }
}

/// Why the copy's segment does not follow from what holds of the one here.
fn parts(good: End, of_copy: &Checked) -> Option<String> {
    if of_copy.there == Some(good) {
        return None;
    }
    Some(match &of_copy.damage {
        Some(damage) => format!("the copy's is damaged too: {damage}"),
        None if of_copy.end < good.position => format!(
            "the copy has it only up to record {}, from before it was full",
            of_copy.end
        ),
        None => "the copy went another way: it has other records there".to_owned(),
    })
}

/// Whether a candidate fits where the damaged segment stands.
fn will_do<S: Storage>(
    storage: &S,
    ledger: &Ledger,
    hurt: &Hurt,
    candidate: Checked,
    of_copy: &Checked,
) -> Result<Checked, String> {
    let next = journal::segments(storage).map_err(|error| error.to_string())?;
    let next = next.into_iter().find(|first| *first > hurt.first);
    if let Some(damage) = &candidate.damage
        && (next.is_some() || candidate.is_untrue || journal::is_rot(storage, damage))
    {
        return Err(format!(
            "the copy is whole only up to record {}, and with what is here beyond: {damage}",
            of_copy.end
        ));
    }
    if let Some(head) = hurt.previous_head
        && head != candidate.header.previous_head
    {
        return Err("the copy's does not take up from the segment before it here".to_owned());
    }
    let Some(next) = next else {
        return Ok(candidate);
    };
    if !candidate.sealed {
        return Err(format!(
            "the copy has it only up to record {}, from before it was full",
            candidate.end
        ));
    }
    // A missing segment may be one of several; what follows it is looked at in its turn.
    if candidate.end > next {
        return Err(format!(
            "the copy's holds records from {next} on, which stand in the next segment here"
        ));
    }
    if candidate.end == next
        && let Ok(after) = ledger.check(journal::scan_segment(storage, next), None)
        && after.header.previous_head != candidate.last_head
    {
        return Err("the segment after it here does not take up from the copy's".to_owned());
    }
    Ok(candidate)
}
