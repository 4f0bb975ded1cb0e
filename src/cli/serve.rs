//! `hazledger serve`: opens a data directory, says what recovery did, and
//! answers until it is told to stop (SIGINT or SIGTERM).

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;

use super::checkpoints::{CheckpointArgs, tell_hold};
use super::data;
use super::error::{CliError, Outcome};
use super::limits::LimitArgs;
use super::log::LogArgs;
use super::output::{Format, Out};
use super::passphrase::PassphraseArgs;
use super::time;
use super::witnesses::WitnessPolicyArgs;
use crate::event::digest::to_hex;
use crate::grpc;
use crate::ledger::{
    ClockDoubt, DiskShort, Ledger, Opened, Options, Rotated, Scrubbed, SystemClock,
};
use crate::web;
use crate::witness::metrics::Metrics as WitnessMetrics;
use crate::witness::push::Plan;

/// Threads on which followers read the journal, beside those of other reads.
const FOLLOWING_THREADS: usize = 16;

/// Serve a ledger over gRPC.
#[derive(Debug, Args)]
#[command(after_help = "\
When it is ready it prints one line with its address; what recovery did, and
the log, go to standard error. SIGINT (Ctrl-C) and SIGTERM stop it cleanly.
Times are written 500ms, 10s, 5m, 1h.

The machine's clock is watched. If it jumps by more than --clock-bound, or is
further behind the last record at the start, nothing is accepted, reads go on,
and standard error says so. Set the clock right: if it comes back to where it
should be, accepting goes on; if not, start again with --confirm-clock and the
time that a watch or a telephone shows.

Example:
  hazledger serve ledger
  hazledger serve ledger --confirm-clock '2026-11-23 18:40'
  hazledger serve ledger --listen 127.0.0.1:0 --format json
  hazledger serve ledger --metrics 127.0.0.1:7475 --log-format json
  hazledger serve ledger --known-checkpoint newest.checkpoint")]
pub struct ServeArgs {
    /// The data directory.
    dir: PathBuf,
    /// Address and port to listen at; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7474")]
    listen: SocketAddr,
    /// The ledger key's file [default: DIR/ledger.key].
    #[arg(long, value_name = "FILE")]
    ledger_key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Keep so many MiB of the journal's disk free: with less, statements are
    /// refused with a reason and reads go on. 0 never looks [default: 512].
    #[arg(long, value_name = "MIB")]
    disk_reserve: Option<u64>,
    /// Read the whole journal again within so many seconds, to find what the
    /// disk has damaged [default: 345600, 4 days].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    scrub_every: Option<u64>,
    /// Look every so many minutes for what time alone has broken: offers that
    /// nobody answers and the like, where a rule pack sets a limit.
    #[arg(long, value_name = "MINUTES", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_440))]
    overdue_every: u64,
    /// A jump of the machine's clock by more minutes stops accepting until it
    /// is back or the time is confirmed.
    #[arg(long, value_name = "MINUTES", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000))]
    clock_bound: u64,
    /// The time that another clock than this machine's shows, of Shanghai, as
    /// '2026-11-23 18:40': ends a doubt about the machine's clock. Both must
    /// agree within 3 minutes.
    #[arg(long, value_name = "TIME")]
    confirm_clock: Option<String>,
    /// How to print the line that says it is ready.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Serve http://ADDRESS:PORT/metrics for Prometheus [default: nowhere].
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,
    #[command(flatten)]
    checkpoints: CheckpointArgs,
    #[command(flatten)]
    witnesses: WitnessPolicyArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Runs it.
pub fn run(args: &ServeArgs) -> Result<Outcome, CliError> {
    args.log.start();
    let limits = args.limits.door()?;
    data::must_be_a_ledger(&args.dir)?;
    options(args)?;
    let known = args.checkpoints.known()?;
    let policy = args.witnesses.policy()?;
    let authorities = args.witnesses.authorities()?;
    let key_file = data::ledger_key_file(&args.dir, args.ledger_key.as_deref());
    let key = args.passphrase.open(&key_file)?;
    let failed = |e: &dyn std::fmt::Display| CliError::data_directory(&args.dir, e);
    let options = options(args)?;
    let blocking_threads = limits
        .max_reads
        .saturating_add(options.max_dry_runs)
        .saturating_add(FOLLOWING_THREADS);
    let (ledger, opened) =
        Ledger::open(&args.dir, key, options, Arc::new(SystemClock)).map_err(|e| failed(&e))?;
    report(&opened);
    args.checkpoints.compare(&ledger, known.as_deref())?;
    let plan = args.witnesses.plan(policy, authorities, &ledger)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(blocking_threads)
        .build()
        .map_err(|e| CliError::System {
            what: "event loop",
            why: e.to_string(),
        })?;
    let served = runtime.block_on(serve(args, &ledger, limits, plan));
    // Whatever became of serving, what was acknowledged is sealed properly.
    let closed = runtime.block_on(ledger.close()).map_err(|e| failed(&e));
    served?;
    closed?;
    tracing::info!("stopped cleanly");
    Ok(Outcome::Done)
}

fn options(args: &ServeArgs) -> Result<Options, CliError> {
    let mut options = args.limits.ledger(&Options::default());
    if let Some(mib) = args.disk_reserve {
        options.disk_reserve_bytes = mib.saturating_mul(1024 * 1024);
    }
    if let Some(seconds) = args.scrub_every {
        options.scrub_every = Duration::from_secs(seconds);
    }
    options.overdue_every = Duration::from_secs(args.overdue_every.saturating_mul(60));
    options.cosigned = args.witnesses.given();
    options.clock_bound = Duration::from_secs(args.clock_bound.saturating_mul(60));
    let confirmed = args.confirm_clock.as_deref();
    options.confirmed_clock_ms = confirmed
        .map(|text| time::on_a_clock("--confirm-clock", text))
        .transpose()?;
    Ok(options)
}

/// What opening did, to the log: an operator should know of a torn tail, and
/// that a rebuild is why it took long.
fn report(opened: &Opened) {
    if let Some(journal) = &opened.journal {
        if !journal.clean {
            tracing::warn!("the journal had not been closed; its last segment was rewritten");
        }
        if let Some(torn) = &journal.torn {
            tracing::warn!(
                "a torn tail of {} bytes in {} (from record {}, never acknowledged) was set aside as {}: {}",
                torn.bytes,
                torn.segment,
                torn.from_position,
                torn.set_aside,
                torn.what
            );
        }
        for name in &journal.removed {
            tracing::info!("an unfinished copy of an earlier stop was removed: {name}");
        }
    }
    if let Some(told) = &opened.refusals {
        tracing::warn!("kept refusals: {told}");
    }
    if let Some((path, why)) = &opened.set_aside {
        let path = path.display();
        tracing::warn!("the projection was set aside as {path} and rebuilt: {why}");
    } else if opened.replayed == opened.records {
        tracing::warn!("the projection was rebuilt from the journal: it held nothing");
    }
    if let Some(why) = &opened.tree_rebuilt {
        tracing::warn!("the tree was hashed again from the journal: {why}");
    }
    tracing::info!(
        records = opened.records,
        replayed = opened.replayed,
        "{} records, {} of them replayed into the projection",
        opened.records,
        opened.replayed
    );
}

async fn serve(
    args: &ServeArgs,
    ledger: &Ledger,
    limits: grpc::Limits,
    plan: Option<Plan>,
) -> Result<(), CliError> {
    let at = format!("--listen {}", args.listen);
    let cannot_listen = |e: &dyn std::fmt::Display| CliError::argument(at, e.to_string());
    let listener = grpc::listen(args.listen)
        .await
        .map_err(|e| cannot_listen(&e))?;
    let no_address = |e: io::Error| CliError::System {
        what: "address",
        why: e.to_string(),
    };
    let address = listener.local_addr().map_err(no_address)?;
    let tiles = args.checkpoints.listen(address).await?;
    let tiles_at = tiles.local_addr().map_err(no_address)?;
    let door = grpc::Metrics::default();
    let pages = match args.metrics {
        None => None,
        Some(at) => Some(
            web::listen(at)
                .await
                .map_err(|e| CliError::argument(format!("--metrics {at}"), e.to_string()))?,
        ),
    };
    let metrics = pages
        .as_ref()
        .map(|pages| pages.local_addr().map_err(no_address));
    let stop = stop_signal()?;
    tokio::spawn(tell_damage(ledger.scrubbed(), args.dir.clone()));
    tokio::spawn(tell_clock(ledger.clock_doubt()));
    tokio::spawn(tell_room(ledger.disk_short()));
    tokio::spawn(tell_rotation(ledger.rotated()));
    tokio::spawn(tell_hold(ledger.hold()));
    let witnesses = WitnessMetrics::default();
    args.witnesses.start(plan, ledger, witnesses.clone())?;
    announce(args, ledger, address, tiles_at, metrics.transpose()?)?;
    tracing::info!(
        worst_mib = limits.worst_bytes() / (1024 * 1024),
        "serving; what the limits on connections and calls come to at worst, in MiB of memory"
    );
    let stop = async {
        stop.await;
        tracing::info!("told to stop");
    };
    let scrape = web::Scrape::new(ledger.clone(), &door, &witnesses);
    let pages = async {
        match pages {
            Some(pages) => web::serve(pages, scrape).await,
            None => std::future::pending().await,
        }
    };
    let tiles = web::serve_tiles(tiles, ledger.clone(), args.checkpoints.serve_entries);
    let setup = grpc::Setup {
        limits,
        metrics: door,
    };
    tokio::select! {
        // The door's metrics are there before their page is served.
        biased;
        served = grpc::serve_with(ledger.clone(), listener, setup, stop) => {
            served.map_err(|e| CliError::System {
                what: "server",
                why: e.to_string(),
            })
        }
        () = pages => Ok(()),
        () = tiles => Ok(()),
    }
}

fn announce(
    args: &ServeArgs,
    ledger: &Ledger,
    address: SocketAddr,
    tiles: SocketAddr,
    metrics: Option<SocketAddr>,
) -> Result<(), CliError> {
    let status = ledger.status();
    let url = format!("http://{address}");
    let metrics = metrics.map(|at| format!("http://{at}/metrics"));
    let tiles = format!("http://{tiles}");
    let verifier = ledger.verifier_key().map(|key| key.to_string());
    let mut out = Out::new();
    match args.format {
        Format::Json => out.json(&serde_json::json!({
            "address": url,
            "metrics": metrics,
            "tiles": tiles,
            "verifierKey": verifier.ok(),
            "origin": status.origin.name,
            "genesisHash": to_hex(&status.origin.genesis_hash),
            "ledgerKeyId": status.ledger_key.id().to_string(),
            "ledgerPublicKey": to_hex(status.ledger_key.as_bytes()),
            "records": status.committed,
        })),
        Format::Table => out.line(&format!(
            "{} ready 就绪 at {url}, {} records, ledger key {}, tiles 树 at {tiles}{}",
            status.origin.name,
            status.committed,
            status.ledger_key.id(),
            metrics.map_or_else(String::new, |at| format!(", metrics 指标 at {at}")),
        )),
    }
}

/// What the scrubber finds, to the log, each once.
async fn tell_damage(mut scrubbed: watch::Receiver<Scrubbed>, dir: PathBuf) {
    let mut told = 0;
    loop {
        let damages = scrubbed.borrow_and_update().damages.clone();
        for damage in damages.iter().skip(told) {
            tracing::error!(
                "DAMAGED: {damage}; stop the ledger and heal it from a backup or another copy: \
                 hazledger repair {} --from COPY",
                dir.display()
            );
        }
        told = damages.len();
        if scrubbed.changed().await.is_err() {
            return;
        }
    }
}

/// That nothing is accepted for want of room, and that it is again.
async fn tell_room(mut short: watch::Receiver<Option<DiskShort>>) {
    let mut was = false;
    loop {
        let now = *short.borrow_and_update();
        match now {
            Some(short) => tracing::error!("not accepting: {short}; make room"),
            None if was => tracing::info!("accepting again: there is room on the disk"),
            None => {}
        }
        was = now.is_some();
        if short.changed().await.is_err() {
            return;
        }
    }
}

/// That nothing is accepted until the ledger has its new key.
async fn tell_rotation(mut rotated: watch::Receiver<Option<Rotated>>) {
    if let Ok(now) = rotated.wait_for(Option::is_some).await
        && let Some(rotated) = *now
    {
        tracing::error!("NOT ACCEPTING 暂停入账: {rotated}");
    }
}

/// That nothing is accepted because of the clock, and that it is again.
async fn tell_clock(mut doubt: watch::Receiver<Option<ClockDoubt>>) {
    let mut was = false;
    loop {
        let now = *doubt.borrow_and_update();
        match now {
            Some(doubt) => tracing::error!("NOT ACCEPTING 暂停入账: {doubt}"),
            None if was => {
                tracing::info!("accepting again 恢复入账: the machine's clock is believed");
            }
            None => {}
        }
        was = now.is_some();
        if doubt.changed().await.is_err() {
            return;
        }
    }
}

/// Ends at SIGINT or SIGTERM. The handlers stand when this returns.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let no_signals = |e: io::Error| CliError::System {
        what: "signals",
        why: e.to_string(),
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
