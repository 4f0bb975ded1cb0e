//! Records rewritten as somebody with the files, but without the keys, might:
//! decoded, changed, encoded again, chained again.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use hazledger::event::Hash;
use hazledger::event::digest::head_hash;
use hazledger::event::signing::SecretKey;
use hazledger::journal::Batch;
use hazledger::pb::{Commit, Head, Record, SignedCommit};
use hazledger::proof::{BatchTree, sign_commit};
use prost::Message as _;

/// What becomes of the commits of rewritten batches.
#[derive(Debug)]
pub enum Commits<'a> {
    /// They stay as they were.
    Kept,
    /// They say what the heads now are, under the signatures of before.
    Edited,
    /// The ledger signs them.
    Signed(&'a SecretKey),
}

/// Hash of a batch's first head.
pub fn first_head(batch: &Batch) -> Hash {
    head_hash(&Record::decode(batch.records[0].clone()).unwrap().head)
}

/// Changes one record; the chain breaks after it.
pub fn rewrite(batches: &mut [Batch], position: u64, change: impl FnOnce(&mut Record, &mut Head)) {
    let batch = batches
        .iter_mut()
        .rfind(|batch| batch.first_position <= position)
        .unwrap();
    let index = usize::try_from(position - batch.first_position).unwrap();
    let stored = &mut batch.records[index];
    let mut record = Record::decode(stored.clone()).unwrap();
    let mut head = Head::decode(record.head.clone()).unwrap();
    change(&mut record, &mut head);
    record.head = head.encode_to_vec().into();
    *stored = record.encode_to_vec().into();
}

/// Gives every head its position and the hash of the one before it, and every
/// commit what follows from that.
pub fn rechain(batches: &mut [Batch], commits: &Commits<'_>) {
    let genesis = first_head(&batches[0]);
    let (mut position, mut previous) = (0, Hash::ZERO);
    for batch in batches {
        let mut heads = Vec::new();
        for stored in &mut batch.records {
            let mut record = Record::decode(stored.clone()).unwrap();
            let mut head = Head::decode(record.head.clone()).unwrap();
            head.position = position;
            head.previous = previous.to_bytes();
            record.head = head.encode_to_vec().into();
            *stored = record.encode_to_vec().into();
            previous = head_hash(&record.head);
            heads.push(previous);
            position += 1;
        }
        batch.last_head = previous.0;
        match commits {
            Commits::Kept => {}
            Commits::Edited => {
                let mut signed = SignedCommit::decode(batch.commit.clone()).unwrap();
                let mut commit = Commit::decode(signed.commit.clone()).unwrap();
                commit.first_position = batch.first_position;
                commit.count = heads.len() as u64;
                commit.batch_root = BatchTree::new(&heads).root().to_bytes();
                commit.last_head_hash = previous.to_bytes();
                signed.commit = commit.encode_to_vec().into();
                batch.commit = signed.encode_to_vec().into();
            }
            Commits::Signed(key) => {
                let signed = sign_commit(key, genesis, batch.first_position, &heads);
                batch.commit = signed.encode_to_vec().into();
            }
        }
    }
}
