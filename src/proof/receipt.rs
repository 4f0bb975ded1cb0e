//! Receipts: that a head is in the ledger's tree, offline. As protobuf
//! (`pb::Receipt`) and as text (C2SP tlog-proof), each in one form only. Who
//! has a receipt has the whole proof: the head travels in it, and in the text
//! it stands in the `extra` line. That line is not signed, but the leaf is
//! made of it, so a changed one leads to no root.
//!
//! What nobody can promise: a signature line of a key that neither the
//! verifier key nor the policy names is not looked at, as C2SP signed-note
//! says. A witness that counts must be in the policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use super::checkpoint::{BadCheckpoint, Checkpoint, read_checkpoint};
use super::note::{MAX_NOTE, VerifierKey};
use super::policy::{Cosigned, Policy, Unsatisfied};
use super::tree::{BadPath, MAX_PATH, TreeHash, canonical_decimal, check_inclusion, leaf_hash};
use crate::event::Hash;
use crate::event::digest::head_hash;
use crate::event::record::MAX_HEAD;
use crate::event::statement::canonical;
use crate::pb::{Head, Receipt};

/// What the text of a receipt begins with.
const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// Bytes of a receipt, at most, in either form: a head in base64, a path, and
/// a note.
pub const MAX_RECEIPT: usize = MAX_NOTE + 2 * MAX_HEAD;

/// A receipt that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipted {
    /// Position of the record: the leaf's index.
    pub position: u64,
    /// Its head.
    pub head: Head,
    /// Its head's hash (BLAKE3), as acknowledgements and links name it.
    pub head_hash: Hash,
    /// The tree that it is in.
    pub checkpoint: Checkpoint,
    /// The policy's witnesses that cosigned; none without a policy.
    pub cosigned: Vec<Cosigned>,
}

/// Why bytes are no receipt of this ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReceipt {
    /// Too long.
    #[error("the receipt has {0} bytes; at most {MAX_RECEIPT}")]
    TooLong(usize),
    /// Neither of the two forms.
    #[error(
        "not a receipt: neither text that begins with {FIRST_LINE:?}, nor a canonical Receipt in \
         protobuf"
    )]
    Form,
    /// A line of the text is not what stands there.
    #[error("line {line} of the receipt should be {want}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What should stand there.
        want: &'static str,
    },
    /// The index beside the head is not its position.
    #[error("the receipt has the index {got}, its head the position {want}")]
    Index {
        /// As the line says.
        got: u64,
        /// As the head says.
        want: u64,
    },
    /// The head is not the protobuf message it should be.
    #[error("the receipt's head is not a canonical Head of at most {MAX_HEAD} bytes")]
    Head,
    /// A hash of the path is none.
    #[error("hash {0} of the receipt's path, counted from 0, is not 32 bytes")]
    Hash(usize),
    /// A path that no tree has.
    #[error("the receipt's path has {0} hashes; at most {MAX_PATH}")]
    PathLength(usize),
    /// The path does not lead from the head to the checkpoint's root.
    #[error("the head at position {position} is not shown to be in the tree: {why}")]
    Path {
        /// The head's.
        position: u64,
        /// What is wrong with it.
        why: BadPath,
    },
    /// The checkpoint does not hold.
    #[error(transparent)]
    Checkpoint(#[from] BadCheckpoint),
    /// The policy is not satisfied.
    #[error(transparent)]
    Policy(#[from] Unsatisfied),
}

/// Checks that the ledger with this key has the receipt's head in its tree,
/// and, with a policy, that the policy accepts the checkpoint. The signatures
/// come last: whatever can be told without them is told first.
pub fn check_receipt(
    receipt: &Receipt,
    key: &VerifierKey,
    policy: Option<&Policy>,
) -> Result<Receipted, BadReceipt> {
    let (head, path) = open(receipt)?;
    let (checkpoint, note) = read_checkpoint(&receipt.checkpoint, key)?;
    let position = head.position;
    check_inclusion(
        leaf_hash(&receipt.head),
        position,
        checkpoint.size,
        &path,
        checkpoint.root,
    )
    .map_err(|why| BadReceipt::Path { position, why })?;
    note.check_signed_by(key).map_err(BadCheckpoint::from)?;
    let cosigned = policy.map_or(Ok(Vec::new()), |policy| policy.satisfied_by(&note))?;
    Ok(Receipted {
        position,
        head_hash: head_hash(&receipt.head),
        head,
        checkpoint,
        cosigned,
    })
}

/// The receipt's head and path, whatever they show.
fn open(receipt: &Receipt) -> Result<(Head, Vec<TreeHash>), BadReceipt> {
    let head = open_head(&receipt.head)?;
    if receipt.path.len() > MAX_PATH {
        return Err(BadReceipt::PathLength(receipt.path.len()));
    }
    let hash = |(index, bytes): (usize, &Bytes)| {
        TreeHash::from_slice(bytes).ok_or(BadReceipt::Hash(index))
    };
    let path: Result<_, _> = receipt.path.iter().enumerate().map(hash).collect();
    Ok((head, path?))
}

fn open_head(bytes: &Bytes) -> Result<Head, BadReceipt> {
    if bytes.len() > MAX_HEAD {
        return Err(BadReceipt::Head);
    }
    canonical(bytes, "head").map_err(|_| BadReceipt::Head)
}

/// The receipt as text: C2SP tlog-proof, with the head in the `extra` line.
/// Its shape is checked, not what it shows.
pub fn receipt_text(receipt: &Receipt) -> Result<String, BadReceipt> {
    let (head, path) = open(receipt)?;
    let mut text = format!(
        "{FIRST_LINE}\nextra {}\nindex {}\n",
        BASE64.encode(&receipt.head),
        head.position
    );
    for hash in path {
        text.push_str(&hash.to_base64());
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&receipt.checkpoint);
    Ok(text)
}

/// A receipt from its text. What it shows is for [`check_receipt`].
pub fn parse(text: &str) -> Result<Receipt, BadReceipt> {
    if text.len() > MAX_RECEIPT {
        return Err(BadReceipt::TooLong(text.len()));
    }
    let bad = |line, want| BadReceipt::Line { line, want };
    let (proof, checkpoint) = text.split_once("\n\n").ok_or(bad(
        1,
        "the first of a proof, an empty line and a checkpoint",
    ))?;
    let mut lines = proof.split('\n');
    if lines.next() != Some(FIRST_LINE) {
        return Err(bad(1, "c2sp.org/tlog-proof@v1"));
    }
    let head = lines
        .next()
        .and_then(|line| line.strip_prefix("extra "))
        .and_then(|encoded| BASE64.decode(encoded).ok())
        .ok_or(bad(2, "`extra ` and a head in base64"))?;
    let head = Bytes::from(head);
    let got = lines
        .next()
        .and_then(|line| line.strip_prefix("index "))
        .and_then(canonical_decimal)
        .ok_or(bad(3, "`index ` and a decimal number"))?;
    let want = open_head(&head)?.position;
    if got != want {
        return Err(BadReceipt::Index { got, want });
    }
    let mut path = Vec::new();
    for line in lines {
        if path.len() == MAX_PATH {
            return Err(BadReceipt::PathLength(path.len() + 1));
        }
        let hash = TreeHash::from_base64(line);
        let hash = hash.ok_or(bad(path.len() + 4, "32 bytes in base64"))?;
        path.push(hash.to_bytes());
    }
    Ok(Receipt {
        head,
        path,
        checkpoint: checkpoint.to_owned(),
    })
}

/// A receipt in either form: text, or the canonical bytes of the message.
/// What it shows is for [`check_receipt`].
pub fn read_receipt(bytes: &Bytes) -> Result<Receipt, BadReceipt> {
    if bytes.len() > MAX_RECEIPT {
        return Err(BadReceipt::TooLong(bytes.len()));
    }
    if bytes.starts_with(FIRST_LINE.as_bytes()) {
        return parse(std::str::from_utf8(bytes).map_err(|_| BadReceipt::Form)?);
    }
    let receipt: Receipt = canonical(bytes, "receipt").map_err(|_| BadReceipt::Form)?;
    if receipt.checkpoint.is_empty() {
        return Err(BadReceipt::Form);
    }
    open(&receipt)?;
    Ok(receipt)
}
