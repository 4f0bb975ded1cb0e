//! A ledger to test with: one authority, one enterprise, a clock that moves
//! when it is told to, and statements signed one after another.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::catalog::Uscc;
use crate::custody::subject;
use crate::event::digest::head_hash;
use crate::event::ids::derived;
use crate::event::record::OpenRecord;
use crate::event::signing::SecretKey;
use crate::event::statement::Draft;
use crate::event::{Hash, LotId, StatementId};
use crate::journal::JournalOptions;
use crate::ledger::{Answer, Clock, Ledger, Opened, Options, Pending};
use crate::pb::event::Body;
use crate::pb::{
    Acknowledgement, Authority, BaseRulePack, Event, EventRef, Genesis, Goods, KeyHolder,
    KeyRegistered, NewLot, Origin, PartyRegistered, PartyStatus, PlaceRegistered, Produced,
    Quantity, SignatureAlgorithm, SignedRefusal, SignedStatement, SiteRegistered, Stage, Used,
};
use crate::proof::check_acknowledgement;
use crate::storage::sim::SimStorage;

/// When the first record is recorded, Unix milliseconds.
pub(super) const START_MS: i64 = 1_790_000_000_000;
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A clock that stands still until it is moved.
pub(super) struct TestClock(pub(super) AtomicI64);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(super) struct World {
    pub(super) ledger_key: SecretKey,
    pub(super) authority: SecretKey,
    pub(super) authority_party: String,
    pub(super) maker: SecretKey,
    pub(super) maker_party: String,
    pub(super) clock: Arc<TestClock>,
    pub(super) interval: u64,
    pub(super) genesis_hash: Hash,
    ids: AtomicU64,
}

fn public(key: &SecretKey) -> Bytes {
    Bytes::copy_from_slice(key.public().as_bytes())
}

fn code(organisation: &str) -> String {
    Uscc::with_checks('9', '1', "150200", organisation)
        .unwrap()
        .as_str()
        .to_owned()
}

pub(super) fn event(body: Body) -> Event {
    Event {
        external_refs: Vec::new(),
        body: Some(body),
    }
}

impl World {
    /// State records stand at every multiple of `interval`.
    pub(super) fn new(interval: u64) -> World {
        World {
            ledger_key: SecretKey::from_seed(&[1; 32]),
            authority: SecretKey::from_seed(&[2; 32]),
            authority_party: code("MA0AUTH1"),
            maker: SecretKey::from_seed(&[3; 32]),
            maker_party: code("MA0MAKER"),
            clock: Arc::new(TestClock(AtomicI64::new(START_MS))),
            interval,
            genesis_hash: Hash::ZERO,
            ids: AtomicU64::new(0),
        }
    }

    /// Small segments: the simulated disk is copied at every crash.
    pub(super) fn options() -> Options {
        let journal = JournalOptions {
            segment_bytes: 8 * 1024,
        };
        Options {
            prepare_threads: 2,
            journal,
            ..Options::default()
        }
    }

    pub(super) fn genesis(&self) -> SignedStatement {
        let genesis = Genesis {
            ledger_public_key: public(&self.ledger_key),
            authorities: vec![Authority {
                party: self.authority_party.clone(),
                name_zh: "应急管理局".to_owned(),
                name_en: "Emergency Management".to_owned(),
                public_key: public(&self.authority),
                holder_commitment: Bytes::copy_from_slice(&[9; 32]),
            }],
            root_threshold: 1,
            state_record_interval: self.interval,
            base_rules: Some(BaseRulePack {
                measure_tolerance_ppm: 3_000,
                dispute_deadline_ms: 3 * DAY_MS,
                back_dating_limit_ms: 2 * DAY_MS,
                count_tolerance_ppm: 3_000,
                assay_due_ms: 0,
            }),
        };
        let draft = self.draft(&self.authority_party, vec![Body::Genesis(genesis)]);
        draft.sign(&self.authority, &[&self.ledger_key])
    }

    /// Creates the ledger on a simulated disk and opens it.
    pub(super) fn start(&mut self, storage: &SimStorage, store: &Path) -> Ledger {
        let options = World::options();
        let clock = Arc::clone(&self.clock);
        Ledger::create_on(
            storage.clone(),
            self.genesis(),
            &self.ledger_key,
            &options,
            &*clock,
        )
        .unwrap();
        let (ledger, opened) = self.open(storage, store);
        assert_eq!(opened.records, 1);
        self.meet(&ledger);
        ledger
    }

    /// Learns the genesis hash.
    pub(super) fn meet(&mut self, ledger: &Ledger) {
        self.genesis_hash = Hash::from_slice(&ledger.status().origin.genesis_hash).unwrap();
    }

    pub(super) fn open(&self, storage: &SimStorage, store: &Path) -> (Ledger, Opened) {
        self.open_with(storage, store, World::options())
    }

    pub(super) fn open_with(
        &self,
        storage: &SimStorage,
        store: &Path,
        options: Options,
    ) -> (Ledger, Opened) {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Ledger::open_on(
            storage.clone(),
            store,
            self.ledger_key.clone(),
            options,
            clock,
        )
        .unwrap()
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// An id of now, never the same twice.
    pub(super) fn id(&self) -> StatementId {
        let number = self.ids.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number);
        StatementId::v7(self.now(), random).unwrap()
    }

    pub(super) fn draft(&self, party: &str, bodies: Vec<Body>) -> Draft {
        Draft {
            origin: Origin {
                name: "test.example".to_owned(),
                genesis_hash: self.genesis_hash.to_bytes(),
            },
            id: self.id(),
            party: party.to_owned(),
            happened_at_ms: self.now(),
            expires_at_ms: self.now() + DAY_MS,
            events: bodies.into_iter().map(event).collect(),
        }
    }

    /// The maker, its key, a site and a place, registered by the authority.
    pub(super) fn registration(&self) -> SignedStatement {
        let party = self.maker_party.clone();
        let bodies = vec![
            Body::PartyRegistered(PartyRegistered {
                party: party.clone(),
                name_zh: "公司".to_owned(),
                name_en: "Company".to_owned(),
                stages: vec![Stage::Production.into(), Stage::Use.into()],
                status: PartyStatus::Active.into(),
                region: "150200".to_owned(),
                ..PartyRegistered::default()
            }),
            Body::KeyRegistered(self.key_registered(&self.maker, 7)),
            Body::SiteRegistered(SiteRegistered {
                party: party.clone(),
                site: "S".to_owned(),
                name_zh: "厂".to_owned(),
                kind: "plant".to_owned(),
                region: "150200".to_owned(),
                ..SiteRegistered::default()
            }),
            Body::PlaceRegistered(self.place("T1")),
        ];
        self.draft(&self.authority_party, bodies)
            .sign(&self.authority, &[])
    }

    pub(super) fn key_registered(&self, key: &SecretKey, person: u8) -> KeyRegistered {
        KeyRegistered {
            party: self.maker_party.clone(),
            algorithm: SignatureAlgorithm::Ed25519.into(),
            public_key: public(key),
            holder: KeyHolder::Person.into(),
            holder_commitment: Bytes::copy_from_slice(&[person; 32]),
            valid_from_ms: START_MS - DAY_MS,
            valid_until_ms: START_MS + 400 * DAY_MS,
            ..KeyRegistered::default()
        }
    }

    fn place(&self, place: &str) -> PlaceRegistered {
        PlaceRegistered {
            party: self.maker_party.clone(),
            place: place.to_owned(),
            site: "S".to_owned(),
            name_zh: "罐".to_owned(),
            kind: "tank".to_owned(),
            ..PlaceRegistered::default()
        }
    }

    /// A place more, registered by the maker: a statement like any other.
    pub(super) fn another_place(&self, place: &str) -> SignedStatement {
        self.made(vec![Body::PlaceRegistered(self.place(place))])
    }

    pub(super) fn made(&self, bodies: Vec<Body>) -> SignedStatement {
        self.draft(&self.maker_party, bodies).sign(&self.maker, &[])
    }

    /// A new lot of so many milligrams.
    pub(super) fn produced(label: &str, gross_mg: i64) -> Body {
        Body::Produced(Produced {
            lot: Some(NewLot {
                label: label.to_owned(),
                form: "NACN-1689".to_owned(),
                quantity: Some(Quantity {
                    gross_mg,
                    measure: None,
                }),
                content_ppm: 980_000,
                place: "T1".to_owned(),
                data_sheet_hash: Bytes::copy_from_slice(&[1; 32]),
                label_hash: Bytes::copy_from_slice(&[2; 32]),
                documents: Vec::new(),
            }),
        })
    }

    /// Use of so many milligrams of a lot.
    pub(super) fn used(lot: LotId, gross_mg: i64) -> Body {
        Body::Used(Used {
            goods: Some(Goods {
                lot: lot.to_bytes(),
                loose: Some(Quantity {
                    gross_mg,
                    measure: None,
                }),
                serials: Vec::new(),
                parts: Vec::new(),
                outers: Vec::new(),
            }),
            place: "T1".to_owned(),
            purpose: "leaching".to_owned(),
        })
    }

    /// Checks an acknowledgement as its receiver would; returns its position.
    pub(super) fn check(&self, acknowledgement: &Acknowledgement) -> u64 {
        let public = self.ledger_key.public();
        check_acknowledgement(public, self.genesis_hash, acknowledgement)
            .unwrap()
            .position
    }
}

/// The lot that the first event of a draft makes.
pub(super) fn lot_of(draft: &Draft) -> LotId {
    LotId(derived(&draft.party, draft.id, 0, 0))
}

/// The reference to a draft's first event.
pub(super) fn reference(draft: &Draft, key: &SecretKey) -> EventRef {
    draft.event_ref(0, key).unwrap()
}

pub(super) fn acknowledged(answer: Answer) -> (Acknowledgement, bool) {
    match answer {
        Answer::Acknowledged {
            acknowledgement,
            repeated,
            ..
        } => (acknowledgement, repeated),
        Answer::Refused(refusal) => panic!("refused: {refusal:?}"),
    }
}

pub(super) fn refused(answer: Answer) -> SignedRefusal {
    match answer {
        Answer::Refused(refusal) => refusal,
        Answer::Acknowledged { .. } => panic!("acknowledged"),
    }
}

/// Whether an answer has not come.
pub(super) fn is_unanswered(pending: &mut Pending) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(
        std::pin::Pin::new(pending).poll(&mut context),
        Poll::Pending
    )
}

/// Head hash, party and id of every record of a ledger, in order.
pub(super) fn records(ledger: &Ledger) -> Vec<(Hash, String, Bytes)> {
    (0..ledger.committed())
        .map(|position| {
            let (record, _) = ledger.record(position).unwrap().unwrap();
            let opened = OpenRecord::from_parts(record).unwrap();
            (opened.hash, opened.payload.party, opened.payload.id)
        })
        .collect()
}

/// The state digest of a ledger.
pub(super) fn digest(ledger: &Ledger) -> Hash {
    ledger.read(crate::custody::State::digest)
}

/// Whether the live state has a lot in memory.
pub(super) fn in_memory(ledger: &Ledger, lot: LotId) -> bool {
    use crate::custody::Items as _;
    ledger.read(|state| state.get(&subject::lot(lot)).is_some())
}

pub(super) fn head_of(acknowledgement: &Acknowledgement) -> Hash {
    head_hash(&acknowledgement.head)
}
