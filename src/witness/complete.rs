//! Whether a restored ledger has lost something: its witnesses are asked about
//! the last checkpoint that it has, before it signs another. A witness that
//! has signed no larger one says so by signing it, now: nothing else counts. A
//! size that it says is signed by nobody, and a cosignature of another day may
//! be shown again by anybody. One that says a smaller size gets a proof from
//! there and is asked to sign once more; one that says a larger one says that
//! records are lost, and the ledger must not go on.
//!
//! What this does not show: a witness that has lost what it knew signs in good
//! faith, like one that knows of nothing beyond.
//!
//! Enough have said so when they meet the policy and the others could not have
//! met it without them: then nobody can hold a checkpoint from beyond that
//! meets the policy.

use std::collections::BTreeSet;
use std::time::Duration;

use super::ask::{Asker, NoAnswer, Said};
use super::metrics::Reason;
use super::push::Log;
use super::request::AddCheckpoint;
use crate::proof::{BadCheckpoint, Checkpoint, Note, Policy};

/// How far a cosignature's time may be from the machine's clock, before it or
/// after it, to be the answer to what was asked now. As much as a jump of the
/// machine's clock may be by default.
pub const MAX_COSIGNATURE_AGE: Duration = Duration::from_mins(10);

/// A restored ledger that waits.
#[derive(Clone, Debug)]
pub struct Restored {
    note: Note,
    size: u64,
    /// Names of witnesses that know of nothing beyond.
    nothing_beyond: BTreeSet<String>,
    /// Names of witnesses that know of more.
    lost: BTreeSet<String>,
    enough: bool,
}

impl Restored {
    /// With the last checkpoint that the restored directory has.
    pub fn new(last: &str) -> Result<Restored, BadCheckpoint> {
        let note = Note::parse(last)?;
        let size = Checkpoint::parse(&note.text)?.size;
        Ok(Restored {
            note,
            size,
            nothing_beyond: BTreeSet::new(),
            lost: BTreeSet::new(),
            enough: false,
        })
    }

    /// That checkpoint, and its size.
    pub(super) fn known(&self) -> (Note, u64) {
        (self.note.clone(), self.size)
    }

    /// A witness knows of nothing beyond.
    pub(super) fn nothing_beyond(&mut self, policy: &Policy, name: String) {
        self.lost.remove(&name);
        self.nothing_beyond.insert(name);
        self.enough = is_enough(policy, &self.nothing_beyond);
    }

    /// A witness knows of more.
    pub(super) fn lost(&mut self, name: &str) {
        self.lost.insert(name.to_owned());
    }

    /// Its size, if enough have said that nothing is beyond it and nobody has
    /// said otherwise.
    pub(super) fn confirmed(&self) -> Option<u64> {
        (self.enough && self.lost.is_empty()).then_some(self.size)
    }
}

/// Whether these meet the policy, and those that are left do not.
fn is_enough(policy: &Policy, said: &BTreeSet<String>) -> bool {
    let names = || {
        policy
            .witnesses()
            .iter()
            .map(|witness| witness.name.as_str())
    };
    let said_so = |name: &&str| said.contains(*name);
    policy.is_quorum(names().filter(said_so)) && !policy.is_quorum(names().filter(|n| !said_so(n)))
}

/// What a witness says.
#[derive(Debug)]
pub enum Word {
    /// It has signed the checkpoint now, and so nothing larger.
    NothingBeyond,
    /// It says that it has signed this size, which is larger.
    Beyond(u64),
    /// Nothing of use.
    Nothing(Reason, String),
}

/// Asks a witness to sign a checkpoint of the log's again; if it says a smaller
/// size, once more with the proof from there. Blocks for two requests at most.
pub fn ask(asker: &Asker, log: &dyn Log, note: &Note, size: u64) -> Word {
    let ask_from = |old: u64, proof| {
        let note = note.clone();
        asker.add(&AddCheckpoint { old, proof, note })
    };
    let first = ask_from(size, Vec::new());
    let old = match first {
        Ok(Said::Has(has)) if has < size => has,
        answer => return word(answer, size, log.now_s()),
    };
    // From nothing there is nothing to prove.
    let proof = match old {
        0 => Ok(Vec::new()),
        old => log.consistency(old, size),
    };
    match proof {
        Ok(proof) => word(ask_from(old, proof), size, log.now_s()),
        Err(why) => Word::Nothing(
            Reason::Tree,
            format!("no proof from size {old}, which it says it has, to {size}: {why}"),
        ),
    }
}

/// What an answer says of a checkpoint of this size.
fn word(answer: Result<Said, NoAnswer>, size: u64, now_s: u64) -> Word {
    let useless = |why: String| Word::Nothing(Reason::Useless, why);
    match answer {
        Ok(Said::Cosigned { at_s, .. }) => match is_fresh(at_s, now_s) {
            Ok(()) => Word::NothingBeyond,
            Err(why) => useless(why),
        },
        Ok(Said::Has(has)) if has > size => Word::Beyond(has),
        Ok(Said::Has(has)) => useless(format!(
            "asked with the size that it says it has to sign size {size}, it says size {has} and \
             does not sign; nobody signs a size, so it does not count"
        )),
        Ok(Said::Refused { status: 422, words }) => Word::Nothing(
            Reason::Refused,
            format!(
                "it has signed another tree, or does not take the proof: {words}; this may not be \
                 the ledger that it knows"
            ),
        ),
        Ok(Said::Refused { status, words }) => {
            Word::Nothing(Reason::Refused, format!("it says {status}: {words}"))
        }
        Err(why @ NoAnswer::Unreachable { .. }) => {
            Word::Nothing(Reason::Unreachable, why.to_string())
        }
        Err(why @ NoAnswer::Useless { .. }) => useless(why.to_string()),
    }
}

/// Whether a cosignature of this time, Unix seconds, was made now; why not, in
/// words.
fn is_fresh(at_s: u64, now_s: u64) -> Result<(), String> {
    let apart = at_s.abs_diff(now_s);
    let bound = MAX_COSIGNATURE_AGE.as_secs();
    if apart <= bound {
        return Ok(());
    }
    let side = if at_s < now_s { "before" } else { "after" };
    Err(format!(
        "its cosignature is of Unix time {at_s} s, which is {apart} s {side} this machine's clock, \
         {now_s} s; at most {bound} s count as signed now. See to the clocks of both machines; if \
         they are right, somebody shows an old cosignature"
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::event::signing::SecretKey;
    use crate::proof::{NoteKeyKind, VerifierKey};

    fn policy(quorum: &str) -> Policy {
        let mut text = String::new();
        for (number, name) in (1..).zip(["a", "b", "c"]) {
            let key = SecretKey::from_seed(&[number; 32]).public().clone();
            let key = VerifierKey::new(name, NoteKeyKind::Cosignature, key).unwrap();
            text = format!("{text}witness {name} {key}\n");
        }
        Policy::parse(&format!("{text}{quorum}\n")).unwrap()
    }

    #[test]
    fn enough_have_said_so_when_nobody_could_have_met_the_policy_without_them() {
        #[rustfmt::skip]
        let cases: [(&str, &str, bool); 11] = [
            ("group g all a b c\nquorum g", "a b",   false),
            ("group g all a b c\nquorum g", "a b c", true),
            ("group g 2 a b c\nquorum g",   "a",     false),
            ("group g 2 a b c\nquorum g",   "a c",   true),
            // Each of the others alone could have signed beyond.
            ("group g any a b c\nquorum g", "a",     false),
            ("group g any a b c\nquorum g", "a b",   false),
            ("group g any a b c\nquorum g", "a b c", true),
            ("quorum b",                    "a c",   false),
            ("quorum b",                    "b",     true),
            // A policy without witnesses says nothing about what was published.
            ("quorum none",                 "a b c", false),
            ("quorum none",                 "",      false),
        ];
        for (quorum, said, enough) in cases {
            let said: BTreeSet<String> = said.split_whitespace().map(str::to_owned).collect();
            assert_eq!(
                is_enough(&policy(quorum), &said),
                enough,
                "{quorum}: {said:?}"
            );
        }
    }
    #[test]
    fn a_cosignature_counts_within_the_bound_on_both_sides_and_no_further() {
        let bound = MAX_COSIGNATURE_AGE.as_secs();
        let now_s = 1_795_392_000;
        for at_s in [now_s - bound, now_s, now_s + bound] {
            assert_eq!(is_fresh(at_s, now_s), Ok(()), "{at_s}");
        }
        for at_s in [1, now_s - bound - 1, now_s + bound + 1, u64::MAX] {
            let why = is_fresh(at_s, now_s).unwrap_err();
            assert!(why.contains(&format!(" {at_s} s")), "{why}");
            assert!(why.contains(&format!(" {now_s} s")), "{why}");
            assert!(why.contains("See to the clocks"), "{why}");
        }
    }
}
