//! Durable ingest, in process and streamed over gRPC, as a ratio to the raw
//! loop of the same run: `verify_strict` on all cores, a BLAKE3 chain, append
//! and fdatasync in batches of 256, of the same bytes.
//!
//! `cargo bench --bench ingest`. `HAZLEDGER_BENCH_STATEMENTS` sets how many
//! statements of one event a round submits (20,000), `HAZLEDGER_BENCH_ROUNDS`
//! how many rounds there are (3). Each round runs all three, one after the
//! other, on fresh files in `HAZLEDGER_BENCH_DIR` (the temporary folder);
//! the figures are medians over the rounds.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench fails by panicking"
)]

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hazledger::event::Statement;
use hazledger::event::digest::head_hash;
use hazledger::event::ids::StatementId;
use hazledger::event::signing::{PublicKey, SecretKey};
use hazledger::event::statement::Draft;
use hazledger::ledger::{Answer, Clock, Ledger, Options, SystemClock};
use hazledger::pb::event::Body;
use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::{
    Authority, BaseRulePack, Event, Genesis, KeyHolder, KeyRegistered, NewLot, Origin,
    PartyRegistered, PartyStatus, PlaceRegistered, Produced, Quantity, SignatureAlgorithm,
    SignedStatement, SiteRegistered, SubmitRequest, submit_response,
};
use prost::Message as _;
use rayon::prelude::*;
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Records in a batch of the raw loop (design, section 13).
const RAW_BATCH: usize = 256;
const AUTHORITY: &str = "91350100M000100Y43";

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

fn event(body: Body) -> Event {
    Event {
        external_refs: Vec::new(),
        body: Some(body),
    }
}

/// A ledger's founders, and the statements that a round submits.
struct World {
    ledger_key: SecretKey,
    authority: SecretKey,
    plant: SecretKey,
    now: i64,
}

impl World {
    fn new(now: i64) -> World {
        let key = |n: u8| SecretKey::from_seed(&[n; 32]);
        World {
            ledger_key: key(1),
            authority: key(2),
            plant: key(3),
            now,
        }
    }

    fn draft(&self, origin: Origin, number: u64, events: Vec<Event>) -> Draft {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        Draft {
            origin,
            id: StatementId::v7(self.now, random).unwrap(),
            party: AUTHORITY.to_owned(),
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
                party: AUTHORITY.into(),
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
            }),
        };
        self.draft(origin, 0, vec![event(Body::Genesis(genesis))])
            .sign(&self.authority, &[&self.ledger_key])
    }

    /// The plant's key, site and place.
    fn setup(&self, origin: &Origin) -> SignedStatement {
        let text = |t: &str| t.to_owned();
        let events = vec![
            event(Body::PartyRegistered(PartyRegistered {
                party: AUTHORITY.into(),
                name_zh: text("厂"),
                name_en: text("Plant"),
                stages: Vec::new(),
                status: PartyStatus::Active.into(),
                region: text("150200"),
            })),
            event(Body::KeyRegistered(KeyRegistered {
                party: AUTHORITY.into(),
                algorithm: SignatureAlgorithm::Ed25519.into(),
                public_key: self.plant.public().as_bytes().to_vec().into(),
                holder: KeyHolder::Person.into(),
                holder_commitment: vec![8; 32].into(),
                valid_from_ms: 0,
                valid_until_ms: i64::MAX,
            })),
            event(Body::SiteRegistered(SiteRegistered {
                party: AUTHORITY.into(),
                site: text("S1"),
                name_zh: text("厂区"),
                name_en: text("Works"),
                kind: text("plant"),
                region: text("150200"),
            })),
            event(Body::PlaceRegistered(PlaceRegistered {
                party: AUTHORITY.into(),
                place: text("P1"),
                site: text("S1"),
                unit: String::new(),
                name_zh: text("库"),
                name_en: text("Store"),
                kind: text("bay"),
            })),
        ];
        self.draft(origin.clone(), 1, events)
            .sign(&self.authority, &[])
    }

    fn produced(&self, origin: &Origin, count: usize) -> Vec<SignedStatement> {
        (0..count as u64)
            .into_par_iter()
            .map(|n| {
                let lot = NewLot {
                    label: format!("AN-{n:08}"),
                    form: "AN-1942".into(),
                    quantity: Some(Quantity {
                        gross_mg: 25_000_000,
                        measure: None,
                    }),
                    content_ppm: 995_000,
                    place: "P1".into(),
                    data_sheet_hash: vec![1; 32].into(),
                    label_hash: vec![2; 32].into(),
                    documents: Vec::new(),
                };
                let produced = event(Body::Produced(Produced { lot: Some(lot) }));
                self.draft(origin.clone(), n + 2, vec![produced])
                    .sign(&self.plant, &[])
            })
            .collect()
    }
}

/// The yardstick: what these bytes cost without a ledger.
fn raw_loop(folder: &std::path::Path, key: &PublicKey, statements: &[SignedStatement]) -> Duration {
    let bytes: Vec<Vec<u8>> = statements
        .iter()
        .map(prost::Message::encode_to_vec)
        .collect();
    let total: usize = bytes.iter().map(Vec::len).sum();
    let file = File::create(folder.join("raw")).unwrap();
    // Preallocated, as the journal's segments are: growing files sync slower.
    file.write_all_at(&vec![0; total], 0).unwrap();
    file.sync_all().unwrap();
    let started = Instant::now();
    let (mut offset, mut previous) = (0u64, [0u8; 32]);
    for (batch, encoded) in statements.chunks(RAW_BATCH).zip(bytes.chunks(RAW_BATCH)) {
        let verified = batch.par_iter().all(|s| {
            let purpose = hazledger::event::signing::Purpose::Statement;
            key.verifies(purpose, &s.payload, &s.signatures[0].signature)
        });
        assert!(verified);
        let mut block = Vec::with_capacity(RAW_BATCH * 1024);
        for one in encoded {
            let mut linked = previous.to_vec();
            linked.extend_from_slice(one);
            previous = head_hash(&linked).0;
            block.extend_from_slice(one);
        }
        file.write_all_at(&block, offset).unwrap();
        offset += block.len() as u64;
        file.sync_data().unwrap();
    }
    started.elapsed()
}

/// A fresh ledger with the plant registered.
fn ledger(folder: &std::path::Path, world: &World) -> (Ledger, Origin) {
    let options = Options::default();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ledger::create(
        folder,
        world.genesis(),
        &world.ledger_key,
        &options,
        clock.as_ref(),
    )
    .unwrap();
    let (ledger, _) = Ledger::open(folder, world.ledger_key.clone(), options, clock).unwrap();
    let origin = ledger.status().origin;
    (ledger, origin)
}

async fn must(ledger: &Ledger, statement: SignedStatement) {
    accepted(&ledger.submit(statement).await.unwrap());
}

/// Submits in process, as many at a time as the ledger admits.
async fn in_process(ledger: &Ledger, statements: &[SignedStatement]) -> Duration {
    let started = Instant::now();
    let mut pending = std::collections::VecDeque::new();
    for statement in statements {
        loop {
            match ledger.enqueue(statement.clone()) {
                Ok(one) => break pending.push_back(one),
                // Pushed back: wait for the oldest answer, then offer again.
                Err(_) => accepted(&pending.pop_front().unwrap().await.unwrap()),
            }
        }
    }
    for one in pending {
        accepted(&one.await.unwrap());
    }
    started.elapsed()
}

fn accepted(answer: &Answer) {
    assert!(matches!(answer, Answer::Acknowledged { .. }), "{answer:?}");
}

/// Submits over one gRPC stream on loopback.
async fn streamed(ledger: &Ledger, statements: Vec<SignedStatement>) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(hazledger::grpc::serve(
        ledger.clone(),
        listener,
        async move {
            let _ = stopped.await;
        },
    ));
    let mut client = LedgerClient::connect(format!("http://{address}"))
        .await
        .unwrap();
    let count = statements.len();
    let started = Instant::now();
    let requests = statements
        .into_iter()
        .map(|s| SubmitRequest { statement: Some(s) });
    let mut answers = client
        .submit_stream(tokio_stream::iter(requests))
        .await
        .unwrap()
        .into_inner();
    let mut answered = 0;
    while let Some(answer) = answers.next().await {
        let answer = answer.unwrap().answer;
        assert!(
            matches!(answer, Some(submit_response::Answer::Acknowledgement(_))),
            "{answer:?}"
        );
        answered += 1;
    }
    let elapsed = started.elapsed();
    assert_eq!(answered, count);
    drop((client, answers));
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    elapsed
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[tokio::main]
async fn main() {
    let count = setting("HAZLEDGER_BENCH_STATEMENTS", 20_000);
    let rounds = setting("HAZLEDGER_BENCH_ROUNDS", 3).max(1);
    let base =
        std::env::var_os("HAZLEDGER_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let world = World::new(SystemClock.now_ms());
    let mut rates: [Vec<f64>; 3] = Default::default();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = |elapsed: Duration| count as f64 / elapsed.as_secs_f64();
    let mut bytes = 0;
    for round in 1..=rounds {
        let folder = tempfile::tempdir_in(&base).unwrap();
        let (first, origin) = ledger(&folder.path().join("a"), &world);
        must(&first, world.setup(&origin)).await;
        let statements = world.produced(&origin, count);
        bytes = statements[0].encoded_len();
        assert!(Statement::open(statements[0].clone()).is_ok());
        rates[0].push(rate(raw_loop(
            folder.path(),
            world.plant.public(),
            &statements,
        )));
        rates[1].push(rate(in_process(&first, &statements).await));
        first.close().await.unwrap();
        let (second, origin) = ledger(&folder.path().join("b"), &world);
        must(&second, world.setup(&origin)).await;
        let statements = world.produced(&origin, count);
        rates[2].push(rate(streamed(&second, statements).await));
        second.close().await.unwrap();
        eprintln!(
            "round {round} of {rounds}: {:.0?} a second",
            [
                rates[0][round - 1],
                rates[1][round - 1],
                rates[2][round - 1]
            ]
        );
    }
    let [raw, process, stream] = rates.map(median);
    println!("{count} statements of one event, {bytes} bytes each, {rounds} rounds, medians");
    println!("{:<44} {:>12} {:>8}  target", "what", "per second", "ratio");
    println!("{:<44} {raw:>12.0} {:>8}", "raw loop", "1.00");
    let process_ratio = process / raw;
    println!(
        "{:<44} {process:>12.0} {process_ratio:>8.2}",
        "durable ingest, in process"
    );
    let stream_ratio = stream / raw;
    println!(
        "{:<44} {stream:>12.0} {stream_ratio:>8.2}  0.70",
        "durable ingest, streamed gRPC"
    );
}
