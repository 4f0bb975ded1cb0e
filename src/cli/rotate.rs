//! `hazledger key rotate-ledger`: another key in the place of the ledger's, as
//! the authority, and what to do then.

use std::path::PathBuf;

use clap::Args;

use super::client::{Client, block_on};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::submit::one::{self, SignArgs};
use super::time;
use crate::custody::rotation::sworn;
use crate::event::digest::to_hex;
use crate::event::signing::SecretKey;
use crate::pb::LedgerKeyRotated;
use crate::pb::event::Body;

/// Which key is to follow, and why.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// The new key's file, as 'hazledger key new' makes it; it signs for itself.
    #[arg(value_name = "NEW-KEY-FILE")]
    new_key: PathBuf,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Since when others are believed to have the earlier key (RFC 3339, or a
    /// day); left out: they do not.
    #[arg(long, value_name = "TIME")]
    compromised_since: Option<String>,
    #[command(flatten)]
    sign: SignArgs,
}

/// Runs it.
pub fn run(args: &RotateArgs) -> Result<Outcome, CliError> {
    let Some(party) = args.sign.acting.clone() else {
        let why = "say which authority acts: one that genesis names, by its code";
        return Err(CliError::argument("--as", why));
    };
    let since = args.compromised_since.as_deref();
    let compromised_since_ms =
        since.map_or(Ok(0), |text| time::argument("--compromised-since", text))?;
    let new = args.sign.passphrase.open(&args.new_key)?;
    block_on(async {
        let client = Client::connect(&args.sign.server).await?;
        let identity = client.identity(None).await?;
        let previous = identity.ledger_keys.in_force().id();
        let rotated = LedgerKeyRotated {
            reason: args.reason.clone(),
            compromised_since_ms,
            ..sworn(&identity.genesis_hash.0, previous, &new)
        };
        let bodies = vec![Body::LedgerKeyRotated(rotated)];
        let outcome = one::say(&client, &args.sign, &party, bodies).await?;
        if matches!(outcome, Outcome::Done) && matches!(args.sign.format, Format::Table) {
            next_steps(args, &new)?;
        }
        Ok(outcome)
    })
}

/// The server has not got the new key: somebody has to give it.
fn next_steps(args: &RotateArgs, new: &SecretKey) -> Result<(), CliError> {
    let file = args.new_key.display();
    let mut out = Out::new();
    out.line(
        "The ledger accepts nothing more until it has the new key 账本已停止入账，待换新密钥:",
    )?;
    out.line("1. Stop it; it closes its journal properly 停止服务.")?;
    out.line(&format!(
        "2. Start it with the new key: hazledger serve DIR --ledger-key {file}; or put that file in \
         the place of DIR/ledger.key 用新密钥启动.",
    ))?;
    out.line(&format!(
        "3. Whoever has the ledger's key from elsewhere needs the new one, {}, and witnesses, \
         policies and monitors its verifier key, as 'hazledger key vkey' prints it; whoever goes by \
         the genesis hash follows the records 通知持有公钥者.",
        to_hex(new.public().as_bytes()),
    ))?;
    out.line("4. Keep the earlier key's file apart: it signs nothing any more 旧密钥另存.")
}
