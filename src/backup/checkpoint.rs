//! What the ledger has signed of its tree, as far as a backup needs it: how
//! many records were durable when it was signed, and whether the records that
//! are there come to its root.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;

use super::BackupError;
use super::source::Small;
use crate::pb::{Head, Payload, Record};
use crate::proof::tree::{Frontier, TreeHash, leaf_hash};
use crate::proof::{Checkpoint, LedgerKeys, Note, open_checkpoint};

/// The highest checkpoint that the ledger has signed, and the latest that it
/// has given out, with its witnesses' signatures.
pub(super) const SIGNED: &str = "checkpoints/signed";
pub(super) const SERVED: &str = "checkpoints/served";

/// The size of the tree of the highest checkpoint among the small files of a
/// data directory: so many records were durable before it was signed. `None`
/// if the ledger has signed none. Who signed it is looked at when the backup
/// is verified.
pub(super) fn signed_size(files: &[Small]) -> Result<Option<u64>, BackupError> {
    let Some(file) = files.iter().find(|file| file.name == SIGNED) else {
        return Ok(None);
    };
    let bad = |what: &dyn std::fmt::Display| BackupError::Checkpoint {
        name: SIGNED.to_owned(),
        what: what.to_string(),
    };
    let text = std::str::from_utf8(&file.bytes).map_err(|error| bad(&error))?;
    let note = Note::parse(text).map_err(|error| bad(&error))?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|error| bad(&error))?;
    Ok(Some(checkpoint.size))
}

/// A ledger's tree, grown from its stored records, and its roots at some sizes.
pub(super) struct Roots {
    tree: Frontier,
    at: BTreeMap<u64, Option<TreeHash>>,
    /// The ledger's name, as record 0 has it.
    origin: Option<String>,
}

impl Roots {
    /// Notes the roots at the sizes that the checkpoints among `files` have.
    pub(super) fn wanted(files: &[Small]) -> Roots {
        let sizes = files.iter().filter_map(|file| {
            let note = Note::parse(std::str::from_utf8(&file.bytes).ok()?).ok()?;
            Some(Checkpoint::parse(&note.text).ok()?.size)
        });
        let mut roots = Roots {
            tree: Frontier::new(),
            at: sizes.map(|size| (size, None)).collect(),
            origin: None,
        };
        roots.note();
        roots
    }

    /// Adds the next stored record.
    pub(super) fn add(&mut self, stored: &Bytes) -> Result<(), String> {
        let record = Record::decode(stored.clone()).map_err(|error| error.to_string())?;
        if self.tree.size() == 0 {
            let head = Head::decode(record.head.clone()).map_err(|error| error.to_string())?;
            let payload = Payload::decode(head.payload).map_err(|error| error.to_string())?;
            self.origin = payload.origin.map(|origin| origin.name);
        }
        self.tree.push(leaf_hash(&record.head));
        self.note();
        Ok(())
    }

    fn note(&mut self) {
        if let Some(root) = self.at.get_mut(&self.tree.size()) {
            *root = Some(self.tree.root());
        }
    }

    /// Holds a checkpoint against the records: signed by the ledger, and with
    /// the root that its records come to. Returns its size.
    pub(super) fn check(&self, file: &Small, keys: &LedgerKeys) -> Result<u64, BackupError> {
        let bad = |what: String| BackupError::Checkpoint {
            name: file.name.clone(),
            what,
        };
        let text = std::str::from_utf8(&file.bytes).map_err(|error| bad(error.to_string()))?;
        let origin = self.origin.as_deref().unwrap_or_default();
        // By an earlier key, if it was signed before a rotation.
        let note = Note::parse(text).map_err(|error| bad(error.to_string()))?;
        let size = Checkpoint::parse(&note.text).map_or(0, |checkpoint| checkpoint.size);
        let key = keys.verifier_key(origin, Some(size));
        let key = key.ok_or_else(|| bad(format!("no note can bear the name {origin:?}")))?;
        let (checkpoint, _) =
            open_checkpoint(text, &key).map_err(|error| bad(error.to_string()))?;
        match self.at.get(&checkpoint.size).copied().flatten() {
            Some(root) if root == checkpoint.root => Ok(checkpoint.size),
            Some(root) => Err(bad(format!(
                "it is signed for {} records with the root {}, and they come to {root}",
                checkpoint.size, checkpoint.root
            ))),
            None => Err(bad(format!(
                "it is signed for {} records, and there are {}",
                checkpoint.size,
                self.tree.size()
            ))),
        }
    }
}
