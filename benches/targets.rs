//! Measures what the ledger must be good at and prints it as one table: what,
//! target, figure, ratio, whether it is met. The same rows are written to
//! `targets.json` in cargo's target directory, an array of objects with
//! `name`, `target`, `figure`, `ratio` and `met` (null: it waits, or was not
//! measured). `benches/README.md` says what each row means.
//!
//! `cargo bench` runs everything; `cargo bench --bench targets -- ingest unary`
//! only the topics named: ingest, lots, unary, verify, replay, trace,
//! genealogy, rules.
//! `cargo test --bench targets` is the quick form, which sees that everything
//! works and tells no figures.
//!
//! | variable | meaning |
//! |---|---|
//! | `HAZLEDGER_BENCH=full` | the full form: a million lots, a full minute, ten million records |
//! | `HAZLEDGER_BENCH_ROUNDS` | interleaved rounds of each figure, 3 (5 in the full form) |
//! | `HAZLEDGER_BENCH_STATEMENTS` | events of a round of ingest, 20,000 (100,000) |
//! | `HAZLEDGER_BENCH_DIR` | where ledgers are made: the disk that is measured; the temporary folder |
//!
//! Every ratio is within one run, and what it compares alternates in rounds;
//! figures are medians over the rounds. Answers are checked as they come in.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "a bench fails by panicking, and its rates are for people"
)]

mod genealogy;
mod ingest;
mod lots;
mod replay;
mod rules;
mod support;
mod trace;
mod unary;
mod verify;

use support::{Form, Row, table};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A topic: its name, the rows it fills in order, and how to measure them.
struct Topic {
    name: &'static str,
    rows: fn(&Form) -> Vec<Row>,
    measure: fn(&Form, &mut [Row]),
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "ingest",
        rows: ingest::rows,
        measure: ingest::measure,
    },
    Topic {
        name: "lots",
        rows: lots::rows,
        measure: lots::measure,
    },
    Topic {
        name: "unary",
        rows: unary::rows,
        measure: unary::measure,
    },
    Topic {
        name: "verify",
        rows: verify::rows,
        measure: verify::measure,
    },
    Topic {
        name: "replay",
        rows: replay::rows,
        measure: replay::measure,
    },
    Topic {
        name: "trace",
        rows: trace::rows,
        measure: trace::measure,
    },
    Topic {
        name: "genealogy",
        rows: genealogy::rows,
        measure: genealogy::measure,
    },
    Topic {
        name: "rules",
        rows: rules::rows,
        measure: rules::measure,
    },
];

fn main() {
    let form = Form::from_environment();
    // Cargo passes `--bench`; whatever has no dashes is a topic.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    for name in &wanted {
        assert!(
            TOPICS.iter().any(|topic| topic.name == name),
            "no topic `{name}`; there are: {}",
            TOPICS.iter().map(|t| t.name).collect::<Vec<_>>().join(" ")
        );
    }
    let mut rows = Vec::new();
    for topic in TOPICS {
        let mut own = (topic.rows)(&form);
        if wanted.is_empty() || wanted.iter().any(|name| name == topic.name) {
            eprintln!("measuring {} …", topic.name);
            (topic.measure)(&form, &mut own);
        }
        rows.append(&mut own);
    }
    table::finish(&form, rows, wanted.is_empty());
}
