//! The keys that have followed the ledger's first one, from whatever of the
//! journal and of its copy can be read. Not here: what a rotation is (`proof`'s
//! `ROTATION.md`).

use prost::Message as _;

use super::check::Checked;
use super::check::Ledger;
use crate::event::KeyId;
use crate::journal::{Damage, Scanned, StoredBatch, scan_segment, segments};
use crate::pb::SignedCommit;
use crate::storage::Storage;

/// Follows the rotations. Where neither holds one, the batches after it cannot
/// be told from untrue ones, and are not healed.
pub(super) fn follow<S: Storage, C: Storage>(ledger: &mut Ledger, storage: &S, copy: &C) {
    if !(newer(ledger, storage) || newer(ledger, copy)) {
        return;
    }
    // What one hides the other may show, and so on from rotation to rotation.
    while take_up(ledger, storage) || take_up(ledger, copy) {}
}

/// Whether the last batch that can be read is signed with a key that is not
/// known yet: an earlier key signs nothing after a rotation.
fn newer<S: Storage>(ledger: &Ledger, storage: &S) -> bool {
    let firsts = segments(storage).unwrap_or_default();
    let mut last = None;
    for first in firsts.iter().rev() {
        each(storage, *first, &mut |batch| last = signer(&batch));
        if last.is_some() {
            break;
        }
    }
    last.is_some_and(|id| id != ledger.keys.in_force().id())
}

fn signer(batch: &StoredBatch) -> Option<KeyId> {
    let signed = SignedCommit::decode(batch.commit.clone()).ok()?;
    KeyId::from_slice(&signed.signature?.key_id)
}

/// Reads everything that can be read; returns whether a rotation was met.
fn take_up<S: Storage>(ledger: &mut Ledger, storage: &S) -> bool {
    let before = ledger.keys.rotations();
    for first in segments(storage).unwrap_or_default() {
        take_up_in(ledger, storage, first);
    }
    ledger.keys.rotations() > before
}

/// The same of one segment.
fn take_up_in<S: Storage>(ledger: &mut Ledger, storage: &S, first: u64) -> bool {
    let before = ledger.keys.rotations();
    let genesis_hash = ledger.genesis_hash;
    let keys = &mut ledger.keys;
    each(storage, first, &mut |batch| {
        keys.take_up(
            genesis_hash,
            batch.first_position,
            &batch.records,
            &batch.commit,
        );
    });
    ledger.keys.rotations() > before
}

/// The rotations of a journal whose segments are whole, without reading all of
/// it: a segment's first batch says in whose time it begins.
fn take_up_quickly<S: Storage>(ledger: &mut Ledger, storage: &S) -> bool {
    let firsts = segments(storage).unwrap_or_default();
    let before = ledger.keys.rotations();
    loop {
        let begun = firsts.partition_point(|first| begins_known(ledger, storage, *first));
        let last = begun.checked_sub(1).and_then(|at| firsts.get(at));
        if !last.is_some_and(|first| take_up_in(ledger, storage, *first)) {
            return ledger.keys.rotations() > before;
        }
    }
}

/// Whether a segment begins with a batch that a known key signed.
fn begins_known<S: Storage>(ledger: &Ledger, storage: &S, first: u64) -> bool {
    let batch = scan_segment(storage, first).find_map(|scanned| match scanned {
        Ok(Scanned::Batch { batch, .. }) => Some(batch),
        _ => None,
    });
    let signer = batch.as_ref().and_then(signer);
    signer.is_some_and(|id| ledger.keys.all().any(|(_, key)| key.id() == id))
}

impl Ledger {
    /// Checks one segment of a journal, as [`Ledger::check`] does. If it does not
    /// hold and the journal, or the segment itself, shows that another key has
    /// followed, it is checked with that.
    pub(crate) fn check_following<S: Storage, J: Storage>(
        &mut self,
        segment: &S,
        first: u64,
        journal: &J,
        asked: Option<u64>,
    ) -> Result<Checked, Damage> {
        let checked = self.check(scan_segment(segment, first), asked);
        let holds = checked.as_ref().is_ok_and(|it| it.damage.is_none());
        if holds || !(take_up_quickly(self, journal) || take_up_in(self, segment, first)) {
            return checked;
        }
        self.check(scan_segment(segment, first), asked)
    }
}

/// The batches of a segment, up to what is damaged.
fn each<S: Storage>(storage: &S, first: u64, take: &mut dyn FnMut(StoredBatch)) {
    for scanned in scan_segment(storage, first) {
        match scanned {
            Ok(Scanned::Batch { batch, .. }) => take(batch),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
