//! Keeping an eye on a ledger from outside: everything new is verified, and
//! what its servers show now is held against what they showed before, and
//! against each other. Nothing here asks a server or knows the time; whoever
//! does tells it.
//!
//! A round, for each server: its checkpoint, how many records it has
//! ([`Monitor::told`]), its batches from [`Monitor::from`] on
//! ([`Monitor::batch`]) until [`Monitor::has_shown_all`], their end
//! ([`Monitor::flush`]), then the checkpoint held against them
//! ([`Monitor::checkpoint`], [`Monitor::late`]); after all servers,
//! [`Monitor::round_over`]. A look that is cut short ends with
//! [`Monitor::settle`].
//!
//! What it is not: a witness. It signs nothing, and nobody waits for it.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use prost::Message as _;

use super::alarm::{Alarm, AlarmKind};
use crate::event::Hash;
use crate::event::digest::head_hash;
use crate::journal::StoredBatch;
use crate::pb::{Head, Record};
use crate::proof::tree::{TreeHash, empty_root};
use crate::proof::{Checkpoint, Note, Policy, Unsatisfied, Verifier, VerifierKey, open_checkpoint};

/// Records whose heads are kept, at most: a server that is further behind
/// another is compared when it has caught up. 4 MiB of memory.
const RECENT_HEADS: usize = 65_536;

/// Checkpoints that are kept to be held against others of their size, at most.
const RECENT_NOTES: usize = 1024;

/// Records between a checkpoint and the last one that a root is known without
/// being asked for beforehand.
const NEAR: u64 = 60_000;

/// What is remembered of a server from one run to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenServer {
    /// Most records that it has shown.
    pub records: u64,
    /// The latest checkpoint that it has shown; empty if none.
    pub note: String,
    /// The first record that no checkpoint covers, and since when it waits,
    /// Unix milliseconds.
    pub waiting: Option<(u64, i64)>,
}

/// What is remembered of all that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Records verified.
    pub records: u64,
    /// The last head.
    pub head: Hash,
    /// The tree's root.
    pub root: TreeHash,
    /// By address.
    pub servers: BTreeMap<String, SeenServer>,
}

/// What a monitor goes by.
#[derive(Debug)]
pub struct Rules {
    /// The ledger's key and name, if they are known from elsewhere.
    pub vkey: Option<VerifierKey>,
    /// Whose cosignatures are asked for.
    pub policy: Option<Policy>,
    /// How old a record may become without a checkpoint that covers it,
    /// milliseconds.
    pub late_ms: i64,
}

/// One ledger, as its servers show it.
pub struct Monitor {
    rules: Rules,
    verifier: Verifier,
    servers: Vec<Server>,
    /// Hash and time of the last heads, verified or about to be.
    heads: VecDeque<(Hash, i64)>,
    /// The position after them.
    heads_end: u64,
    /// By size: the root, and the note that signed it.
    notes: BTreeMap<u64, (TreeHash, String)>,
    /// What had been verified when this was last ended, until it is so again.
    before: Option<(u64, Hash, TreeHash)>,
    /// What was seen of servers that are not asked any more.
    gone: BTreeMap<String, SeenServer>,
}

#[derive(Debug)]
struct Server {
    name: String,
    seen: SeenServer,
    /// Records under its latest checkpoint.
    covered: u64,
    /// Records that it says it has, and how many it has shown this round.
    told: u64,
    shown: u64,
    answered: bool,
    late: bool,
    /// Records under its checkpoint, if that is too old to be held against
    /// anything.
    uncompared: Option<u64>,
    uncosigned: bool,
}

impl Monitor {
    /// Goes on from a verification and what was seen before.
    pub fn new(
        rules: Rules,
        mut verifier: Verifier,
        servers: &[String],
        seen: Option<&Seen>,
    ) -> Monitor {
        let (position, head) = verifier.position();
        let heads = (position > 0).then(|| (head, verifier.state().recorded_at_ms()));
        let before = seen.map(|seen| (seen.records, seen.head, seen.root));
        if let Some((size, ..)) = before {
            verifier.want_root(size);
        }
        let mut monitor = Monitor {
            rules,
            verifier,
            servers: Vec::new(),
            heads: heads.into_iter().collect(),
            heads_end: position,
            notes: BTreeMap::new(),
            before,
            gone: seen.map(|seen| seen.servers.clone()).unwrap_or_default(),
        };
        for name in servers {
            let seen = monitor.gone.remove(name).unwrap_or_default();
            monitor.add(name, seen);
        }
        let of_gone: Vec<String> = monitor.gone.values().map(|it| it.note.clone()).collect();
        for note in of_gone {
            if let Some(checkpoint) = checkpoint_in(&note) {
                monitor.remember(&checkpoint, &note);
            }
        }
        monitor
    }

    fn add(&mut self, name: &str, seen: SeenServer) {
        let known = checkpoint_in(&seen.note);
        if let Some(checkpoint) = &known {
            self.remember(checkpoint, &seen.note);
        }
        self.servers.push(Server {
            name: name.to_owned(),
            covered: known.map_or(0, |checkpoint| checkpoint.size),
            told: 0,
            shown: 0,
            answered: false,
            seen,
            late: false,
            uncompared: None,
            uncosigned: false,
        });
    }

    /// What is to be remembered when this ends.
    pub fn seen(&self) -> Seen {
        let (records, head) = self.verifier.position();
        let root = self.verifier.root_at(records).unwrap_or_else(empty_root);
        // What had been verified once must be so again before it is forgotten.
        let (records, head, root) = match self.before {
            Some(before) if before.0 > records => before,
            _ => (records, head, root),
        };
        let mut servers = self.gone.clone();
        let asked = self.servers.iter();
        servers.extend(asked.map(|it| (it.name.clone(), it.seen.clone())));
        Seen {
            records,
            head,
            root,
            servers,
        }
    }

    /// The verification, to be saved.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// How many servers there are.
    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    /// What a server says it has, with the checkpoint that it showed just
    /// before.
    pub fn told(&mut self, server: usize, records: u64, note: Option<&str>) -> Result<(), Alarm> {
        // What is signed shows it to anybody, whatever the records are.
        if let Some(note) = note
            && let Some(vkey) = self.vkey(note)
            && let Ok((checkpoint, _)) = open_checkpoint(note, &vkey)
        {
            self.two_roots(server, &checkpoint, note)?;
        }
        let position = self.verifier.position().0;
        if let Some(checkpoint) = note.and_then(checkpoint_in)
            && checkpoint.size > position
            && records.saturating_sub(checkpoint.size) > NEAR
        {
            self.verifier.want_root(checkpoint.size);
        }
        let Some(it) = self.servers.get_mut(server) else {
            return Ok(());
        };
        (it.told, it.shown, it.answered) = (records, 0, true);
        let had = it.seen.records;
        if records < had {
            let what = format!("it has {records} records, and had {had}: it was rolled back");
            return Err(it.alarm(AlarmKind::SmallerTree, what));
        }
        it.seen.records = records;
        Ok(())
    }

    /// A position in the batch that a server must be asked for first: that of
    /// the last record that it and this have.
    pub fn from(&self, server: usize) -> u64 {
        let told = self.servers.get(server).map_or(0, |it| it.told);
        self.verifier.position().0.min(told).saturating_sub(1)
    }

    /// Whether a server has shown all that it says it has: what it sends beyond
    /// that is for the next look, so that a look has an end.
    pub fn has_shown_all(&self, server: usize) -> bool {
        self.servers
            .get(server)
            .is_none_or(|it| it.shown >= it.told)
    }

    /// The next batch of a server: the first holds the position asked for, each
    /// other one begins where the one before ended.
    pub fn batch(&mut self, server: usize, batch: &StoredBatch) -> Result<(), Alarm> {
        let (first, end) = (batch.first_position, batch.end_position());
        let from = self.from(server);
        if let Some(it) = self.servers.get_mut(server) {
            let next = if it.shown == 0 { from } else { it.shown };
            let follows = (first..end).contains(&next) && (it.shown == 0 || first == next);
            if !follows {
                let what = format!(
                    "it sends {} records from {first} on where record {next} is wanted",
                    batch.records.len()
                );
                return Err(it.alarm(AlarmKind::BrokenRule, what));
            }
            it.shown = end;
        }
        let position = self.heads_end;
        if first >= position {
            let records = &batch.records;
            let taken = self.verifier.batch(first, records, &batch.commit);
            taken.map_err(|failure| {
                self.alarm(server, AlarmKind::BrokenRule, failure.to_string())
            })?;
            for record in records {
                self.note_head(record);
            }
            return Ok(());
        }
        if end > position {
            let what = format!(
                "records {first} to {} are one batch, and record {} was the last of its own",
                end.saturating_sub(1),
                position.saturating_sub(1)
            );
            return Err(self.alarm(server, AlarmKind::Fork, what));
        }
        for (at, record) in (first..).zip(&batch.records) {
            let known = self.head(at);
            if known.is_some() && known != head_of(record) {
                let what = format!(
                    "record {at} is another than the one that was verified: it shows another \
                     ledger than before, or than another server does"
                );
                return Err(self.alarm(server, AlarmKind::Fork, what));
            }
        }
        Ok(())
    }

    /// What a server has shown so far is verified, to the last: a look may end at
    /// any batch, and what waits to be verified cannot be saved.
    pub fn settle(&mut self, server: usize) -> Result<(), Alarm> {
        let flushed = self.verifier.flush();
        flushed
            .map_err(|failure| self.alarm(server, AlarmKind::BrokenRule, failure.to_string()))?;
        self.check_ledger(server)?;
        self.check_before(server)
    }

    /// All that a server has was shown: it is verified, to the last.
    pub fn flush(&mut self, server: usize) -> Result<(), Alarm> {
        self.settle(server)?;
        match self.servers.get(server) {
            Some(it) if it.shown < it.told || it.told == 0 => {
                let what = format!(
                    "it has {} records, it says, and shows {}",
                    it.told, it.shown
                );
                Err(it.alarm(AlarmKind::Withheld, what))
            }
            _ => Ok(()),
        }
    }

    /// What was verified when this was last ended must be so again.
    fn check_before(&mut self, server: usize) -> Result<(), Alarm> {
        let Some((size, _, root)) = self.before else {
            return Ok(());
        };
        if self.verifier.position().0 < size {
            return Ok(());
        }
        self.before = None;
        match self.verifier.root_at(size) {
            Some(now) if now != root => {
                let what = format!(
                    "its first {size} records have the tree root {now}, and had {root} when they \
                     were verified"
                );
                Err(self.alarm(server, AlarmKind::Fork, what))
            }
            _ => Ok(()),
        }
    }

    /// The ledger must be called as the key that is known from elsewhere, and
    /// that key must be its own, or have been.
    fn check_ledger(&self, server: usize) -> Result<(), Alarm> {
        let known = self.verifier.ledger().zip(self.verifier.origin_name());
        let (Some(((keys, _), name)), Some(want)) = (known, &self.rules.vkey) else {
            return Ok(());
        };
        let what = if name != want.name() {
            format!("it is the ledger {name}, not {}", want.name())
        } else if keys.all().all(|(_, key)| key != want.public()) {
            format!(
                "it is another ledger: its key is {}, and {}, which was given, never was",
                keys.in_force().id(),
                want.public().id()
            )
        } else {
            return Ok(());
        };
        Err(self.alarm(server, AlarmKind::Fork, what))
    }

    /// The checkpoint that a server showed before its records.
    pub fn checkpoint(&mut self, server: usize, note: &str) -> Result<(), Alarm> {
        let Some(vkey) = self.vkey(note) else {
            return Ok(());
        };
        let (checkpoint, opened) = open_checkpoint(note, &vkey)
            .map_err(|bad| self.alarm(server, AlarmKind::NotSigned, bad.to_string()))?;
        let size = checkpoint.size;
        self.two_roots(server, &checkpoint, note)?;
        let covered = self.servers.get(server).map_or(0, |it| it.covered);
        if size < covered {
            let what = format!(
                "its checkpoint is of {size} records, and was of {covered}: it was rolled back"
            );
            return Err(self.shown_by(server, AlarmKind::SmallerTree, what, note));
        }
        if size > self.servers.get(server).map_or(0, |it| it.told) {
            let what = format!("its checkpoint is of {size} records, and it shows fewer");
            return Err(self.shown_by(server, AlarmKind::Withheld, what, note));
        }
        match self.verifier.root_at(size) {
            Some(root) if root != checkpoint.root => {
                let what = format!(
                    "its checkpoint of {size} records signs the root {}, and the records that it \
                     shows have {root}: it shows others another tree",
                    checkpoint.root
                );
                return Err(self.shown_by(server, AlarmKind::Fork, what, note));
            }
            Some(_) => {}
            None => return self.too_old(server, size, note),
        }
        self.remember(&checkpoint, note);
        if let Some(it) = self.servers.get_mut(server) {
            it.covered = size;
            it.uncompared = None;
            note.clone_into(&mut it.seen.note);
        }
        self.cosigned(server, &opened, note)
    }

    /// A checkpoint of so few records that their root is not known any more: it
    /// covers nothing. Told once, until there is one that can be compared.
    fn too_old(&mut self, server: usize, size: u64, note: &str) -> Result<(), Alarm> {
        let (verified, _) = self.verifier.position();
        let Some(it) = self.servers.get_mut(server) else {
            return Ok(());
        };
        if it.uncompared.replace(size).is_some() {
            return Ok(());
        }
        let what = format!(
            "its checkpoint is of {size} records, and {verified} are verified: it is too old to \
             be held against them"
        );
        Err(self.shown_by(server, AlarmKind::LateCheckpoint, what, note))
    }

    /// Whether another root was signed for the same size, to whomever.
    fn two_roots(&self, server: usize, checkpoint: &Checkpoint, note: &str) -> Result<(), Alarm> {
        let size = checkpoint.size;
        match self.notes.get(&size) {
            Some((root, other)) if *root != checkpoint.root => {
                let what = format!(
                    "two roots are signed for {size} records: {} and {root}",
                    checkpoint.root
                );
                let mut alarm = self.shown_by(server, AlarmKind::TwoRoots, what, note);
                alarm.notes.push(other.clone());
                Err(alarm)
            }
            _ => Ok(()),
        }
    }

    /// Told once, until it is as it should be again.
    fn cosigned(&mut self, server: usize, opened: &Note, note: &str) -> Result<(), Alarm> {
        let policy = self.rules.policy.as_ref();
        let missing: Option<Unsatisfied> = policy.and_then(|p| p.satisfied_by(opened).err());
        let Some(it) = self.servers.get_mut(server) else {
            return Ok(());
        };
        let told = std::mem::replace(&mut it.uncosigned, missing.is_some());
        match missing.filter(|_| !told) {
            Some(missing) => {
                Err(self.shown_by(server, AlarmKind::NotCosigned, missing.to_string(), note))
            }
            None => Ok(()),
        }
    }

    /// Whether a server's records wait too long for a checkpoint, by the
    /// caller's clock, Unix milliseconds. Told once, until one covers them.
    pub fn late(&mut self, server: usize, now_ms: i64) -> Result<(), Alarm> {
        let covered = self.servers.get(server).map_or(0, |it| it.covered);
        // Older than the last that are known, it is at least as old as those.
        let oldest = self.heads.front().filter(|_| covered < self.heads_end);
        let recorded = self.head(covered).or_else(|| oldest.copied());
        let recorded = recorded.map(|(_, recorded_at_ms)| recorded_at_ms);
        let late_ms = self.rules.late_ms;
        let Some(it) = self.servers.get_mut(server) else {
            return Ok(());
        };
        if it.told <= covered {
            (it.seen.waiting, it.late) = (None, false);
            return Ok(());
        }
        // Since it was recorded, or first seen; as was known when this was last
        // ended, if it was recorded before that.
        let first_seen = match it.seen.waiting {
            Some((at, since)) if at == covered => since,
            _ => now_ms,
        };
        let since = recorded.map_or(first_seen, |recorded| recorded.min(first_seen));
        it.seen.waiting = Some((covered, since));
        let age = now_ms.saturating_sub(since);
        let told = std::mem::replace(&mut it.late, age > late_ms);
        if it.late && !told {
            let what = format!(
                "record {covered} has waited {} s for a checkpoint that covers it; the latest is \
                 of {covered} of {} records",
                age / 1000,
                it.told
            );
            return Err(it.alarm(AlarmKind::LateCheckpoint, what));
        }
        Ok(())
    }

    /// All servers have been asked: one of them must have what was verified.
    pub fn round_over(&mut self) -> Result<(), Alarm> {
        let had = self.verifier.position().0;
        let had = self.before.map_or(had, |(before, ..)| before.max(had));
        let all = self.servers.iter().all(|it| it.answered);
        // What was recorded after it said how much there is, it has shown.
        let most = self.servers.iter().map(|it| it.told.max(it.shown)).max();
        for it in &mut self.servers {
            it.answered = false;
        }
        match most.filter(|most| all && *most < had) {
            Some(most) => {
                let what = format!(
                    "it has {most} records, and {had} had been verified: it was rolled back"
                );
                Err(self.alarm(0, AlarmKind::SmallerTree, what))
            }
            None => Ok(()),
        }
    }

    /// The key that a checkpoint must be signed with: as the records say that
    /// have been verified, by its size; before that the one that is known from
    /// elsewhere. `None` without either, or if the ledger's name cannot be a
    /// key's.
    fn vkey(&self, note: &str) -> Option<VerifierKey> {
        let size = checkpoint_in(note).map(|checkpoint| checkpoint.size);
        let known = self.verifier.ledger().zip(self.verifier.origin_name());
        match known {
            Some(((keys, _), name)) => keys.verifier_key(name, size),
            None => self.rules.vkey.clone(),
        }
    }

    fn remember(&mut self, checkpoint: &Checkpoint, note: &str) {
        let known = (checkpoint.root, note.to_owned());
        self.notes.entry(checkpoint.size).or_insert(known);
        while self.notes.len() > RECENT_NOTES {
            self.notes.pop_first();
        }
    }

    fn note_head(&mut self, record: &Bytes) {
        // A record without a head is refused by the verifier.
        self.heads.push_back(head_of(record).unwrap_or_default());
        self.heads_end = self.heads_end.saturating_add(1);
        if self.heads.len() > RECENT_HEADS {
            self.heads.pop_front();
        }
    }

    /// Hash and time of a head, if it is among the last.
    fn head(&self, position: u64) -> Option<(Hash, i64)> {
        let from = self.heads_end.saturating_sub(self.heads.len() as u64);
        let index = usize::try_from(position.checked_sub(from)?).ok()?;
        self.heads.get(index).copied()
    }

    fn alarm(&self, server: usize, kind: AlarmKind, what: String) -> Alarm {
        let name = self.servers.get(server).map(|it| it.name.clone());
        Alarm {
            kind,
            server: name.unwrap_or_default(),
            what,
            notes: Vec::new(),
        }
    }

    /// The same, and a note shows it.
    fn shown_by(&self, server: usize, kind: AlarmKind, what: String, note: &str) -> Alarm {
        Alarm {
            notes: vec![note.to_owned()],
            ..self.alarm(server, kind, what)
        }
    }
}

impl Server {
    fn alarm(&self, kind: AlarmKind, what: String) -> Alarm {
        Alarm {
            kind,
            server: self.name.clone(),
            what,
            notes: Vec::new(),
        }
    }
}

fn checkpoint_in(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(&Note::parse(note).ok()?.text).ok()
}

/// Hash and time of a stored record's head.
fn head_of(record: &Bytes) -> Option<(Hash, i64)> {
    let head = Record::decode(record.clone()).ok()?.head;
    let recorded_at_ms = Head::decode(head.clone()).ok()?.recorded_at_ms;
    Some((head_hash(&head), recorded_at_ms))
}
