//! A lot's chain of custody, told from the records themselves: where it was,
//! by whose word, as known at a position or recorded time, or as true at a
//! time of happening with later corrections swapped in.
//!
//! What it is not: it keeps no index and writes nothing. It costs the length
//! of the lot's chain, not the size of the ledger, because every record links
//! to the one before it about the same lot.

mod books;
pub mod chain;
mod papers;
mod steps;

use std::collections::BTreeMap;

use self::books::Books;
pub use self::chain::{MAX_CHAIN, ReadError, RecordSource, TraceError};
use self::steps::Step;
use crate::custody::subject;
use crate::event::LotId;
use crate::pb::change::Change as C;
use crate::pb::{Account, Holding, LotBorn, LotState, Restated, TraceStep};

/// What is asked about a lot.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Which lot.
    pub lot: LotId,
    /// Only what touched this package.
    pub serial: Option<u64>,
    /// Records at or after this position are not known.
    pub before: u64,
    /// Records recorded after this are not known. Unix milliseconds.
    pub known_at_ms: Option<i64>,
    /// What had happened by then, as corrected since. Unix milliseconds.
    pub true_at_ms: Option<i64>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traced {
    /// The lot's birth; `None` if nothing was known of it yet.
    pub born: Option<LotBorn>,
    /// In order of recording, or (as true at) of happening.
    pub steps: Vec<TraceStep>,
    /// Accounts that are not zero, in order of account; of a package, the one
    /// where it stands.
    pub holdings: Vec<Holding>,
    /// As true at: holdings and sinks that stand below zero.
    pub below_zero: Vec<Account>,
}

/// Tells the chain of custody of the lot whose item is `state`.
pub fn trace(
    records: &dyn RecordSource,
    state: &LotState,
    ask: &Ask,
) -> Result<Traced, TraceError> {
    let lot = subject::lot(ask.lot);
    let mut steps: Vec<Step> = Vec::new();
    chain::walk(records, &lot, state.last, |record| {
        let known = record.position() < ask.before
            && ask
                .known_at_ms
                .is_none_or(|ms| record.head.recorded_at_ms <= ms);
        if known {
            // Latest first, so that one reversal puts all in order.
            steps.extend(steps::of(records, record, &lot)?.into_iter().rev());
        }
        if steps.len() > MAX_CHAIN {
            return Err(TraceError::TooLong);
        }
        Ok(())
    })?;
    steps.reverse();
    // The latest word on it that was known.
    let born = steps.iter().rev().find_map(Step::born).cloned();
    mark_restated(&mut steps);
    papers::link(&mut steps);
    if let Some(until) = ask.true_at_ms {
        steps = as_true_at(steps, until);
    }
    let mut books = Books::default();
    for step in &steps {
        books.fold(&step.told.changes)?;
    }
    let (holdings, below_zero) = match ask.serial {
        Some(serial) => (books.package(serial).into_iter().collect(), Vec::new()),
        None => (books.holdings(), books.below_zero()),
    };
    if let Some(serial) = ask.serial {
        steps.retain(|step| step.touches(serial));
    }
    Ok(Traced {
        born,
        steps: steps.into_iter().map(|step| step.told).collect(),
        holdings,
        below_zero: if ask.true_at_ms.is_some() {
            below_zero
        } else {
            Vec::new()
        },
    })
}

/// Where an event is recorded: position and index.
type Place = (u64, u32);

/// For each original that was corrected: the latest restatement, and the
/// position of the correction.
fn restatements(steps: &[Step]) -> BTreeMap<Place, (u64, Restated)> {
    let mut latest = BTreeMap::new();
    for step in steps {
        for restated in step.restated() {
            // A correction of a correction names the original as well.
            let original = (restated.position, restated.event_index);
            latest.insert(original, (step.told.position, restated.clone()));
        }
    }
    latest
}

/// Tells each step which later correction restates it, or that it is a
/// correction that restates another: then it names the original's position.
fn mark_restated(steps: &mut [Step]) {
    let latest = restatements(steps);
    for step in steps {
        let by = latest.get(&step.place).map(|(position, _)| *position);
        let restates = step.restated().next().map(|r| r.position);
        step.told.restated_by = by.or(restates);
    }
}

/// What had happened by `until`, in order of happening: originals with the
/// postings and the time of their latest restatement, without the corrections
/// themselves, whose postings are the net difference only.
fn as_true_at(steps: Vec<Step>, until: i64) -> Vec<Step> {
    let latest = restatements(&steps);
    let mut kept: Vec<Step> = steps
        .into_iter()
        .filter_map(|mut step| {
            if let Some((_, restated)) = latest.get(&step.place) {
                swap_in(&mut step.told, restated);
                return Some(step);
            }
            let corrects = step.restated().next().is_some();
            (!corrects).then_some(step)
        })
        .filter(|step| step.told.happened_at_ms <= until)
        .collect();
    // Stable: what happened at the same time stays in order of recording.
    kept.sort_by_key(|step| step.told.happened_at_ms);
    kept
}

fn swap_in(told: &mut TraceStep, restated: &Restated) {
    let cause = told.changes.iter().find_map(|change| change.cause);
    told.happened_at_ms = restated.happened_at_ms;
    told.changes.retain(|change| {
        !matches!(
            change.change,
            Some(C::Posting(_) | C::ContributedTo(_) | C::Conservation(_))
        )
    });
    let postings = restated.postings.iter().cloned().map(C::Posting);
    let given = restated.contributed_to.iter().cloned();
    let declared = restated.conservation.iter().cloned();
    let all = postings.chain(given.map(C::ContributedTo));
    let all = all.chain(declared.map(C::Conservation));
    told.changes.extend(all.map(|change| crate::pb::Change {
        cause,
        change: Some(change),
    }));
}

#[cfg(test)]
mod tests;
