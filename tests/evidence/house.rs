//! The story's records as a ledger would serve them: stored bytes, a tree, maps
//! in a folder of their own, a key that signs checkpoints and words.
#![allow(
    dead_code,
    reason = "each test crate that uses the house needs another part of it"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use hazledger::custody::{Item, State, subject};
use hazledger::event::record::{OpenRecord, SealedRecord};
use hazledger::event::signing::SecretKey;
use hazledger::event::{Hash, LotId};
use hazledger::pb::{Evidence, LotState, Record};
use hazledger::projection::evidence::{Ask, EvidenceError, Evident, build};
use hazledger::projection::maps::Maps;
use hazledger::projection::trace::{ReadError, RecordSource};
use hazledger::proof::evidence::{BadEvidence, Checked, check_evidence};
use hazledger::proof::tree::{TreeHash, TreeReader, inclusion_path, leaf_hash, node_hash, root_of};
use hazledger::proof::{
    Attested, Checkpoint, NoteKeyKind, VerifierKey, attest_subject_head, sign_checkpoint,
};
use prost::Message as _;

use super::bench::{Bench, key};
use super::story;

/// See the module.
pub struct House {
    /// The origin's name.
    pub name: String,
    /// Records between state records.
    pub interval: u64,
    key: SecretKey,
    genesis_hash: Hash,
    /// As it stands at the end.
    state: State,
    stored: Vec<Bytes>,
    leaves: Vec<TreeHash>,
    maps: Maps,
    dir: PathBuf,
    /// Records under the checkpoint.
    size: u64,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

struct Leaves<'a>(&'a [TreeHash]);

impl TreeReader for Leaves<'_> {
    type Error = std::convert::Infallible;

    fn node(&self, level: u8, index: u64) -> Result<TreeHash, Self::Error> {
        if level == 0 {
            return Ok(self.0[usize::try_from(index).unwrap()]);
        }
        let left = self.node(level - 1, 2 * index)?;
        Ok(node_hash(left, self.node(level - 1, 2 * index + 1)?))
    }
}

impl House {
    /// The whole story.
    pub fn new() -> House {
        House::of(story::tell())
    }

    pub fn of(bench: Bench) -> House {
        let (records, state) = bench.apart();
        House::with(state, key("ledger"), records)
    }

    /// Of any ledger's records and the state that they fold to.
    pub fn with(state: State, key: SecretKey, records: Vec<SealedRecord>) -> House {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = format!("hazledger-evidence-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(folder);
        let genesis = OpenRecord::open(&records[0].bytes).unwrap();
        House {
            name: genesis.payload.origin.unwrap().name,
            interval: state.genesis().unwrap().state_record_interval,
            key,
            genesis_hash: records[0].hash,
            state,
            size: records.len() as u64,
            leaves: records
                .iter()
                .map(|sealed| leaf_hash(&sealed.head))
                .collect(),
            stored: records.into_iter().map(|sealed| sealed.bytes).collect(),
            maps: Maps::new(dir.join("maps")),
            dir,
        }
    }

    /// Where maps are kept.
    pub fn maps_dir(&self) -> PathBuf {
        self.dir.join("maps")
    }

    /// From now on the checkpoint is of so many records.
    pub fn see(&mut self, size: u64) {
        self.size = size;
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn verifier(&self) -> VerifierKey {
        let public = self.key.public().clone();
        VerifierKey::new(&self.name, NoteKeyKind::Ed25519, public).unwrap()
    }

    /// Every lot as it stands at the end.
    pub fn lots(&self) -> impl Iterator<Item = (LotId, LotState)> {
        self.state
            .items()
            .filter_map(|(subject, item)| match item.as_ref() {
                Item::Lot(lot) => Some((LotId::from_slice(&subject.id)?, lot.clone())),
                _ => None,
            })
    }

    pub fn root(&self) -> TreeHash {
        let Ok(root) = root_of(&Leaves(&self.leaves), self.size);
        root
    }

    pub fn checkpoint(&self) -> String {
        let checkpoint = Checkpoint::new(&self.name, self.size, self.root()).unwrap();
        sign_checkpoint(&self.key, &checkpoint).to_string()
    }

    pub fn try_evidence(&self, id: LotId) -> Result<Evidence, EvidenceError> {
        let (_, state) = self.lots().find(|(lot, _)| *lot == id).unwrap();
        let ask = Ask {
            lot: id,
            last: state.last,
            size: self.size,
            interval: self.interval,
        };
        let (mut evidence, last) = build(self, &self.maps, &ask)?;
        evidence.checkpoint = self.checkpoint();
        let end = self.size - 1;
        let state_record = end.is_multiple_of(ask.interval) && end > last;
        if !state_record && last + 1 < self.size {
            evidence.head = Some(self.word(id, Some(last)));
        }
        Ok(evidence)
    }

    pub fn evidence(&self, id: LotId) -> Evidence {
        self.try_evidence(id).unwrap()
    }

    /// The ledger's word on a lot's last record.
    pub fn word(&self, id: LotId, last: Option<u64>) -> hazledger::pb::SignedSubjectHead {
        let said = Attested {
            genesis_hash: self.genesis_hash,
            size: self.size,
            root: self.root(),
            subject: subject::lot(id),
            last,
        };
        attest_subject_head(&self.key, &said)
    }

    pub fn check(&self, evidence: &Evidence) -> Result<Checked, BadEvidence> {
        check_evidence(evidence, &self.verifier(), None)
    }

    /// A record whole.
    pub fn whole(&self, position: u64) -> Record {
        Record::decode(self.stored[usize::try_from(position).unwrap()].clone()).unwrap()
    }

    pub fn opened(&self, position: u64) -> OpenRecord {
        OpenRecord::from_parts(self.whole(position)).unwrap()
    }
}

impl Evident for House {
    fn stored(&self, position: u64) -> Result<Option<Bytes>, ReadError> {
        Ok(self.stored.get(usize::try_from(position).unwrap()).cloned())
    }

    fn path(&self, position: u64) -> Result<Vec<TreeHash>, ReadError> {
        let Ok(path) = inclusion_path(&Leaves(&self.leaves), position, self.size);
        Ok(path.unwrap())
    }
}

impl RecordSource for House {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        Ok((position < self.size).then(|| self.opened(position)))
    }
}
