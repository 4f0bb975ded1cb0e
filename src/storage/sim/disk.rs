//! What is written and what is durable: the state behind the simulated storage.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use super::{CrashPolicy, Fault, SECTOR_BYTES, SimStorage, Step};

#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    pub(super) files: BTreeMap<u64, SimulatedFile>,
    pub(super) names: Names,
    pub(super) durable_names: Names,
    pub(super) pending_names: Vec<NameChange>,
    pub(super) next_id: u64,
    /// File of the last write.
    pub(super) last_written: Option<u64>,
    pub(super) steps: u64,
    pub(super) power_off_at: Option<u64>,
    pub(super) fault: Option<(Step, Fault)>,
    /// What the step that failed was, and on which file.
    pub(super) failed: Option<(&'static str, String)>,
    pub(super) reads: u64,
    pub(super) read_fault: Option<u64>,
    pub(super) sync_is_noop: bool,
    /// Bytes that the files may have in all.
    pub(super) capacity: Option<u64>,
    pub(super) watch: Option<Watch>,
}

/// Whoever looks at every step.
#[derive(Clone)]
pub(super) struct Watch(pub(super) Arc<dyn Fn(SimStorage) + Send + Sync>);

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

pub(super) type Names = BTreeMap<String, u64>;

#[derive(Debug, Clone, Default)]
pub(super) struct SimulatedFile {
    /// What reading sees. Shared with the disk's other copies until it changes.
    pub(super) now: Arc<Vec<u8>>,
    /// What survives.
    pub(super) durable: Arc<Vec<u8>>,
    pub(super) pending: Vec<Change>,
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
    Allocate(usize),
}

#[derive(Debug, Clone)]
pub(super) struct NameChange {
    pub(super) removed: Option<String>,
    pub(super) put: Option<(String, u64)>,
}

impl Change {
    fn action(&self) -> &'static str {
        match self {
            Self::Write { .. } => "write",
            Self::Length(_) => "shorten",
            Self::Allocate(_) => "allocate",
        }
    }

    /// How long a file of `length` bytes is after it.
    fn length_after(&self, length: usize) -> usize {
        match self {
            Self::Write { offset, bytes } => length.max(offset.saturating_add(bytes.len())),
            Self::Length(new) => *new,
            Self::Allocate(new) => length.max(*new),
        }
    }

    pub(super) fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write {
                offset,
                bytes: written,
            } => {
                let end = offset.saturating_add(written.len());
                bytes.resize(bytes.len().max(end), 0);
                if let Some(target) = bytes.get_mut(*offset..end) {
                    target.copy_from_slice(written);
                }
            }
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Allocate(length) => bytes.resize(bytes.len().max(*length), 0),
        }
    }

    /// The part of it that a seed lets survive.
    pub(super) fn survive(&self, dice: &mut Dice, bytes: &mut Vec<u8>) {
        match self {
            Self::Write {
                offset,
                bytes: written,
            } => {
                let pieces = written
                    .chunks(SECTOR_BYTES)
                    .zip((*offset..).step_by(SECTOR_BYTES));
                for (piece, offset) in pieces {
                    if dice.toss() {
                        Self::Write {
                            offset,
                            bytes: piece.to_vec(),
                        }
                        .apply(bytes);
                    }
                }
            }
            Self::Length(_) | Self::Allocate(_) => {
                if dice.toss() {
                    self.apply(bytes);
                }
            }
        }
    }
}

impl NameChange {
    fn action(&self) -> &'static str {
        match (&self.removed, &self.put) {
            (Some(_), Some(_)) => "rename",
            (Some(_), None) => "remove",
            (None, _) => "create",
        }
    }

    fn name(&self) -> String {
        let put = self.put.as_ref().map(|(name, _)| name.clone());
        self.removed.clone().or(put).unwrap_or_default()
    }

    pub(super) fn apply(&self, names: &mut Names) {
        if let Some(name) = &self.removed {
            names.remove(name);
        }
        if let Some((name, id)) = &self.put {
            names.insert(name.clone(), *id);
        }
    }
}

/// SplitMix64.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn toss(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) & 1 == 1
    }
}

/// Whether a step takes effect.
pub(super) enum Outcome {
    Done,
    /// The power goes during it: it may take effect or not.
    PowerOff,
    Fails(Fault),
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

fn failure(fault: Fault) -> io::Error {
    match fault {
        Fault::Io => io::Error::other("simulated input/output error"),
        Fault::NoSpace => io::ErrorKind::StorageFull.into(),
        Fault::ShortWrite(_) => io::ErrorKind::WriteZero.into(),
    }
}

impl Disk {
    pub(super) fn powered(&self) -> io::Result<()> {
        match self.power_off_at {
            Some(at) if self.steps > at => Err(power_is_off()),
            _ => Ok(()),
        }
    }

    /// Takes a step, after showing it to whoever watches: another disk, on
    /// which the power goes during it.
    pub(super) fn act(&mut self, step: impl Fn(&mut Disk) -> io::Result<()>) -> io::Result<()> {
        if let Some(Watch(look)) = self.watch.clone() {
            let mut other = Disk {
                watch: None,
                power_off_at: Some(self.steps),
                ..self.clone()
            };
            // That it fails is the point.
            let _ = step(&mut other);
            look(SimStorage::of(other));
        }
        step(self)
    }

    /// A call that changes nothing.
    pub(super) fn read(&mut self) -> io::Result<()> {
        self.powered()?;
        let read = self.reads;
        self.reads = self.reads.saturating_add(1);
        if self.read_fault == Some(read) {
            return Err(failure(Fault::Io));
        }
        Ok(())
    }

    pub(super) fn used(&self) -> u64 {
        let lengths = self.names.values().filter_map(|id| self.files.get(id));
        lengths.map(|file| file.now.len() as u64).sum()
    }

    fn name_of(&self, id: u64) -> String {
        let named = self.names.iter().find(|(_, file)| **file == id);
        named.map(|(name, _)| name.clone()).unwrap_or_default()
    }

    /// Whether a file may become so long.
    fn has_room(&self, id: u64, change: &Change) -> bool {
        let length = self.files.get(&id).map_or(0, |file| file.now.len());
        let more = change.length_after(length).saturating_sub(length) as u64;
        let after = self.used().saturating_add(more);
        more == 0 || self.capacity.is_none_or(|capacity| after <= capacity)
    }

    fn step(&mut self, action: &'static str, name: String) -> io::Result<Outcome> {
        self.powered()?;
        let step = self.steps;
        self.steps = self.steps.saturating_add(1);
        Ok(match self.fault {
            _ if self.power_off_at == Some(step) => Outcome::PowerOff,
            Some((due, fault)) if self.failed.is_none() && due.is(step, action) => {
                self.failed = Some((action, name));
                Outcome::Fails(fault)
            }
            _ => Outcome::Done,
        })
    }

    pub(super) fn rename(&mut self, change: NameChange) -> io::Result<()> {
        match self.step(change.action(), change.name())? {
            Outcome::Fails(fault) => return Err(failure(fault)),
            Outcome::PowerOff => {
                self.pending_names.push(change);
                return Err(power_is_off());
            }
            Outcome::Done => {}
        }
        change.apply(&mut self.names);
        self.pending_names.push(change);
        Ok(())
    }

    pub(super) fn change(&mut self, id: u64, change: Change) -> io::Result<()> {
        let outcome = match self.step(change.action(), self.name_of(id))? {
            Outcome::Done if !self.has_room(id, &change) => Outcome::Fails(Fault::NoSpace),
            outcome => outcome,
        };
        let is_write = matches!(change, Change::Write { .. });
        if is_write {
            self.last_written = Some(id);
        }
        let file = self.files.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        let (change, result) = match (outcome, change) {
            (Outcome::Done, change) => (change, Ok(())),
            (Outcome::PowerOff, change) => (change, Err(power_is_off())),
            (
                Outcome::Fails(fault @ Fault::ShortWrite(count)),
                Change::Write { offset, mut bytes },
            ) => {
                bytes.truncate(count);
                (Change::Write { offset, bytes }, Err(failure(fault)))
            }
            (Outcome::Fails(fault), _) => return Err(failure(fault)),
        };
        change.apply(Arc::make_mut(&mut file.now));
        file.pending.push(change);
        result
    }

    pub(super) fn sync(&mut self, id: u64) -> io::Result<()> {
        let outcome = self.step("sync", self.name_of(id))?;
        let lies = self.sync_is_noop;
        let file = self.files.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        match outcome {
            Outcome::PowerOff => Err(power_is_off()),
            Outcome::Fails(fault) => {
                file.pending.clear();
                Err(failure(fault))
            }
            Outcome::Done => {
                if !lies {
                    for change in file.pending.drain(..) {
                        change.apply(Arc::make_mut(&mut file.durable));
                    }
                }
                Ok(())
            }
        }
    }

    pub(super) fn sync_names(&mut self) -> io::Result<()> {
        match self.step("sync", "the folder".to_owned())? {
            Outcome::PowerOff => Err(power_is_off()),
            Outcome::Fails(fault) => Err(failure(fault)),
            Outcome::Done => {
                if !self.sync_is_noop {
                    self.durable_names = self.names.clone();
                    self.pending_names.clear();
                }
                Ok(())
            }
        }
    }

    /// What is on the disk when the power comes back.
    pub(super) fn after_crash(mut self, policy: CrashPolicy) -> Self {
        let mut dice = Dice(match policy {
            CrashPolicy::Subset(seed) => seed,
            CrashPolicy::LoseUnsynced | CrashPolicy::TearLastWrite(_) => 0,
        });
        if let (CrashPolicy::TearLastWrite(count), Some(last)) = (policy, self.last_written)
            && let Some(change) = self.files.get_mut(&last).and_then(|file| {
                file.pending
                    .iter_mut()
                    .rev()
                    .find(|change| matches!(change, Change::Write { .. }))
            })
            && let Change::Write { bytes, .. } = change
        {
            bytes.truncate(count);
        }
        for file in self.files.values_mut() {
            for change in std::mem::take(&mut file.pending) {
                match policy {
                    CrashPolicy::LoseUnsynced => {}
                    CrashPolicy::Subset(_) => {
                        change.survive(&mut dice, Arc::make_mut(&mut file.durable));
                    }
                    CrashPolicy::TearLastWrite(_) => {
                        change.apply(Arc::make_mut(&mut file.durable));
                    }
                }
            }
            file.now = Arc::clone(&file.durable);
        }
        for change in std::mem::take(&mut self.pending_names) {
            let survives = match policy {
                CrashPolicy::LoseUnsynced => false,
                CrashPolicy::Subset(_) => dice.toss(),
                CrashPolicy::TearLastWrite(_) => true,
            };
            if survives {
                change.apply(&mut self.durable_names);
            }
        }
        self.names = self.durable_names.clone();
        self.restarted()
    }

    pub(super) fn restarted(mut self) -> Self {
        self.steps = 0;
        self.power_off_at = None;
        self.fault = None;
        self.failed = None;
        self.reads = 0;
        self.read_fault = None;
        self.watch = None;
        self
    }

    pub(super) fn file(&mut self, name: &str) -> Option<&mut SimulatedFile> {
        let id = self.names.get(name)?;
        self.files.get_mut(id)
    }
}
