//! Statements of 100 events on 100 distinct lots out of many live ones,
//! streamed over gRPC for a while: events a second, how far the views fall
//! behind, and whether the ledger pushes back rather than grows.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::served::streamed;
use crate::support::world::{World, close, wait};
use crate::support::{Form, Row, machine, rate, thousands};
use hazledger::event::LotId;
use hazledger::ledger::{Ledger, Options};
use hazledger::pb::{Origin, SignedStatement};
use prost::Message as _;
use rayon::prelude::*;

/// Events of a statement, each on a lot of its own.
const EVENTS: usize = 100;

/// Events a second.
const TARGET: f64 = 100_000.0;

/// How far views may fall behind, seconds.
const BEHIND: f64 = 30.0;

/// Milligrams moved by each event.
const MOVED_MG: i64 = 1_000;

/// Coprime to the number of lots, so that `i × STRIDE` visits all of them.
const STRIDE: usize = 7_919;

/// How often the ledger is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the name of the row says if it is not the full form's.
const SCALED: &str = " (scaled down from 1 million and a minute)";

/// Statements that tell how fast it goes, before the measured ones are signed.
fn warm_up(form: &Form) -> usize {
    form.pick(20, 300, 300)
}

fn live(form: &Form) -> usize {
    form.pick(1_000, 20_000, 1_000_000)
}

fn lasting(form: &Form) -> Duration {
    Duration::from_secs(form.pick(1, 5, 60))
}

pub fn rows(form: &Form) -> Vec<Row> {
    let scaled = form.pick(SCALED, SCALED, "");
    let name = format!(
        "100 events on 100 of {} live lots, streamed for {} s{scaled}",
        thousands(live(form) as f64),
        lasting(form).as_secs()
    );
    vec![
        Row::new(name, "≥ 100,000 events/s"),
        Row::new("views behind meanwhile, at most", "≤ 30 s"),
        Row::new("unanswered meanwhile, at most", "≤ its queue of 8,192"),
    ]
}

pub fn measure(form: &Form, rows: &mut [Row]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = form.folder();
    let world = World::new();
    let options = Options::default();
    let queue = options.queue_statements;
    let (ledger, origin) = world.ledger(&folder.path().join("ledger"), options);
    let mut plan = Plan {
        world: &world,
        origin,
        lots: live(form),
        next: 0,
    };
    plan.make_lots(&ledger);
    let warm = plan.spool(folder.path(), warm_up(form));
    let a_second = {
        let (elapsed, answered) = runtime.block_on(streamed(&ledger, warm.stream(None)));
        assert_eq!(answered, warm_up(form));
        rate(answered, elapsed)
    };
    // Twice as many as it would take at that speed.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate times seconds, rounded"
    )]
    let enough = (a_second * lasting(form).as_secs_f64() * 2.0) as usize;
    let spool = plan.spool(folder.path(), enough);
    let committed = ledger.committed();
    wait(ledger.at_least(committed)).unwrap();

    let watch = Watch::begin(&ledger);
    let until = Instant::now() + lasting(form);
    let (elapsed, answered) = runtime.block_on(streamed(&ledger, spool.stream(Some(until))));
    let seen = watch.end();
    assert!(ledger.committed() >= committed + answered as u64);
    if answered == enough {
        eprintln!("all {enough} statements were sent before the time was over");
    }
    let events = rate(answered * EVENTS, elapsed);
    rows[0].judge(
        format!(
            "{} events/s for {:.0} s",
            thousands(events),
            elapsed.as_secs_f64()
        ),
        Some(events / TARGET),
        events >= TARGET && elapsed.as_secs_f64() >= 0.9 * lasting(form).as_secs_f64(),
    );
    let behind = seen.behind.as_secs_f64();
    rows[1].judge(
        format!("{behind:.1} s"),
        Some(behind / BEHIND),
        behind <= BEHIND,
    );
    rows[2].judge(
        format!(
            "{} statements; resident {} MiB, {:+} MiB in its second half",
            seen.unanswered,
            seen.resident / 1024 / 1024,
            (i64::try_from(seen.resident).unwrap() - i64::try_from(seen.half_way).unwrap())
                / 1024
                / 1024
        ),
        Some(seen.unanswered as f64 / queue as f64),
        seen.unanswered <= queue,
    );
    close(ledger);
}

/// Which statement is next, and on which lots.
struct Plan<'a> {
    world: &'a World,
    origin: Origin,
    lots: usize,
    /// Statements of moves planned so far.
    next: usize,
}

impl Plan<'_> {
    /// The number of the first statement that makes lots.
    const FIRST: u64 = 2;

    fn make_lots(&self, ledger: &Ledger) {
        let statements = self.lots / EVENTS;
        // Some at a time: signed ones are larger than the lots they make.
        for first in (0..statements).step_by(1_000) {
            let count = (statements - first).min(1_000);
            let first = Self::FIRST + first as u64;
            let lots = u32::try_from(EVENTS).unwrap();
            let some = self.world.all_produced(&self.origin, first, count, lots);
            World::submit_all(ledger, some);
        }
    }

    fn lot(&self, index: usize) -> LotId {
        let at = (index % self.lots) * STRIDE % self.lots;
        let event = u32::try_from(at % EVENTS).unwrap();
        self.world.lot(Self::FIRST + (at / EVENTS) as u64, event)
    }

    fn statement(&self, number: usize) -> SignedStatement {
        let first = number * EVENTS;
        // All lots go over to the other place, then all come back.
        let from = first / self.lots % 2;
        self.world.moved(
            &self.origin,
            Self::FIRST + (self.lots / EVENTS + number) as u64,
            (first..first + EVENTS).map(|index| self.lot(index)),
            MOVED_MG,
            from,
        )
    }

    /// Signs the next statements, into a file.
    fn spool(&mut self, folder: &Path, count: usize) -> Spool {
        let path = folder.join(format!("spool-{}", self.next));
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let end = self.next + count;
        for first in (self.next..end).step_by(1_000) {
            let some: Vec<Vec<u8>> = (first..end.min(first + 1_000))
                .into_par_iter()
                .map(|number| self.statement(number).encode_to_vec())
                .collect();
            for one in some {
                file.write_all(&u32::try_from(one.len()).unwrap().to_le_bytes())
                    .unwrap();
                file.write_all(&one).unwrap();
            }
        }
        self.next = end;
        file.into_inner().unwrap().sync_all().unwrap();
        Spool {
            file: File::open(path).unwrap(),
        }
    }
}

/// Signed statements on the disk: a minute of them is more than memory wants.
struct Spool {
    file: File,
}

impl Spool {
    fn stream(
        self,
        until: Option<Instant>,
    ) -> impl tokio_stream::Stream<Item = SignedStatement> + Send + 'static {
        let mut file = BufReader::with_capacity(256 * 1024, self.file);
        tokio_stream::iter(std::iter::from_fn(move || {
            let mut length = [0; 4];
            if until.is_some_and(|until| Instant::now() >= until)
                || file.read_exact(&mut length).is_err()
            {
                return None;
            }
            let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
            file.read_exact(&mut bytes).unwrap();
            Some(SignedStatement::decode(bytes::Bytes::from(bytes)).unwrap())
        }))
    }
}

/// What was seen of a ledger at work.
#[derive(Default)]
struct Seen {
    /// The longest that a committed record was not yet in the views.
    behind: Duration,
    unanswered: usize,
    /// Resident memory at the end and half way, bytes.
    resident: u64,
    half_way: u64,
}

/// A thread that looks at a ledger every [`LOOK_EVERY`].
struct Watch {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Seen>,
}

impl Watch {
    fn begin(ledger: &Ledger) -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let (ledger, told) = (ledger.clone(), Arc::clone(&over));
        let thread = std::thread::spawn(move || look(&ledger, &told));
        Watch { over, thread }
    }

    fn end(self) -> Seen {
        self.over.store(true, Ordering::Release);
        self.thread.join().unwrap()
    }
}

fn look(ledger: &Ledger, over: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    // When so many records were first seen to be committed.
    let mut committed: std::collections::VecDeque<(Instant, u64)> = [].into();
    let mut resident = Vec::new();
    loop {
        let last = over.load(Ordering::Acquire);
        let (now, status) = (Instant::now(), ledger.status());
        committed.push_back((now, status.committed));
        while committed
            .front()
            .is_some_and(|(_, at)| *at <= status.projected)
        {
            committed.pop_front();
        }
        if let Some((since, _)) = committed.front() {
            seen.behind = seen.behind.max(now - *since);
        }
        seen.unanswered = seen.unanswered.max(status.unanswered);
        resident.push(machine::resident());
        if last {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    seen.resident = *resident.last().unwrap();
    seen.half_way = resident[resident.len() / 2];
    seen
}
