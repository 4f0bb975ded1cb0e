//! One statement that a subcommand makes itself: signed, sent, answered.

use clap::Args;

use super::answer;
use super::keyring::Keyring;
use super::line::Line;
use super::{HOUR_MS, Report, Sent};
use crate::cli::client::{Client, ServerArgs};
use crate::cli::error::{CliError, Outcome};
use crate::cli::output::Format;
use crate::cli::passphrase::PassphraseArgs;
use crate::cli::{random, time};
use crate::event::StatementId;
use crate::event::statement::{Draft, Header};
use crate::pb::event::Body;
use crate::pb::{Event, SubmitRequest};

/// How long the ledger may accept it, hours.
const VALID_HOURS: i64 = 24;

/// Who signs, and where to.
#[derive(Clone, Debug, Args)]
pub struct SignArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The acting party's code, if it is not the one that the entry is about.
    #[arg(long = "as", value_name = "CODE")]
    pub acting: Option<String>,
    /// A key file to sign with; `PARTY=FILE` says whose it is.
    #[arg(long, value_name = "[PARTY=]FILE", required = true)]
    pub key: Vec<String>,
    /// A key file to co-sign with. May be repeated.
    #[arg(long, value_name = "[PARTY=]FILE")]
    pub cosign: Vec<String>,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Signs the events as one statement of `party`'s, or of whom `--as` names,
/// sends it and prints the answer.
pub async fn say(
    client: &Client,
    args: &SignArgs,
    party: &str,
    bodies: Vec<Body>,
) -> Result<Outcome, CliError> {
    let identity = client.identity(None).await?;
    let keyring = Keyring::open(&args.key, &args.cosign, &args.passphrase, client).await?;
    let party = args.acting.as_deref().unwrap_or(party);
    let (key, cosigners) = keyring
        .signers(&Line::of(party))
        .map_err(|why| CliError::argument("--key", why))?;
    let now = time::now_ms();
    let id = StatementId::v7(now, random::bytes()?)
        .ok_or_else(|| CliError::argument("the clock", "it is out of range; set it right"))?;
    let event = |body| Event {
        external_refs: Vec::new(),
        body: Some(body),
    };
    let draft = Draft {
        origin: identity.origin.clone(),
        id,
        party: party.to_owned(),
        happened_at_ms: now,
        expires_at_ms: now.saturating_add(VALID_HOURS * HOUR_MS),
        events: bodies.into_iter().map(event).collect(),
    };
    let statement = draft.sign_with(&Header::default(), key, &cosigners);
    let request = SubmitRequest {
        statement: Some(statement.clone()),
        ..SubmitRequest::default()
    };
    let answered = client.ledger().submit(request).await;
    let response = answered
        .map_err(CliError::server("take the statement (Submit)"))?
        .into_inner();
    let sent = Sent {
        number: 1,
        draft,
        statement,
    };
    let (verdict, findings) = answer::check(&identity, &sent, response)?;
    let mut report = Report::plain(args.format);
    report.answer(&sent, &verdict, &findings)?;
    report.finish()
}
