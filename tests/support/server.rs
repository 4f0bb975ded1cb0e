//! A real server on a free loopback port over a real ledger in a folder of its
//! own, with a small cast whose keys come from seeds, and a clock that stands
//! still until it is told.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unnecessary_wraps,
    reason = "shared by several test binaries, each using a part; tests fail by panicking; \
              messages take their fields as options"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bytes::Bytes;
use hazledger::catalog::Uscc;
use hazledger::event::ids::derived;
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::Draft;
use hazledger::event::{LotId, StatementId};
use hazledger::grpc;
use hazledger::ledger::{Clock, Ledger, Options};
use hazledger::pb::event::Body;
use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::registry_client::RegistryClient;
use hazledger::pb::submit_response::Answer;
use hazledger::pb::trace_client::TraceClient;
use hazledger::pb::{
    Acknowledgement, Authority, BaseRulePack, Event, EventRef, ExternalRef, Genesis, Goods, Head,
    KeyHolder, KeyRegistered, NewLot, Origin, PartyRegistered, PartyStatus, PlaceRegistered,
    Produced, Quantity, RefusalCode, SerialRange, SignatureAlgorithm, SignedStatement,
    SiteRegistered, Stage, SubmitRequest, SubmitResponse, Used,
};
use prost::Message as _;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

/// When every test begins: 2026-11-23, Unix milliseconds.
pub const START_MS: i64 = 1_795_392_000_000;

/// When keys end: 2100, Unix milliseconds.
const FAR_MS: i64 = 4_102_444_800_000;

/// One hour, milliseconds.
pub const HOUR_MS: i64 = 3_600_000;

/// A clock that stands still until it is told, and one beside it that shows
/// only how much time has passed.
#[derive(Debug)]
pub struct TestClock {
    wall: AtomicI64,
    monotonic: AtomicI64,
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.wall.load(Ordering::SeqCst)
    }

    fn monotonic_ms(&self) -> i64 {
        self.monotonic.load(Ordering::SeqCst)
    }
}

/// A party with two persons' keys.
#[derive(Debug)]
pub struct Member {
    pub code: String,
    pub key: SecretKey,
    pub second: SecretKey,
}

impl Member {
    fn new(number: u8) -> Member {
        let organisation = format!("MADEM{number:03}");
        Member {
            code: Uscc::with_checks('9', '1', "150100", &organisation)
                .unwrap()
                .to_string(),
            key: SecretKey::from_seed(&[number; 32]),
            second: SecretKey::from_seed(&[number + 100; 32]),
        }
    }
}

/// Everybody, the ledger's own key first.
#[derive(Debug)]
pub struct Cast {
    pub ledger: SecretKey,
    pub authority: Member,
    /// Makes; places T1 and T2.
    pub plant: Member,
    /// Stores; place B1.
    pub store: Member,
    /// Carries; place Y1.
    pub carrier: Member,
    /// Uses; place M1.
    pub mine: Member,
}

impl Cast {
    pub fn new() -> Cast {
        Cast {
            ledger: SecretKey::from_seed(&[99; 32]),
            authority: Member::new(1),
            plant: Member::new(2),
            store: Member::new(3),
            carrier: Member::new(4),
            mine: Member::new(5),
        }
    }

    /// Who is registered, and their places.
    pub fn members(&self) -> [(&Member, &'static [&'static str]); 4] {
        [
            (&self.plant, &["T1", "T2"]),
            (&self.store, &["B1"]),
            (&self.carrier, &["Y1"]),
            (&self.mine, &["M1"]),
        ]
    }
}

/// An event without external references.
pub fn event(body: Body) -> Event {
    Event {
        external_refs: Vec::new(),
        body: Some(body),
    }
}

/// Loose milligrams of a lot.
pub fn loose(lot: LotId, gross_mg: i64) -> Option<Goods> {
    Some(Goods {
        lot: lot.to_bytes(),
        loose: Some(Quantity {
            gross_mg,
            measure: None,
        }),
        serials: Vec::new(),
        parts: Vec::new(),
        outers: Vec::new(),
    })
}

/// Packages of a lot.
pub fn packages(lot: LotId, first: u64, last: u64) -> Option<Goods> {
    Some(Goods {
        lot: lot.to_bytes(),
        loose: None,
        serials: vec![SerialRange { first, last }],
        parts: Vec::new(),
        outers: Vec::new(),
    })
}

/// A lot of solid sodium cyanide as it enters.
pub fn new_lot(label: &str, gross_mg: i64, place: &str) -> Option<NewLot> {
    Some(NewLot {
        label: label.to_owned(),
        form: "NACN-1689".to_owned(),
        quantity: Some(Quantity {
            gross_mg,
            measure: None,
        }),
        content_ppm: 980_000,
        place: place.to_owned(),
        data_sheet_hash: Bytes::from_static(&[7; 32]),
        label_hash: Bytes::from_static(&[8; 32]),
        documents: Vec::new(),
    })
}

/// A lot produced at T1.
pub fn produced(label: &str, gross_mg: i64) -> Event {
    event(Body::Produced(Produced {
        lot: new_lot(label, gross_mg, "T1"),
    }))
}

/// Loose matter used at T1.
pub fn used(lot: LotId, gross_mg: i64) -> Event {
    event(Body::Used(Used {
        goods: loose(lot, gross_mg),
        place: "T1".to_owned(),
        purpose: "dosing".to_owned(),
    }))
}

/// An event with an external reference.
pub fn referring(event: Event, system: &str, number: &str) -> Event {
    let reference = ExternalRef {
        system: system.to_owned(),
        number: number.to_owned(),
    };
    Event {
        external_refs: vec![reference],
        ..event
    }
}

/// The lot that a statement's event made.
pub fn lot_of(draft: &Draft, event_index: u32) -> LotId {
    LotId(derived(&draft.party, draft.id, event_index, 0))
}

/// The head of an acknowledgement.
pub fn head_of(acknowledgement: &Acknowledgement) -> Head {
    Head::decode(acknowledgement.head.clone()).unwrap()
}

/// A running server, and what is needed to talk to it.
pub struct Bench {
    pub ledger: Ledger,
    pub cast: Cast,
    pub origin: Origin,
    pub address: SocketAddr,
    clock: Arc<TestClock>,
    channel: Channel,
    ids: AtomicU64,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<Result<(), grpc::ServeError>>,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// A server over a fresh ledger in which the cast is registered.
    pub async fn start() -> Bench {
        Bench::start_with(Options::default()).await
    }

    /// The same with other options.
    pub async fn start_with(options: Options) -> Bench {
        Bench::start_door(options, grpc::Setup::default()).await
    }

    /// The same behind another door.
    pub async fn start_door(options: Options, setup: grpc::Setup) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let cast = Cast::new();
        let clock = Arc::new(TestClock {
            wall: AtomicI64::new(START_MS),
            monotonic: AtomicI64::new(0),
        });
        let genesis = genesis(&cast, START_MS);
        let (dir, key) = (folder.path().join("ledger"), cast.ledger.clone());
        let (for_open, at_open) = (options.clone(), Arc::clone(&clock));
        let ledger = tokio::task::spawn_blocking(move || {
            Ledger::create(&dir, genesis, &key, &for_open, at_open.as_ref()).unwrap();
            Ledger::open(&dir, key, for_open, at_open).unwrap().0
        })
        .await
        .unwrap();
        let listener = grpc::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = grpc::serve_with(ledger.clone(), listener, setup, async {
            // Dropped by a test that has failed: stop as well.
            let _ = stopped.await;
        });
        let server = tokio::spawn(serving);
        let channel = channel(address).await;
        let bench = Bench {
            origin: ledger.status().origin,
            ledger,
            cast,
            address,
            clock,
            channel,
            ids: AtomicU64::new(1),
            stop: Some(stop),
            server,
            _folder: folder,
        };
        bench.register_cast().await;
        bench
    }

    async fn register_cast(&self) {
        let mut events = Vec::new();
        for (member, places) in self.cast.members() {
            events.extend(registration(member, places));
        }
        let draft = self.draft(&self.cast.authority, self.now_ms(), events);
        self.record(draft.sign(&self.cast.authority.key, &[])).await;
    }

    pub fn ledger_client(&self) -> LedgerClient<Channel> {
        LedgerClient::new(self.channel.clone())
    }

    pub fn trace_client(&self) -> TraceClient<Channel> {
        TraceClient::new(self.channel.clone())
    }

    pub fn registry_client(&self) -> RegistryClient<Channel> {
        RegistryClient::new(self.channel.clone())
    }

    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The ledger's time.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Lets time pass.
    pub fn pass(&self, ms: i64) {
        self.set_clock(ms);
        self.clock.monotonic.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the clock forward, or back, though no time has passed.
    pub fn set_clock(&self, by_ms: i64) {
        self.clock.wall.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// A statement still to be signed, with the next id.
    pub fn draft(&self, member: &Member, happened_at_ms: i64, events: Vec<Event>) -> Draft {
        let number = self.ids.fetch_add(1, Ordering::SeqCst);
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        Draft {
            origin: self.origin.clone(),
            id: StatementId::v7(self.now_ms(), random).unwrap(),
            party: member.code.clone(),
            happened_at_ms,
            expires_at_ms: self.now_ms() + 24 * HOUR_MS,
            events,
        }
    }

    /// A party's statement about now, signed.
    pub fn statement(&self, member: &Member, events: Vec<Event>) -> SignedStatement {
        self.draft(member, self.now_ms(), events)
            .sign(&member.key, &[])
    }

    /// Sends a statement.
    pub async fn submit(&self, statement: SignedStatement) -> SubmitResponse {
        let request = SubmitRequest {
            statement: Some(statement),
            ..SubmitRequest::default()
        };
        self.ledger_client()
            .submit(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Sends a statement that must be recorded; returns its position.
    pub async fn record(&self, statement: SignedStatement) -> u64 {
        match self.submit(statement).await.answer.unwrap() {
            Answer::Acknowledgement(acknowledgement) => head_of(&acknowledgement).position,
            Answer::Refusal(refusal) => panic!("refused: {refusal:?}"),
        }
    }

    /// Sends a statement that must be refused; returns the code.
    pub async fn refused(&self, statement: SignedStatement) -> RefusalCode {
        match self.submit(statement).await.answer.unwrap() {
            Answer::Acknowledgement(_) => panic!("recorded"),
            Answer::Refusal(refusal) => refusal.code(),
        }
    }

    /// Records a party's events that happened at a time; returns the position
    /// and what was signed.
    pub async fn happen(
        &self,
        member: &Member,
        happened_at_ms: i64,
        events: Vec<Event>,
    ) -> (u64, Draft) {
        let draft = self.draft(member, happened_at_ms, events);
        (self.record(draft.sign(&member.key, &[])).await, draft)
    }

    /// A lot of the plant's, produced now at T1; its position and name.
    pub async fn produce(&self, label: &str, gross_mg: i64) -> (u64, LotId) {
        let events = vec![produced(label, gross_mg)];
        let (position, draft) = self.happen(&self.cast.plant, self.now_ms(), events).await;
        (position, lot_of(&draft, 0))
    }

    /// Stops the server and waits until every call has its answer.
    pub async fn stop(mut self) -> Ledger {
        drop(self.stop.take());
        drop(self.channel);
        self.server.await.unwrap().unwrap();
        self.ledger
    }
}

/// How another statement names an event that `member` signed.
pub fn reference(draft: &Draft, index: u32, member: &Member) -> Option<EventRef> {
    draft.event_ref(index, &member.key)
}

/// A client's connection.
pub async fn channel(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

/// Record 0, as signed at a time.
pub fn genesis(cast: &Cast, now_ms: i64) -> SignedStatement {
    let genesis = Genesis {
        ledger_public_key: Bytes::copy_from_slice(cast.ledger.public().as_bytes()),
        authorities: vec![Authority {
            party: cast.authority.code.clone(),
            name_zh: "测试应急管理局".to_owned(),
            name_en: "Test bureau of emergency management".to_owned(),
            public_key: Bytes::copy_from_slice(cast.authority.key.public().as_bytes()),
            holder_commitment: Bytes::from_static(&[1; 32]),
        }],
        root_threshold: 1,
        state_record_interval: 1 << 16,
        base_rules: Some(BaseRulePack {
            measure_tolerance_ppm: 2_000,
            dispute_deadline_ms: 72 * HOUR_MS,
            back_dating_limit_ms: 48 * HOUR_MS,
            count_tolerance_ppm: 2_000,
            assay_due_ms: 0,
        }),
    };
    let draft = Draft {
        origin: Origin {
            name: "test.example/ledger".to_owned(),
            genesis_hash: Bytes::from_static(&[0; 32]),
        },
        id: StatementId::v7(now_ms, [0; 10]).unwrap(),
        party: cast.authority.code.clone(),
        happened_at_ms: now_ms,
        expires_at_ms: now_ms + HOUR_MS,
        events: vec![event(Body::Genesis(genesis))],
    };
    draft.sign(&cast.authority.key, &[&cast.ledger])
}

/// A party, two keys, a site and places.
pub fn registration(member: &Member, places: &[&str]) -> Vec<Event> {
    let key = |key: &SecretKey, person: u8| {
        event(Body::KeyRegistered(KeyRegistered {
            party: member.code.clone(),
            algorithm: SignatureAlgorithm::Ed25519.into(),
            public_key: Bytes::copy_from_slice(key.public().as_bytes()),
            holder: KeyHolder::Person.into(),
            holder_commitment: Bytes::copy_from_slice(&[person; 32]),
            valid_from_ms: 0,
            valid_until_ms: FAR_MS,
            ..KeyRegistered::default()
        }))
    };
    let mut events = vec![
        event(Body::PartyRegistered(PartyRegistered {
            party: member.code.clone(),
            name_zh: "测试企业".to_owned(),
            name_en: "Test enterprise".to_owned(),
            stages: vec![Stage::Production.into()],
            status: PartyStatus::Active.into(),
            region: "150100".to_owned(),
            ..PartyRegistered::default()
        })),
        key(&member.key, 1),
        key(&member.second, 2),
        event(Body::SiteRegistered(SiteRegistered {
            party: member.code.clone(),
            site: "S1".to_owned(),
            name_zh: "厂区".to_owned(),
            name_en: "Works".to_owned(),
            kind: "plant".to_owned(),
            region: "150100".to_owned(),
            ..SiteRegistered::default()
        })),
    ];
    events.extend(places.iter().map(|place| {
        event(Body::PlaceRegistered(PlaceRegistered {
            party: member.code.clone(),
            place: (*place).to_owned(),
            site: "S1".to_owned(),
            unit: String::new(),
            name_zh: "储位".to_owned(),
            name_en: "Place".to_owned(),
            kind: "tank".to_owned(),
            ..PlaceRegistered::default()
        }))
    }));
    events
}
