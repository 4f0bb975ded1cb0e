//! `hazledger demo`: a ledger of its own, a real server, and a seeded world
//! that sends signed statements to it over gRPC, each with the answer that it
//! expects; then what came of it, as tables. An answer that differs from what
//! the world expected is a "no" of the demo itself: exit status 1.

mod drive;
mod figures;
mod house;
mod life;
mod stories;
mod tables;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Runtime;

use self::drive::{Drive, Driven};
use self::figures::Figures;
use self::house::House;
use super::client::{Client, ServerArgs};
use super::error::{CliError, Outcome};
use super::output::Format;
use super::time;
use crate::sim::{Span, World};

/// The simulated weeks before now: within the 30 days that ids may be old.
const WEEKS_MS: i64 = 3 * 7 * 24 * 60 * 60 * 1000;

/// Show the whole thing at work: a ledger, a server, and three weeks of trade
/// in three chemicals.
#[derive(Debug, Args)]
#[command(after_help = "\
Every enterprise in it is invented. Nothing outside the directory is touched;
without --dir it is a temporary one, which is removed at the end.

Example:
  hazledger demo
  hazledger demo --once --format json --events 100000 --seed 7
  hazledger demo --once --dir demo-ledger && hazledger verify demo-ledger")]
pub struct DemoArgs {
    /// Where to make the ledger: an empty or absent directory, which is kept
    /// [default: a temporary one].
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The world's seed: the same seed, the same happenings.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// About how many events happen; some hundreds at least, the registry and
    /// the rules first.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    events: u64,
    /// End after the report instead of staying up.
    #[arg(long)]
    once: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &DemoArgs) -> Result<Outcome, CliError> {
    let started = Instant::now();
    let now = time::now_ms();
    let span = Span {
        from_ms: now.saturating_sub(WEEKS_MS),
        until_ms: now,
        events: args.events,
    };
    let mut world =
        World::new(args.seed, span).map_err(|e| CliError::argument("demo", e.to_string()))?;
    let house = House::build(args.dir.as_deref(), args.seed, &mut world)?;
    let runtime = runtime()?;
    let answered = answer(&runtime, &house, &mut world, args)?;
    let (driven, figures) = match answered {
        Ok(answered) => answered,
        Err(wrong) => {
            eprintln!("hazledger: demo: {wrong}");
            return Ok(Outcome::SaidNo);
        }
    };
    // Nobody has the directory open now, so all of it can be verified.
    let audit = house.verify(&driven.acknowledged)?;
    let verified = audit.problems.is_empty();
    let shown = tables::Shown {
        driven: &driven,
        figures: &figures,
        audit: &audit,
        house: &house,
    };
    tables::print(args.format, &shown, started.elapsed())?;
    if !verified || !figures.balanced() {
        return Ok(Outcome::SaidNo);
    }
    if !args.once {
        stay(&runtime, &house, args.format)?;
    }
    Ok(Outcome::Done)
}

fn runtime() -> Result<Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::System {
            what: "event loop",
            why: e.to_string(),
        })
}

/// Sends the world to the server and asks what came of it, then stops both.
/// The inner error says which answer was wrong.
fn answer(
    runtime: &Runtime,
    house: &House,
    world: &mut World,
    args: &DemoArgs,
) -> Result<Result<(Driven, Figures), String>, CliError> {
    let ledger = house.open()?;
    runtime.block_on(async {
        let up = house.serve(ledger).await?;
        let answered = over_the_wire(&up.url, world, args).await;
        // Whatever came of it, the ledger is closed properly.
        up.stop(house).await?;
        answered
    })
}

async fn over_the_wire(
    url: &str,
    world: &mut World,
    args: &DemoArgs,
) -> Result<Result<(Driven, Figures), String>, CliError> {
    let client = Client::connect(&ServerArgs {
        server: url.to_owned(),
    })
    .await?;
    let identity = client.identity(None).await?;
    world.join(identity.origin.clone());
    let bar = progress_bar(args.events);
    let drive = Drive::new(client.ledger(), identity, world, &bar);
    let driven = drive.all(args.events).await;
    bar.finish_and_clear();
    let driven = match driven? {
        Ok(driven) => driven,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let figures = Figures::ask(&client, &driven, world.cast()).await?;
    Ok(Ok((driven, figures)))
}

/// Seen only when a person is watching.
fn progress_bar(events: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{bar:40} {human_pos}/{human_len} events 事件 {per_sec} {elapsed}",
    );
    let bar = ProgressBar::new(events);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// Opens the ledger again and serves until it is told to stop.
fn stay(runtime: &Runtime, house: &House, format: Format) -> Result<(), CliError> {
    let ledger = house.open()?;
    runtime.block_on(async {
        let up = house.serve(ledger).await?;
        let stop = crate::cli::serve::stop_signal()?;
        tables::addresses(format, &up.url)?;
        stop.await;
        up.stop(house).await
    })?;
    eprintln!("stopped cleanly");
    Ok(())
}

/// Seconds with three decimals, as text and exact.
fn seconds(elapsed: Duration) -> String {
    format!("{}.{:03}", elapsed.as_secs(), elapsed.subsec_millis())
}
