//! `hazledger verify`: the audit of a data directory that nobody has open, or
//! of what a server sends, at the terminal. What is checked is in `audit` and
//! `proof`.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::client::public_key_argument;
use super::data::LockedJournal;
use super::error::{CliError, Outcome};
use super::kept::{KeptArgs, KeptFiles, read_text};
use super::monitor::genesis;
use super::output::Format;
use super::verified::Verified;
use super::{verify_evidence, verify_url};
use crate::audit::{
    Audit, Speed, read_saved, verify_heads, verify_refusals, verify_whole, write_saved,
};
use crate::proof::{Expect, MAX_NOTE, Verifier};
use crate::storage::ReadOnlyFolder;

/// The checkpoints beside a journal: the highest that was signed, and the
/// latest that came back cosigned and was served. Where there is no second,
/// the first was served.
const CHECKPOINTS: [&str; 2] = ["signed", "served"];

/// Check a whole data directory, or what a server sends: every byte, signature,
/// hash and law. Or check a file of evidence.
#[derive(Debug, Args)]
#[command(after_help = "\
The refusals and the checkpoints that are kept beside the journal are held
against its records. Nothing is changed. No server may have the directory open;
a copy will do. With an address (it has '://' in it) the server's journal is
read over the network, and held against the checkpoint that it serves.
Without --genesis or --ledger-key-public the key is taken from record 0, which
shows that the journal agrees with itself, not whose it is. With --genesis a key
that has followed it is found in the records.

With --resume the file is read and written: keep it where nobody else writes.
A journal of the same ledger that does not go on from there has been cut, written
anew, or is an older copy: it is not verified, and the file stays as it is.
Of a directory all records are read again and hashed, but only signatures and
laws after the saved position are checked; of a server only what is new is read.

Held against evidence, acknowledgements and receipts must be of this lot's
records: one that the evidence does not show is told as hidden.

Example:
  hazledger verify ledger
  hazledger verify ledger --chain-only
  hazledger verify ledger --resume ledger.verified --checkpoint kept.note
  hazledger verify http://127.0.0.1:7474 --resume ledger.verified
  hazledger verify lot.evidence --key hazledger.example/try+0c2f…+AZ…
  hazledger verify lot.evidence --key hazledger.example/try+0c2f…+AZ… --acks lot.jsonl
  hazledger verify ledger --acks acks.jsonl --ledger-key-public 5f0c…")]
pub struct VerifyArgs {
    /// The data directory, or the address of a ledger's server; or a file of
    /// evidence ('hazledger evidence'), which is checked offline.
    #[arg(value_name = "DIR|URL|FILE")]
    from: PathBuf,
    /// Of evidence: the ledger's verifier key, as known from elsewhere.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    #[command(flatten)]
    kept: KeptArgs,
    /// The ledger's public key (64 hexadecimal digits), as known from elsewhere:
    /// the one in force after the last record.
    #[arg(long, value_name = "HEX")]
    ledger_key_public: Option<String>,
    /// The genesis hash (64 hexadecimal digits), as known from elsewhere: which
    /// ledger it must be, whatever its keys have been since.
    #[arg(long, value_name = "HEX")]
    genesis: Option<String>,
    /// Heads, chain, tree and the ledger's signatures only: quick, and enough to
    /// see that nothing was cut out, put in or reordered since it was signed.
    /// Event bodies, statements' signatures and the laws are not looked at.
    #[arg(long, conflicts_with = "resume")]
    chain_only: bool,
    /// Go on from what this file says was verified, and save there what has
    /// been verified now. A file that is of no use is said to be so, and
    /// everything is verified.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &VerifyArgs) -> Result<Outcome, CliError> {
    let key = args.ledger_key_public.as_deref();
    let ledger_key = key
        .map(|text| public_key_argument("--ledger-key-public", text))
        .transpose()?;
    let genesis_hash = args.genesis.as_deref().map(genesis).transpose()?;
    let expect = Expect {
        genesis_hash,
        ledger_key,
        ..Expect::default()
    };
    let mut kept = KeptFiles::read(&args.kept)?;
    if args.from.is_file() {
        return verify_evidence::run(&args.from, args.key.as_deref(), &kept, args.format);
    }
    let mut resume = Resume::of(args.resume.as_deref(), &expect);
    let url = args.from.to_str().filter(|from| from.contains("://"));
    let (audit, took) = match url {
        Some(url) => verify_url::run(url, &expect, &mut kept, args.chain_only, &mut resume)?,
        None => directory(args, &expect, &mut kept, &mut resume)?,
    };
    if let Some(why) = &audit.unfit {
        resume.say_unfit(why);
    }
    let speed = speed(&audit, took);
    Verified {
        audit: &audit,
        kept: &kept,
        chain_only: args.chain_only,
        files: url.is_none(),
        speed: if args.chain_only {
            speed
        } else {
            speed.beside_strict()
        },
        resume: resume.said,
    }
    .print(args.format)?;
    Ok(if audit.problems.is_empty() {
        Outcome::Done
    } else {
        Outcome::SaidNo
    })
}

fn directory(
    args: &VerifyArgs,
    expect: &Expect,
    kept: &mut KeptFiles,
    resume: &mut Resume<'_>,
) -> Result<(Audit, Duration), CliError> {
    let journal = LockedJournal::take(&args.from)?;
    let files = CHECKPOINTS.map(|name| journal.checkpoints.join(name));
    let last = files.iter().rposition(|file| file.exists());
    for (index, file) in files.iter().enumerate().filter(|(_, file)| file.exists()) {
        let note = read_text(file, MAX_NOTE)?;
        kept.add_checkpoint(&file.display().to_string(), note, Some(index) == last);
    }
    let bar = progress_bar();
    let folder = ReadOnlyFolder::new(&journal.folder);
    let progress = &mut |records| bar.set_position(records);
    let proofs = kept.proofs();
    let started = Instant::now();
    let mut audit = if args.chain_only {
        verify_heads(&folder, expect, &proofs, progress)
    } else {
        let saved = resume.saved.take();
        let save = &mut |verifier: &Verifier| resume.save(verifier);
        verify_whole(&folder, expect, &proofs, saved, save, progress)
    };
    let took = started.elapsed().saturating_sub(resume.saving);
    if !args.chain_only {
        verify_refusals(&ReadOnlyFolder::new(&journal.refusals), &mut audit);
    }
    bar.finish_and_clear();
    Ok((audit, took))
}

/// What was verified now, and in what time.
fn speed(audit: &Audit, took: Duration) -> Speed {
    let verified = audit.report.as_ref().map_or(0, |report| report.signatures);
    let before = audit.resumed.map_or(0, |vouched| vouched.signatures);
    Speed {
        records: audit.records,
        signatures: verified.saturating_sub(before),
        took,
        strict: None,
    }
}

/// The file of a saved verification, and what a person should know of it.
pub struct Resume<'a> {
    file: Option<&'a Path>,
    /// What is in it, if it is of use.
    pub saved: Option<Verifier>,
    /// For people.
    pub said: Vec<String>,
    /// How long it took to write the file.
    pub saving: Duration,
}

impl<'a> Resume<'a> {
    fn of(file: Option<&'a Path>, expect: &Expect) -> Resume<'a> {
        let mut resume = Resume {
            file,
            saved: None,
            said: Vec::new(),
            saving: Duration::ZERO,
        };
        match file.map(|file| read_saved(file, expect)) {
            None => {}
            Some(Ok(saved)) => resume.saved = saved,
            Some(Err(why)) => resume.say_unfit(&why),
        }
        resume
    }

    /// The file is of no use.
    fn say_unfit(&mut self, why: &str) {
        let name = self.file.map(|file| file.display().to_string());
        self.said.push(format!(
            "{} is not gone on from: {why}. All was verified from the beginning",
            name.unwrap_or_default()
        ));
    }

    /// Saves what has been verified; that it could not be is said and no more.
    pub fn save(&mut self, verifier: &Verifier) {
        let Some(file) = self.file else {
            return;
        };
        let started = Instant::now();
        let written = write_saved(file, verifier);
        self.saving = started.elapsed();
        if let Err(error) = written {
            self.said.push(format!(
                "{} could not be written: {error}. The next run begins where this one did",
                file.display()
            ));
        }
    }
}

/// Seen only when a person is watching.
pub fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} {human_pos} records 条 {per_sec} {elapsed}");
    let bar = ProgressBar::new_spinner();
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
