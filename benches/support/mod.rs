//! What the topics share: the form of a run, rows of the table, medians, and
//! where things are.

pub mod machine;
pub mod raw;
pub mod served;
pub mod table;
pub mod world;

use std::path::PathBuf;
use std::time::Duration;

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As little as shows that everything works; its figures mean nothing.
    /// Without `--bench`, as `cargo test --bench targets` has it.
    Quick,
    /// What ends in a minute or two.
    Default,
    /// What the targets are about.
    Full,
}

/// How much is measured, and where; see the variables in `targets.rs`.
pub struct Form {
    /// How much.
    pub size: Size,
    /// Interleaved rounds of each figure.
    pub rounds: usize,
    /// Events of a round of ingest.
    pub events: usize,
    /// Where ledgers are made.
    pub base: PathBuf,
}

impl Form {
    /// From the environment and the arguments, as cargo passes them.
    pub fn from_environment() -> Form {
        let is_full = std::env::var("HAZLEDGER_BENCH").is_ok_and(|form| form == "full");
        let size = match std::env::args().any(|argument| argument == "--bench") {
            false => Size::Quick,
            true if is_full => Size::Full,
            true => Size::Default,
        };
        let mut form = Form {
            size,
            rounds: 0,
            events: 0,
            base: std::env::var_os("HAZLEDGER_BENCH_DIR")
                .map_or_else(std::env::temp_dir, PathBuf::from),
        };
        let (rounds, events) = form.pick((1, 1_000), (3, 20_000), (5, 100_000));
        form.rounds = setting("HAZLEDGER_BENCH_ROUNDS", rounds).max(1);
        form.events = setting("HAZLEDGER_BENCH_STATEMENTS", events).max(1_000);
        form
    }

    /// One of three figures, by form.
    pub fn pick<T>(&self, quick: T, default: T, full: T) -> T {
        match self.size {
            Size::Quick => quick,
            Size::Default => default,
            Size::Full => full,
        }
    }

    /// A fresh folder on the disk that is measured.
    pub fn folder(&self) -> tempfile::TempDir {
        tempfile::tempdir_in(&self.base).unwrap()
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// The figure of a row before it is measured.
const NOT_MEASURED: &str = "not measured";

/// A row of the table.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Row {
    /// What is measured.
    pub name: String,
    /// What it should be; empty if the design names no target.
    pub target: String,
    /// What it was, with its unit; "not measured" before that.
    pub figure: String,
    /// The figure over what it is compared with.
    pub ratio: Option<f64>,
    /// Whether the target is met; `None` if it waits or was not measured.
    pub met: Option<bool>,
}

impl Row {
    /// Not measured yet.
    pub fn new(name: impl Into<String>, target: impl Into<String>) -> Row {
        Row {
            name: name.into(),
            target: target.into(),
            figure: NOT_MEASURED.into(),
            ratio: None,
            met: None,
        }
    }

    /// Measured; there is nothing to meet.
    pub fn say(&mut self, figure: impl Into<String>, ratio: Option<f64>) {
        self.figure = figure.into();
        self.ratio = ratio.map(|ratio| (ratio * 1000.0).round() / 1000.0);
    }

    /// Measured against a target.
    pub fn judge(&mut self, figure: impl Into<String>, ratio: Option<f64>, met: bool) {
        self.say(figure, ratio);
        self.met = Some(met);
    }
}

/// The middle of them; of an even number the upper one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value that this share of the values does not pass, `0.0..=1.0`.
pub fn percentile(values: &mut [Duration], share: f64) -> Duration {
    values.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is an index"
    )]
    let at = (share * values.len() as f64).ceil() as usize;
    values[at.saturating_sub(1).min(values.len() - 1)]
}

/// How many a second.
pub fn rate(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

/// A whole number with thousands set apart.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Milliseconds, to a hundredth.
pub fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}
