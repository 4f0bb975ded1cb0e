//! Reading a journal ahead of whoever verifies it, on a thread of its own, so
//! that no core waits for the disk. In the same order, and bounded.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::journal::{Damage, Scanned, scan};
use crate::storage::Storage;

/// What a scan found, or what was damaged.
type Found = Result<Scanned, Damage>;

/// Bytes of batches that are handed over together: many batches are small.
const PIECE_BYTES: usize = 1024 * 1024;

/// Pieces that wait for the verifier, at most. A batch is at most 1 MiB, so
/// this bounds the memory between them.
const PIECES_AHEAD: usize = 4;

/// Calls `take` with everything that a scan finds, in order.
pub(super) fn each<S: Storage>(storage: &S, mut take: impl FnMut(Found)) {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(PIECES_AHEAD);
        let reader = thread::Builder::new()
            .name("hazledger-read".into())
            .spawn_scoped(scope, move || read_into(storage, &sender));
        match reader {
            Ok(_) => receiver.iter().flatten().for_each(take),
            // No thread is to be had: then one after the other.
            Err(_) => scan(storage).for_each(&mut take),
        }
    });
}

fn read_into<S: Storage>(storage: &S, sender: &SyncSender<Vec<Found>>) {
    let (mut piece, mut bytes) = (Vec::new(), 0usize);
    for found in scan(storage) {
        bytes = bytes.saturating_add(size(&found));
        piece.push(found);
        if bytes >= PIECE_BYTES {
            bytes = 0;
            if sender.send(std::mem::take(&mut piece)).is_err() {
                return;
            }
        }
    }
    // Whoever has stopped listening wants no more.
    let _ = sender.send(piece);
}

fn size(found: &Found) -> usize {
    match found {
        Ok(Scanned::Batch { batch, .. }) => batch
            .records
            .iter()
            .map(bytes::Bytes::len)
            .fold(batch.commit.len(), usize::saturating_add),
        _ => 0,
    }
}
