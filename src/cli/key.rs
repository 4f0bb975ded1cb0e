//! `hazledger key`: makes key files and shows whose they are.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::client::{Client, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::json;
use super::key_file::{self, KeyFile};
use super::lapsed::LapsedArgs;
use super::output::{Format, Out};
use super::passphrase::PassphraseArgs;
use super::random;
use super::rotate::RotateArgs;
use super::submit::verifier_of;
use crate::event::digest::to_hex;
use crate::event::signing::PublicKey;
use crate::proof::{NoteKeyKind, VerifierKey};

/// Make a signing key, or show its public half.
#[derive(Debug, Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a new Ed25519 key file, readable by you alone, under a passphrase.
    #[command(after_help = "\
Example:
  hazledger key new plant-01.key
  hazledger key new gate-scale.key --plain-text-key")]
    New(NewArgs),
    /// Print a key file's key id and public key; needs no passphrase.
    #[command(after_help = "\
Example:
  hazledger key show plant-01.key
  hazledger key show plant-01.key --format json
  hazledger key show plant-01.key --base64")]
    Show(ShowArgs),
    /// Print the verifier key of a ledger's checkpoints and receipts, or of a
    /// witness.
    #[command(after_help = "\
It is what 'hazledger receipt verify --key' wants, as C2SP signed-note writes
keys: NAME+ID+KEY. The name is the ledger's ('origin' in its LEDGER file).
Without FILE a server is asked, and its word taken for it. With --witness it is
a witness' key for cosignatures, as a policy (C2SP tlog-policy) names it.

Example:
  hazledger key vkey ledger/ledger.key --name hazledger.example/try
  hazledger key vkey witness.key --name witness.example/bureau-2 --witness
  hazledger key vkey --server http://127.0.0.1:7474")]
    Vkey(VkeyArgs),
    /// Put another key in the place of the ledger's, as the authority.
    #[command(after_help = "\
A root act: as many of the authority's keys sign as genesis asks for, --key and
--cosign, and the new key signs for itself. The ledger then accepts nothing more
until it is started again with the new key.

Example:
  hazledger key new ledger-2.key
  hazledger key rotate-ledger ledger-2.key --reason 'the yearly one' \\
    --as 91350100M000100Y43 --key bureau.key --cosign deputy.key")]
    RotateLedger(RotateArgs),
    /// List the parties that nobody has been able to sign for in 30 days.
    #[command(after_help = "\
Every party is listed whose keys have all been revoked or expired for 30 days,
or that never had one: what stands with it has no voice. Times are shown in
Asia/Shanghai.

Example:
  hazledger key lapsed
  hazledger key lapsed --at 2026-11-01 --format json")]
    Lapsed(LapsedArgs),
}

#[derive(Debug, Args)]
struct NewArgs {
    /// The file to be written; it must not exist yet.
    file: PathBuf,
    /// Leave the secret unencrypted in the file: whoever can read the file can
    /// sign.
    #[arg(long)]
    plain_text_key: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The key file.
    file: PathBuf,
    /// Print only the public key, in base64, as KeyRegistered wants it.
    #[arg(long, conflicts_with = "format")]
    base64: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
struct VkeyArgs {
    /// The key's file; its public half is enough.
    #[arg(requires = "name")]
    file: Option<PathBuf>,
    /// The ledger's name, or the witness'.
    #[arg(long, value_name = "NAME", requires = "file")]
    name: Option<String>,
    /// It is a witness' key and not a ledger's.
    #[arg(long, requires = "file")]
    witness: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs it.
pub fn run(args: &KeyArgs) -> Result<Outcome, CliError> {
    match &args.action {
        Action::New(args) => new(args),
        Action::Show(args) => show(args),
        Action::Vkey(args) => vkey(args),
        Action::Lapsed(args) => super::lapsed::run(args),
        Action::RotateLedger(args) => super::rotate::run(args),
    }
}

fn new(args: &NewArgs) -> Result<Outcome, CliError> {
    let key = random::signing_key()?;
    let text = args
        .passphrase
        .seal(&args.file, &key, args.plain_text_key)?;
    key_file::write(&args.file, &text)?;
    print(args.format, key.public(), !args.plain_text_key)
}

fn show(args: &ShowArgs) -> Result<Outcome, CliError> {
    let file = KeyFile::read(&args.file)?;
    if args.base64 {
        Out::new().line(&json::base64(file.public().as_bytes()))?;
        return Ok(Outcome::Done);
    }
    print(args.format, file.public(), file.is_sealed())
}

fn vkey(args: &VkeyArgs) -> Result<Outcome, CliError> {
    let verifier = match (&args.file, &args.name) {
        (Some(file), Some(name)) => {
            let public = KeyFile::read(file)?.public().clone();
            let kind = if args.witness {
                NoteKeyKind::Cosignature
            } else {
                NoteKeyKind::Ed25519
            };
            VerifierKey::new(name, kind, public)
                .map_err(|error| CliError::argument("--name", error.to_string()))?
        }
        _ => block_on(async {
            let client = Client::connect(&args.server).await?;
            verifier_of(&client.identity(None).await?)
        })?,
    };
    Out::new().line(&verifier.to_string())?;
    Ok(Outcome::Done)
}

fn print(format: Format, public: &PublicKey, encrypted: bool) -> Result<Outcome, CliError> {
    let (id, public) = (public.id().to_string(), to_hex(public.as_bytes()));
    let mut out = Out::new();
    match format {
        Format::Json => out.json(&serde_json::json!({
            "keyId": id,
            "publicKey": public,
            "encrypted": encrypted,
        }))?,
        Format::Table => out.fields(&[
            ("Key id 密钥编号", id),
            ("Public key 公钥", public),
            (
                "Encrypted 加密",
                if encrypted { "yes 是" } else { "no 否" }.to_owned(),
            ),
        ])?,
    }
    Ok(Outcome::Done)
}
