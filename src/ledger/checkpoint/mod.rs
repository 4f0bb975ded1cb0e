//! Checkpoints: the ledger's signed word on how many records it has and on the
//! root of the tree over their heads (C2SP tlog-checkpoint), and receipts that
//! lead to one. Never a smaller one than before, never two roots for one size:
//! the highest that was signed is kept beside the journal before anybody sees
//! it, and an opening holds the journal against it.
//!
//! | file | what it is |
//! |---|---|
//! | `keeper` | the thread that grows the tree behind the writer, and signs |
//! | `place` | where the texts are kept, durably |
//! | `begin` | what opening does with what is there |
//! | `hold` | why nothing is signed or accepted |
//! | `complete` | showing that a restored ledger lacks nothing |
//! | `receipt` | receipts, and waiting for them |
//!
//! Nothing here is on the way of a statement: the tree is read from the
//! journal, after the writer has gone on. Not here: cosignatures. Whoever
//! collects them hands the checkpoint back ([`Ledger::publish_cosigned`]).

mod begin;
mod complete;
mod hold;
mod keeper;
mod place;
mod receipt;

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

pub(super) use self::begin::{At, Kept, begin, take_up};
pub use self::complete::{Confirmed, Known, NotConfirmed};
pub use self::hold::Hold;
use self::hold::Holding;
pub(super) use self::keeper::{Keeper, run};
pub(super) use self::place::{Folder, Memory, Place};
pub use self::receipt::{MAX_RECEIPT_WAIT, NoReceipt};
use super::Ledger;
use super::answer::ReadError;
use super::shared::Shared;
use crate::event::signing::{PublicKey, SecretKey};
use crate::projection::{Tree, TreeError};
use crate::proof::tree::{TreeHash, root_of};
use crate::proof::{
    BadCheckpoint, Checkpoint, LedgerKeys, Note, NoteKeyKind, VerifierKey, head_of,
    open_checkpoint, sign_checkpoint,
};

/// The highest checkpoint that was signed.
const SIGNED: &str = "signed";
/// The one that was served last, with its cosignatures.
const SERVED: &str = "served";
/// In the data directory: it was restored, and may lack what came later.
pub(super) const RESTORED: &str = "RESTORED";

/// How far signing and serving have got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    /// Records under the checkpoint that was signed last.
    signed: u64,
    /// Records under the one that is served.
    served: u64,
    /// Why none will be signed before the next start.
    failed: Option<String>,
    /// The ledger has ended: nothing will be served either.
    ended: bool,
}

/// See the module.
pub(super) struct Checkpoints {
    /// What its notes are verified with from now on; why it can have none.
    verifier: Result<VerifierKey, String>,
    /// The keys that it has had: a note is signed with that of its size.
    keys: LedgerKeys,
    tree: Arc<Tree>,
    place: Arc<dyn Place>,
    /// The data directory with the mark that it was restored.
    mark: Option<Arc<dyn Place>>,
    holding: Holding,
    /// Whether only what comes back cosigned is served.
    cosigned: bool,
    /// Served are only those of at least so many records.
    served_floor: u64,
    /// Somebody waits for one: it is signed at once.
    wanted: AtomicBool,
    signed: watch::Sender<Option<Arc<str>>>,
    served: watch::Sender<Option<Arc<str>>>,
    standing: watch::Sender<Standing>,
    /// One at a time puts something into the place of what is served.
    serving: Mutex<()>,
    /// Signed since the start, and when the last was, Unix milliseconds.
    count: AtomicU64,
    signed_at_ms: AtomicI64,
}

/// How checkpoints stand, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointStatus {
    /// Records under the last that was signed; 0 if none was.
    pub signed: u64,
    /// Records under the one that is served; 0 if none is.
    pub served: u64,
    /// When the last was signed since the start, Unix milliseconds.
    pub signed_at_ms: Option<i64>,
    /// How many were signed since the start.
    pub count: u64,
    /// Why none are signed; empty while they are.
    pub not_signing: String,
}

/// Why a cosigned checkpoint is not served.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// Not a checkpoint that this ledger signed.
    #[error(transparent)]
    NotOurs(#[from] BadCheckpoint),
    /// Of a tree that this is not.
    #[error("the checkpoint of {size} records has the root {got}, here it is {want}")]
    Root {
        /// Of the checkpoint.
        size: u64,
        /// As it says.
        got: TreeHash,
        /// As it is here.
        want: TreeHash,
    },
    /// A larger one is served already, or one was signed and may have been.
    #[error("a checkpoint of {served} records has been served, this one is of {got}")]
    Older {
        /// Records under what was served.
        served: u64,
        /// Records under this one.
        got: u64,
    },
    /// The ledger signs nothing.
    #[error("{0}")]
    NotSigning(String),
    /// The tree could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// It could not be kept.
    #[error("the cosigned checkpoint cannot be kept in checkpoints/{SERVED}: {0}")]
    Keep(#[source] io::Error),
}

impl Checkpoints {
    /// Whether nothing may be accepted or signed.
    pub(super) fn hold(&self) -> Option<Hold> {
        self.holding.get()
    }

    /// Why nothing is signed, if nothing is.
    fn not_signing(&self) -> Option<String> {
        if let Some(hold) = self.hold() {
            return Some(hold.to_string());
        }
        if let Err(why) = &self.verifier {
            return Some(why.clone());
        }
        self.standing.borrow().failed.clone()
    }

    /// What a note of this ledger's is verified with: by the size in it.
    fn verifier_for(&self, note: &str) -> Result<VerifierKey, String> {
        let own = self.verifier.as_ref().map_err(Clone::clone)?;
        let said = parse(note.as_bytes().to_vec()).ok();
        let size = said.map(|(_, checkpoint)| checkpoint.size);
        let verifier = self.keys.verifier_key(own.name(), size);
        verifier.ok_or_else(|| "its name is none that a note can bear".to_owned())
    }

    /// Whether the key that it has now signs the tree of so many records.
    fn signs(&self, size: u64) -> bool {
        let own = self.verifier.as_ref().map(VerifierKey::public);
        let signer = self.keys.of_checkpoint(size);
        own.is_ok_and(|own| signer.is_some_and(|signer| **signer == *own))
    }

    fn fail(&self, why: String) {
        self.standing.send_modify(|standing| {
            standing.failed.get_or_insert(why);
        });
    }

    /// Nothing more will come.
    fn end(&self, why: String) {
        self.standing.send_modify(|standing| {
            standing.failed.get_or_insert(why);
            standing.ended = true;
        });
    }

    /// Signs the tree of so many records. Each step, and what a crash in it
    /// means:
    fn sign(&self, key: &SecretKey, size: u64, root: TreeHash, now_ms: i64) -> Result<(), String> {
        let Ok(verifier) = &self.verifier else {
            return Ok(());
        };
        // Sign … nobody has seen it; the next start signs this tree again, or
        // a larger one: nothing durable can be missing from it.
        let checkpoint = Checkpoint::new(verifier.name(), size, root).map_err(|e| e.to_string())?;
        let note: Arc<str> = sign_checkpoint(key, &checkpoint).to_string().into();
        // Write, sync, rename (see `place`) … the same, or it is kept and
        // nobody has seen it: then it is what the next start begins from.
        self.place.keep(SIGNED, note.as_bytes()).map_err(|error| {
            format!(
                "the checkpoint cannot be kept in checkpoints/{SIGNED}: {error}; nothing more is \
                 signed, because it is not known what is on the disk: see to it, and start again"
            )
        })?;
        // Publish … somebody may have seen it, and it is kept: the next start
        // opens no journal with fewer records, nor with others.
        self.signed_at_ms.store(now_ms, Ordering::Release);
        self.count.fetch_add(1, Ordering::AcqRel);
        self.publish(&note, size);
        Ok(())
    }

    fn publish(&self, note: &Arc<str>, size: u64) {
        self.signed.send_replace(Some(Arc::clone(note)));
        if !self.cosigned {
            self.served.send_replace(Some(Arc::clone(note)));
        }
        self.standing.send_modify(|standing| {
            standing.signed = size;
            if !self.cosigned {
                standing.served = size;
            }
        });
    }

    /// Takes a checkpoint back with its cosignatures. Blocks on the disk.
    fn serve_cosigned(&self, text: &str) -> Result<(), NotServed> {
        if let Some(why) = self.hold() {
            return Err(NotServed::NotSigning(why.to_string()));
        }
        let verifier = self.verifier_for(text).map_err(NotServed::NotSigning)?;
        let (checkpoint, _) = open_checkpoint(text, &verifier)?;
        let size = checkpoint.size;
        let want = root_of(&*self.tree, size)?;
        if checkpoint.root != want {
            let got = checkpoint.root;
            return Err(NotServed::Root { size, got, want });
        }
        let _one = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        let served = self.standing.borrow().served.max(self.served_floor);
        if size < served {
            return Err(NotServed::Older { served, got: size });
        }
        // Kept before it is served, as with what is signed: a start never
        // serves an older one.
        let kept = self.place.keep(SERVED, text.as_bytes());
        kept.map_err(NotServed::Keep)?;
        self.served.send_replace(Some(text.into()));
        self.standing.send_modify(|standing| standing.served = size);
        Ok(())
    }

    pub(super) fn status(&self) -> CheckpointStatus {
        let not_signing = self.not_signing().unwrap_or_default();
        let count = self.count.load(Ordering::Acquire);
        let at_ms = self.signed_at_ms.load(Ordering::Acquire);
        let standing = self.standing.borrow();
        CheckpointStatus {
            signed: standing.signed,
            served: standing.served,
            signed_at_ms: (count > 0).then_some(at_ms),
            count,
            not_signing,
        }
    }
}

/// Somebody waits for a checkpoint of what is committed.
fn want(shared: &Shared) {
    if !shared.checkpoints.wanted.swap(true, Ordering::AcqRel) {
        shared.inbox.wake_keeper();
    }
}

/// A ledger's verifier key: its name is the origin's.
fn verifier_of(name: &str, key: &PublicKey) -> Result<VerifierKey, String> {
    let verifier = VerifierKey::new(name, NoteKeyKind::Ed25519, key.clone());
    verifier
        .map_err(|error| format!("this ledger signs no checkpoints, for want of a name: {error}"))
}

impl Ledger {
    /// The checkpoint that was signed last, and every later one. Signed within
    /// a second of a new record; the records under it are durable.
    pub fn signed_checkpoint(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.shared.checkpoints.signed.subscribe()
    }

    /// The checkpoint that may be shown to everybody, and every later one:
    /// what was signed last, or with `Options::cosigned` what came back with
    /// cosignatures last. Its size never falls.
    pub fn served_checkpoint(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.shared.checkpoints.served.subscribe()
    }

    /// Serves a checkpoint that this ledger signed and that has got its
    /// cosignatures since, with `Options::cosigned`. Checked is that it is this
    /// ledger's; that the cosignatures are good, and enough, is for whoever
    /// collected them. Blocks on the disk.
    pub fn publish_cosigned(&self, note: &str) -> Result<(), NotServed> {
        self.shared.checkpoints.serve_cosigned(note)
    }

    /// The tree over the heads of all records, as far as it is written: always
    /// as far as any checkpoint goes. Reading it blocks on the disk.
    pub fn tree(&self) -> Arc<Tree> {
        Arc::clone(&self.shared.checkpoints.tree)
    }

    /// Records under the checkpoint that may be shown; 0 if there is none.
    pub fn served_size(&self) -> u64 {
        self.shared.checkpoints.standing.borrow().served
    }

    /// The heads of committed records, in order: what the tree's leaves are
    /// made of. Blocks on the disk, once for each batch they are in.
    pub fn heads(&self, range: Range<u64>) -> Result<Vec<Bytes>, ReadError> {
        let mut heads = Vec::new();
        let mut next = range.start;
        let mut batches = self.shared.records.batches(next);
        while next < range.end.min(self.committed()) {
            let position = next;
            let batch = batches.next().transpose()?;
            let batch = batch.ok_or(ReadError::BadCommit { position })?;
            for (position, record) in (batch.first_position..).zip(&batch.records) {
                if position == next && position < range.end {
                    let head = head_of(record).ok_or(ReadError::BadCommit { position })?;
                    heads.push(Bytes::copy_from_slice(head));
                    next = next.saturating_add(1);
                }
            }
        }
        Ok(heads)
    }

    /// Whether the key in force has signed, or will sign, the tree of so many
    /// records: an earlier one has, after a rotation.
    pub(super) fn signs_checkpoint(&self, size: u64) -> bool {
        self.shared.checkpoints.signs(size)
    }

    /// What a checkpoint of this ledger's is verified with, by the size in it.
    pub fn verifier_key_of(&self, note: &str) -> Result<VerifierKey, String> {
        self.shared.checkpoints.verifier_for(note)
    }

    /// What its next checkpoints are verified with; an error says why there are
    /// none.
    pub fn verifier_key(&self) -> Result<VerifierKey, String> {
        self.shared.checkpoints.verifier.clone()
    }

    /// Tells when nothing is accepted or signed because somebody has to see
    /// first whether all of it is there, and when no longer.
    pub fn hold(&self) -> watch::Receiver<Option<Hold>> {
        self.shared.checkpoints.holding.subscribe()
    }
}

/// A checkpoint's text, as it was kept, and what it says. Not verified.
fn parse(bytes: Vec<u8>) -> Result<(Arc<str>, Checkpoint), String> {
    let text = String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    let note = Note::parse(&text).map_err(|e| e.to_string())?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|e| e.to_string())?;
    Ok((text.into(), checkpoint))
}
