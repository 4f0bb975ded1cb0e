//! Whether a restored ledger has lost something: its witnesses are asked about
//! the last checkpoint that it has, before it signs another. A witness that
//! has signed no larger one says so by signing it again, or by saying a size;
//! one that has signed a larger one says that size, and the ledger must not
//! go on.
//!
//! Enough have said so when they meet the policy and the others could not have
//! met it without them: then nobody can hold a checkpoint from beyond that
//! meets the policy.

use std::collections::BTreeSet;

use super::ask::{Asker, NoAnswer, Said};
use super::metrics::Reason;
use super::request::AddCheckpoint;
use crate::proof::{BadCheckpoint, Checkpoint, Note, Policy};

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
    /// It has signed nothing larger.
    NothingBeyond,
    /// It has signed this size, which is larger.
    Beyond(u64),
    /// Nothing of use.
    Nothing(Reason, String),
}

/// Asks a witness about a checkpoint. Blocks.
pub fn ask(asker: &Asker, note: &Note, size: u64) -> Word {
    let request = AddCheckpoint {
        old: size,
        proof: Vec::new(),
        note: note.clone(),
    };
    match asker.add(&request) {
        Ok(Said::Cosigned(_)) => Word::NothingBeyond,
        Ok(Said::Has(has)) if has < size => Word::NothingBeyond,
        Ok(Said::Has(has)) if has > size => Word::Beyond(has),
        Ok(Said::Has(_)) => Word::Nothing(
            Reason::Useless,
            "it says that it has another size, and says the same".to_owned(),
        ),
        Ok(Said::Refused { status: 422, words }) => Word::Nothing(
            Reason::Refused,
            format!(
                "it has signed another tree of this size: {words}; this is not the ledger that it knows"
            ),
        ),
        Ok(Said::Refused { status, words }) => {
            Word::Nothing(Reason::Refused, format!("it says {status}: {words}"))
        }
        Err(why @ NoAnswer::Unreachable { .. }) => {
            Word::Nothing(Reason::Unreachable, why.to_string())
        }
        Err(why @ NoAnswer::Useless { .. }) => Word::Nothing(Reason::Useless, why.to_string()),
    }
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
            text.push_str(&format!("witness {name} {key}\n"));
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
}
