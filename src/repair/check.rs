//! One segment against the ledger's own signatures: its frames, its chain of
//! heads, the digests of its records' parts, and each batch's signed commit.
//! Not here: which segments are hurt (`survey`).

use prost::Message as _;

use super::survey::End;
use crate::event::Hash;
use crate::event::record::OpenRecord;
use crate::journal::{Damage, Header, Scan, Scanned, StoredBatch, scan_segment};
use crate::pb::SignedCommit;
use crate::proof::{BatchTree, Expect, LedgerKeys, Verifier, check_commit};
use crate::storage::Storage;

/// Whose journal it is.
pub(crate) struct Ledger {
    pub(crate) genesis_hash: Hash,
    pub(super) keys: LedgerKeys,
}

/// What a segment is, as far as it holds.
pub(crate) struct Checked {
    pub(crate) header: Header,
    /// Position after the last batch that holds.
    pub(crate) end: u64,
    /// When the record before that was recorded, Unix milliseconds; `None` if it
    /// is in another segment.
    pub(crate) recorded_at_ms: Option<i64>,
    /// Head hash of the record before that.
    pub(crate) last_head: [u8; 32],
    /// Byte offset after the last batch that holds.
    pub(crate) batches_end: u64,
    /// Whether it ends with its offset table, and nothing after it.
    pub(crate) sealed: bool,
    /// What is wrong after that.
    pub(crate) damage: Option<Damage>,
    /// Whether that is a batch whose bytes are in order and whose word is not:
    /// no torn tail.
    pub(crate) is_untrue: bool,
    /// The position that was asked for, if it begins here or a batch ends there.
    pub(crate) there: Option<End>,
}

impl Ledger {
    /// The ledger of a genesis hash, its key from record 0 of a journal, which
    /// that hash vouches for.
    pub(crate) fn find<S: Storage>(storage: &S, genesis_hash: Hash) -> Result<Ledger, String> {
        let mut verifier = Verifier::new(Expect {
            genesis_hash: Some(genesis_hash),
            ..Expect::default()
        });
        for scanned in scan_segment(storage, 0) {
            if let Scanned::Batch { batch, .. } = scanned.map_err(|damage| damage.to_string())? {
                verifier
                    .batch(batch.first_position, &batch.records, &batch.commit)
                    .and_then(|()| verifier.flush())
                    .map_err(|failure| failure.to_string())?;
                break;
            }
        }
        let keys = verifier.ledger().map(|(keys, _)| keys.clone());
        let keys = keys.ok_or("there is no record 0")?;
        Ok(Ledger { genesis_hash, keys })
    }

    /// Checks a segment, from a scan of it alone. An error is one without
    /// which nothing of it can be used: its header's.
    pub(crate) fn check<S: Storage>(
        &self,
        scan: Scan<'_, S>,
        asked: Option<u64>,
    ) -> Result<Checked, Damage> {
        let mut scan = scan.of_origin(self.genesis_hash.0);
        let header = match scan.next() {
            Some(Ok(Scanned::Segment { header, .. })) => header,
            Some(Err(damage)) => return Err(damage),
            _ => return Err(nothing()),
        };
        let mut checked = Checked {
            header,
            end: header.first_position,
            recorded_at_ms: None,
            last_head: header.previous_head,
            batches_end: scan.offset(),
            sealed: false,
            damage: None,
            is_untrue: false,
            there: None,
        };
        checked.note(asked);
        while let Some(scanned) = scan.next() {
            match scanned {
                Ok(Scanned::Batch {
                    segment,
                    offset,
                    batch,
                }) => match self.check_batch(checked.last_head, &batch) {
                    Ok((last_head, recorded_at_ms)) => {
                        checked.last_head = last_head;
                        checked.recorded_at_ms = Some(recorded_at_ms);
                        checked.end = batch.end_position();
                        checked.batches_end = scan.offset();
                        checked.note(asked);
                    }
                    Err(what) => {
                        checked.damage = Some(untrue(segment, offset, &batch, what));
                        checked.is_untrue = true;
                        return Ok(checked);
                    }
                },
                Ok(Scanned::OffsetTable { .. }) => checked.sealed = scan.is_at_end(),
                Ok(_) => {}
                Err(damage) => {
                    checked.damage = Some(damage);
                    return Ok(checked);
                }
            }
        }
        Ok(checked)
    }

    /// Checks a batch that follows a head; returns its last one, and its time.
    fn check_batch(
        &self,
        previous: [u8; 32],
        batch: &StoredBatch,
    ) -> Result<([u8; 32], i64), String> {
        let mut last = Hash(previous);
        let mut recorded_at_ms = 0;
        let mut heads = Vec::with_capacity(batch.records.len());
        for (position, bytes) in (batch.first_position..).zip(&batch.records) {
            let record = OpenRecord::open(bytes);
            let record = record.map_err(|bad| format!("record {position}: {bad}"))?;
            if record.position() != position || record.head.previous != last.0.as_slice() {
                return Err(format!("record {position} does not follow the one before"));
            }
            last = record.hash;
            recorded_at_ms = record.head.recorded_at_ms;
            heads.push(last);
        }
        let signed = SignedCommit::decode(batch.commit.clone())
            .map_err(|_| "its commit is not one".to_owned())?;
        let key = self.keys.of_record(batch.first_position);
        let commit = check_commit(key, self.genesis_hash, &signed)
            .map_err(|bad| format!("its commit does not hold: {bad}"))?;
        let holds = commit.first_position == batch.first_position
            && commit.count == heads.len() as u64
            && commit.batch_root == BatchTree::new(&heads).root().0.as_slice()
            && commit.last_head_hash == last.0.as_slice()
            && batch.last_head == last.0;
        if holds {
            Ok((last.0, recorded_at_ms))
        } else {
            Err("its commit is of other records".to_owned())
        }
    }
}

impl Checked {
    /// Where it ends, as far as it holds.
    pub(crate) fn end_of(&self) -> End {
        End {
            position: self.end,
            head: self.last_head,
        }
    }

    fn note(&mut self, asked: Option<u64>) {
        if asked == Some(self.end) {
            self.there = Some(self.end_of());
        }
    }
}

/// A batch whose bytes are in order, and whose word is not.
fn untrue(segment: String, offset: u64, batch: &StoredBatch, what: String) -> Damage {
    Damage {
        segment,
        offset,
        batch_position: batch.first_position,
        position: batch.first_position,
        what,
    }
}

/// A scan always begins with a header or damage.
fn nothing() -> Damage {
    Damage {
        segment: String::new(),
        offset: 0,
        batch_position: 0,
        position: 0,
        what: "there is nothing to read".to_owned(),
    }
}
