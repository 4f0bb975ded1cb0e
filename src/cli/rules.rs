//! `hazledger rules`: the packs in force, publishing one, and what one would
//! have said of what is recorded.

mod check;
mod words_of;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::client::{Client, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::json;
use super::output::{Format, Out};
use super::submit::one::{self, SignArgs};
use crate::catalog::national_packs;
use crate::pb::event::Body;
use crate::pb::{GetRulesRequest, PackPublished};

/// Bytes of a pack's file, at most: a body's bound, in JSON.
const MAX_FILE: u64 = 256 * 1024;

/// The name of the pack that this version brings.
const NATIONAL: &str = "national";

const WHAT: &str = "tell the rules (GetRules)";

/// Show, try and publish rule packs.
#[derive(Debug, Args)]
#[command(after_help = "\
FILE is a hazledger.v1.PackPublished in the proto3 JSON mapping; 'national' is
the national pack that this version brings (src/catalog/data/national_rules.csv).

Example:
  hazledger rules show
  hazledger rules show national
  hazledger rules check national --dir ledger
  hazledger rules publish national --as 91350100M000100Y43 --key bureau.key")]
pub struct RulesArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Show(ShowArgs),
    Check(check::CheckArgs),
    Publish(PublishArgs),
}

/// Show the packs that a ledger holds, or a pack that is not published.
#[derive(Debug, Args)]
#[command(after_help = "\
--format json prints one pack a line, as 'hazledger rules publish' reads it.

Example:
  hazledger rules show
  hazledger rules show national --format json > my-pack.json")]
struct ShowArgs {
    /// A pack's file, or 'national'; left out: what the ledger holds.
    pack: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Publish a pack: for the country as many authorities as root acts need, for a
/// region one with power over it.
#[derive(Debug, Args)]
#[command(after_help = "\
Try it first: hazledger rules check PACK --dir COPY.

Example:
  hazledger rules publish national --as 91350100M000100Y43 --key bureau.key")]
struct PublishArgs {
    /// A pack's file, or 'national'.
    pack: PathBuf,
    #[command(flatten)]
    sign: SignArgs,
}

/// Runs it.
pub fn run(args: &RulesArgs) -> Result<Outcome, CliError> {
    match &args.action {
        Action::Show(args) => show(args),
        Action::Check(args) => check::run(args),
        Action::Publish(args) => publish(args),
    }
}

/// The versions of a pack: of a file one, of the national pack each that its
/// dates make.
fn read(pack: &PathBuf) -> Result<Vec<PackPublished>, CliError> {
    if pack.as_os_str() == NATIONAL {
        return Ok(national_packs());
    }
    let length = std::fs::metadata(pack)
        .map_err(CliError::file("read", pack))?
        .len();
    let wrong = |why: String| CliError::argument(pack.display().to_string(), why);
    if length > MAX_FILE {
        return Err(wrong(format!("{length} bytes; at most {MAX_FILE}")));
    }
    let text = std::fs::read_to_string(pack).map_err(CliError::file("read", pack))?;
    let value = serde_json::from_str(&text).map_err(|why| wrong(why.to_string()))?;
    let pack: PackPublished = json::from_json("PackPublished", value).map_err(wrong)?;
    crate::custody::decide::check_pack(&pack).map_err(|why| wrong(why.to_string()))?;
    Ok(vec![pack])
}

fn show(args: &ShowArgs) -> Result<Outcome, CliError> {
    let packs = match &args.pack {
        Some(pack) => read(pack)?,
        None => block_on(async {
            let client = Client::connect(&args.server).await?;
            let request = GetRulesRequest { min_position: 0 };
            let answer = client.registry().get_rules(request).await;
            let answer = answer.map_err(CliError::server(WHAT))?.into_inner();
            Ok(answer.rules.unwrap_or_default().packs)
        })?,
    };
    let mut out = Out::new();
    if args.format == Format::Table && packs.is_empty() {
        out.line("no packs: nothing is judged by rules 无规则包")?;
    }
    for pack in &packs {
        match args.format {
            Format::Json => out.message(WHAT, "PackPublished", pack)?,
            Format::Table => words_of::print(&mut out, pack)?,
        }
    }
    Ok(Outcome::Done)
}

fn publish(args: &PublishArgs) -> Result<Outcome, CliError> {
    let packs = read(&args.pack)?;
    let acting = args.sign.acting.clone();
    let acting =
        acting.ok_or_else(|| CliError::argument("--as", "say which authority publishes"))?;
    block_on(async {
        let client = Client::connect(&args.sign.server).await?;
        let bodies = packs.into_iter().map(Body::PackPublished).collect();
        one::say(&client, &args.sign, &acting, bodies).await
    })
}
