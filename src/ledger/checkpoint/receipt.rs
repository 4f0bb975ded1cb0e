//! Receipts: a record's head, its path in the tree, and the served checkpoint
//! that the path leads to. Each is checked before it is given out.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::{parse, want};
use crate::ledger::Ledger;
use crate::ledger::answer::ReadError;
use crate::pb::Receipt;
use crate::projection::TreeError;
use crate::proof::head_of;
use crate::proof::tree::{TreeHash, check_inclusion, inclusion_path, leaf_hash};

/// How long a checkpoint is waited for that covers a record, at most. Callers
/// set deadlines of their own.
pub const MAX_RECEIPT_WAIT: Duration = Duration::from_secs(30);

/// Why there is no receipt. The record is there all the same, if it was
/// acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum NoReceipt {
    /// No such record yet.
    #[error("there is no record at position {position} yet; {as_of} are committed")]
    PastEnd {
        /// Asked for.
        position: u64,
        /// Records committed.
        as_of: u64,
    },
    /// No checkpoint that covers it has come.
    #[error(
        "no checkpoint that covers record {position} was served in time; the record is there: \
         ask again for its receipt later"
    )]
    NotInTime {
        /// The record's position.
        position: u64,
    },
    /// None will come.
    #[error("no checkpoints are signed: {0}")]
    NotSigning(String),
    /// The record could not be read.
    #[error(transparent)]
    Record(#[from] ReadError),
    /// The tree could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// What was read does not lead to what was signed.
    #[error(
        "the tree's files do not lead from record {position} to the signed root; \
         stop, remove the folder {dir} and start again: it is rebuilt"
    )]
    Damaged {
        /// The record's position.
        position: u64,
        /// The tree's folder.
        dir: String,
    },
}

impl Ledger {
    /// A record's receipt, when a checkpoint that covers it is served: at once
    /// for an older record, within about a second for a new one, and as long
    /// as witnesses take if their cosignatures are waited for.
    pub async fn receipt(&self, position: u64) -> Result<Receipt, NoReceipt> {
        let checkpoint = self.covering(position).await?;
        let ledger = self.clone();
        let made = tokio::task::spawn_blocking(move || ledger.receipt_under(position, &checkpoint));
        made.await.unwrap_or_else(|_| {
            let why = "making the receipt was cut short".into();
            Err(ReadError::Stopped { why }.into())
        })
    }

    /// Waits for a served checkpoint that covers a record, [`MAX_RECEIPT_WAIT`]
    /// at most, and has it signed at once.
    pub async fn covering(&self, position: u64) -> Result<Arc<str>, NoReceipt> {
        let as_of = self.committed();
        if position >= as_of {
            return Err(NoReceipt::PastEnd { position, as_of });
        }
        let waited = timeout(MAX_RECEIPT_WAIT, self.until_served(position)).await;
        waited.unwrap_or(Err(NoReceipt::NotInTime { position }))
    }

    async fn until_served(&self, position: u64) -> Result<Arc<str>, NoReceipt> {
        let checkpoints = &self.shared.checkpoints;
        let mut standing = checkpoints.standing.subscribe();
        loop {
            let (signed, served) = {
                let standing = standing.borrow_and_update();
                (standing.signed, standing.served)
            };
            if served > position
                && let Some(text) = checkpoints.served.borrow().clone()
            {
                return Ok(text);
            }
            if signed <= position {
                if let Some(why) = checkpoints.not_signing() {
                    return Err(NoReceipt::NotSigning(why));
                }
                want(&self.shared);
            }
            if standing.changed().await.is_err() {
                let why = self.shared.inbox.why();
                return Err(NoReceipt::NotSigning(why));
            }
        }
    }

    /// The receipt of a record under a served checkpoint that covers it.
    /// Blocks on the disk.
    pub fn receipt_under(&self, position: u64, checkpoint: &str) -> Result<Receipt, NoReceipt> {
        let tree = self.tree();
        let damaged = || NoReceipt::Damaged {
            position,
            dir: tree.dir().display().to_string(),
        };
        let (text, said) = parse(checkpoint.as_bytes().to_vec())
            .map_err(|why| NoReceipt::NotSigning(format!("what is served is none: {why}")))?;
        let record = self
            .shared
            .records
            .record(position)
            .map_err(ReadError::from)?;
        let path = inclusion_path(&*tree, position, said.size)?;
        let (Some(record), Some(path)) = (record, path) else {
            let as_of = said.size;
            return Err(NoReceipt::PastEnd { position, as_of });
        };
        let head = head_of(&record).ok_or_else(damaged)?;
        check_inclusion(leaf_hash(head), position, said.size, &path, said.root)
            .map_err(|_| damaged())?;
        Ok(Receipt {
            head: Bytes::copy_from_slice(head),
            path: path.into_iter().map(TreeHash::to_bytes).collect(),
            checkpoint: text.to_string(),
        })
    }
}
