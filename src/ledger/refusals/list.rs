//! Reading the kept refusals: a page of those of a party, of some codes, of a
//! time; and what is counted. Blocks on the disk.

use super::Refusals;
use crate::journal::JournalError;
use crate::ledger::{Ledger, ReadError};
use crate::pb::{
    KeptRefusal, ListRefusalsRequest, ListRefusalsResponse, ListedRefusal, Refusal, RefusalCounts,
};
use crate::proof::{kept_hash, open_kept};
use prost::Message as _;

/// Kept refusals that are looked at for one answer, at most.
pub const MAX_SEEN: usize = 10_000;

/// Addresses that are listed with what came from them, at most.
pub const MAX_LISTED_ADDRESSES: usize = 100;

impl Ledger {
    /// A page of at most `size` kept refusals, oldest first. What was refused
    /// in the last moments may not be among them yet. Blocks on the disk.
    pub fn refusals(
        &self,
        request: &ListRefusalsRequest,
        size: usize,
    ) -> Result<ListRefusalsResponse, ReadError> {
        let as_of = self.committed();
        let refusals = &self.shared.refusals;
        let (listed, next) = refusals.page(request, size)?;
        Ok(ListRefusalsResponse {
            as_of,
            refusals: listed,
            next,
            counts: Some(refusals.counts()),
        })
    }

    /// How many refusals are kept and not kept, and whose statements did not
    /// verify, by address.
    pub fn refusal_counts(&self) -> RefusalCounts {
        self.shared.refusals.counts()
    }
}

impl Refusals {
    pub(in crate::ledger) fn counts(&self) -> RefusalCounts {
        let range = self.kept().map(|kept| kept.range());
        let (addresses, other_addresses) = {
            let addresses = self.addresses_mut();
            (addresses.worst(MAX_LISTED_ADDRESSES), addresses.others())
        };
        let inner = self.lock();
        let anchored = Some(&inner.anchored).filter(|word| word.since_ms > 0);
        RefusalCounts {
            kept: inner.chain.count,
            kept_from: range.map_or(inner.chain.count, |range| range.start),
            not_kept: inner.not_kept,
            unverified: inner.unverified,
            addresses,
            other_addresses,
            anchored: anchored.cloned(),
            failed: inner.failed.clone().unwrap_or_default(),
        }
    }

    /// How many addresses are told apart from which came what did not verify.
    pub(in crate::ledger) fn addresses(&self) -> usize {
        self.addresses_mut().len()
    }

    fn page(
        &self,
        request: &ListRefusalsRequest,
        size: usize,
    ) -> Result<(Vec<ListedRefusal>, u64), ReadError> {
        let mut listed = Vec::new();
        let Some(kept) = self.kept() else {
            return Ok((listed, 0));
        };
        let range = kept.range();
        let from = request.from.max(range.start);
        let mut seen: usize = 0;
        for batch in kept.batches(from) {
            let batch = batch?;
            for (number, stored) in (batch.first_position..).zip(&batch.records) {
                if number < from {
                    continue;
                }
                if seen >= MAX_SEEN || listed.len() >= size {
                    return Ok((listed, number));
                }
                seen = seen.saturating_add(1);
                let (refusal, signed) = read(number, stored)?;
                if matches(request, &refusal, &signed) {
                    listed.push(ListedRefusal {
                        kept: bytes::Bytes::copy_from_slice(stored),
                        hash: kept_hash(stored).to_bytes(),
                        refusal: Some(refusal),
                    });
                }
            }
        }
        Ok((listed, 0))
    }
}

fn read(number: u64, stored: &bytes::Bytes) -> Result<(KeptRefusal, Refusal), ReadError> {
    let wrong = |what: String| {
        ReadError::Journal(JournalError::Rot {
            segment: "refusals".to_owned(),
            offset: 0,
            position: number,
            what,
        })
    };
    let kept = open_kept(stored).map_err(|bad| wrong(bad.to_string()))?;
    let signed = kept.refusal.clone().unwrap_or_default().refusal;
    let refusal = Refusal::decode(signed).map_err(|bad| wrong(bad.to_string()))?;
    Ok((kept, refusal))
}

fn matches(request: &ListRefusalsRequest, kept: &KeptRefusal, refusal: &Refusal) -> bool {
    let until_ms = match request.until_ms {
        0 => i64::MAX,
        until_ms => until_ms,
    };
    (request.party.is_empty() || request.party == kept.party)
        && (request.codes.is_empty() || request.codes.contains(&refusal.code))
        && (request.since_ms..until_ms).contains(&refusal.at_ms)
}
