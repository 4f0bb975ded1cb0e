//! The log of a server: to standard error, structured, one line for each thing
//! that happened. No line holds what a statement or a record says.

use std::io;

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What stops the ledger.
    Error,
    /// And what somebody should look at.
    Warn,
    /// And what the ledger does, and slow calls.
    #[default]
    Info,
    /// And each call.
    Debug,
    /// And what the libraries say.
    Trace,
}

/// What to log, and how.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// How much to log, to standard error.
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    log: LogLevel,
    /// How to write a line of it.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
}

impl LogArgs {
    /// Logs from now on. What was begun before stays as it is.
    pub fn start(self) {
        let (ours, others) = match self.log {
            LogLevel::Off => (LevelFilter::OFF, LevelFilter::OFF),
            LogLevel::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
            LogLevel::Warn => (LevelFilter::WARN, LevelFilter::WARN),
            LogLevel::Info => (LevelFilter::INFO, LevelFilter::WARN),
            LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::WARN),
            LogLevel::Trace => (LevelFilter::TRACE, LevelFilter::TRACE),
        };
        let filter = Targets::new()
            .with_default(others)
            .with_target("hazledger", ours);
        let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
        let lines = match self.log_format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        let log = tracing_subscriber::registry().with(lines.with_filter(filter));
        // An error says that there is a log already.
        let _ = log.try_init();
    }
}
