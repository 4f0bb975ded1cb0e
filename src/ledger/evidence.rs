//! Evidence out of the ledger: records and paths from the journal and the tree,
//! under a checkpoint that is served, and the ledger's signed word on the lot's
//! last record there. Not here: what is shown (`projection::evidence`), how it
//! is checked (`proof::evidence`).

use std::sync::Arc;

use bytes::Bytes;

use super::Ledger;
use super::shared::Shared;
use crate::custody::subject;
use crate::event::LotId;
use crate::pb::Evidence;
use crate::projection::Tree;
use crate::projection::evidence::{Ask, EvidenceError, Evident, build};
use crate::projection::trace::ReadError;
use crate::proof::tree::{TreeHash, inclusion_path};
use crate::proof::{Attested, Checkpoint, Note, attest_subject_head};

/// The journal and the tree as they stand under a checkpoint.
struct Under<'a> {
    shared: &'a Shared,
    tree: Arc<Tree>,
    size: u64,
}

impl Evident for Under<'_> {
    fn stored(&self, position: u64) -> Result<Option<Bytes>, ReadError> {
        let record = self.shared.records.record(position);
        record.map_err(|error| unread(position, error))
    }

    fn path(&self, position: u64) -> Result<Vec<TreeHash>, ReadError> {
        let path = inclusion_path(&*self.tree, position, self.size);
        let path = path.map_err(|error| unread(position, error))?;
        path.ok_or_else(|| unread(position, "it is not under the checkpoint"))
    }
}

fn unread(position: u64, why: impl std::fmt::Display) -> ReadError {
    let why = why.to_string();
    ReadError { position, why }
}

/// What is known of a lot.
#[derive(Clone, Copy, Debug)]
pub struct Latest {
    /// Position of its latest record.
    pub last: u64,
    /// Among so many records.
    pub as_of: u64,
}

impl Ledger {
    /// Evidence for a lot under a checkpoint that is served. What is known of the
    /// lot must be known since: the ledger signs that nothing came after it.
    /// Blocks on the disk.
    pub fn evidence(
        &self,
        lot: LotId,
        latest: Latest,
        checkpoint: &str,
    ) -> Result<Evidence, EvidenceError> {
        let Latest { last, as_of } = latest;
        let shared = &*self.shared;
        let note = Note::parse(checkpoint).map_err(|bad| unread(last, bad))?;
        let tree = Checkpoint::parse(&note.text).map_err(|bad| unread(last, bad))?;
        if !self.signs_checkpoint(tree.size) {
            // Both words are to be of one key.
            return Err(unread(
                last,
                "its checkpoint is signed with the ledger's earlier key, which says nothing more; \
                 ask again when another record is under a checkpoint",
            )
            .into());
        }
        if as_of < tree.size {
            let why =
                format!("the lot is known as of {as_of} records, fewer than the checkpoint's");
            return Err(unread(last, why).into());
        }
        let under = Under {
            shared,
            tree: self.tree(),
            size: tree.size,
        };
        let ask = Ask {
            lot,
            last,
            size: tree.size,
            interval: shared.genesis.state_record_interval,
        };
        let (mut evidence, last) = build(&under, &shared.maps, &ask)?;
        let said = Attested {
            genesis_hash: shared.genesis_hash,
            size: tree.size,
            root: tree.root,
            subject: subject::lot(lot),
            last: Some(last),
        };
        evidence.head = Some(attest_subject_head(&shared.key, &said));
        checkpoint.clone_into(&mut evidence.checkpoint);
        Ok(evidence)
    }
}
