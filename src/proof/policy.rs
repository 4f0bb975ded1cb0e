//! Trust policies: which logs are known, and which witnesses must have
//! cosigned a checkpoint for it to be believed (C2SP tlog-policy). Not here:
//! what a cosignature is (`cosignature`).

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::cosignature::{BadCosignature, check_cosignature};
use super::note::{BadNote, BadVerifierKey, Note, NoteKeyKind, VerifierKey};
use super::tree::canonical_decimal;
use crate::event::signing::MAX_NOTE_NAME;

/// Bytes of a policy, at most.
pub const MAX_POLICY: usize = 128 * 1024;
/// Logs of a policy, at most; the specification asks for 32 or more.
pub const MAX_LOGS: usize = 64;
/// Witnesses of a policy, at most, as for logs.
pub const MAX_WITNESSES: usize = 64;
/// Groups of a policy, at most, as for logs.
pub const MAX_GROUPS: usize = 64;
/// Bytes of a name, and of an address, at most.
pub const MAX_POLICY_WORD: usize = 1024;

/// The name that stands for no witness at all.
const NONE: &str = "none";

/// A log that a policy knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key, whose name is its origin.
    pub vkey: VerifierKey,
    /// Where it is, as the policy says.
    pub url: Option<String>,
}

/// A witness that a policy knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// What the policy calls it.
    pub name: String,
    /// Its key.
    pub vkey: VerifierKey,
    /// Where it is, as the policy says: what C2SP tlog-witness calls its
    /// submission prefix.
    pub url: Option<String>,
}

/// How many members of a group must have witnessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Threshold {
    Any,
    All,
    Number(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: Threshold,
    members: Vec<String>,
}

/// A policy, sound in itself: every name stands for something defined before,
/// no key twice, and one quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    /// Each after those that it names.
    groups: Vec<Group>,
    /// A witness, a group, or `none`.
    quorum: String,
}

/// A cosignature that a policy asked for or knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// What the policy calls the witness.
    pub name: String,
    /// When it cosigned, Unix seconds, as it says.
    pub at_s: u64,
}

/// Why a text is no policy, and in which line, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the policy: {what}")]
pub struct BadPolicy {
    /// Which line; the one after the last if something is missing.
    pub line: usize,
    /// What is wrong with it.
    pub what: BadPolicyLine,
}

/// What is wrong with a line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicyLine {
    /// The whole is too long.
    #[error("the policy has {0} bytes; at most {MAX_POLICY}")]
    TooLong(usize),
    /// A character that no policy has.
    #[error(
        "it holds the control character {0:?}; of those only tabs and newlines may stand there"
    )]
    Character(char),
    /// Not one of the four words.
    #[error("it begins with {0:?}; a line begins with log, witness, group, quorum or #")]
    Keyword(String),
    /// Too few or too many words.
    #[error("it should be: {0}")]
    Form(&'static str),
    /// A word is too long.
    #[error("a word of {0} bytes; at most {MAX_POLICY_WORD}")]
    Word(usize),
    /// A key that is none.
    #[error(transparent)]
    Key(#[from] BadVerifierKey),
    /// A key of the wrong type.
    #[error("the key of {name} is of type 0x{got:02x}; a {what}'s is of type 0x{want:02x}")]
    Kind {
        /// The key's name.
        name: String,
        /// Log or witness.
        what: &'static str,
        /// Its type.
        got: u8,
        /// The type it must have.
        want: u8,
    },
    /// A key twice.
    #[error("the key of {0} stood in a line before: one key counts once")]
    SameKey(String),
    /// A name twice, or the name `none`.
    #[error("the name {0} is taken: `none` and names of lines before cannot be used again")]
    Taken(String),
    /// A name that nothing has.
    #[error("nothing is called {0} in the lines before")]
    Unknown(String),
    /// A member twice.
    #[error("{0} is a member of a group already: each counts once")]
    Member(String),
    /// A number that no group has.
    #[error("{got:?} of {members} members: it is any, all, or a number from 1 to {members}")]
    Threshold {
        /// As written.
        got: String,
        /// Members of the group.
        members: usize,
    },
    /// A second quorum.
    #[error("a second quorum line; a policy has one")]
    SecondQuorum,
    /// No quorum.
    #[error("the policy ends without a quorum line; `quorum none` asks for no witness")]
    NoQuorum,
    /// Too many lines of a kind.
    #[error("more {what} than {most}")]
    TooMany {
        /// Of which kind.
        what: &'static str,
        /// As many as there may be.
        most: usize,
    },
}

/// Why a note does not satisfy a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsatisfied {
    /// Signed by no log of the policy.
    #[error("the policy knows no log that signed the checkpoint: {0}")]
    Log(BadNote),
    /// Its origin is no log of the policy.
    #[error("the policy knows no log of the name {0:?}")]
    Origin(String),
    /// A cosignature of a known witness does not hold.
    #[error(transparent)]
    Cosignature(#[from] BadCosignature),
    /// Not enough cosignatures.
    #[error(
        "not enough witnesses for the quorum {quorum}: cosigned by {by}, missing are {missing}"
    )]
    Quorum {
        /// What the quorum is called.
        quorum: String,
        /// Witnesses of the policy that cosigned.
        by: String,
        /// Witnesses of the policy that did not.
        missing: String,
    },
}

impl Policy {
    /// From its text (C2SP tlog-policy, "Policy file syntax and structure"),
    /// which must be UTF-8.
    pub fn parse(text: &str) -> Result<Policy, BadPolicy> {
        let at = |line| move |what| BadPolicy { line, what };
        if text.len() > MAX_POLICY {
            return Err(at(1)(BadPolicyLine::TooLong(text.len())));
        }
        let mut reading = Reading::default();
        let mut last = 0;
        // The last line may lack its newline.
        let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        for (line, words) in (1..).zip(lines) {
            reading.line(words).map_err(at(line))?;
            last = line;
        }
        let quorum = reading.quorum.take();
        let quorum = quorum.ok_or_else(|| at(last + 1)(BadPolicyLine::NoQuorum))?;
        Ok(Policy {
            logs: reading.logs,
            witnesses: reading.witnesses,
            groups: reading.groups,
            quorum,
        })
    }

    /// The logs it knows; it may know none, where the log is known otherwise.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses it knows.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Whether it asks for any cosignature at all.
    pub fn wants_witnesses(&self) -> bool {
        self.quorum != NONE
    }

    /// Checks a checkpoint's note: signed by a log that the policy knows, if
    /// it knows any, and cosigned by enough witnesses. Every signature that
    /// says it is of a known witness must hold. Answers those that do.
    pub fn satisfied_by(&self, note: &Note) -> Result<Vec<Cosigned>, Unsatisfied> {
        self.check_log(note)?;
        let mut cosigned = Vec::new();
        for witness in &self.witnesses {
            match check_cosignature(note, &witness.vkey) {
                Ok(at_s) => cosigned.push(Cosigned {
                    name: witness.name.clone(),
                    at_s,
                }),
                Err(BadCosignature::Missing { .. }) => {}
                Err(bad) => return Err(bad.into()),
            }
        }
        if self.is_quorum(cosigned.iter().map(|c| c.name.as_str())) {
            return Ok(cosigned);
        }
        let by: Vec<&str> = cosigned.iter().map(|c| c.name.as_str()).collect();
        let names = self.witnesses.iter().map(|w| w.name.as_str());
        Err(Unsatisfied::Quorum {
            quorum: self.quorum.clone(),
            missing: listed(&names.filter(|name| !by.contains(name)).collect::<Vec<_>>()),
            by: listed(&by),
        })
    }

    fn check_log(&self, note: &Note) -> Result<(), Unsatisfied> {
        let origin = note.text.lines().next().unwrap_or_default();
        let logs = self.logs.iter().filter(|log| log.vkey.name() == origin);
        let mut why = None;
        for log in logs {
            match note.check_signed_by(&log.vkey) {
                Ok(()) => return Ok(()),
                Err(bad) => why = Some(bad),
            }
        }
        match why {
            Some(bad) => Err(Unsatisfied::Log(bad)),
            None if self.logs.is_empty() => Ok(()),
            None => Err(Unsatisfied::Origin(
                origin.chars().take(MAX_POLICY_WORD).collect(),
            )),
        }
    }

    /// Whether the witnesses that it calls so are enough. Groups stand after
    /// what they name, so one pass answers for all.
    pub fn is_quorum<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> bool {
        let mut witnessed: HashSet<&str> = names.into_iter().collect();
        for group in &self.groups {
            let have = group
                .members
                .iter()
                .filter(|member| witnessed.contains(member.as_str()))
                .count();
            let need = match group.threshold {
                Threshold::Any => 1,
                Threshold::All => group.members.len(),
                Threshold::Number(k) => k,
            };
            if have >= need {
                witnessed.insert(&group.name);
            }
        }
        self.quorum == NONE || witnessed.contains(self.quorum.as_str())
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.join(", ")
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<String>,
    /// Every name, and whether it is a member of a group.
    names: HashMap<String, bool>,
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), BadPolicyLine> {
        let control = |c: &char| c.is_ascii_control() && *c != '\t';
        if let Some(c) = line.chars().find(control) {
            return Err(BadPolicyLine::Character(c));
        }
        let words: Vec<&str> = line.split([' ', '\t']).filter(|w| !w.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", rest @ ..] => self.log(rest),
            ["witness", rest @ ..] => self.witness(rest),
            ["group", rest @ ..] => self.group(rest),
            ["quorum", rest @ ..] => self.quorum(rest),
            [first, ..] => Err(BadPolicyLine::Keyword(
                first.chars().take(MAX_NOTE_NAME).collect(),
            )),
        }
    }

    fn log(&mut self, words: &[&str]) -> Result<(), BadPolicyLine> {
        let (vkey, url) = match words {
            [vkey] => (vkey, None),
            [vkey, url] => (vkey, Some(word(url)?)),
            _ => return Err(BadPolicyLine::Form("log VKEY [URL]")),
        };
        let vkey = key(vkey, NoteKeyKind::Ed25519, "log")?;
        is_new_key(&vkey, self.logs.iter().map(|log| &log.vkey))?;
        has_room(self.logs.len(), MAX_LOGS, "logs")?;
        self.logs.push(PolicyLog { vkey, url });
        Ok(())
    }

    fn witness(&mut self, words: &[&str]) -> Result<(), BadPolicyLine> {
        let (name, vkey, url) = match words {
            [name, vkey] => (name, vkey, None),
            [name, vkey, url] => (name, vkey, Some(word(url)?)),
            _ => return Err(BadPolicyLine::Form("witness NAME VKEY [URL]")),
        };
        let vkey = key(vkey, NoteKeyKind::Cosignature, "witness")?;
        is_new_key(&vkey, self.witnesses.iter().map(|witness| &witness.vkey))?;
        has_room(self.witnesses.len(), MAX_WITNESSES, "witnesses")?;
        let name = self.define(name)?;
        self.witnesses.push(PolicyWitness { name, vkey, url });
        Ok(())
    }

    fn group(&mut self, words: &[&str]) -> Result<(), BadPolicyLine> {
        let [name, threshold, members @ ..] = words else {
            return Err(BadPolicyLine::Form("group NAME any|all|NUMBER NAME..."));
        };
        if members.is_empty() {
            return Err(BadPolicyLine::Form("group NAME any|all|NUMBER NAME..."));
        }
        has_room(self.groups.len(), MAX_GROUPS, "groups")?;
        let threshold = read_threshold(threshold, members.len())?;
        for member in members {
            match self.names.get_mut(*member) {
                None => return Err(BadPolicyLine::Unknown(word(member)?)),
                Some(true) => return Err(BadPolicyLine::Member(word(member)?)),
                Some(taken) => *taken = true,
            }
        }
        let name = self.define(name)?;
        self.groups.push(Group {
            name,
            threshold,
            members: members.iter().map(|&member| member.to_owned()).collect(),
        });
        Ok(())
    }

    fn quorum(&mut self, words: &[&str]) -> Result<(), BadPolicyLine> {
        let [name] = words else {
            return Err(BadPolicyLine::Form("quorum NAME, or quorum none"));
        };
        if self.quorum.is_some() {
            return Err(BadPolicyLine::SecondQuorum);
        }
        let name = word(name)?;
        if name != NONE && !self.names.contains_key(&name) {
            return Err(BadPolicyLine::Unknown(name));
        }
        self.quorum = Some(name);
        Ok(())
    }

    fn define(&mut self, name: &str) -> Result<String, BadPolicyLine> {
        let name = word(name)?;
        if name == NONE || self.names.contains_key(&name) {
            return Err(BadPolicyLine::Taken(name));
        }
        self.names.insert(name.clone(), false);
        Ok(name)
    }
}

fn word(word: &str) -> Result<String, BadPolicyLine> {
    if word.len() > MAX_POLICY_WORD {
        return Err(BadPolicyLine::Word(word.len()));
    }
    Ok(word.to_owned())
}

fn key(text: &str, want: NoteKeyKind, what: &'static str) -> Result<VerifierKey, BadPolicyLine> {
    let key = VerifierKey::parse(text)?;
    if key.kind() != want {
        return Err(BadPolicyLine::Kind {
            name: key.name().to_owned(),
            what,
            got: key.kind().byte(),
            want: want.byte(),
        });
    }
    Ok(key)
}

fn is_new_key<'a>(
    key: &VerifierKey,
    mut before: impl Iterator<Item = &'a VerifierKey>,
) -> Result<(), BadPolicyLine> {
    if before.any(|other| other.public() == key.public()) {
        return Err(BadPolicyLine::SameKey(key.name().to_owned()));
    }
    Ok(())
}

fn has_room(count: usize, most: usize, what: &'static str) -> Result<(), BadPolicyLine> {
    if count >= most {
        return Err(BadPolicyLine::TooMany { what, most });
    }
    Ok(())
}

fn read_threshold(text: &str, members: usize) -> Result<Threshold, BadPolicyLine> {
    let number = || canonical_decimal(text).and_then(|k| usize::try_from(k).ok());
    match (text, number()) {
        ("any", _) => Ok(Threshold::Any),
        ("all", _) => Ok(Threshold::All),
        (_, Some(k)) if (1..=members).contains(&k) => Ok(Threshold::Number(k)),
        _ => Err(BadPolicyLine::Threshold {
            got: text.chars().take(MAX_NOTE_NAME).collect(),
            members,
        }),
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Any => f.write_str("any"),
            Threshold::All => f.write_str("all"),
            Threshold::Number(k) => write!(f, "{k}"),
        }
    }
}

/// The policy's text: logs, witnesses, groups, quorum; comments are not kept.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url =
            |url: &Option<String>| url.as_ref().map_or(String::new(), |url| format!(" {url}"));
        for log in &self.logs {
            writeln!(f, "log {}{}", log.vkey, url(&log.url))?;
        }
        for witness in &self.witnesses {
            let PolicyWitness { name, vkey, .. } = witness;
            writeln!(f, "witness {name} {vkey}{}", url(&witness.url))?;
        }
        for group in &self.groups {
            let (name, members) = (&group.name, group.members.join(" "));
            writeln!(f, "group {name} {} {members}", group.threshold)?;
        }
        writeln!(f, "quorum {}", self.quorum)
    }
}
