//! The asking of a policy's witnesses: one thread each (`pusher`), and one that
//! publishes what they made of a checkpoint. Nothing is queued: a witness is
//! asked about what is out now (`rounds`).
//!
//! A witness that has signed a larger tree than the ledger has is an alarm:
//! somebody runs a second copy of this ledger, or this one was set back.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::ask::{Asked, Asker};
use super::authorities::Authorities;
use super::complete::Restored;
use super::metrics::Metrics;
use super::pusher::Pusher;
use super::rounds::Rounds;
use crate::proof::tree::TreeHash;
use crate::proof::{Policy, VerifierKey};

/// How long publishing is left alone after it failed.
const PUBLISH_REST: Duration = Duration::from_secs(1);

/// The ledger as who asks sees it.
pub trait Log: Send + Sync {
    /// The consistency proof between two sizes that it has (RFC 6962, section
    /// 2.1.2); why not, in words.
    fn consistency(&self, old: u64, new: u64) -> Result<Vec<TreeHash>, String>;

    /// Publishes a checkpoint that meets the policy; again when it has more
    /// cosignatures. Blocks on the disk.
    fn publish(&self, note: &str) -> Result<(), String>;

    /// Holds a checkpoint that its key has signed against its records, and
    /// stops accepting if they are not all there; what is missing, in words.
    /// Blocks on the disk.
    fn hold_against(&self, note: &str) -> Result<(), String>;

    /// Ends the wait of a restored ledger: its witnesses know of nothing
    /// beyond so many records, and it has as many. Blocks on the disk.
    fn confirm_complete(&self, size: u64) -> Result<(), String>;

    /// The machine's clock, Unix seconds.
    fn now_s(&self) -> u64;
}

/// Why a policy's witnesses cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// A witness that is nowhere.
    #[error(
        "the policy does not say where the witness {0} is: give its address, 'witness NAME VKEY URL'"
    )]
    NoUrl(String),
    /// No address of the web.
    #[error("{url:?} of the witness {name} is no address: it begins with http:// or https://")]
    BadUrl {
        /// In the policy.
        name: String,
        /// As given.
        url: String,
    },
    /// A policy for other logs.
    #[error("the policy is not for this ledger: it has no line 'log {0}'")]
    OtherLog(String),
    /// The operating system.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// What a policy says, ready to be used for one ledger.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) policy: Policy,
    pub(super) log: VerifierKey,
    witnesses: Vec<Asked>,
    authorities: Authorities,
}

impl Plan {
    /// Checks a policy for the ledger with this key. Witnesses at an https
    /// address must be who these authorities say they are.
    pub fn new(
        policy: Policy,
        log: VerifierKey,
        authorities: Authorities,
    ) -> Result<Plan, PushError> {
        let mut logs = policy.logs().iter();
        if !policy.logs().is_empty() && !logs.any(|known| known.vkey == log) {
            return Err(PushError::OtherLog(log.to_string()));
        }
        let mut witnesses = Vec::new();
        for witness in policy.witnesses() {
            let name = witness.name.clone();
            let Some(url) = witness.url.clone() else {
                return Err(PushError::NoUrl(name));
            };
            if !(url.starts_with("http://") || url.starts_with("https://")) {
                return Err(PushError::BadUrl { name, url });
            }
            witnesses.push(Asked {
                name,
                key: witness.vkey.clone(),
                url,
            });
        }
        Ok(Plan {
            policy,
            log,
            witnesses,
            authorities,
        })
    }

    /// The witnesses' names in the policy.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.witnesses.iter().map(|witness| witness.name.as_str())
    }
}

/// What the ledger begins with.
#[derive(Debug, Default)]
pub struct Begin {
    /// While it waits to hear that nothing was lost in a restore.
    pub restored: Option<Restored>,
    /// The checkpoint that it served last, with its cosignatures.
    pub served: Option<String>,
}

pub(super) struct State {
    pub(super) rounds: Rounds,
    /// While the ledger waits to hear that nothing was lost.
    pub(super) restored: Option<Restored>,
    stopped: bool,
}

pub(super) struct Shared {
    state: Mutex<State>,
    /// Something of the state has changed.
    pub(super) changed: Condvar,
    pub(super) plan: Plan,
    pub(super) log: Box<dyn Log>,
    pub(super) metrics: Metrics,
}

/// The threads. Dropped, they end by themselves; what they wait for is
/// bounded.
pub struct Pushing {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Pushing {
    /// Starts them.
    pub fn start(
        plan: Plan,
        log: Box<dyn Log>,
        metrics: Metrics,
        begin: Begin,
    ) -> Result<Pushing, PushError> {
        let Begin { restored, served } = begin;
        let mut rounds = Rounds::new(plan.policy.clone());
        if let Some(served) = served {
            rounds.resume(&served, Instant::now());
        }
        let ask = |asked: &Asked| Asker::new(asked.clone(), plan.authorities.clone());
        let askers: Vec<Asker> = plan.witnesses.iter().map(ask).collect();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                rounds,
                restored,
                stopped: false,
            }),
            changed: Condvar::new(),
            plan,
            log,
            metrics,
        });
        let mut pushing = Pushing {
            shared: Arc::clone(&shared),
            threads: Vec::new(),
        };
        pushing.spawn("publish", |shared| publish(&shared))?;
        for asker in askers {
            shared.metrics.watch(&asker.asked().name);
            let name = format!("witness-{}", pushing.threads.len());
            pushing.spawn(&name, move |shared| Pusher::new(&shared, asker).run())?;
        }
        Ok(pushing)
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce(Arc<Shared>) + Send + 'static,
    ) -> Result<(), PushError> {
        let shared = Arc::clone(&self.shared);
        let builder = std::thread::Builder::new().name(format!("hazledger-{name}"));
        let thread = builder.spawn(move || work(shared));
        self.threads.push(thread.map_err(PushError::Thread)?);
        Ok(())
    }

    /// The ledger has signed a checkpoint.
    pub fn offer(&self, note: &str) {
        let mut state = self.shared.lock();
        state.rounds.offer(note, Instant::now());
        self.shared.count(&state);
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Ends the threads and waits for them: for one request at most.
    pub fn stop(mut self) {
        self.shared.end();
        for thread in self.threads.drain(..) {
            // One that panicked has ended too.
            let _ = thread.join();
        }
    }
}

impl Drop for Pushing {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits until `look` finds something; `None` when all is to end. `until`
    /// says by when to look again.
    pub(super) fn wait<T>(
        &self,
        mut look: impl FnMut(&mut State) -> Option<T>,
        until: impl Fn(&State) -> Option<Instant>,
    ) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            let left = until(&state).map(|at| at.saturating_duration_since(Instant::now()));
            state = match left {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Rests; whether to go on.
    pub(super) fn rest(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let over = |_: &mut State| (Instant::now() >= until).then_some(());
        self.wait(over, |_| Some(until)).is_some()
    }

    pub(super) fn count(&self, state: &State) {
        let rounds = &state.rounds;
        self.metrics.met(rounds.met_size(), rounds.newest_size());
    }
}

/// Publishes what meets the policy, and ends the wait of a restored ledger.
fn publish(shared: &Shared) {
    enum Work {
        Publish(String),
        Confirm(u64),
    }
    let look = |state: &mut State| {
        let confirmed = state.restored.as_ref().and_then(Restored::confirmed);
        let confirm = confirmed.map(Work::Confirm);
        confirm.or_else(|| state.rounds.take_pending().map(Work::Publish))
    };
    while let Some(work) = shared.wait(look, |_| None) {
        let done = match &work {
            Work::Publish(note) => shared.log.publish(note),
            Work::Confirm(size) => shared.log.confirm_complete(*size),
        };
        let failed = done.is_err();
        let mut state = shared.lock();
        match (done, work) {
            (Ok(()), Work::Publish(_)) => {}
            (Ok(()), Work::Confirm(_)) => state.restored = None,
            (Err(why), Work::Publish(note)) => {
                tracing::error!("cannot publish a cosigned checkpoint: {why}");
                state.rounds.give_back(note);
            }
            (Err(why), Work::Confirm(_)) => {
                tracing::error!("the witnesses know of nothing beyond, but: {why}");
            }
        }
        drop(state);
        shared.changed.notify_all();
        if failed && !shared.rest(PUBLISH_REST) {
            return;
        }
    }
}
