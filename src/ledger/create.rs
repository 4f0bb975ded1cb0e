//! Creating a ledger: record 0, checked, sealed and written before there is a
//! ledger to open.

use std::path::Path;

use prost::Message as _;

use super::Ledger;
use super::clock::Clock;
use super::error::OpenError;
use super::folder::Folder;
use super::open::{check, check_key, salt_secret};
use super::options::Options;
use crate::custody::decide::decide_genesis;
use crate::custody::{State, state};
use crate::event::record::{OpenRecord, SealedRecord, Standing, seal};
use crate::event::signing::SecretKey;
use crate::event::{Hash, Statement};
use crate::journal::{Batch, Journal, JournalError};
use crate::pb::event::Body;
use crate::pb::{Origin, SignedStatement};
use crate::proof::sign_commit;
use crate::storage::{DirStorage, Storage};

impl Ledger {
    /// Makes a ledger in an empty or absent folder: record 0 from `genesis`,
    /// durable. A creation that is cut short leaves no `LEDGER` file, so
    /// nothing that opens.
    pub fn create(
        dir: &Path,
        genesis: SignedStatement,
        key: &SecretKey,
        options: &Options,
        clock: &dyn Clock,
    ) -> Result<(), OpenError> {
        let sealed = Record0::new(genesis, key, clock)?;
        let _lock = Folder::prepare(dir)?;
        let journal = Folder::journal(dir);
        let storage = DirStorage::create(&journal).map_err(OpenError::io("create", &journal))?;
        sealed.write(storage, key, options)?;
        Folder::publish(dir, &sealed.origin.name, sealed.record.hash)
    }

    /// The same on any storage of a journal, without a folder around it.
    pub fn create_on<S: Storage>(
        storage: S,
        genesis: SignedStatement,
        key: &SecretKey,
        options: &Options,
        clock: &dyn Clock,
    ) -> Result<(), OpenError> {
        Record0::new(genesis, key, clock)?.write(storage, key, options)
    }
}

/// Record 0, checked and sealed, not yet written.
struct Record0 {
    record: SealedRecord,
    origin: Origin,
}

impl Record0 {
    fn new(
        genesis: SignedStatement,
        key: &SecretKey,
        clock: &dyn Clock,
    ) -> Result<Record0, OpenError> {
        let statement = Statement::open(genesis).map_err(OpenError::Genesis)?;
        // It verifies the signatures as well: the keys are in what they sign.
        let decision = decide_genesis(&statement).map_err(OpenError::Genesis)?;
        if let Some(Body::Genesis(body)) = statement.events.first().and_then(|e| e.body.as_ref()) {
            check_key(body, key)?;
        }
        let standing = Standing {
            position: 0,
            recorded_at_ms: clock.now_ms(),
            previous: Hash::ZERO,
        };
        let record = seal(&statement, &decision.additions, standing, &salt_secret(key))
            .map_err(OpenError::Genesis)?;
        let opened = OpenRecord::open(&record.bytes).map_err(|source| OpenError::Record {
            position: 0,
            source,
        })?;
        State::new()
            .apply(&opened, &mut state::nowhere)
            .map_err(|source| OpenError::Fold {
                position: 0,
                source,
            })?;
        Ok(Record0 {
            record,
            origin: statement.payload.origin.unwrap_or_default(),
        })
    }

    fn write<S: Storage>(
        &self,
        storage: S,
        key: &SecretKey,
        options: &Options,
    ) -> Result<(), OpenError> {
        check(options)?;
        let hash = self.record.hash;
        let commit = sign_commit(key, hash, 0, &[hash]);
        let mut journal = Journal::create(storage, hash.0, options.journal)?;
        let batch = Batch {
            first_position: 0,
            records: vec![self.record.bytes.clone()],
            commit: commit.encode_to_vec().into(),
            last_head: hash.0,
        };
        let written: Result<(), JournalError> = journal.append(&batch);
        written
            .and_then(|()| journal.close())
            .map_err(OpenError::from)
    }
}
