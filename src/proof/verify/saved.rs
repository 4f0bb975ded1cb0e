//! A verification put down and taken up again: everything that a [`Verifier`]
//! knows after the records it has verified, so that it can go on from there.
//!
//! Numbers are big-endian. Magic; position (u64), last head, time of the last
//! record (i64), state digest, tree root; genesis hash, the ledger's key in
//! force, its name; the report's counts; the words on kept refusals; the ids of the last
//! 30 days; the subjects touched; the tree's right edge and its last leaves; the
//! items. Lists begin with their count, bytes with their length (u32). At the
//! end the BLAKE3 of all before.
//!
//! What it is not: proof. Whoever may write the file may write another state
//! into it, so it is kept where only the verifier writes. What the file says is
//! checked against itself here (its hash, its state's digest, its tree's root),
//! against the journal by whoever reads that (the head and the root at the
//! position), and against the ledger's word at the next state record.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Write};
use std::sync::Arc;

use prost::Message as _;

use super::genesis::Ledger;
use super::ids::SeenIds;
use super::tree::HeadsTree;
use super::{Expect, Report, Verifier};
use crate::custody::Key;
use crate::custody::rotation;
use crate::custody::state::{State, Touched};
use crate::event::Hash;
use crate::event::signing::PublicKey;
use crate::pb::RefusalsAnchored;
use crate::proof::LedgerKeys;
use crate::proof::tree::{Frontier, TreeHash};

const MAGIC: &[u8; 8] = b"HZLVERI1";
const HASH: usize = 32;

/// Bytes that are read and hashed at a time.
const CHUNK: usize = 64 * 1024;

/// Why a saved verification is not taken up.
#[derive(Debug, thiserror::Error)]
pub enum BadSaved {
    /// It could not be read to its end.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not the file's kind, or of another version.
    #[error("it does not begin as a saved verification")]
    Magic,
    /// Its bytes are not what was written.
    #[error("its hash is another than that of its bytes")]
    Hash,
    /// Bytes that mean nothing.
    #[error("{0}")]
    Damaged(&'static str),
    /// The state in it is not the one that was saved.
    #[error("its state's digest is {got}, it says {want}")]
    State {
        /// As it is put together.
        got: Hash,
        /// As it says.
        want: Hash,
    },
    /// The tree in it is not the one that was saved.
    #[error("its tree's root is {got}, it says {want}")]
    Tree {
        /// As it is put together.
        got: TreeHash,
        /// As it says.
        want: TreeHash,
    },
    /// Of another ledger than expected.
    #[error("it is of another ledger: its genesis hash is {0}")]
    OtherLedger(Hash),
}

impl Verifier {
    /// Writes everything down, after [`Verifier::flush`].
    ///
    /// # Errors
    /// What the writer says; or that there is nothing verified to be saved.
    pub fn save(&self, out: &mut impl Write) -> io::Result<()> {
        let done = self.opened.is_empty() && self.checks.is_empty();
        let idle = self.waiting.is_idle() && done;
        let Some(ledger) = self.ledger.as_ref().filter(|_| idle) else {
            return Err(io::Error::other("nothing, or not all of it, is verified"));
        };
        let mut out = Sink {
            out,
            hasher: blake3::Hasher::new(),
        };
        out.put(MAGIC)?;
        out.number(self.state.next())?;
        out.put(&self.state.last_head().0)?;
        out.put(&self.state.recorded_at_ms().to_be_bytes())?;
        out.put(&self.state.digest().0)?;
        out.put(&self.tree.root().0)?;
        out.put(&ledger.genesis_hash.0)?;
        out.put(ledger.keys.in_force().as_bytes())?;
        out.bytes(ledger.origin_name().as_bytes())?;
        for count in counts(&mut self.report.clone()) {
            out.number(*count)?;
        }
        out.count(self.report.anchors.len())?;
        for (position, word) in &self.report.anchors {
            out.number(*position)?;
            out.bytes(&word.encode_to_vec())?;
        }
        self.save_ids(&mut out)?;
        out.count(self.state.touched().len())?;
        for (key, position) in self.state.touched() {
            out.key(key)?;
            out.number(*position)?;
        }
        self.save_tree(&mut out)?;
        out.count(self.state.len())?;
        for (key, item) in self.state.encoded_items() {
            out.key(key)?;
            out.bytes(&item)?;
        }
        let hash = out.hasher.finalize();
        out.out.write_all(hash.as_bytes())
    }

    fn save_ids<W: Write>(&self, out: &mut Sink<'_, W>) -> io::Result<()> {
        let days = self.seen.days();
        out.count(days.len())?;
        for (day, ids) in days {
            out.put(&day.to_be_bytes())?;
            let mut ids: Vec<&[u8; 16]> = ids.iter().collect();
            ids.sort_unstable();
            out.count(ids.len())?;
            ids.into_iter().try_for_each(|id| out.put(id))?;
        }
        Ok(())
    }

    fn save_tree<W: Write>(&self, out: &mut Sink<'_, W>) -> io::Result<()> {
        let (before, leaves) = self.tree.recent();
        out.number(before.size())?;
        for hash in before.hashes() {
            out.put(&hash.0)?;
        }
        let leaves: Vec<&TreeHash> = leaves.collect();
        out.count(leaves.len())?;
        leaves.into_iter().try_for_each(|leaf| out.put(&leaf.0))
    }

    /// Takes up what [`Verifier::save`] wrote. It goes on with the batch after;
    /// that the journal is still the one that was verified is for the caller to
    /// see: [`Verifier::position`] says the head, [`Verifier::root_at`] the root.
    /// The ledger's key is looked at when it is finished: it may have been rotated
    /// since.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn restore(input: &mut impl Read, expect: Expect) -> Result<Verifier, BadSaved> {
        let mut input = Source::new(input);
        if input.array()? != *MAGIC {
            return Err(BadSaved::Magic);
        }
        let next = input.number()?;
        let last_head = Hash(input.array()?);
        let recorded_at_ms = i64::from_be_bytes(input.array()?);
        let digest = Hash(input.array()?);
        let root = TreeHash(input.array()?);
        let genesis_hash = Hash(input.array()?);
        let key = PublicKey::parse(&input.array::<32>()?)
            .map_err(|_| BadSaved::Damaged("its ledger's key is none"))?;
        let name = String::from_utf8(input.bytes()?)
            .map_err(|_| BadSaved::Damaged("its ledger's name is no text"))?;
        let mut report = Report::default();
        for count in counts(&mut report) {
            *count = input.number()?;
        }
        report.genesis_hash = genesis_hash;
        report.anchors = input.anchors()?;
        let seen = input.ids()?;
        let touched = input.touched()?;
        let (before, leaves) = input.tree()?;
        let items = input.items()?;
        input.check_hash()?;

        let state = State::from_encoded(items, touched, next, last_head, recorded_at_ms)
            .ok_or(BadSaved::Damaged("an item of it is none"))?;
        let got = state.digest();
        if got != digest {
            return Err(BadSaved::State { got, want: digest });
        }
        let tree = HeadsTree::restore(before, &leaves, &expect.roots_at);
        let got = tree.root();
        if got != root || tree.size() != next {
            return Err(BadSaved::Tree { got, want: root });
        }
        let expected = |want: Option<Hash>| want.is_none_or(|want| want == genesis_hash);
        if !expected(expect.genesis_hash) {
            return Err(BadSaved::OtherLedger(genesis_hash));
        }
        let genesis = state
            .genesis()
            .ok_or(BadSaved::Damaged("it has no genesis"))?;
        let keys = rotation::ledger_of(&state).and_then(|ledger| LedgerKeys::of(&ledger).ok());
        let keys = keys
            .filter(|keys| **keys.in_force() == key)
            .ok_or(BadSaved::Damaged("its ledger's key is not its state's"))?;
        Ok(Verifier {
            expect,
            state,
            ledger: Some(Ledger::known(genesis, genesis_hash, keys, name)),
            seen,
            tree,
            report,
            ..Verifier::default()
        })
    }
}

/// The counts of a report, in the order of the file.
fn counts(report: &mut Report) -> [&mut u64; 7] {
    [
        &mut report.events,
        &mut report.statements,
        &mut report.findings,
        &mut report.state_records,
        &mut report.withheld,
        &mut report.batches,
        &mut report.signatures,
    ]
}

/// Writes, and hashes what it writes.
struct Sink<'a, W> {
    out: &'a mut W,
    hasher: blake3::Hasher,
}

impl<W: Write> Sink<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)
    }

    fn number(&mut self, number: u64) -> io::Result<()> {
        self.put(&number.to_be_bytes())
    }

    fn count(&mut self, count: usize) -> io::Result<()> {
        self.number(count as u64)
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len());
        let length = length.map_err(|_| io::Error::other("an item of more than 4 GiB"))?;
        self.put(&length.to_be_bytes())?;
        self.put(bytes)
    }

    fn key(&mut self, key: &Key) -> io::Result<()> {
        self.put(&key.kind().to_be_bytes())?;
        self.bytes(key.id())
    }
}

/// An item's key and bytes.
type Encoded = (Key, Arc<[u8]>);

/// Reads, and hashes what it has read; what there is bounds what is read.
struct Source<'a, R> {
    input: &'a mut R,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl<'a, R: Read> Source<'a, R> {
    fn new(input: &'a mut R) -> Source<'a, R> {
        Source {
            input,
            hasher: blake3::Hasher::new(),
            buffer: Vec::new(),
        }
    }

    /// Reads so many bytes into the buffer.
    fn fill(&mut self, count: usize) -> Result<(), BadSaved> {
        self.buffer.clear();
        let most = u64::try_from(count).unwrap_or(u64::MAX);
        let read = (&mut *self.input)
            .take(most)
            .read_to_end(&mut self.buffer)?;
        if read < count {
            return Err(BadSaved::Damaged("it ends too soon"));
        }
        for chunk in self.buffer.chunks(CHUNK) {
            self.hasher.update(chunk);
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadSaved> {
        let mut array = [0; N];
        if self.input.read_exact(&mut array).is_err() {
            return Err(BadSaved::Damaged("it ends too soon"));
        }
        self.hasher.update(&array);
        Ok(array)
    }

    fn number(&mut self) -> Result<u64, BadSaved> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    fn bytes(&mut self) -> Result<Vec<u8>, BadSaved> {
        let length = u32::from_be_bytes(self.array()?);
        self.fill(usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(self.buffer.clone())
    }

    fn key(&mut self) -> Result<Key, BadSaved> {
        let kind = i32::from_be_bytes(self.array()?);
        let length = u32::from_be_bytes(self.array()?);
        self.fill(usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(Key::new(kind, &self.buffer))
    }

    fn anchors(&mut self) -> Result<Vec<(u64, RefusalsAnchored)>, BadSaved> {
        let mut anchors = Vec::new();
        for _ in 0..self.number()? {
            let position = self.number()?;
            let word = RefusalsAnchored::decode(self.bytes()?.as_slice())
                .map_err(|_| BadSaved::Damaged("a word on refusals is none"))?;
            anchors.push((position, word));
        }
        Ok(anchors)
    }

    fn ids(&mut self) -> Result<SeenIds, BadSaved> {
        let mut days = BTreeMap::new();
        for _ in 0..self.number()? {
            let day = i64::from_be_bytes(self.array()?);
            let mut ids = HashSet::new();
            for _ in 0..self.number()? {
                ids.insert(self.array()?);
            }
            days.insert(day, ids);
        }
        Ok(SeenIds::of(days))
    }

    fn touched(&mut self) -> Result<Touched, BadSaved> {
        let mut touched = Touched::new();
        for _ in 0..self.number()? {
            let key = self.key()?;
            touched.insert(key, self.number()?);
        }
        Ok(touched)
    }

    fn tree(&mut self) -> Result<(Frontier, Vec<TreeHash>), BadSaved> {
        let size = self.number()?;
        let mut hashes = Vec::new();
        for _ in 0..size.count_ones() {
            hashes.push(TreeHash(self.array()?));
        }
        let before = Frontier::restore(size, hashes)
            .ok_or(BadSaved::Damaged("its tree is of no possible size"))?;
        let mut leaves = Vec::new();
        for _ in 0..self.number()? {
            leaves.push(TreeHash(self.array()?));
        }
        Ok((before, leaves))
    }

    fn items(&mut self) -> Result<Vec<Encoded>, BadSaved> {
        let mut items = Vec::new();
        for _ in 0..self.number()? {
            let key = self.key()?;
            let length = u32::from_be_bytes(self.array()?);
            self.fill(usize::try_from(length).unwrap_or(usize::MAX))?;
            items.push((key, Arc::from(self.buffer.as_slice())));
        }
        Ok(items)
    }

    /// At the end: the hash of all before, and nothing more.
    fn check_hash(&mut self) -> Result<(), BadSaved> {
        let want = self.hasher.finalize();
        let hash: [u8; HASH] = self.array()?;
        if *want.as_bytes() != hash {
            return Err(BadSaved::Hash);
        }
        let mut more = [0];
        match self.input.read(&mut more)? {
            0 => Ok(()),
            _ => Err(BadSaved::Damaged("it goes on after its end")),
        }
    }
}
