//! The asking of a policy's witnesses: one thread each, and one that publishes
//! what they made of a checkpoint. Nothing is queued: a witness is asked about
//! what is out now (`rounds`), and rests after a failure.
//!
//! A witness that has signed a larger tree than the ledger has is an alarm:
//! somebody runs a second copy of this ledger, or this one was set back.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::ask::{Asked, Asker, NoAnswer, Said};
use super::complete::{self, Restored, Word};
use super::metrics::{Metrics, Reason};
use super::request::AddCheckpoint;
use super::rounds::{Rounds, Target};
use crate::proof::tree::TreeHash;
use crate::proof::{Note, NoteSignature, Policy, VerifierKey};

/// How long a witness is left alone after the first failure; twice as long
/// after each that follows.
pub const FIRST_REST: Duration = Duration::from_millis(250);

/// How long it is left alone at most.
pub const LONGEST_REST: Duration = Duration::from_secs(15);

/// Requests about one checkpoint before that is a failure: one to learn the
/// witness' size, one with a proof from there, one more if others ask too.
const MAX_TRIES: usize = 3;

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
    policy: Policy,
    log: VerifierKey,
    witnesses: Vec<Asked>,
}

impl Plan {
    /// Checks a policy for the ledger with this key.
    pub fn new(policy: Policy, log: VerifierKey) -> Result<Plan, PushError> {
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

struct State {
    rounds: Rounds,
    /// While the ledger waits to hear that nothing was lost.
    restored: Option<Restored>,
    stopped: bool,
}

struct Shared {
    state: Mutex<State>,
    /// Something of the state has changed.
    changed: Condvar,
    plan: Plan,
    log: Box<dyn Log>,
    metrics: Metrics,
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
        let askers: Vec<Asker> = plan.witnesses.iter().cloned().map(Asker::new).collect();
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
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits until `look` finds something; `None` when all is to end. `until`
    /// says by when to look again.
    fn wait<T>(
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
    fn rest(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let over = |_: &mut State| (Instant::now() >= until).then_some(());
        self.wait(over, |_| Some(until)).is_some()
    }

    fn count(&self, state: &State) {
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

/// Why a witness did not sign.
#[derive(Debug)]
enum Trouble {
    /// It has signed another text of the ledger's, larger than what is out.
    Passed,
    /// It has signed more than the ledger has signed: how much, and how much
    /// that is.
    Ahead(u64, u64),
    /// Anything else, in words.
    Other(Reason, String),
}

/// What the checkpoint that a witness shows says of the ledger.
enum Shown {
    /// All of it is here.
    IsHere,
    /// It is not, and the ledger's own key has signed it.
    IsNot(String),
    /// Nothing, for a reason.
    Nothing(String),
}

/// One witness' thread.
struct Pusher<'a> {
    shared: &'a Shared,
    asker: Asker,
    /// The text that it has nothing more to say about.
    had: Option<String>,
    /// What it is believed to have signed.
    size: u64,
    failures: u32,
    /// What was said of it last, so that it is said once.
    told: String,
}

impl Pusher<'_> {
    fn new(shared: &Shared, asker: Asker) -> Pusher<'_> {
        Pusher {
            shared,
            asker,
            had: None,
            size: 0,
            failures: 0,
            told: String::new(),
        }
    }

    fn name(&self) -> &str {
        &self.asker.asked().name
    }

    fn run(mut self) {
        if !self.ask_if_complete() {
            return;
        }
        while let Some(target) = self.next() {
            match self.push(&target) {
                Ok(signature) => self.took(&target, &signature),
                Err(Trouble::Passed) => {
                    let mut state = self.shared.lock();
                    state.rounds.hasten(&target.note.text, Instant::now());
                    drop(state);
                    self.shared.changed.notify_all();
                    self.had = Some(target.note.text.clone());
                }
                Err(Trouble::Ahead(size, newest)) => {
                    self.is_ahead(size, newest);
                    if !self.rest() {
                        return;
                    }
                }
                Err(Trouble::Other(reason, why)) => {
                    self.shared.metrics.failed(self.name(), reason);
                    self.tell(&why);
                    if !self.rest() {
                        return;
                    }
                }
            }
        }
    }

    /// What it is to sign, as soon as there is something.
    fn next(&self) -> Option<Target> {
        let had = self.had.as_deref();
        let look = |state: &mut State| {
            let target = state.rounds.target(Instant::now())?;
            (had != Some(target.note.text.as_str())).then_some(target)
        };
        self.shared.wait(look, |state| state.rounds.turns_at())
    }

    fn push(&mut self, target: &Target) -> Result<NoteSignature, Trouble> {
        for _ in 0..MAX_TRIES {
            let old = self.size.min(target.size);
            let request = AddCheckpoint {
                old,
                proof: self.proof(old, target.size)?,
                note: target.note.as_ref().clone(),
            };
            let answer = self.asker.add(&request).map_err(|why| match why {
                NoAnswer::Unreachable { .. } => {
                    Trouble::Other(Reason::Unreachable, why.to_string())
                }
                NoAnswer::Useless { .. } => Trouble::Other(Reason::Useless, why.to_string()),
            })?;
            match answer {
                Said::Cosigned(signature) => {
                    self.size = target.size;
                    return Ok(signature);
                }
                Said::Has(size) if size > target.size => {
                    self.size = size;
                    let newest = self.shared.lock().rounds.newest_size();
                    return Err(if size > newest {
                        Trouble::Ahead(size, newest)
                    } else {
                        Trouble::Passed
                    });
                }
                Said::Has(size) => self.size = size,
                Said::Refused { status, words } => {
                    // It may have been set back, or changed: ask it anew.
                    self.size = 0;
                    return Err(Trouble::Other(
                        Reason::Refused,
                        self.refusal(status, &words),
                    ));
                }
            }
        }
        let why = "it says another size each time it is asked".to_owned();
        Err(Trouble::Other(Reason::Useless, why))
    }

    fn proof(&self, old: u64, new: u64) -> Result<Vec<TreeHash>, Trouble> {
        if old == 0 || old == new {
            return Ok(Vec::new());
        }
        let proof = self.shared.log.consistency(old, new);
        proof.map_err(|why| {
            let why = format!("no proof from size {old} to {new}: {why}");
            Trouble::Other(Reason::Tree, why)
        })
    }

    fn took(&mut self, target: &Target, signature: &NoteSignature) {
        if !self.told.is_empty() {
            tracing::info!("the witness {} signs again 恢复联署", self.name());
            self.told.clear();
        }
        self.failures = 0;
        self.had = Some(target.note.text.clone());
        self.shared.metrics.cosigned(self.name(), target.size);
        let mut state = self.shared.lock();
        state
            .rounds
            .take(&target.note.text, signature, Instant::now());
        self.shared.count(&state);
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Says it once, until it changes.
    fn tell(&mut self, why: &str) {
        if self.told != why {
            why.clone_into(&mut self.told);
            tracing::warn!("the witness {} does not sign 未联署: {why}", self.name());
        }
    }

    /// It has signed more than this ledger has signed.
    fn is_ahead(&mut self, size: u64, newest: u64) {
        let is_here = self.tell_ahead(size, newest);
        let by = if is_here {
            0
        } else {
            size.saturating_sub(newest)
        };
        self.shared.metrics.ahead(self.name(), by);
        self.shared.metrics.failed(self.name(), Reason::Ahead);
    }

    /// Whether what it has signed is here after all.
    fn tell_ahead(&mut self, size: u64, newest: u64) -> bool {
        let proof = match self.shown(size) {
            Shown::IsHere => return true,
            Shown::IsNot(proof) => proof,
            Shown::Nothing(why) => format!("it may be mistaken: {why}"),
        };
        let told = format!("ahead {size} {newest} {proof}");
        if self.told != told {
            self.told = told;
            tracing::error!(
                "WITNESS AHEAD 见证超前: {} has signed size {size} of this ledger, which has signed \
                 {newest}: records were lost, or a second copy of this ledger goes on; {proof}",
                self.name()
            );
        }
        false
    }

    /// Holds the checkpoint that it shows, of at least a size, against the
    /// ledger. With the ledger's own signature on it, it needs not be believed.
    fn shown(&self, size: u64) -> Shown {
        let (checkpoint, note) = match self.asker.latest(&self.shared.plan.log) {
            Ok(Some(shown)) => shown,
            Ok(None) => return Shown::Nothing("it shows no checkpoint".to_owned()),
            Err(why) => return Shown::Nothing(why.to_string()),
        };
        if checkpoint.size < size {
            return Shown::Nothing(format!("it shows one of size {}", checkpoint.size));
        }
        match self.shared.log.hold_against(&note) {
            Ok(()) => Shown::IsHere,
            Err(why) => Shown::IsNot(format!(
                "proof is what this ledger's key has signed, {note:?}: {why}"
            )),
        }
    }

    /// A refusal, what it may mean, and the proof of it if there is one.
    fn refusal(&self, status: u16, words: &str) -> String {
        let meaning = match status {
            403 => "; does it watch this ledger's key, or one that it had before?",
            404 => "; it does not watch this ledger, or the address is another's",
            422 => "; it has signed another tree of this ledger: does a second copy go on?",
            _ => "",
        };
        // Whether it shows the other tree with the ledger's own signature.
        let shown = (status == 422).then(|| self.shown(0));
        let proof = match shown {
            Some(Shown::IsNot(proof)) => format!("; {proof}"),
            _ => String::new(),
        };
        format!("it says {status}: {words}{meaning}{proof}")
    }

    /// Longer after each failure; whether to go on.
    fn rest(&mut self) -> bool {
        let doubled = FIRST_REST.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.shared.rest(doubled.min(LONGEST_REST))
    }

    /// While the ledger waits to hear that nothing was lost; whether to go on.
    fn ask_if_complete(&mut self) -> bool {
        loop {
            let waiting = |state: &State| state.restored.as_ref().map(Restored::known);
            let Some((note, size)) = waiting(&self.shared.lock()) else {
                self.failures = 0;
                return true;
            };
            if self.knows_of_nothing_beyond(&note, size) {
                self.said_nothing_beyond();
                // Nothing more to ask, until the others have said so too.
                let over = |state: &mut State| state.restored.is_none().then_some(());
                if self.shared.wait(over, |_| None).is_none() {
                    return false;
                }
            } else if !self.rest() {
                return false;
            }
        }
    }

    fn knows_of_nothing_beyond(&mut self, note: &Note, size: u64) -> bool {
        match complete::ask(&self.asker, note, size) {
            Word::NothingBeyond => true,
            // The backup may have been made after this was signed and before
            // what it has signed was kept.
            Word::Beyond(has) if self.tell_ahead(has, size) => true,
            Word::Beyond(has) => {
                if let Some(restored) = &mut self.shared.lock().restored {
                    restored.lost(self.name());
                }
                self.shared.metrics.failed(self.name(), Reason::Ahead);
                self.shared
                    .metrics
                    .ahead(self.name(), has.saturating_sub(size));
                false
            }
            Word::Nothing(reason, why) => {
                self.shared.metrics.failed(self.name(), reason);
                self.tell(&why);
                false
            }
        }
    }

    fn said_nothing_beyond(&self) {
        let name = self.name().to_owned();
        tracing::info!("the witness {name} knows of nothing beyond what was restored");
        let mut state = self.shared.lock();
        if let Some(restored) = &mut state.restored {
            restored.nothing_beyond(&self.shared.plan.policy, name);
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}
