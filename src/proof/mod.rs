//! Proof: what the ledger signed, and whether a journal's records keep every
//! rule. Pure: bytes come in, an answer comes out; whoever reads files or
//! asks a server is elsewhere. An auditor can use it without our server.

mod acknowledgement;
mod commit;
mod kept;
mod ledger_keys;
mod refusal;
#[cfg(test)]
mod tests;
mod verify;

pub use acknowledgement::{Acknowledged, BadAcknowledgement, acknowledge, check_acknowledgement};
pub use commit::{BadCommit, BatchTree, batch_leaf, check_commit, sign_commit};
pub use kept::{BadKept, KeptChain, kept_hash, open_kept};
pub use ledger_keys::LedgerKeys;
pub use refusal::{BadRefusal, check_refusal, sign_refusal};
pub use verify::{ChainVerifier, Expect, Failure, Report, Verifier, Violation};
