//! Which checkpoint is out with the witnesses, and what has come back. One
//! checkpoint is out at a time, the same for all of them: if each took the
//! newest whenever it had time, two slow ones might never sign the same.
//!
//! The next goes out when the policy is met, or when it was not met for
//! [`PATIENCE`]; it is always the newest that is signed, and none in between.
//! Not here: threads and HTTP (`push`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::proof::{BadCheckpoint, Checkpoint, Note, NoteSignature, Policy};

/// How long a checkpoint that does not meet the policy stays out when there is
/// a newer one. Longer than a request, so that a witness that answers at all
/// can answer.
pub const PATIENCE: Duration = Duration::from_secs(12);

/// A checkpoint to be signed.
#[derive(Clone, Debug)]
pub struct Target {
    /// Signed by the ledger, and by nobody else yet.
    pub note: Arc<Note>,
    /// Its leaves.
    pub size: u64,
}

/// One checkpoint, and the cosignatures that came.
#[derive(Debug)]
struct Round {
    target: Target,
    /// With cosignatures.
    cosigned: Note,
    began: Instant,
}

impl Round {
    /// Adds a cosignature; whether that said something new.
    fn take(&mut self, signature: &NoteSignature) -> bool {
        let same = |had: &NoteSignature| had.name == signature.name && had.id == signature.id;
        if self.cosigned.signatures.iter().any(same) {
            return false;
        }
        self.cosigned.signatures.push(signature.clone());
        true
    }
}

/// The rounds of one ledger.
#[derive(Debug)]
pub struct Rounds {
    policy: Policy,
    /// The newest that is signed.
    newest: Option<Target>,
    /// What is out.
    out: Option<Round>,
    /// The last that met the policy, which others may still sign.
    met: Option<Round>,
    /// To be published.
    pending: Option<String>,
}

impl Rounds {
    /// None yet.
    pub fn new(policy: Policy) -> Rounds {
        Rounds {
            policy,
            newest: None,
            out: None,
            met: None,
            pending: None,
        }
    }

    /// A checkpoint that was served before, if it meets the policy, is not out
    /// again, and keeps the cosignatures that it has.
    pub fn resume(&mut self, served: &str, now: Instant) {
        let (Ok(cosigned), Ok(target)) = (Note::parse(served), read(served)) else {
            return;
        };
        if self.policy.satisfied_by(&cosigned).is_ok() {
            self.newest = Some(target.clone());
            self.met = Some(Round {
                target,
                cosigned,
                began: now,
            });
        }
    }

    /// The ledger has signed a checkpoint. What is no checkpoint, or smaller
    /// than the newest, says nothing.
    pub fn offer(&mut self, note: &str, now: Instant) {
        let Ok(target) = read(note) else {
            return;
        };
        let known =
            |newest: &Target| target.size < newest.size || newest.note.text == target.note.text;
        if self.newest.as_ref().is_some_and(known) {
            return;
        }
        self.newest = Some(target);
        self.turn(now);
    }

    /// What a witness is to sign now: what is out, or else what others have
    /// signed already.
    pub fn target(&mut self, now: Instant) -> Option<Target> {
        self.turn(now);
        let round = self.out.as_ref().or(self.met.as_ref());
        round.map(|round| round.target.clone())
    }

    /// A witness has gone past that text, and the policy may need it: the
    /// newest goes out without patience.
    pub fn hasten(&mut self, text: &str, now: Instant) {
        let out = self.out.take_if(|out| out.target.note.text == text);
        if out.is_some() {
            self.turn(now);
        }
    }

    /// When a newer one goes out by itself; `None` if none is waiting.
    pub fn turns_at(&self) -> Option<Instant> {
        let out = self.out.as_ref()?;
        let waiting = self.newest.as_ref()?.note.text != out.target.note.text;
        waiting.then(|| out.began + PATIENCE)
    }

    /// Leaves of the newest that is signed.
    pub fn newest_size(&self) -> u64 {
        self.newest.as_ref().map_or(0, |newest| newest.size)
    }

    /// Leaves of the last that met the policy.
    pub fn met_size(&self) -> u64 {
        self.met.as_ref().map_or(0, |met| met.target.size)
    }

    /// A witness has signed that text: whether it can still be of use.
    pub fn take(&mut self, text: &str, signature: &NoteSignature, now: Instant) -> bool {
        let is_it = |round: &&mut Round| round.target.note.text == text;
        if let Some(met) = self.met.as_mut().filter(is_it) {
            if met.take(signature) {
                self.pending = Some(met.cosigned.to_string());
            }
            return true;
        }
        let Some(out) = self.out.as_mut().filter(is_it) else {
            return false;
        };
        out.take(signature);
        self.judge();
        self.turn(now);
        true
    }

    /// What is to be published, once: the newest word on the last checkpoint
    /// that met the policy.
    pub fn take_pending(&mut self) -> Option<String> {
        self.pending.take()
    }

    /// It could not be published; the next attempt tries again.
    pub fn give_back(&mut self, note: String) {
        self.pending.get_or_insert(note);
    }

    /// The next goes out, if it is time.
    fn turn(&mut self, now: Instant) {
        let Some(newest) = &self.newest else {
            return;
        };
        let is_newest = |round: &Round| round.target.note.text == newest.note.text;
        let stays = match &self.out {
            None => self.met.as_ref().is_some_and(is_newest),
            Some(out) => is_newest(out) || now < out.began + PATIENCE,
        };
        if stays {
            return;
        }
        self.out = Some(Round {
            target: newest.clone(),
            cosigned: newest.note.as_ref().clone(),
            began: now,
        });
        self.judge();
    }

    /// Whether what is out meets the policy; if so, it is out no more.
    fn judge(&mut self) {
        let met = |out: &Round| self.policy.satisfied_by(&out.cosigned).is_ok();
        if !self.out.as_ref().is_some_and(met) {
            return;
        }
        self.met = self.out.take();
        self.pending = self.met.as_ref().map(|met| met.cosigned.to_string());
    }
}

fn read(note: &str) -> Result<Target, BadCheckpoint> {
    let note = Note::parse(note)?;
    let size = Checkpoint::parse(&note.text)?.size;
    Ok(Target {
        note: Arc::new(note),
        size,
    })
}
