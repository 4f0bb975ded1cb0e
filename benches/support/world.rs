//! A ledger's founders, one plant, and the statements that it signs: lots
//! made, and moved between its two places.

use std::path::Path;
use std::sync::Arc;

use hazledger::event::ids::derived;
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::Draft;
use hazledger::event::{LotId, StatementId};
use hazledger::ledger::{Answer, Clock, Ledger, Opened, Options, SystemClock};
use hazledger::pb::event::Body;
use hazledger::pb::{
    Authority, BaseRulePack, Drawn, Event, Filled, Genesis, Goods, KeyHolder, KeyRegistered, Moved,
    NewLot, Origin, PartyRegistered, PartyStatus, PlaceRegistered, Produced, Quantity,
    SignatureAlgorithm, SignedStatement, SiteRegistered, Used, VesselKind, filled,
};
use rayon::prelude::*;

/// The authority, and (it is a party like any other) the plant.
const PARTY: &str = "91350100M000100Y43";

/// Gross of every lot that is made, milligrams.
const LOT_MG: i64 = 25_000_000;

/// The plant's places.
pub const PLACES: [&str; 2] = ["P1", "P2"];

/// See the module.
pub struct World {
    ledger_key: SecretKey,
    authority: SecretKey,
    pub plant: SecretKey,
    now: i64,
}

fn event(body: Body) -> Event {
    Event {
        external_refs: Vec::new(),
        body: Some(body),
    }
}

fn quantity(gross_mg: i64) -> Quantity {
    Quantity {
        gross_mg,
        measure: None,
    }
}

impl World {
    /// With ids and happenings of now.
    pub fn new() -> World {
        let key = |n: u8| SecretKey::from_seed(&[n; 32]);
        World {
            ledger_key: key(1),
            authority: key(2),
            plant: key(3),
            now: SystemClock.now_ms(),
        }
    }

    fn id(&self, number: u64) -> StatementId {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        StatementId::v7(self.now, random).unwrap()
    }

    fn draft(&self, origin: &Origin, number: u64, events: Vec<Event>) -> Draft {
        Draft {
            origin: origin.clone(),
            id: self.id(number),
            party: PARTY.to_owned(),
            happened_at_ms: self.now,
            expires_at_ms: self.now + 86_400_000,
            events,
        }
    }

    fn genesis(&self) -> SignedStatement {
        let origin = Origin {
            name: "bench".into(),
            genesis_hash: vec![0; 32].into(),
        };
        let genesis = Genesis {
            ledger_public_key: self.ledger_key.public().as_bytes().to_vec().into(),
            authorities: vec![Authority {
                party: PARTY.into(),
                name_zh: "应急管理厅".into(),
                name_en: "Emergency management".into(),
                public_key: self.authority.public().as_bytes().to_vec().into(),
                holder_commitment: vec![7; 32].into(),
            }],
            root_threshold: 1,
            state_record_interval: 65_536,
            base_rules: Some(BaseRulePack {
                measure_tolerance_ppm: 3_000,
                dispute_deadline_ms: 86_400_000,
                back_dating_limit_ms: 86_400_000,
                count_tolerance_ppm: 0,
                assay_due_ms: 0,
            }),
        };
        self.draft(&origin, 0, vec![event(Body::Genesis(genesis))])
            .sign(&self.authority, &[&self.ledger_key])
    }

    /// The plant's key, site and places.
    fn setup(&self, origin: &Origin) -> SignedStatement {
        let text = |t: &str| t.to_owned();
        let mut events = vec![
            event(Body::PartyRegistered(PartyRegistered {
                party: PARTY.into(),
                name_zh: text("厂"),
                name_en: text("Plant"),
                stages: Vec::new(),
                status: PartyStatus::Active.into(),
                region: text("150200"),
                ..PartyRegistered::default()
            })),
            event(Body::KeyRegistered(KeyRegistered {
                party: PARTY.into(),
                algorithm: SignatureAlgorithm::Ed25519.into(),
                public_key: self.plant.public().as_bytes().to_vec().into(),
                holder: KeyHolder::Person.into(),
                holder_commitment: vec![8; 32].into(),
                valid_from_ms: 0,
                valid_until_ms: i64::MAX,
                ..KeyRegistered::default()
            })),
            event(Body::SiteRegistered(SiteRegistered {
                party: PARTY.into(),
                site: text("S1"),
                name_zh: text("厂区"),
                name_en: text("Works"),
                kind: text("plant"),
                region: text("150200"),
                ..SiteRegistered::default()
            })),
        ];
        events.extend(PLACES.map(|place| {
            event(Body::PlaceRegistered(PlaceRegistered {
                party: PARTY.into(),
                place: text(place),
                site: text("S1"),
                unit: String::new(),
                name_zh: text("库"),
                name_en: text("Store"),
                kind: text("bay"),
                ..PlaceRegistered::default()
            }))
        }));
        self.draft(origin, 1, events).sign(&self.authority, &[])
    }

    /// Statement `number` (2 and up): that many lots are made.
    pub fn produced(&self, origin: &Origin, number: u64, lots: u32) -> SignedStatement {
        let events = (0..lots).map(|n| {
            event(Body::Produced(Produced {
                lot: Some(NewLot {
                    label: format!("AN-{number:08}-{n}"),
                    form: "AN-1942".into(),
                    quantity: Some(quantity(LOT_MG)),
                    content_ppm: 995_000,
                    place: PLACES[0].into(),
                    data_sheet_hash: vec![1; 32].into(),
                    label_hash: vec![2; 32].into(),
                    documents: Vec::new(),
                }),
            }))
        });
        self.draft(origin, number, events.collect())
            .sign(&self.plant, &[])
    }

    /// `count` statements from `first` on, of `lots` each, signed on all cores.
    pub fn all_produced(
        &self,
        origin: &Origin,
        first: u64,
        count: usize,
        lots: u32,
    ) -> Vec<SignedStatement> {
        (first..first + count as u64)
            .into_par_iter()
            .map(|number| self.produced(origin, number, lots))
            .collect()
    }

    /// The lot that an event of [`World::produced`] made.
    pub fn lot(&self, number: u64, index: u32) -> LotId {
        LotId(derived(PARTY, self.id(number), index, 0))
    }

    /// Statement `number`: `mg` of each lot is moved from one of [`PLACES`] to
    /// the other.
    pub fn moved(
        &self,
        origin: &Origin,
        number: u64,
        lots: impl Iterator<Item = LotId>,
        mg: i64,
        from: usize,
    ) -> SignedStatement {
        let events = lots.map(|lot| {
            event(Body::Moved(Moved {
                goods: Some(loose(lot, mg)),
                from_place: PLACES[from].into(),
                to_place: PLACES[1 - from].into(),
            }))
        });
        self.draft(origin, number, events.collect())
            .sign(&self.plant, &[])
    }

    /// Statement `number`: all of a lot is used up, which closes it.
    pub fn used_up(
        &self,
        origin: &Origin,
        number: u64,
        lot: LotId,
        place: usize,
    ) -> SignedStatement {
        let used = Used {
            goods: Some(loose(lot, LOT_MG)),
            place: PLACES[place].into(),
            purpose: "blasting".into(),
        };
        self.draft(origin, number, vec![event(Body::Used(used))])
            .sign(&self.plant, &[])
    }

    /// Statement `number`: tanks of the plant.
    pub fn vessels(&self, origin: &Origin, number: u64, tanks: &[String]) -> SignedStatement {
        let events = tanks.iter().map(|tank| {
            event(Body::PlaceRegistered(PlaceRegistered {
                party: PARTY.into(),
                place: tank.clone(),
                site: "S1".into(),
                name_zh: "罐".into(),
                kind: "tank".into(),
                vessel: VesselKind::Tank.into(),
                ..PlaceRegistered::default()
            }))
        });
        self.draft(origin, number, events.collect())
            .sign(&self.plant, &[])
    }

    /// Statement `number`: all of a lot is poured into a tank.
    pub fn filled(&self, origin: &Origin, number: u64, lot: LotId, tank: &str) -> SignedStatement {
        let filled = Filled {
            goods: Some(loose(lot, LOT_MG)),
            from: Some(filled::From::Place(PLACES[0].into())),
            vessel: tank.into(),
            label: format!("{tank} {number}"),
        };
        self.draft(origin, number, vec![event(Body::Filled(filled))])
            .sign(&self.plant, &[])
    }

    /// Statement `number`: so much is drawn from a tank.
    pub fn drawn(&self, origin: &Origin, number: u64, tank: &str, mg: i64) -> SignedStatement {
        let drawn = Drawn {
            vessel: tank.into(),
            quantity: Some(quantity(mg)),
            label: format!("AN-{number:08}"),
            to_place: PLACES[0].into(),
        };
        self.draft(origin, number, vec![event(Body::Drawn(drawn))])
            .sign(&self.plant, &[])
    }

    /// All of a lot made by [`World::produced`], milligrams.
    pub fn whole_lot() -> i64 {
        LOT_MG
    }

    /// A fresh ledger with the plant registered: two records.
    pub fn ledger(&self, folder: &Path, options: Options) -> (Ledger, Origin) {
        Ledger::create(
            folder,
            self.genesis(),
            &self.ledger_key,
            &options,
            &SystemClock,
        )
        .unwrap();
        let (ledger, _) = self.open(folder, options);
        let origin = ledger.status().origin;
        let setup = wait(ledger.submit(self.setup(&origin))).unwrap();
        accepted(&setup);
        (ledger, origin)
    }

    /// Opens a ledger that is there.
    pub fn open(&self, folder: &Path, options: Options) -> (Ledger, Opened) {
        Ledger::open(
            folder,
            self.ledger_key.clone(),
            options,
            Arc::new(SystemClock),
        )
        .unwrap()
    }

    /// Submits in process, as many at a time as the ledger admits.
    pub fn submit_all(ledger: &Ledger, statements: impl IntoIterator<Item = SignedStatement>) {
        let mut pending = std::collections::VecDeque::new();
        for statement in statements {
            loop {
                match ledger.enqueue(statement.clone()) {
                    Ok(one) => break pending.push_back(one),
                    // Pushed back: wait for the oldest answer, then offer again.
                    Err(_) => accepted(&wait(pending.pop_front().unwrap()).unwrap()),
                }
            }
        }
        for one in pending {
            accepted(&wait(one).unwrap());
        }
    }
}

fn loose(lot: LotId, mg: i64) -> Goods {
    Goods {
        lot: lot.to_bytes(),
        loose: Some(quantity(mg)),
        serials: Vec::new(),
        parts: Vec::new(),
        outers: Vec::new(),
    }
}

/// Panics unless it is recorded, for the first time.
pub fn accepted(answer: &Answer) {
    assert!(
        matches!(
            answer,
            Answer::Acknowledged {
                repeated: false,
                ..
            }
        ),
        "{answer:?}"
    );
}

/// Closes a ledger in good order. It blocks.
pub fn close(ledger: Ledger) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(ledger.close()).unwrap();
}

/// Waits on this thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    // Parked until woken: no runtime is needed to wait for the ledger.
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}
