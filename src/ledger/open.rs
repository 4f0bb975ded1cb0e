//! Opening a ledger: folder, journal, projection, threads. Not here: what
//! recovery does with what it finds (`recovery`), and how a ledger begins
//! (`create`).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use tokio::sync::{Semaphore, watch};

use super::Ledger;
use super::checkpoint::{self, Kept, Memory};
use super::clock::Clock;
use super::disk::DiskWatch;
use super::error::OpenError;
use super::folder::Folder;
use super::inbox::Inbox;
use super::keys::Keys;
use super::local::LocalLog;
use super::metrics::Metrics;
use super::options::Options;
use super::overdue::Overdue;
use super::rates::Rates;
use super::recovery::{self, Opening, Recovered};
use super::refusals::{self, Files, Refusals, TakenUp};
use super::rotation;
use super::seam::{CommitLog, Records};
use super::shared::{Live, Shared};
use super::threads::{Aside, Threads};
use super::timekeeper::Timekeeper;
use super::upkeep::Upkeep;
use crate::custody::State;
use crate::custody::decide::ledger_key;
use crate::custody::subject::{self, Item, Items as _};
use crate::event::record::OpenRecord;
use crate::event::signing::SecretKey;
use crate::event::{Hash, KeyId};
use crate::journal::{Journal, JournalError, Recovery};
use crate::pb::event::Body;
use crate::pb::{Genesis, LedgerState, Origin, RefusalsAnchored};
use crate::projection::maps::Maps;
use crate::projection::projector;
use crate::storage::{DirStorage, Storage};

/// The folder of maps of touched subjects, in the projection's.
const MAPS: &str = "maps";

/// What opening found and did.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Records the ledger holds.
    pub records: u64,
    /// Records folded because the projection did not have them.
    pub replayed: u64,
    /// What became of an earlier projection, and why, if it was of no use.
    pub set_aside: Option<(PathBuf, String)>,
    /// What opening the journal found: whether it had been closed, and a torn
    /// tail, if there was one. `None` over another kind of log.
    pub journal: Option<Recovery>,
    /// What an operator should know of the kept refusals: that some are gone or
    /// were set aside, or why none are kept.
    pub refusals: Option<String>,
    /// Why the tree was hashed again from record 0, if earlier files of it were
    /// of no use.
    pub tree_rebuilt: Option<String>,
}

/// The context under which a ledger's salts are derived from its key.
const SALTS: &str = "hazledger v1 salts of a ledger";

pub(super) fn salt_secret(key: &SecretKey) -> [u8; 32] {
    blake3::derive_key(SALTS, &key.seed())
}

impl Ledger {
    /// Opens a ledger and starts its threads. It blocks on the disk, for long
    /// if the projection must be rebuilt: call it off the async threads.
    pub fn open(
        dir: &Path,
        key: SecretKey,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<(Ledger, Opened), OpenError> {
        let folder = Folder::open(dir)?;
        let storage = DirStorage::new(Folder::journal(folder.dir()));
        let projection = Folder::projection(folder.dir());
        let genesis_hash = Some(folder.genesis_hash);
        let refusals = Folder::refusals(folder.dir());
        let files = files_in(&refusals, &options);
        let checkpoints = checkpoints_in(folder.dir())?;
        let beside = Beside { files, checkpoints };
        let lock = Some(folder.into_lock());
        open_journal(
            storage,
            beside,
            genesis_hash,
            &projection,
            key,
            options,
            clock,
            lock,
        )
    }

    /// The same on any storage of a journal, with the projection in a folder
    /// of its own, and no refusals kept. Whoever calls sees that nobody else has
    /// either open.
    pub fn open_on<S: Storage>(
        storage: S,
        projection: &Path,
        key: SecretKey,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<(Ledger, Opened), OpenError> {
        let beside = Beside::nowhere()?;
        open_journal(storage, beside, None, projection, key, options, clock, None)
    }

    /// The same, with the checkpoints kept on a storage of their own, and the
    /// mark of a restored ledger, if there is one, on the same.
    pub fn open_signing<S: Storage, C: Storage + Clone>(
        storage: S,
        checkpoints: C,
        projection: &Path,
        key: SecretKey,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<(Ledger, Opened), OpenError> {
        let dir = Arc::new(checkpoint::Folder(checkpoints.clone()));
        let checkpoints =
            checkpoint::take_up(Arc::new(checkpoint::Folder(checkpoints)), Some(dir))?;
        let beside = Beside {
            checkpoints,
            ..Beside::nowhere()?
        };
        open_journal(storage, beside, None, projection, key, options, clock, None)
    }

    /// The same, with the refusals kept on a storage of their own.
    pub fn open_keeping<S: Storage, R: Storage + Clone>(
        storage: S,
        refusals: R,
        projection: &Path,
        key: SecretKey,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<(Ledger, Opened), OpenError> {
        let files = files_on(refusals, &options);
        let beside = Beside {
            files: Ok(files),
            ..Beside::nowhere()?
        };
        open_journal(storage, beside, None, projection, key, options, clock, None)
    }

    /// The same over any order of records: `log` to commit to, `records` to
    /// read what stands.
    pub fn open_over(
        log: Box<dyn CommitLog>,
        records: Arc<dyn Records>,
        projection: &Path,
        key: SecretKey,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<(Ledger, Opened), OpenError> {
        check(&options)?;
        let genesis_hash = genesis_of(records.as_ref())?.2;
        let opening = Opening::new(projection, Some(genesis_hash))?;
        let beside = Beside::nowhere()?;
        start(
            log, records, None, beside, opening, projection, key, options, clock, None,
        )
    }
}

/// Where refusals are to be kept, or why nowhere.
type Place = Result<Box<dyn Files>, String>;

/// What is kept beside the journal.
struct Beside {
    files: Place,
    checkpoints: Kept,
}

impl Beside {
    /// Nothing that outlives this opening.
    fn nowhere() -> Result<Beside, OpenError> {
        Ok(Beside {
            files: Err("no place is given for them".to_owned()),
            checkpoints: checkpoint::take_up(Arc::new(Memory::default()), None)?,
        })
    }
}

/// In a data directory; the folder is made if it is not there.
fn checkpoints_in(dir: &Path) -> Result<Kept, OpenError> {
    let folder = Folder::checkpoints(dir);
    let storage = DirStorage::create(&folder).map_err(OpenError::io("create", &folder))?;
    let place = Arc::new(checkpoint::Folder(storage));
    let dir = Arc::new(checkpoint::Folder(DirStorage::new(dir)));
    checkpoint::take_up(place, Some(dir))
}

fn files_on<R: Storage + Clone>(storage: R, options: &Options) -> Box<dyn Files> {
    let reserve = options.disk_reserve_bytes;
    Box::new(refusals::Folder::new(storage, options.refusals, reserve))
}

/// In a folder, made if it is not there.
fn files_in(folder: &Path, options: &Options) -> Place {
    let storage = DirStorage::create(folder);
    let made = storage.map(|storage| files_on(storage, options));
    made.map_err(|error| format!("cannot create {}: {error}", folder.display()))
}

pub(super) fn check(options: &Options) -> Result<(), OpenError> {
    options
        .fault()
        .map_or(Ok(()), |fault| Err(OpenError::Options(fault)))
}

#[expect(
    clippy::too_many_arguments,
    reason = "called from three places, each with all of it"
)]
fn open_journal<S: Storage>(
    storage: S,
    beside: Beside,
    genesis_hash: Option<Hash>,
    projection: &Path,
    key: SecretKey,
    options: Options,
    clock: Arc<dyn Clock>,
    lock: Option<File>,
) -> Result<(Ledger, Opened), OpenError> {
    check(&options)?;
    let opening = Opening::new(projection, genesis_hash)?;
    // What was projected had been committed: the journal must have it.
    let (floor, origin) = match genesis_hash {
        Some(hash) => (opening.store.position(), Some(hash.0)),
        None => (0, None),
    };
    // What was signed had been committed as well.
    let signed = beside.checkpoints.floor();
    let opened = Journal::open(storage, origin, floor.max(signed), options.journal);
    let (journal, recovery) = opened.map_err(|error| match error {
        JournalError::Lost { have, .. } if have < signed => beside.checkpoints.lost(have),
        error => error.into(),
    })?;
    let reader = Arc::new(journal.reader());
    let records: Arc<dyn Records> = Arc::clone(&reader) as Arc<dyn Records>;
    let upkeep: Option<Arc<dyn Upkeep>> = Some(reader);
    let log = Box::new(LocalLog::new(journal));
    let (ledger, opened) = start(
        log, records, upkeep, beside, opening, projection, key, options, clock, lock,
    )?;
    Ok((
        ledger,
        Opened {
            journal: Some(recovery),
            ..opened
        },
    ))
}

/// Genesis, the ledger's name and its genesis hash, from record 0.
fn genesis_of(records: &dyn Records) -> Result<(Genesis, Origin, Hash), OpenError> {
    let bytes = records.record(0)?.ok_or(OpenError::NoGenesis)?;
    let record = OpenRecord::open(&bytes).map_err(|source| OpenError::Record {
        position: 0,
        source,
    })?;
    let genesis = record
        .events
        .iter()
        .flatten()
        .find_map(|event| match &event.body {
            Some(Body::Genesis(genesis)) => Some(genesis.clone()),
            _ => None,
        });
    let genesis = genesis.ok_or(OpenError::NoGenesis)?;
    let name = record.payload.origin.unwrap_or_default().name;
    let origin = Origin {
        name,
        genesis_hash: record.hash.to_bytes(),
    };
    Ok((genesis, origin, record.hash))
}

pub(super) fn check_key(genesis: &Genesis, key: &SecretKey) -> Result<(), OpenError> {
    let want = ledger_key(genesis).unwrap_or(KeyId([0; 16]));
    if want == key.id() {
        Ok(())
    } else {
        Err(OpenError::WrongKey {
            got: key.id(),
            want,
        })
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "called from two places, each with all of it"
)]
fn start(
    log: Box<dyn CommitLog>,
    records: Arc<dyn Records>,
    upkeep: Option<Arc<dyn Upkeep>>,
    beside: Beside,
    opening: Opening,
    projection: &Path,
    key: SecretKey,
    options: Options,
    clock: Arc<dyn Clock>,
    lock: Option<File>,
) -> Result<(Ledger, Opened), OpenError> {
    let (genesis, origin, genesis_hash) = genesis_of(records.as_ref())?;
    let folder = projection;
    let maps = Maps::new(folder.join(MAPS));
    let (recovered, set_aside) =
        recovery::recover(folder, opening, records.as_ref(), options.evict_every)?;
    let Recovered {
        store,
        projection,
        days,
        state,
        ids,
        replayed,
    } = recovered;
    let keys = rotation::check_key(&state, &key)?;
    let Beside { files, checkpoints } = beside;
    let begun = checkpoint::begin(
        checkpoints,
        records.as_ref(),
        &checkpoint::At {
            projection: folder,
            committed: state.next(),
            origin: &origin.name,
            keys: &keys,
        },
        &options,
    )?;
    let ledger = last_words(&state);
    let (refusals, files, told) = take_up(files, genesis_hash, ledger.refusals, &options);
    let opened = Opened {
        records: state.next(),
        replayed,
        set_aside,
        journal: None,
        refusals: told,
        tree_rebuilt: begun.tree_rebuilt,
    };
    let said = ledger.clock;
    let time = Timekeeper::new(clock, &options, state.recorded_at_ms(), said.as_ref())?;
    let (committed_sender, committed) = watch::channel(state.next());
    let (projector_sender, progress, project) = projector(projection, options.flush_every);
    let shared = Arc::new(Shared {
        inbox: Inbox::new(
            options.queue_statements,
            options.queue_bytes,
            options.threads(),
        ),
        live: RwLock::new(Live {
            state,
            ids,
            evictions: 0,
        }),
        records,
        store,
        days,
        time,
        salt_secret: salt_secret(&key),
        key,
        keys: Keys::default(),
        genesis,
        genesis_hash,
        origin,
        committed,
        progress,
        dry_runs: Semaphore::new(options.max_dry_runs),
        rates: Rates::new(options.party_rate()),
        metrics: Metrics::new(),
        disk: DiskWatch::new(upkeep.clone(), options.disk_reserve_bytes),
        refusals,
        overdue: Overdue::default(),
        checkpoints: begun.checkpoints,
        scrubbed: watch::Sender::default(),
        rotated: watch::Sender::default(),
        close_fault: Mutex::new(None),
        maps,
        _lock: lock,
    });
    let threads = Threads::start(
        &shared,
        log,
        Aside {
            upkeep,
            files,
            keeper: begun.keeper,
        },
        projector_sender,
        project,
        committed_sender,
        options,
    )?;
    Ok((
        Ledger {
            shared,
            threads: Arc::new(threads),
        },
        opened,
    ))
}

/// What the ledger last said of its clock and of the refusals that it keeps.
fn last_words(state: &State) -> LedgerState {
    match state.get(&subject::ledger()).as_deref() {
        Some(Item::Ledger(ledger)) => ledger.clone(),
        _ => LedgerState::default(),
    }
}

/// Takes up the kept refusals; what is wrong with them stops nothing, and is
/// told.
fn take_up(
    files: Place,
    genesis_hash: Hash,
    anchored: Option<RefusalsAnchored>,
    options: &Options,
) -> (Refusals, Option<Box<dyn Files>>, Option<String>) {
    let anchored = anchored.unwrap_or_else(refusals::nothing);
    let (mut taken_up, files) = match files {
        Ok(mut files) => (files.take_up(genesis_hash, &anchored), Some(files)),
        Err(why) => (TakenUp::failed(&anchored, why), None),
    };
    let told = taken_up.told.take().or_else(|| taken_up.why_none());
    let refusals = Refusals::new(options.refusals, taken_up, anchored);
    (refusals, files, told)
}
