//! Durable ingest, in process and streamed over gRPC, of statements of 1, 10
//! and 100 events: each a ratio to the raw loop of the same bytes.

use std::time::{Duration, Instant};

use crate::support::raw::raw_loop;
use crate::support::served::streamed;
use crate::support::world::{World, close};
use crate::support::{Form, Row, median, rate, thousands};
use hazledger::ledger::Options;
use prost::Message as _;

/// Events of a statement, one after the other.
const EVENTS: [u32; 3] = [1, 10, 100];

/// Of the raw loop, streamed over gRPC, one event a statement.
const TARGET: f64 = 0.7;

pub fn rows(_: &Form) -> Vec<Row> {
    let mut rows = vec![
        Row::new("raw loop, 1 event a statement", ""),
        Row::new("ingest in process, 1 event a statement", ""),
        Row::new(
            "ingest streamed over gRPC, 1 event a statement",
            "≥ 0.7 of the raw loop",
        ),
    ];
    for events in [10, 100] {
        rows.push(Row::new(
            format!("ingest streamed over gRPC, {events} events a statement"),
            "",
        ));
    }
    rows
}

/// What a round took, for one number of events a statement.
#[derive(Default)]
struct Rates {
    raw: Vec<f64>,
    process: Vec<f64>,
    stream: Vec<f64>,
}

pub fn measure(form: &Form, rows: &mut [Row]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut rates: [Rates; 3] = Default::default();
    let mut bytes = [0; 3];
    for _ in 0..form.rounds {
        for (at, events) in EVENTS.into_iter().enumerate() {
            let count = form.events.div_ceil(events as usize);
            let round = Round {
                form,
                world: World::new(),
                count,
                events,
            };
            let rates = &mut rates[at];
            let (raw, process) = round.raw_and_process(&mut bytes[at]);
            rates.raw.push(rate(count, raw));
            rates.process.push(rate(count, process));
            rates
                .stream
                .push(rate(count, runtime.block_on(round.stream())));
        }
    }
    let figure = |a_second: f64, at: usize| {
        let events = f64::from(EVENTS[at]) * a_second;
        if EVENTS[at] == 1 {
            format!("{} /s ({} bytes each)", thousands(a_second), bytes[at])
        } else {
            format!("{} events/s", thousands(events))
        }
    };
    for (at, rates) in rates.into_iter().enumerate() {
        // Ratios are of each round, so that a slow moment of the machine
        // counts on both sides.
        let of_raw = |rates_of: &[f64]| {
            median(
                rates_of
                    .iter()
                    .zip(&rates.raw)
                    .map(|(a, b)| a / b)
                    .collect(),
            )
        };
        let stream_ratio = of_raw(&rates.stream);
        let process_ratio = of_raw(&rates.process);
        let stream = figure(median(rates.stream), at);
        if at == 0 {
            rows[0].say(figure(median(rates.raw), at), Some(1.0));
            rows[1].say(figure(median(rates.process), at), Some(process_ratio));
            rows[2].judge(stream, Some(stream_ratio), stream_ratio >= TARGET);
        } else {
            rows[at + 2].say(stream, Some(stream_ratio));
        }
    }
}

struct Round<'a> {
    form: &'a Form,
    world: World,
    count: usize,
    events: u32,
}

impl Round<'_> {
    fn raw_and_process(&self, bytes: &mut usize) -> (Duration, Duration) {
        let folder = self.form.folder();
        let (ledger, origin) = self
            .world
            .ledger(&folder.path().join("ledger"), Options::default());
        let statements = self.world.all_produced(&origin, 2, self.count, self.events);
        *bytes = statements[0].encoded_len();
        let raw = raw_loop(folder.path(), self.world.plant.public(), &statements);
        let started = Instant::now();
        World::submit_all(&ledger, statements);
        let process = started.elapsed();
        assert!(ledger.committed() >= self.count as u64 + 2);
        close(ledger);
        (raw, process)
    }

    async fn stream(&self) -> Duration {
        let folder = self.form.folder();
        let (ledger, origin) = self
            .world
            .ledger(&folder.path().join("ledger"), Options::default());
        let statements = self.world.all_produced(&origin, 2, self.count, self.events);
        let (elapsed, answered) = streamed(&ledger, tokio_stream::iter(statements)).await;
        assert_eq!(answered, self.count);
        assert!(ledger.committed() >= self.count as u64 + 2);
        ledger.close().await.unwrap();
        elapsed
    }
}
