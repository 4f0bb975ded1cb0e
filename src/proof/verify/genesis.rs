//! Record 0: judged by what it says itself, as the ledger did, and by what
//! the caller expects.

use prost::Message as _;

use super::opened::Opened;
use super::violation::{Failure, Violation};
use super::{Expect, Report};
use crate::custody::decide::decide_genesis;
use crate::event::codes::Refused;
use crate::event::record::{BadRecord, OpenRecord};
use crate::event::signing::PublicKey;
use crate::event::{Hash, Statement};
use crate::pb::event::Body;
use crate::pb::{Genesis, Origin, Record, RefusalCode, SignedStatement};
use crate::proof::LedgerKeys;

/// What record 0 says of the ledger.
pub(in crate::proof) struct Ledger {
    pub(in crate::proof) genesis: Genesis,
    pub(in crate::proof) genesis_hash: Hash,
    /// As far as the records have been followed.
    pub(in crate::proof) keys: LedgerKeys,
    pub(in crate::proof) origin_name: String,
}

impl Ledger {
    /// As it was once checked.
    pub(super) fn known(
        genesis: Genesis,
        genesis_hash: Hash,
        keys: LedgerKeys,
        origin_name: String,
    ) -> Ledger {
        Ledger {
            genesis,
            genesis_hash,
            keys,
            origin_name,
        }
    }

    /// As statements name it.
    pub(super) fn origin_name(&self) -> &str {
        &self.origin_name
    }

    /// Whether a statement was signed for this ledger.
    pub(in crate::proof) fn check_origin(&self, origin: Option<&Origin>) -> Result<(), Violation> {
        let ours = origin.is_some_and(|origin| {
            origin.name == self.origin_name && origin.genesis_hash.as_ref() == self.genesis_hash.0
        });
        if ours { Ok(()) } else { Err(Violation::Origin) }
    }

    /// Says which keys it has had.
    pub(super) fn tell(&self, report: &mut Report) {
        report.ledger_key = Some(self.keys.in_force().id());
        let keys = self.keys.all();
        report.ledger_keys = keys.map(|(since, key)| (since, key.id())).collect();
    }

    /// Whether the key in force is the one that the caller expects.
    pub(super) fn check_key(&self, expect: &Expect) -> Result<(), Failure> {
        let key = self.keys.in_force();
        let Some(want) = expect.ledger_key.as_ref().filter(|want| **want != **key) else {
            return Ok(());
        };
        let what = Violation::LedgerKey {
            got: key.id(),
            want: want.id(),
        };
        // The record that put it there.
        let since = self.keys.all().last().map_or(0, |(since, _)| since);
        Err(Failure::at(since.saturating_sub(1), what))
    }
}

/// Checks record 0, its signatures included.
pub(in crate::proof) fn check(opened: &Opened, expect: &Expect) -> Result<Ledger, Violation> {
    let record = &opened.record;
    let want = expect.genesis_hash.unwrap_or(record.hash);
    if record.hash != want {
        return Err(Violation::GenesisHash {
            got: record.hash,
            want,
        });
    }
    let stored = Record::decode(opened.bytes.clone())
        .map_err(|_| BadRecord::NotCanonical("the record", "Record"))?;
    let statement = Statement::open(SignedStatement {
        payload: record.head.payload.clone(),
        signatures: record.head.signatures.clone(),
        events: stored.events,
    })
    .map_err(Violation::Genesis)?;
    let decision = decide_genesis(&statement).map_err(Violation::Genesis)?;
    let given = &decision.additions;
    let same = record.links.iter().flatten().eq(&given.links)
        && record.outcomes.iter().flatten().eq(&given.outcomes)
        && record.findings.iter().flatten().eq(&given.findings);
    if !same {
        return Err(Violation::GenesisOutcome);
    }
    let genesis = genesis_of(record).ok_or_else(|| {
        Violation::Genesis(Refused::new(RefusalCode::FieldMissing, "events[0].genesis"))
    })?;
    let key = PublicKey::parse(&genesis.ledger_public_key).map_err(|bad| {
        Violation::Genesis(Refused::invalid("ledger_public_key", bad.to_string()))
    })?;
    let origin = record.payload.origin.clone().unwrap_or_default();
    Ok(Ledger {
        genesis,
        genesis_hash: record.hash,
        keys: LedgerKeys::new(key),
        origin_name: origin.name,
    })
}

fn genesis_of(record: &OpenRecord) -> Option<Genesis> {
    match record.events.first()?.as_ref()?.body.as_ref()? {
        Body::Genesis(genesis) => Some(genesis.clone()),
        _ => None,
    }
}
