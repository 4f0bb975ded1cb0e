//! What a monitor raises its voice at: a word for programs, a sentence for
//! people, and what shows it.

use std::fmt;

/// What kind of thing has been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmKind {
    /// What is shown now is not what was shown before, or to somebody else.
    Fork,
    /// Fewer records, or a checkpoint of fewer, than before.
    SmallerTree,
    /// Two checkpoints of one size with different roots, both signed.
    TwoRoots,
    /// A record or a batch breaks a rule: a link, a signature, a law.
    BrokenRule,
    /// A checkpoint that the ledger's key did not sign.
    NotSigned,
    /// Records that the server says it has, and does not show.
    Withheld,
    /// A checkpoint without the cosignatures that the policy asks for.
    NotCosigned,
    /// Records that no checkpoint covers in time.
    LateCheckpoint,
    /// The server does not answer.
    Unreachable,
}

impl AlarmKind {
    /// For programs; these stay as they are.
    pub fn word(self) -> &'static str {
        match self {
            AlarmKind::Fork => "fork",
            AlarmKind::SmallerTree => "smaller-tree",
            AlarmKind::TwoRoots => "two-roots",
            AlarmKind::BrokenRule => "broken-rule",
            AlarmKind::NotSigned => "not-signed",
            AlarmKind::Withheld => "withheld",
            AlarmKind::NotCosigned => "not-cosigned",
            AlarmKind::LateCheckpoint => "late-checkpoint",
            AlarmKind::Unreachable => "unreachable",
        }
    }

    /// Whether it shows that the ledger cannot be relied on: there is nothing
    /// to go on with then. Of the others it may recover.
    pub fn is_final(self) -> bool {
        !matches!(
            self,
            AlarmKind::NotCosigned | AlarmKind::LateCheckpoint | AlarmKind::Unreachable
        )
    }
}

/// Something that somebody should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Of what kind.
    pub kind: AlarmKind,
    /// Which server showed it.
    pub server: String,
    /// In words.
    pub what: String,
    /// Signed notes that show it to anybody.
    pub notes: Vec<String>,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.kind.word(), self.server, self.what)
    }
}
