//! How cost grows with size: a ledger of many records is made, and opened,
//! killed, rebuilt and written to in processes of their own, so that each
//! figure is of a process that did nothing else.
//!
//! `cargo bench --bench size` measures a small one in a temporary folder.
//! `cargo bench --bench size -- --records 10000000 --live 1000000 --dir DIR`
//! is the size that the targets are about; it takes 20 GB of disk and most of
//! an hour. What is made in DIR stays there and is used again.
//!
//! The rows are printed, and written as JSON to `size-targets.json` in the
//! target directory.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and its figures are for people"
)]

mod child;
mod maker;
mod plan;
mod report;

use std::fs;
use std::path::{Path, PathBuf};

use hazledger::ledger::{Clock as _, SystemClock};

use child::{Child, Ended};
use report::Report;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The size that ingest at full size is compared with.
const BASE_RECORDS: u64 = 100_000;
/// How often what is quick to measure is measured; the median counts.
const ROUNDS: usize = 3;

/// What is to be measured.
struct Size {
    records: u64,
    live: u64,
    ingest: u64,
    dir: PathBuf,
}

/// A ledger that was made.
struct Data {
    dir: PathBuf,
    records: u64,
    live: u64,
    until_ms: i64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "child") {
        return child::run(&arguments[1..]);
    }
    let value = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, default: u64| value(name).map_or(default, |v| v.parse().unwrap());
    // Without `--bench`, as `cargo test --bench size` has it, it only sees
    // that everything works.
    let counts = arguments.iter().any(|argument| argument == "--bench");
    let records = number("--records", if counts { 20_000 } else { 10_000 });
    let temporary = tempfile::tempdir().unwrap();
    let size = Size {
        records,
        live: number("--live", records / 10),
        ingest: number("--ingest", (records / 2).clamp(1_000, 100_000)),
        dir: value("--dir").map_or(temporary.path().to_owned(), PathBuf::from),
    };
    let mut report = Report::new(counts);
    measure(&size, &mut report);
    report.finish();
}

fn measure(size: &Size, report: &mut Report) {
    let full = made(size, size.records);
    let tenth = made(size, size.records / 10);
    let base = match BASE_RECORDS.min(size.records / 10) {
        base if base == tenth.records => None,
        base => Some(made(size, base)),
    };
    let base = base.as_ref().unwrap_or(&tenth);
    rebuild(report, &tenth, &full);
    open_clean(report, &full);
    ingest(report, base, &full, size.ingest);
    open_killed(report, &full, size.ingest / 2);
}

/// Makes a data set, unless it is there.
fn made(size: &Size, records: u64) -> Data {
    let dir = size.dir.join(format!("records-{records}"));
    let note = size.dir.join(format!("records-{records}.made"));
    let live = (u128::from(size.live) * u128::from(records) / u128::from(size.records)) as u64;
    if let Ok(text) = fs::read_to_string(&note) {
        let mut numbers = text.split_whitespace().map(|n| n.parse::<i64>().unwrap());
        let until_ms = numbers.next().unwrap();
        assert_eq!(numbers.next(), Some(live as i64), "{} lots", note.display());
        return Data {
            dir,
            records,
            live,
            until_ms,
        };
    }
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&size.dir).unwrap();
    let until_ms = SystemClock.now_ms();
    let started = std::time::Instant::now();
    maker::make(&dir, records, live, until_ms);
    eprintln!(
        "made {records} records, {live} live lots in {:.1?}",
        started.elapsed()
    );
    fs::write(&note, format!("{until_ms} {live}\n")).unwrap();
    Data {
        dir,
        records,
        live,
        until_ms,
    }
}

impl Data {
    fn projection(&self) -> PathBuf {
        self.dir.join("projection")
    }

    fn open(&self) -> Child {
        Child::start(&["open", self.dir.to_str().unwrap()])
    }

    fn ingest(&self, count: u64) -> Child {
        let numbers = [self.records, self.live, count].map(|n| n.to_string());
        let [records, live, count] = &numbers;
        let until = self.until_ms.to_string();
        Child::start(&[
            "ingest",
            self.dir.to_str().unwrap(),
            records,
            live,
            &until,
            count,
        ])
    }
}

fn rebuild(report: &mut Report, tenth: &Data, full: &Data) {
    let rates = [tenth, full].map(|data| {
        let _ = fs::remove_dir_all(data.projection());
        let mut child = data.open();
        let seconds = child.number("opened");
        let replayed = child.number("replayed");
        Report::note(&format!(
            "rebuild of {}: {seconds:.1} s, {} MiB resident at most",
            people(data.records),
            mib(child.number("peak")),
        ));
        child.end(Ended::Cleanly);
        replayed / seconds
    });
    report.ratio(
        &format!(
            "rebuild, records/s at {} to {}",
            people(full.records),
            people(tenth.records)
        ),
        0.8,
        rates[1],
        rates[0],
    );
    weigh(report, full);
}

fn weigh(report: &mut Report, full: &Data) {
    let before = stores(&full.projection()) as f64;
    let mut child = Child::start(&["weigh", full.dir.to_str().unwrap()]);
    let (settled, live) = (child.number("disk"), child.number("live"));
    child.end(Ended::Cleanly);
    Report::note(&format!(
        "the store: {} MiB of live data, {} MiB of files, {} MiB when put together",
        mib(live),
        mib(before),
        mib(settled)
    ));
    report.at_most("files of the store to its live data", 4.0, before / live);
}

fn open_clean(report: &mut Report, full: &Data) {
    let mut opened = Vec::new();
    let mut resident = Vec::new();
    for _ in 0..ROUNDS {
        let mut child = full.open();
        opened.push(child.number("opened"));
        resident.push(child.number("resident"));
        child.end(Ended::Cleanly);
    }
    let of = format!(
        "{} records, {} live lots",
        people(full.records),
        people(full.live)
    );
    report.at_most(
        &format!("open after a clean stop, s, {of}"),
        3.0,
        median(opened),
    );
    report.at_most(
        &format!("memory then, MiB, {of}"),
        1024.0,
        median(resident) / 1_048_576.0,
    );
}

fn open_killed(report: &mut Report, full: &Data, after: u64) {
    let mut opened = Vec::new();
    for round in 0..ROUNDS {
        let mut child = full.ingest(u64::MAX);
        child.wait_for(after + 1000 * round as u64);
        child.end(Ended::Killed);
        let mut child = full.open();
        opened.push(child.number("opened"));
        Report::note(&format!(
            "after a kill: {:.2} s, {} records replayed",
            opened[round],
            child.number("replayed")
        ));
        child.end(Ended::Cleanly);
    }
    let of = format!(
        "{} records, {} live lots",
        people(full.records),
        people(full.live)
    );
    report.at_most(&format!("open after a kill, s, {of}"), 10.0, median(opened));
}

fn ingest(report: &mut Report, base: &Data, full: &Data, count: u64) {
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (data, rates) in [(base, &mut small), (full, &mut large)] {
            let mut child = data.ingest(count);
            rates.push(child.number("rate"));
            Report::note(&format!(
                "ingest at {}: {:.0}/s, views then {} records behind, {:.1} s to catch up",
                people(data.records),
                rates[rates.len() - 1],
                child.number("behind"),
                child.number("caught_up"),
            ));
            child.end(Ended::Cleanly);
        }
    }
    report.ratio(
        &format!(
            "ingest, records/s at {} to {}",
            people(full.records),
            people(base.records)
        ),
        0.8,
        median(large),
        median(small),
    );
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn mib(bytes: f64) -> u64 {
    (bytes / 1_048_576.0) as u64
}

/// Bytes of the files of the store, which stands beside other things.
fn stores(projection: &Path) -> u64 {
    let folders = fs::read_dir(projection).unwrap();
    folders
        .map(|folder| folder.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("sled-")
        })
        .map(|path| disk(&path))
        .sum()
}

/// Bytes of all files in a folder.
fn disk(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                disk(&entry.path())
            } else {
                meta.len()
            }
        })
        .sum()
}

fn people(number: u64) -> String {
    match number {
        n if n >= 1_000_000 && n.is_multiple_of(1_000_000) => format!("{} million", n / 1_000_000),
        n if n >= 1_000 && n.is_multiple_of(1_000) => format!("{} thousand", n / 1_000),
        n => n.to_string(),
    }
}
