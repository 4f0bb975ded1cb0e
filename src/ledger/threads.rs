//! The ledger's threads: some that prepare, one that writes, one that
//! commits, one that projects; one that looks for room on the disk, one that
//! reads the journal again, one that keeps what was refused, one that watches for
//! what is overdue, one that grows the tree and signs checkpoints. They end when the ledger is closed, when it has to stop, or
//! when its last handle is dropped.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::answer::CloseError;
use super::checkpoint::{self, Keeper};
use super::committer;
use super::error::OpenError;
use super::options::Options;
use super::overdue;
use super::prepare;
use super::refusals::{self, Files};
use super::scrub;
use super::seam::CommitLog;
use super::shared::Shared;
use super::upkeep::Upkeep;
use super::writer::Writer;
use crate::projection::Folded;

/// How long to wait for the threads to end. What they do then is bounded: one
/// batch, one flush; longer means that the disk hangs.
const CLOSE_WAIT: Duration = Duration::from_mins(1);

/// The threads of one ledger.
pub(super) struct Threads {
    shared: Arc<Shared>,
    /// Disconnected when all have ended.
    ended: Mutex<Receiver<()>>,
}

/// What goes on beside the way of a statement, if it does.
pub(super) struct Aside {
    /// A journal of our own.
    pub(super) upkeep: Option<Arc<dyn Upkeep>>,
    /// Where refusals are kept.
    pub(super) files: Option<Box<dyn Files>>,
    /// The tree's.
    pub(super) keeper: Keeper,
}

/// Ends the ledger if a thread panics: nobody waits for its answers then.
struct EndOnPanic(Arc<Shared>);

impl Drop for EndOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.inbox.end(Some(
                "one of its threads panicked; this is a fault of the program".into(),
            ));
        }
    }
}

impl Threads {
    /// Starts them.
    pub(super) fn start(
        shared: &Arc<Shared>,
        log: Box<dyn CommitLog>,
        Aside {
            upkeep,
            files,
            keeper,
        }: Aside,
        projector: SyncSender<Vec<Folded>>,
        project: impl FnOnce() + Send + 'static,
        committed: watch::Sender<u64>,
        options: Options,
    ) -> Result<Threads, OpenError> {
        // Nothing is ever sent: it tells by being dropped.
        let (running, ended) = sync_channel(1);
        // From here on, an error ends what was started.
        let threads = Threads {
            shared: Arc::clone(shared),
            ended: Mutex::new(ended),
        };
        start_upkeep(shared, &running, upkeep, &options)?;
        if let Some(files) = files {
            let keep = |shared: &Arc<Shared>| refusals::run(shared, files);
            spawn("refusals", shared, &running, keep)?;
        }
        spawn("tree", shared, &running, move |shared| {
            checkpoint::run(shared, keeper);
        })?;
        let overdue_every = options.overdue_every;
        spawn("overdue", shared, &running, move |shared| {
            overdue::run(shared, overdue_every);
        })?;
        start_each(shared, running, log, projector, project, committed, options)?;
        Ok(threads)
    }

    /// Waits until all have ended. Blocks.
    pub(super) fn wait(&self) -> Result<(), CloseError> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        match ended.recv_timeout(CLOSE_WAIT) {
            Err(RecvTimeoutError::Timeout) => Err(CloseError::Hangs(CLOSE_WAIT.as_secs())),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.inbox.end(None);
        // Whether they have ended in time changes nothing for whoever drops.
        let _ = self.wait();
    }
}

/// Those of a journal of our own.
fn start_upkeep(
    shared: &Arc<Shared>,
    running: &SyncSender<()>,
    journal: Option<Arc<dyn Upkeep>>,
    options: &Options,
) -> Result<(), OpenError> {
    let (look_every, scrub_every) = (options.disk_look_every, options.scrub_every);
    if shared.disk.is_on() {
        spawn("disk", shared, running, move |shared| {
            shared.disk.run(&shared.inbox, look_every);
        })?;
    }
    let Some(journal) = journal else {
        return Ok(());
    };
    spawn("scrub", shared, running, move |shared| {
        scrub::run(
            journal.as_ref(),
            &shared.inbox,
            scrub_every,
            &shared.scrubbed,
        );
    })
}

/// What it is given is gone when it returns, so that threads which were
/// started before one that could not be do not wait for it.
fn start_each(
    shared: &Arc<Shared>,
    running: SyncSender<()>,
    log: Box<dyn CommitLog>,
    projector: SyncSender<Vec<Folded>>,
    project: impl FnOnce() + Send + 'static,
    committed: watch::Sender<u64>,
    options: Options,
) -> Result<(), OpenError> {
    let (orders, received) = sync_channel(committer::QUEUE);
    for number in 0..options.threads() {
        let work = |shared: &Arc<Shared>| prepare::run(shared);
        spawn(&format!("prepare-{number}"), shared, &running, work)?;
    }
    spawn("project", shared, &running, move |_| project())?;
    spawn("commit", shared, &running, move |shared| {
        if let Err(error) = committer::run(shared, log, &received) {
            let mut fault = shared
                .close_fault
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *fault = Some(error.to_string());
        }
    })?;
    spawn("write", shared, &running, move |shared| {
        let mut writer = Writer::new(Arc::clone(shared), orders, projector, committed, options);
        let why = writer.run().err();
        shared.inbox.end(why);
    })?;
    drop(running);
    Ok(())
}

fn spawn(
    name: &str,
    shared: &Arc<Shared>,
    running: &SyncSender<()>,
    work: impl FnOnce(&Arc<Shared>) + Send + 'static,
) -> Result<(), OpenError> {
    let (shared, running) = (Arc::clone(shared), running.clone());
    let body = move || {
        let guard = EndOnPanic(shared);
        work(&guard.0);
        drop(guard);
        // Last: what this thread held is free when it is said to have ended.
        drop(running);
    };
    let builder = std::thread::Builder::new().name(format!("hazledger-{name}"));
    builder.spawn(body).map(drop).map_err(OpenError::Thread)
}
