//! `hazledger submit`: signs statements and sends them, one a line (`line`
//! defines the format), and checks every answer against the ledger's key.
//! Sending a stamped file again sends the same bytes, which the ledger answers
//! with its first answer.

mod answer;
mod keyring;
pub mod line;
pub mod one;
mod receipts;
mod source;
use std::collections::VecDeque;
use std::path::PathBuf;

use clap::{Args, value_parser};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use self::answer::Verdict;
use self::keyring::Keyring;
use self::line::Stamp;
pub use self::line::uuid_text;
use self::receipts::ReceiptWriter;
pub use self::receipts::{verifier_for, verifier_of};
use self::source::{Numbered, Source, is_standard_input};
use super::acks::AckWriter;
use super::client::{Client, Identity, ServerArgs, block_on, public_key_argument};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::passphrase::PassphraseArgs;
use super::{random, time};
use crate::event::statement::Draft;
use crate::pb::{DecideRequest, Finding, Receipt, SignedStatement, SubmitRequest};

/// Lines read ahead of what is being sent, at most.
const READ_AHEAD: usize = 16;

const HOUR_MS: i64 = 60 * 60 * 1000;

const EXAMPLES: &str = "\
Each line of FILE is one statement:
  {\"id\": UUIDv7, \"party\": CODE, \"happenedAtMs\": TIME, \"expiresAtMs\": TIME,
   \"cosigners\": [CODE, …], \"events\": [EVENT, …]}
  EVENT is a hazledger.v1.Event in the proto3 JSON mapping: bytes are base64,
  64-bit integers may be text. TIME is Unix milliseconds, or RFC 3339 text.
  id and times are added once by --stamp, so that a file sent twice is the same
  statements. cosigners names parties whose keys sign as well; left out, every
  --cosign key signs.

Which key signs: the first --key of the line's party. Whose a key is, says
--key PARTY=FILE, or else the server's registry when the command starts. A
single --key FILE that the registry does not know yet signs every line.

Answers come one a line; with --format json each event of an accepted line has
its ref and the names of what it made, for the next line to use. --acks appends each acknowledgement to a file (one
hazledger.v1.Acknowledgement a line, JSON), for 'hazledger verify --acks'.
--receipts waits for each record's receipt as well and appends it to a file (one
hazledger.v1.Receipt a line, JSON) or, if FILE is a folder, writes it there as
POSITION.receipt, for 'hazledger receipt verify'. One that does not come in time
is told on standard error; the line is recorded all the same.

Example:
  hazledger submit day.jsonl --stamp > day.stamped.jsonl
  hazledger submit day.stamped.jsonl --key plant-01.key --acks acks.jsonl
  hazledger submit day.stamped.jsonl --key plant-01.key --receipts receipts/
  hazledger submit day.stamped.jsonl --key plant-01.key --dry-run";

/// Sign statements and send them to a ledger.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SubmitArgs {
    /// Statements, one JSON object a line; `-` is standard input.
    file: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
    /// A key file to sign with; `PARTY=FILE` says whose it is. May be repeated.
    #[arg(long, value_name = "[PARTY=]FILE", required_unless_present = "stamp")]
    key: Vec<String>,
    /// A key file to co-sign with. May be repeated.
    #[arg(long, value_name = "[PARTY=]FILE")]
    cosign: Vec<String>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Only add ids and times to lines that lack them, and print the lines.
    #[arg(long, conflicts_with_all = ["key", "cosign", "acks", "receipts", "dry_run"])]
    stamp: bool,
    /// With --stamp: how many hours from now the ledger may accept a line.
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = value_parser!(u32).range(1..=720))]
    valid_hours: u32,
    /// Append every acknowledgement to this file.
    #[arg(long, value_name = "FILE")]
    acks: Option<PathBuf>,
    /// Keep every receipt: append it to this file, or write it into this folder.
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// Ask what the ledger would answer; nothing is recorded, and no line is
    /// judged on the ones before it.
    #[arg(long, conflicts_with_all = ["acks", "receipts"])]
    dry_run: bool,
    /// Statements under way at once. With more than 1 no line may rest on a
    /// key that a line shortly before it registers.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=1024))]
    in_flight: u16,
    /// Only trust the ledger with this public key (64 hexadecimal digits).
    #[arg(long, value_name = "HEX")]
    ledger_key_public: Option<String>,
    /// How to print answers: a line of text, or a JSON object a line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A statement that is under way.
pub(super) struct Sent {
    /// Its line, from 1.
    number: u64,
    draft: Draft,
    statement: SignedStatement,
}

/// Runs it.
pub fn run(args: &SubmitArgs) -> Result<Outcome, CliError> {
    if args.stamp {
        stamp(args)
    } else {
        block_on(send(args))
    }
}

fn stamp(args: &SubmitArgs) -> Result<Outcome, CliError> {
    let mut source = Source::open(&args.file)?;
    let mut out = Out::new();
    while let Some(next) = source.next() {
        let stamp = Stamp {
            now_ms: time::now_ms(),
            valid_for_ms: i64::from(args.valid_hours) * HOUR_MS,
            random: random::bytes()?,
        };
        out.json(&next?.line.stamped(stamp).map_err(|why| source.error(why))?)?;
    }
    Ok(Outcome::Done)
}

async fn send(args: &SubmitArgs) -> Result<Outcome, CliError> {
    let pinned = args.ledger_key_public.as_deref();
    let pinned = pinned
        .map(|text| public_key_argument("--ledger-key-public", text))
        .transpose()?;
    let client = Client::connect(&args.server).await?;
    let identity = client.identity(pinned.as_ref()).await?;
    let keyring = Keyring::open(&args.key, &args.cosign, &args.passphrase, &client).await?;
    let signer = Signer { identity, keyring };
    if !is_standard_input(&args.file) {
        // Nothing is sent of a file that has a wrong line.
        let mut source = Source::open(&args.file)?;
        while let Some(next) = source.next() {
            signer.check(&next?).map_err(|why| source.error(why))?;
        }
    }
    let mut report = Report::new(args, &signer.identity)?;
    if args.dry_run {
        dry_run(args, &client, &signer, &mut report).await?;
    } else {
        submit(args, &client, &signer, &mut report).await?;
    }
    report.finish()
}

/// Makes signed statements of lines.
struct Signer {
    identity: Identity,
    keyring: Keyring,
}

impl Signer {
    fn check(&self, numbered: &Numbered) -> Result<(), String> {
        numbered.line.draft(&self.identity.origin)?;
        self.keyring.signers(&numbered.line).map(drop)
    }

    fn sign(&self, numbered: &Numbered) -> Result<Sent, String> {
        let draft = numbered.line.draft(&self.identity.origin)?;
        let (key, cosigners) = self.keyring.signers(&numbered.line)?;
        let header = numbered.line.header()?;
        let statement = draft.sign_with(&header, key, &cosigners);
        Ok(Sent {
            number: numbered.number,
            draft,
            statement,
        })
    }
}

/// Where answers go, and whether one of them was no.
struct Report {
    out: Out,
    acks: Option<AckWriter>,
    receipts: Option<ReceiptWriter>,
    format: Format,
    refused: bool,
}

impl Report {
    fn new(args: &SubmitArgs, identity: &Identity) -> Result<Report, CliError> {
        let acks = args.acks.as_deref().map(AckWriter::open).transpose()?;
        let receipts = args.receipts.as_deref();
        let receipts = receipts.map(|path| ReceiptWriter::open(path, identity));
        Ok(Report {
            out: Out::new(),
            acks,
            receipts: receipts.transpose()?,
            format: args.format,
            refused: false,
        })
    }

    /// Answers to the terminal only.
    fn plain(format: Format) -> Report {
        Report {
            out: Out::new(),
            acks: None,
            receipts: None,
            format,
            refused: false,
        }
    }

    fn answer(
        &mut self,
        sent: &Sent,
        verdict: &Verdict,
        found: &[Finding],
    ) -> Result<(), CliError> {
        match verdict {
            Verdict::Accepted {
                acknowledgement, ..
            } => {
                if let Some(acks) = &mut self.acks {
                    acks.append(acknowledgement)?;
                }
            }
            Verdict::Acceptable { .. } => {}
            Verdict::Refused(_) => self.refused = true,
        }
        let printed = match self.format {
            Format::Json => self.out.json(&answer::to_value(sent, verdict, found)),
            Format::Table => self.out.line(&answer::to_text(sent, verdict, found)),
        };
        match printed {
            // Nobody reads the answers any more; the statements are sent all the same.
            Err(error) if error.is_broken_pipe() => Ok(()),
            printed => printed,
        }
    }

    /// Keeps the receipt that came with an answer, if receipts are kept.
    fn receipt(
        &mut self,
        verdict: &Verdict,
        receipt: Option<&Receipt>,
        missing: &str,
    ) -> Result<(), CliError> {
        match &mut self.receipts {
            Some(receipts) => receipts.keep(verdict, receipt, missing),
            None => Ok(()),
        }
    }

    fn finish(self) -> Result<Outcome, CliError> {
        if let Some(acks) = &self.acks {
            acks.sync()?;
        }
        if let Some(receipts) = &self.receipts {
            receipts.sync()?;
        }
        Ok(if self.refused {
            Outcome::SaidNo
        } else {
            Outcome::Done
        })
    }
}

/// Lines as a thread of their own reads them: standard input may keep us
/// waiting while answers come in.
struct Lines {
    name: String,
    receiver: mpsc::Receiver<Result<Numbered, CliError>>,
}

impl Lines {
    fn read(source: Source) -> Lines {
        let (sender, receiver) = mpsc::channel(READ_AHEAD);
        let name = source.name().to_owned();
        std::thread::spawn(move || {
            for next in source {
                let failed = next.is_err();
                if sender.blocking_send(next).is_err() || failed {
                    break;
                }
            }
        });
        Lines { name, receiver }
    }

    /// The next, signed; `None` at the end.
    async fn next(&mut self, signer: &Signer) -> Option<Result<Sent, CliError>> {
        let numbered = match self.receiver.recv().await? {
            Ok(numbered) => numbered,
            Err(error) => return Some(Err(error)),
        };
        let (file, line) = (self.name.clone(), numbered.number);
        Some(
            signer
                .sign(&numbered)
                .map_err(|why| CliError::Line { file, line, why }),
        )
    }
}

async fn dry_run(
    args: &SubmitArgs,
    client: &Client,
    signer: &Signer,
    report: &mut Report,
) -> Result<(), CliError> {
    let mut lines = Lines::read(Source::open(&args.file)?);
    let mut ledger = client.ledger();
    while let Some(sent) = lines.next(signer).await {
        let sent = sent?;
        let request = DecideRequest {
            statement: Some(sent.statement.clone()),
            min_position: 0,
        };
        let answered = ledger.decide(request).await;
        let response = answered
            .map_err(CliError::server("try a statement (Decide)"))?
            .into_inner();
        let (verdict, findings) = answer::check_dry_run(&signer.identity, &sent, response)?;
        report.answer(&sent, &verdict, &findings)?;
    }
    Ok(())
}

/// Sends with at most `in_flight` statements unanswered; answers come in the
/// order of the statements.
async fn submit(
    args: &SubmitArgs,
    client: &Client,
    signer: &Signer,
    report: &mut Report,
) -> Result<(), CliError> {
    let in_flight = usize::from(args.in_flight);
    let mut lines = Lines::read(Source::open(&args.file)?);
    let (requests, stream) = mpsc::channel(in_flight);
    let broken = CliError::server(
        "take all statements; those shown as accepted are recorded, and the same lines can be sent again",
    );
    let answers = client
        .ledger()
        .submit_stream(ReceiverStream::new(stream))
        .await;
    let mut answers = answers.map_err(&broken)?.into_inner();
    let mut pending: VecDeque<Sent> = VecDeque::with_capacity(in_flight);
    // What stops the reading: the end (Ok), or a line that is wrong.
    let mut ended: Option<Result<(), CliError>> = None;
    loop {
        tokio::select! {
            line = lines.next(signer), if ended.is_none() && pending.len() < in_flight => match line {
                Some(Ok(sent)) => {
                    let request = SubmitRequest {
                        statement: Some(sent.statement.clone()),
                        want_receipt: args.receipts.is_some(),
                    };
                    // Room for it there is; if the server is gone, its answer says so.
                    let _ = requests.send(request).await;
                    pending.push_back(sent);
                }
                Some(Err(error)) => ended = Some(Err(error)),
                None => ended = Some(Ok(())),
            },
            next = answers.message(), if !pending.is_empty() => {
                let response = next.map_err(&broken)?;
                let response =
                    response.ok_or_else(|| broken(tonic::Status::aborted("it ended its answers early")))?;
                if let Some(sent) = pending.pop_front() {
                    let mut response = response;
                    let (receipt, missing) = (response.receipt.take(), std::mem::take(&mut response.receipt_missing));
                    let (verdict, findings) = answer::check(&signer.identity, &sent, response)?;
                    report.answer(&sent, &verdict, &findings)?;
                    report.receipt(&verdict, receipt.as_ref(), &missing)?;
                }
            }
            else => return ended.unwrap_or(Ok(())),
        }
    }
}
