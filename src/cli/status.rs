//! `hazledger status`: how a ledger's server stands, and waiting until it
//! accepts.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::client::{Client, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::time;
use crate::event::Hash;
use crate::event::signing::PublicKey;
use crate::pb::{GetStatusRequest, GetStatusResponse, Origin};

/// Between two questions of a wait.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Seconds that can be waited, at most: a day.
const MAX_WAIT_S: u64 = 24 * 60 * 60;

/// Show how a ledger's server stands, and whether it accepts.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 0: it accepts; 1: it is there and accepts nothing, and says why;
2: nobody answers. Reads go on while nothing is accepted.

Example:
  hazledger status
  hazledger status --wait 60 && hazledger submit day.jsonl --key plant.key
  hazledger status --format json")]
pub struct StatusArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Ask again until it accepts, for so long at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 0,
          value_parser = clap::value_parser!(u64).range(..=MAX_WAIT_S))]
    wait: u64,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &StatusArgs) -> Result<Outcome, CliError> {
    let status = block_on(awaited(&args.server, Duration::from_secs(args.wait)))?;
    let mut out = Out::new();
    match args.format {
        Format::Json => print_json(&mut out, &status)?,
        Format::Table => print_table(&mut out, &status)?,
    }
    Ok(if status.accepting {
        Outcome::Done
    } else {
        Outcome::SaidNo
    })
}

/// The first answer that says it accepts, or else the last that came in time.
async fn awaited(server: &ServerArgs, wait: Duration) -> Result<GetStatusResponse, CliError> {
    let until = Instant::now() + wait;
    loop {
        let answer = ask(server).await;
        let accepting = answer.as_ref().is_ok_and(|status| status.accepting);
        let left = until.saturating_duration_since(Instant::now());
        if accepting || left.is_zero() {
            return answer;
        }
        sleep(ASK_EVERY.min(left)).await;
    }
}

async fn ask(server: &ServerArgs) -> Result<GetStatusResponse, CliError> {
    let client = Client::connect(server).await?;
    let answer = client.ledger().get_status(GetStatusRequest {}).await;
    let failed = CliError::server("say how it stands (GetStatus)");
    Ok(answer.map_err(failed)?.into_inner())
}

/// The origin, and digests as text; empty for what is none.
fn named(status: &GetStatusResponse) -> (Origin, String, String, String) {
    let origin = status.origin.clone().unwrap_or_default();
    let hash = |bytes: &[u8]| Hash::from_slice(bytes).map_or(String::new(), |h| h.to_string());
    let (genesis, head) = (hash(&origin.genesis_hash), hash(&status.last_head_hash));
    let key = PublicKey::parse(&status.ledger_public_key);
    let key = key.map_or(String::new(), |key| key.id().to_string());
    (origin, genesis, head, key)
}

fn print_json(out: &mut Out, status: &GetStatusResponse) -> Result<(), CliError> {
    let (origin, genesis, head, key) = named(status);
    out.json(&json!({
        "ledger": origin.name,
        "accepting": status.accepting,
        "notAccepting": status.not_accepting,
        "records": status.as_of,
        "recordedAt": time::shown(status.recorded_at_ms),
        "lastHeadHash": head,
        "projected": status.projected,
        "signedSize": status.signed_size,
        "servedSize": status.served_size,
        "notSigning": status.not_signing,
        "genesisHash": genesis,
        "ledgerKeyId": key,
        "ledgerKeys": status.ledger_keys.len(),
        "verifierKey": status.verifier_key,
    }))
}

fn print_table(out: &mut Out, status: &GetStatusResponse) -> Result<(), CliError> {
    let (origin, genesis, head, key) = named(status);
    let yes_or = |yes: bool, why: &str| {
        if yes {
            "yes 是".to_owned()
        } else {
            format!("no 否: {why}")
        }
    };
    let accepting = yes_or(status.accepting, &status.not_accepting);
    let signing = yes_or(status.not_signing.is_empty(), &status.not_signing);
    out.fields(&[
        ("Ledger 账本", origin.name),
        ("Accepting 可入账", accepting),
        ("Records 记录", status.as_of.to_string()),
        ("Last recorded 末次入账", time::shown(status.recorded_at_ms)),
        ("Last head 末记录哈希", head),
        ("Signing checkpoints 签发检查点", signing),
        ("Signed tree 已签树大小", status.signed_size.to_string()),
        ("Shown tree 已公布树大小", status.served_size.to_string()),
        ("Genesis hash 创始哈希", genesis),
        ("Ledger key id 账本密钥编号", key),
        ("Verifier key 验签公钥", status.verifier_key.clone()),
    ])
}
