//! One witness' thread: it asks about what is out, learns the witness' size,
//! rests after a failure, and holds what the witness shows against the ledger.
//! Not here: which checkpoint is out (`rounds`), and who starts it (`push`).

use std::time::{Duration, Instant};

use super::ask::{Asker, NoAnswer, Said};
use super::complete::{self, Restored, Word};
use super::metrics::Reason;
use super::push::{Shared, State};
use super::request::AddCheckpoint;
use super::rounds::Target;
use crate::proof::tree::TreeHash;
use crate::proof::{Note, NoteSignature};

/// How long a witness is left alone after the first failure; twice as long
/// after each that follows.
pub const FIRST_REST: Duration = Duration::from_millis(250);

/// How long it is left alone at most.
pub const LONGEST_REST: Duration = Duration::from_secs(15);

/// Requests about one checkpoint before that is a failure: one to learn the
/// witness' size, one with a proof from there, one more if others ask too.
const MAX_TRIES: usize = 3;

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
    /// All of it is here: it, and its size.
    IsHere(Note, u64),
    /// It is not, and the ledger's own key has signed it.
    IsNot(String),
    /// Nothing, for a reason.
    Nothing(String),
}

/// One witness' thread.
pub(super) struct Pusher<'a> {
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
    pub(super) fn new(shared: &Shared, asker: Asker) -> Pusher<'_> {
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

    pub(super) fn run(mut self) {
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
                Said::Cosigned { signature, .. } => {
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
        let here = self.tell_ahead(size, newest);
        let by = if here.is_some() {
            0
        } else {
            size.saturating_sub(newest)
        };
        self.shared.metrics.ahead(self.name(), by);
        self.shared.metrics.failed(self.name(), Reason::Ahead);
    }

    /// The checkpoint that it shows and its size, if that is here after all.
    fn tell_ahead(&mut self, size: u64, newest: u64) -> Option<(Note, u64)> {
        let proof = match self.shown(size) {
            Shown::IsHere(note, size) => return Some((note, size)),
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
        None
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
            Ok(()) => match Note::parse(&note) {
                Ok(note) => Shown::IsHere(note, checkpoint.size),
                Err(why) => Shown::Nothing(why.to_string()),
            },
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
        let log = &*self.shared.log;
        let mut word = complete::ask(&self.asker, log, note, size);
        // The backup may have been made after this was signed and before what
        // it has signed was kept. What it shows then is here, and anybody may
        // have shown it: that too the witness is to sign now.
        if let Word::Beyond(has) = word
            && let Some((shown, has)) = self.tell_ahead(has, size)
        {
            word = complete::ask(&self.asker, log, &shown, has);
        }
        match word {
            Word::NothingBeyond => true,
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
