//! A witness, and who asks it, against logs that are honest, forked or set
//! back; a disk that fails; and real HTTP on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod ask;
mod http;
mod memory;
mod push;
mod rounds;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::files::Files;
use super::judge::Signed;
use super::logs::Logs;
use super::memory::{Signer, Witness};
use super::request::AddCheckpoint;
use crate::event::signing::SecretKey;
use crate::proof::tree::{TreeHash, TreeReader, consistency_path, leaf_hash, node_hash, root_of};
use crate::proof::{Checkpoint, Note, NoteKeyKind, VerifierKey, sign_checkpoint};
use crate::storage::NotReplaced;

const ORIGIN: &str = "test.example/ledger";
const WITNESS: &str = "witness.example/w";
/// Where the witness' clock begins, Unix seconds.
const START_S: u64 = 1_795_392_000;

/// A log with its key: leaves that are their own number and the branch of a
/// fork that the log is.
#[derive(Clone)]
struct TestLog {
    key: SecretKey,
    leaves: Vec<TreeHash>,
}

impl TreeReader for TestLog {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<TreeHash, Infallible> {
        if level == 0 {
            return Ok(self.leaves[usize::try_from(index).unwrap()]);
        }
        let left = self.node(level - 1, index * 2)?;
        Ok(node_hash(left, self.node(level - 1, index * 2 + 1)?))
    }
}

impl TestLog {
    fn new(size: u64) -> TestLog {
        let mut log = TestLog {
            key: SecretKey::from_seed(&[1; 32]),
            leaves: Vec::new(),
        };
        log.grow_to(size, 0);
        log
    }

    fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// With leaves of a branch.
    fn grow_to(&mut self, size: u64, branch: u8) {
        while self.size() < size {
            let mut entry = self.size().to_be_bytes().to_vec();
            entry.push(branch);
            self.leaves.push(leaf_hash(&entry));
        }
    }

    /// The same up to a size, and from there on another.
    fn forked_at(&self, size: u64, to: u64) -> TestLog {
        let mut fork = self.clone();
        fork.leaves.truncate(usize::try_from(size).unwrap());
        fork.grow_to(to, 1);
        fork
    }

    fn vkey(&self) -> VerifierKey {
        VerifierKey::new(ORIGIN, NoteKeyKind::Ed25519, self.key.public().clone()).unwrap()
    }

    fn root(&self, size: u64) -> TreeHash {
        root_of(self, size).unwrap()
    }

    fn signed(&self, size: u64) -> Note {
        let checkpoint = Checkpoint::new(ORIGIN, size, self.root(size)).unwrap();
        sign_checkpoint(&self.key, &checkpoint)
    }

    fn request(&self, old: u64, new: u64) -> AddCheckpoint {
        let proof = if old == 0 {
            Vec::new()
        } else {
            consistency_path(self, old, new)
                .unwrap()
                .unwrap_or_default()
        };
        AddCheckpoint {
            old,
            proof,
            note: self.signed(new),
        }
    }
}

fn signer(number: u8) -> Signer {
    Signer::new(WITNESS, SecretKey::from_seed(&[number; 32])).unwrap()
}

/// A disk in memory that fails when it is told to, and outlives its witness.
#[derive(Clone, Default)]
struct TestDisk(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    files: BTreeMap<String, String>,
    /// The next replacement fails so.
    fails: Option<Fails>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fails {
    Before,
    /// In doubt, and the old one is there.
    DoubtOld,
    /// In doubt, and the new one is there.
    DoubtNew,
}

impl TestDisk {
    fn fail(&self, fails: Fails) {
        self.0.lock().unwrap().fails = Some(fails);
    }
}

impl Files for TestDisk {
    fn read(&self, name: &str) -> io::Result<Option<String>> {
        Ok(self.0.lock().unwrap().files.get(name).cloned())
    }

    fn replace(&self, name: &str, text: &str) -> Result<(), NotReplaced> {
        let mut inner = self.0.lock().unwrap();
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let fails = inner.fails.take();
        if fails == Some(Fails::Before) {
            return Err(NotReplaced::Before(full()));
        }
        if fails != Some(Fails::DoubtOld) {
            inner.files.insert(name.to_owned(), text.to_owned());
        }
        match fails {
            Some(_) => Err(NotReplaced::InDoubt(full())),
            None => Ok(()),
        }
    }
}

/// A clock that is told.
#[derive(Clone)]
struct TestClock(Arc<AtomicU64>);

impl TestClock {
    fn new() -> TestClock {
        TestClock(Arc::new(AtomicU64::new(START_S)))
    }

    fn set(&self, at_s: u64) {
        self.0.store(at_s, Ordering::SeqCst);
    }
}

fn witness_of<F: Files>(log: &TestLog, files: F, clock: &TestClock) -> Witness<F> {
    let clock = clock.0.clone();
    let clock = Box::new(move || clock.load(Ordering::SeqCst));
    let logs = Logs::new([log.vkey()]).unwrap();
    Witness::open(signer(9), logs, files, clock).unwrap()
}

/// What a checkpoint says, as a witness remembers it.
fn signed(log: &TestLog, size: u64) -> Signed {
    Signed {
        size,
        root: log.root(size),
    }
}
