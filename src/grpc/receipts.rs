//! Checkpoints and receipts, as calls wait for them. Not here: what they are
//! (`ledger`, `proof`).

use prost::Message as _;
use tokio::time::timeout_at;

use super::door::Door;
use super::errors::Fault;
use super::waiting::Deadline;
use crate::ledger::NoReceipt;
use crate::pb::{GetCheckpointResponse, Head, Receipt, SubmitResponse, submit_response};

/// The checkpoint that is shown, when it is of so many records.
pub(super) async fn checkpoint(
    door: &Door,
    min_size: u64,
    deadline: Deadline,
) -> Result<GetCheckpointResponse, Fault> {
    let ledger = &door.ledger;
    let text = match min_size.checked_sub(1) {
        Some(last) => Some(covering(door, last, deadline).await?),
        None => ledger.served_checkpoint().borrow().clone(),
    };
    let key = ledger.verifier_key();
    Ok(GetCheckpointResponse {
        checkpoint: text.map(|text| text.to_string()).unwrap_or_default(),
        verifier_key: key.map(|key| key.to_string()).unwrap_or_default(),
        as_of: ledger.committed(),
        not_signing: ledger.status().checkpoints.not_signing,
    })
}

/// A checkpoint that is shown and covers a record.
pub(super) async fn covering(
    door: &Door,
    position: u64,
    deadline: Deadline,
) -> Result<std::sync::Arc<str>, Fault> {
    match timeout_at(deadline.0, door.ledger.covering(position)).await {
        Ok(covering) => Ok(covering?),
        Err(_) => Err(NoReceipt::NotInTime { position }.into()),
    }
}

/// A record's receipt, when a checkpoint covers it.
pub(super) async fn receipt(
    door: &Door,
    position: u64,
    deadline: Deadline,
) -> Result<Receipt, Fault> {
    let checkpoint = covering(door, position, deadline).await?;
    let read = move |ledger: &crate::ledger::Ledger| {
        ledger
            .receipt_under(position, &checkpoint)
            .map_err(Fault::from)
    };
    door.read(deadline, read).await
}

/// Adds the receipt to an answer that says something is recorded, or why there
/// is none: that it is recorded stands.
pub(super) async fn add(door: &Door, answer: &mut SubmitResponse, deadline: Deadline) {
    let Some(submit_response::Answer::Acknowledgement(acknowledgement)) = &answer.answer else {
        return;
    };
    let made = match Head::decode(acknowledgement.head.clone()) {
        Ok(head) => receipt(door, head.position, deadline).await,
        Err(error) => Err(Fault::Storage(error.to_string())),
    };
    match made {
        Ok(receipt) => answer.receipt = Some(receipt),
        Err(fault) => answer.receipt_missing = fault.to_string(),
    }
}
