//! Proof: what the ledger signed, and whether a journal's records keep every
//! rule. Pure: bytes come in, an answer comes out; whoever reads files or
//! asks a server is elsewhere. An auditor can use it without our server, or
//! without our code, from the bytes as they are written down:
//!
#![doc = include_str!("FORMAT.md")]

mod acknowledgement;
mod checkpoint;
mod commit;
mod cosignature;
pub mod evidence;
mod head;
mod kept;
mod ledger_keys;
mod note;
#[cfg(test)]
mod note_tests;
mod policy;
#[cfg(test)]
mod policy_tests;
pub mod receipt;
#[cfg(test)]
mod receipt_tests;
mod refusal;
mod subject_head;
#[cfg(test)]
mod tests;
mod touched;
pub mod tree;
mod verify;

pub use acknowledgement::{Acknowledged, BadAcknowledgement, acknowledge, check_acknowledgement};
pub use checkpoint::{
    BadCheckpoint, Checkpoint, MAX_EXTENSION_LINES, open_checkpoint, sign_checkpoint,
};
pub use commit::{BadCommit, BatchTree, batch_leaf, check_commit, sign_commit};
pub use cosignature::{BadCosignature, MAX_TIME, check_cosignature, cosign};
pub use head::head_of;
pub use kept::{BadKept, KeptChain, kept_hash, open_kept};
pub use ledger_keys::LedgerKeys;
pub use note::{
    BadNote, BadVerifierKey, MAX_NOTE, MAX_NOTE_SIGNATURES, Note, NoteKeyKind, NoteSignature,
    VerifierKey, note_key_id,
};
pub use policy::{
    BadPolicy, BadPolicyLine, Cosigned, MAX_POLICY, Policy, PolicyLog, PolicyWitness, Unsatisfied,
};
pub use receipt::{
    BadReceipt, MAX_RECEIPT, Receipted, check_receipt, parse as parse_receipt, read_receipt,
    receipt_text,
};
pub use refusal::{BadRefusal, check_refusal, sign_refusal};
pub use subject_head::{Attested, BadSubjectHead, attest_subject_head, check_subject_head};
pub use touched::{BadTouched, TouchedMap, check_touched};
pub use verify::{BadSaved, ChainVerifier, Expect, Failure, Report, Verifier, Violation};
