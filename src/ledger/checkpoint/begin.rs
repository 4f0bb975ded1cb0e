//! What opening does with the checkpoints that are kept and the tree's files:
//! the highest that was signed is a floor for the journal, and what it signed
//! must be what is there.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::hold::Holding;
use super::keeper::{Keeper, catch_up_at_start};
use super::place::Place;
use super::{Checkpoints, Hold, RESTORED, SERVED, SIGNED, Standing, parse, verifier_of};
use crate::ledger::error::OpenError;
use crate::ledger::options::Options;
use crate::ledger::seam::Records;
use crate::projection::{Tree, TreeWriter};
use crate::proof::tree::root_of;
use crate::proof::{Checkpoint, LedgerKeys, Note, open_checkpoint};

/// The folder of the tree's files, in the projection's.
const TREE: &str = "tree";

/// A checkpoint that was kept.
struct Text {
    text: Arc<str>,
    checkpoint: Checkpoint,
}

/// What was found before the journal is opened.
pub(in crate::ledger) struct Kept {
    place: Arc<dyn Place>,
    /// The data directory, if it has the mark that it was restored.
    mark: Option<Arc<dyn Place>>,
    signed: Option<Text>,
}

/// The ledger that is being opened.
pub(in crate::ledger) struct At<'a> {
    /// The projection's folder.
    pub(in crate::ledger) projection: &'a Path,
    /// Records there are.
    pub(in crate::ledger) committed: u64,
    /// Its name.
    pub(in crate::ledger) origin: &'a str,
    /// The keys that it has had; the last is what it signs with.
    pub(in crate::ledger) keys: &'a LedgerKeys,
}

/// What the ledger goes on with.
pub(in crate::ledger) struct Begun {
    pub(in crate::ledger) checkpoints: Checkpoints,
    pub(in crate::ledger) keeper: Keeper,
    /// Why the tree was hashed again from record 0, if it was.
    pub(in crate::ledger) tree_rebuilt: Option<String>,
}

fn cannot_read(name: &str, error: &std::io::Error) -> OpenError {
    OpenError::Checkpoint(format!(
        "checkpoints/{name} cannot be read: {error}; see to the disk"
    ))
}

/// Reads what is kept in a place; `dir` is the data directory, if there is one.
pub(in crate::ledger) fn take_up(
    place: Arc<dyn Place>,
    dir: Option<Arc<dyn Place>>,
) -> Result<Kept, OpenError> {
    let bytes = place.read(SIGNED).map_err(|e| cannot_read(SIGNED, &e))?;
    let signed = bytes.map(parse).transpose().map_err(|why| {
        OpenError::Checkpoint(format!(
            "checkpoints/{SIGNED} is not what this program writes: {why}; it says what was signed \
             last, so put it back from a backup taken since, or have a witness confirm the ledger \
             as after a restore"
        ))
    })?;
    let marked = match &dir {
        Some(dir) => dir.read(RESTORED),
        None => Ok(None),
    };
    let marked = marked.map_err(|e| {
        OpenError::Checkpoint(format!(
            "the file {RESTORED} cannot be read: {e}; see to the disk"
        ))
    })?;
    Ok(Kept {
        place,
        mark: dir.filter(|_| marked.is_some()),
        signed: signed.map(|(text, checkpoint)| Text { text, checkpoint }),
    })
}

impl Kept {
    /// Records that the journal must have: they are under a checkpoint.
    pub(in crate::ledger) fn floor(&self) -> u64 {
        self.signed.as_ref().map_or(0, |kept| kept.checkpoint.size)
    }

    /// Whether the kept checkpoint is one of this ledger's.
    fn check(&self, origin: &str, keys: &LedgerKeys) -> Result<(), OpenError> {
        let Some(kept) = &self.signed else {
            return Ok(());
        };
        let not_ours = |why: String| {
            OpenError::Checkpoint(format!(
                "checkpoints/{SIGNED} is not a checkpoint of this ledger: {why}; the folder \
                 checkpoints/ belongs to another data directory: put back the right one"
            ))
        };
        if kept.checkpoint.origin != origin {
            let why = format!("it is of {}, this is {origin}", kept.checkpoint.origin);
            return Err(not_ours(why));
        }
        // By the earlier key, if it was signed before a rotation.
        let key = keys.of_checkpoint(kept.checkpoint.size);
        let verifier = verifier_of(origin, key.unwrap_or(keys.in_force())).map_err(&not_ours)?;
        let note = Note::parse(&kept.text).map_err(|e| not_ours(e.to_string()))?;
        note.check_signed_by(&verifier)
            .map_err(|e| not_ours(e.to_string()))
    }

    /// The same as an error, when the journal has fewer records than were
    /// signed.
    pub(in crate::ledger) fn lost(&self, have: u64) -> OpenError {
        OpenError::SignedLost {
            have,
            signed: self.floor(),
        }
    }
}

/// Opens the tree, brings it to the journal's end, and holds what was signed
/// against it.
pub(in crate::ledger) fn begin(
    kept: Kept,
    records: &dyn Records,
    at: &At<'_>,
    options: &Options,
) -> Result<Begun, OpenError> {
    let At {
        projection,
        committed,
        origin,
        keys,
    } = *at;
    let cosigned = options.cosigned;
    kept.check(origin, keys)?;
    if committed < kept.floor() {
        return Err(kept.lost(committed));
    }
    let (writer, tree_rebuilt) = open_tree(&projection.join(TREE), records, committed)?;
    let keeper = Keeper::new(writer, options.flush_every);
    let tree = keeper.tree();
    let Kept {
        place,
        mark,
        signed,
    } = kept;
    let mut hold = mark.is_some().then_some(Hold::Restored);
    if let Some(kept) = &signed {
        let Checkpoint { size, root, .. } = kept.checkpoint;
        let ours = root_of(&*tree, size).map_err(|e| OpenError::Tree(e.to_string()))?;
        if root != ours {
            hold = Some(Hold::Forked {
                size,
                known: root,
                ours,
            });
        }
    }
    let signed_size = signed.as_ref().map_or(0, |kept| kept.checkpoint.size);
    let signed = signed.map(|kept| kept.text);
    let served = served(place.as_ref(), cosigned, signed_size, signed.as_ref())?;
    let served = served.filter(|(text, size)| {
        !cosigned || *size <= signed_size && is_of(text, origin, keys, tree.as_ref())
    });
    let standing = Standing {
        signed: signed_size,
        served: served.as_ref().map_or(0, |(_, size)| *size),
        failed: None,
        ended: false,
    };
    let checkpoints = Checkpoints {
        verifier: verifier_of(origin, keys.in_force()),
        keys: keys.clone(),
        tree,
        place,
        mark,
        holding: Holding::new(hold),
        cosigned,
        // Without a word on what was served, it may have been anything that
        // was signed.
        served_floor: if standing.served > 0 {
            standing.served
        } else {
            signed_size
        },
        wanted: AtomicBool::new(false),
        signed: watch::Sender::new(signed),
        served: watch::Sender::new(served.map(|(text, _)| text)),
        standing: watch::Sender::new(standing),
        serving: Mutex::new(()),
        count: AtomicU64::new(0),
        signed_at_ms: AtomicI64::new(0),
    };
    Ok(Begun {
        checkpoints,
        keeper,
        tree_rebuilt,
    })
}

/// What is served from the start: what was signed last, or what was served
/// last with its cosignatures.
fn served(
    place: &dyn Place,
    cosigned: bool,
    signed_size: u64,
    signed: Option<&Arc<str>>,
) -> Result<Option<(Arc<str>, u64)>, OpenError> {
    let bytes = place.read(SERVED).map_err(|e| cannot_read(SERVED, &e))?;
    if !cosigned {
        // What is served now runs ahead of it, and it would not be known how
        // far if cosignatures were wanted again.
        if bytes.is_some() {
            place.remove(SERVED).map_err(|error| {
                OpenError::Checkpoint(format!("checkpoints/{SERVED} cannot be removed: {error}"))
            })?;
        }
        return Ok(signed.map(|text| (Arc::clone(text), signed_size)));
    }
    // It is a copy of what others have; one that is of no use is replaced by
    // the next.
    let served = bytes.and_then(|bytes| parse(bytes).ok());
    Ok(served.map(|(text, checkpoint)| (text, checkpoint.size)))
}

/// Whether a checkpoint is one that this ledger signed of this tree: it will be
/// given out as it stands.
fn is_of(note: &str, origin: &str, keys: &LedgerKeys, tree: &Tree) -> bool {
    let size = parse(note.as_bytes().to_vec()).ok();
    let size = size.map(|(_, checkpoint)| checkpoint.size);
    let opened = keys
        .verifier_key(origin, size)
        .and_then(|key| open_checkpoint(note, &key).ok());
    opened.is_some_and(|(checkpoint, _)| {
        root_of(tree, checkpoint.size).is_ok_and(|root| root == checkpoint.root)
    })
}

fn open_tree(
    dir: &Path,
    records: &dyn Records,
    committed: u64,
) -> Result<(TreeWriter, Option<String>), OpenError> {
    let failed = |e: crate::projection::StoreError| OpenError::Tree(e.to_string());
    let crate::projection::tree::Begun {
        mut writer,
        removed: mut rebuilt,
    } = TreeWriter::open(dir).map_err(failed)?;
    if writer.size() > 0 && !agrees(&writer, records, committed)? {
        rebuilt = Some("it is of other records than the journal has".to_owned());
        writer = TreeWriter::anew(dir).map_err(failed)?;
    }
    catch_up_at_start(&mut writer, records, committed)?;
    Ok((writer, rebuilt))
}

/// Whether the last tile is made of the journal's heads.
fn agrees(writer: &TreeWriter, records: &dyn Records, committed: u64) -> Result<bool, OpenError> {
    if writer.size() > committed {
        return Ok(false);
    }
    let mut leaves = Vec::new();
    for position in writer.last_tile() {
        let Some(record) = records.record(position)? else {
            return Ok(false);
        };
        leaves.extend(super::keeper::leaf_of(&record));
    }
    writer
        .ends_with(&leaves)
        .map_err(|e| OpenError::Tree(e.to_string()))
}
