//! Signatures, verified on all cores, one by one and strictly; which keys they
//! must be of has been judged before.

use std::ops::RangeInclusive;
use std::sync::Arc;

use rayon::prelude::*;

use super::violation::{Failure, Violation};
use crate::event::record::OpenRecord;
use crate::event::signing::{PublicKey, Purpose};
use crate::pb::SignedCommit;
use crate::proof::commit::signed_by;

/// Signatures still to be verified.
pub(super) struct Check {
    positions: RangeInclusive<u64>,
    what: What,
}

enum What {
    /// The record whole: it is taken apart where it is verified, on all cores.
    Statement {
        record: Box<OpenRecord>,
        keys: Vec<Arc<PublicKey>>,
    },
    Commit {
        signed: SignedCommit,
        key: Arc<PublicKey>,
    },
}

impl Check {
    /// A record's: its keys stand in the order of its signatures.
    pub(super) fn statement(record: OpenRecord, keys: Vec<Arc<PublicKey>>) -> Check {
        Check {
            positions: record.position()..=record.position(),
            what: What::Statement {
                record: Box::new(record),
                keys,
            },
        }
    }

    /// A batch's.
    pub(super) fn commit(
        positions: RangeInclusive<u64>,
        signed: SignedCommit,
        key: Arc<PublicKey>,
    ) -> Check {
        Check {
            positions,
            what: What::Commit { signed, key },
        }
    }

    fn run(&self) -> Result<(), Failure> {
        let fails = |what| {
            Err(Failure {
                positions: self.positions.clone(),
                what,
            })
        };
        match &self.what {
            What::Statement { record, keys } => {
                let head = &record.head;
                for (signature, key) in head.signatures.iter().zip(keys) {
                    if !key.verifies(Purpose::Statement, &head.payload, &signature.signature) {
                        return fails(Violation::Signature(key.id()));
                    }
                }
                Ok(())
            }
            What::Commit { signed, key } => {
                signed_by(key, signed).or_else(|bad| fails(Violation::Commit(bad)))
            }
        }
    }
}

/// Verifies all; of several failures the first in order.
pub(super) fn verify(checks: Vec<Check>) -> Result<(), Failure> {
    let run = |check: Check| check.run();
    let failed = checks.into_par_iter().map(run).find_first(Result::is_err);
    failed.unwrap_or(Ok(()))
}
