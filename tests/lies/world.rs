//! The operator's ledger as it is in truth, and the same operator's forgeries
//! of it: statements that others signed, told anew with the ledger's own key.
//! All of it is made by hand from the book, in memory.

use bytes::Bytes;
use hazledger::custody::registry::LEDGER;
use hazledger::custody::subject;
use hazledger::event::digest::head_hash;
use hazledger::event::record::{OpenRecord, SealedRecord};
use hazledger::event::{Hash, LotId};
use hazledger::journal::Batch;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Acknowledgement, Event, Evidence, Head, LinkKind, Moved, Receipt, Record, SignedStatement,
    Subject, SubjectKind, Used,
};
use hazledger::projection::evidence::{Ask, Evident, build};
use hazledger::projection::maps::Maps;
use hazledger::projection::trace::ReadError;
use hazledger::proof::tree::{TreeHash, TreeReader, inclusion_path, leaf_hash, node_hash, root_of};
use hazledger::proof::{
    Attested, Checkpoint, NoteKeyKind, VerifierKey, attest_subject_head, sign_checkpoint,
};
use prost::Message as _;

use crate::book::{Book, INTERVAL, Member, event};
use crate::flow::{Cast, Flow, packages, produced};

/// The ledger's name, as the book has it.
pub const NAME: &str = "test.example";

/// Records at noon, when the honest kept what they were given.
pub const NOON: u64 = 36;

/// A history that the operator can show: what is true, or what is told.
#[derive(Clone)]
pub struct History {
    pub batches: Vec<Batch>,
    /// What its statements' signers were given, in order of position.
    pub acknowledgements: Vec<Acknowledgement>,
    leaves: Vec<TreeHash>,
}

/// A statement of somebody's, and when it was recorded.
#[derive(Clone)]
pub struct Told {
    pub signed: SignedStatement,
    pub now: i64,
}

/// The truth, and everybody's keys.
pub struct World {
    pub cast: Cast,
    /// The lot that evidence is asked for: made, packed, carried, used up bit
    /// by bit.
    pub lot: LotId,
    /// All that happened until evening.
    pub truth: History,
    /// The key that signs for the ledger.
    pub operator: hazledger::event::signing::SecretKey,
    pub genesis_hash: Hash,
}

/// What is recorded after the flow: by position.
pub mod at {
    /// The maker makes a lot and moves packages of another, in one statement.
    pub const TWO_LOTS: u64 = 30;
    /// The user uses a package: the lot's last record that a state record's map
    /// can prove.
    pub const PROVEN_USE: u64 = 31;
    /// The maker makes a lot that is nobody else's business.
    pub const STRANGER: u64 = 33;
    /// The user uses another package: beyond the last state record.
    pub const LAST_USE: u64 = 34;
}

impl World {
    pub fn new() -> World {
        let mut flow = Flow::whole();
        let (cast, lot) = (Cast::new(), flow.lot);
        afternoon(&mut flow.book, &cast, lot);
        assert_eq!(flow.book.state.next(), NOON, "the story has moved");
        evening(&mut flow.book, &cast);
        World {
            cast,
            lot,
            operator: flow.book.ledger.clone(),
            genesis_hash: flow.book.genesis_hash,
            truth: History::of(&flow.book),
        }
    }

    /// What honest people saw at noon.
    pub fn noon(&self) -> History {
        self.truth.cut(NOON)
    }

    /// The ledger's verifier key, as anybody knows it.
    pub fn vkey(&self) -> VerifierKey {
        VerifierKey::new(NAME, NoteKeyKind::Ed25519, self.operator.public().clone()).unwrap()
    }

    /// Tells the truth up to a position, and from there on other statements:
    /// decided, sealed, linked and committed by the operator as the ledger does
    /// it, so that the history agrees with itself.
    pub fn retell(&self, from: u64, statements: &[Told]) -> History {
        let mut book = self.up_to(from);
        for told in statements {
            book.now = told.now.max(book.now);
            state_record_if_due(&mut book);
            let entry = book.decide(told.signed.clone());
            book.append(&entry);
            book.commit();
        }
        History::of(&book)
    }

    /// The operator's book, opened at a position of the truth.
    pub fn up_to(&self, position: u64) -> Book {
        let mut book = Book::new();
        for batch in self.truth.batches.iter().skip(1) {
            let end = batch.first_position + batch.records.len() as u64;
            let whole = batch.records.iter().map(sealed);
            for record in whole.take_while(|_| end <= position) {
                book.append_sealed(record);
            }
            if end <= position {
                book.commit();
            }
        }
        assert_eq!(book.state.next(), position, "a batch ends there");
        book
    }

    /// The statements of parties from a position on.
    pub fn statements(&self, from: u64) -> Vec<Told> {
        let records = self.truth.batches.iter().flat_map(|batch| &batch.records);
        let records = records.map(|bytes| Record::decode(bytes.clone()).unwrap());
        let told = records.skip(from as usize).filter_map(|record| {
            let opened = OpenRecord::from_parts(record.clone()).unwrap();
            (opened.payload.party != LEDGER).then(|| Told {
                now: opened.head.recorded_at_ms,
                signed: SignedStatement {
                    payload: opened.head.payload.clone(),
                    signatures: opened.head.signatures.clone(),
                    events: record.events,
                },
            })
        });
        told.collect()
    }
}

fn sealed(bytes: &Bytes) -> SealedRecord {
    let head = Record::decode(bytes.clone()).unwrap().head;
    SealedRecord {
        bytes: bytes.clone(),
        hash: head_hash(&head),
        head,
    }
}

pub fn used(lot: LotId, serial: u64, purpose: &str) -> Event {
    event(Body::Used(Used {
        goods: Some(packages(lot, serial, serial)),
        place: "U".to_owned(),
        purpose: purpose.to_owned(),
    }))
}

/// In a batch of its own, so that a history can end on either side of it.
fn state_record_if_due(book: &mut Book) {
    let before = book.state.next();
    book.state_record_if_due();
    if book.state.next() > before {
        book.commit();
    }
}

/// A batch of one statement.
pub fn alone(book: &mut Book, by: &Member, events: Vec<Event>) -> u64 {
    state_record_if_due(book);
    let position = book.submit(by, &[], events);
    book.commit();
    position
}

fn afternoon(book: &mut Book, cast: &Cast, lot: LotId) {
    let moved = Body::Moved(Moved {
        goods: Some(packages(lot, 5, 6)),
        from_place: "T2".to_owned(),
        to_place: "T1".to_owned(),
    });
    let both = vec![event(produced("L3", 400_000, "T2")), event(moved)];
    assert_eq!(alone(book, &cast.maker, both), at::TWO_LOTS);
    let use_one = vec![used(lot, 2, "leaching")];
    assert_eq!(alone(book, &cast.user, use_one), at::PROVEN_USE);
    let stranger = vec![event(produced("L5", 10_000, "T2"))];
    assert_eq!(alone(book, &cast.maker, stranger), at::STRANGER);
    let use_one = vec![used(lot, 3, "leaching")];
    assert_eq!(alone(book, &cast.user, use_one), at::LAST_USE);
    alone(book, &cast.maker, vec![event(produced("L6", 10_000, "T2"))]);
}

fn evening(book: &mut Book, cast: &Cast) {
    for label in ["L7", "L8", "L9"] {
        alone(book, &cast.maker, vec![event(produced(label, 1_000, "T2"))]);
    }
}

impl History {
    pub fn of(book: &Book) -> History {
        History::from_batches(book.batches.clone(), book.acknowledgements.clone())
    }

    pub fn from_batches(batches: Vec<Batch>, acknowledgements: Vec<Acknowledgement>) -> History {
        let records = batches.iter().flat_map(|batch| &batch.records);
        let heads = records.map(|bytes| Record::decode(bytes.clone()).unwrap().head);
        History {
            leaves: heads.map(|head| leaf_hash(&head)).collect(),
            batches,
            acknowledgements,
        }
    }

    /// How many records it has.
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Its beginning: whole batches.
    pub fn cut(&self, size: u64) -> History {
        let before = |batch: &&Batch| batch.first_position < size;
        let batches: Vec<Batch> = self.batches.iter().take_while(before).cloned().collect();
        let acknowledgements = self.acknowledgements[..size as usize].to_vec();
        let history = History::from_batches(batches, acknowledgements);
        assert_eq!(history.size(), size, "a batch ends there");
        history
    }

    pub fn record(&self, position: u64) -> &Bytes {
        let mut records = self.batches.iter().flat_map(|batch| &batch.records);
        records.nth(position as usize).unwrap()
    }

    /// The hash of the last head.
    pub fn last_head(&self) -> Hash {
        Hash(self.batches.last().unwrap().last_head)
    }

    pub fn root(&self) -> TreeHash {
        root_of(self, self.size()).unwrap()
    }

    /// Its checkpoint, as the operator signs it.
    pub fn checkpoint(&self, world: &World) -> String {
        let checkpoint = Checkpoint::new(NAME, self.size(), self.root()).unwrap();
        sign_checkpoint(&world.operator, &checkpoint).to_string()
    }

    pub fn inclusion(&self, position: u64) -> Vec<Bytes> {
        let path = inclusion_path(self, position, self.size())
            .unwrap()
            .unwrap();
        path.into_iter().map(TreeHash::to_bytes).collect()
    }

    /// Positions of a lot's records.
    pub fn chain(&self, lot: LotId) -> Vec<u64> {
        let lot = subject::lot(lot);
        let of_lot = |position: &u64| {
            let record = OpenRecord::open(self.record(*position)).unwrap();
            let mut links = record.links.into_iter().flatten();
            links.any(|l| l.kind() == LinkKind::Chain && l.subject.as_ref() == Some(&lot))
        };
        (0..self.size()).filter(of_lot).collect()
    }

    /// Evidence for a lot, as the ledger makes it.
    pub fn evidence(&self, world: &World, lot: LotId) -> Evidence {
        let folder = tempfile::tempdir().unwrap();
        let maps = Maps::new(folder.path().join("maps"));
        let ask = Ask {
            lot,
            last: *self.chain(lot).last().unwrap(),
            size: self.size(),
            interval: INTERVAL,
        };
        let (evidence, last) = build(self, &maps, &ask).unwrap();
        self.under_checkpoint(world, evidence, last)
    }

    /// Evidence with this history's paths and checkpoint, and the ledger's word
    /// on the lot's last record.
    pub fn under_checkpoint(&self, world: &World, mut evidence: Evidence, last: u64) -> Evidence {
        for held in &mut evidence.records {
            let head = Head::decode(held.record.as_ref().unwrap().head.clone()).unwrap();
            held.path = self.inclusion(head.position);
        }
        let said = Attested {
            genesis_hash: head_hash(&Record::decode(self.record(0).clone()).unwrap().head),
            size: self.size(),
            root: self.root(),
            subject: Subject {
                kind: SubjectKind::Lot.into(),
                id: evidence.lot.clone(),
            },
            last: Some(last),
        };
        Evidence {
            checkpoint: self.checkpoint(world),
            head: Some(attest_subject_head(&world.operator, &said)),
            ..evidence
        }
    }

    /// A receipt of a record under its checkpoint.
    pub fn receipt(&self, world: &World, position: u64) -> Receipt {
        Receipt {
            head: Record::decode(self.record(position).clone()).unwrap().head,
            path: self.inclusion(position),
            checkpoint: self.checkpoint(world),
        }
    }
}

/// What evidence is put together from.
impl Evident for History {
    fn stored(&self, position: u64) -> Result<Option<Bytes>, ReadError> {
        Ok((position < self.size()).then(|| self.record(position).clone()))
    }

    fn path(&self, position: u64) -> Result<Vec<TreeHash>, ReadError> {
        Ok(inclusion_path(self, position, self.size())
            .unwrap()
            .unwrap())
    }
}

/// By the definition of RFC 6962, slowly.
impl TreeReader for History {
    type Error = std::convert::Infallible;

    fn node(&self, level: u8, index: u64) -> Result<TreeHash, Self::Error> {
        Ok(match level {
            0 => self.leaves[index as usize],
            _ => node_hash(
                self.node(level - 1, 2 * index)?,
                self.node(level - 1, 2 * index + 1)?,
            ),
        })
    }
}
