//! The terminal: one file a subcommand, each with its arguments and a `run`;
//! this one only dispatches. Exit status 0: done; 1: it says no (refused, not
//! verified, not found); 2: it could not be tried. Results go to standard
//! output, everything else to standard error; a reader of standard output
//! that goes away is success, as with any filter.

pub mod acks;
pub mod archive;
pub mod authorities;
pub mod backup;
pub mod checkpoints;
pub mod client;
pub mod data;
pub mod demo;
pub mod disputes;
pub mod error;
pub mod evidence;
pub mod findings;
pub mod follow;
pub mod init;
pub mod json;
pub mod kept;
pub mod key;
pub mod key_file;
pub mod lapsed;
pub mod limits;
pub mod log;
pub mod monitor;
mod monitored;
pub mod names;
pub mod output;
pub mod papers;
mod passphrase;
pub mod random;
pub mod recall;
pub mod receipt;
pub mod refusals;
pub mod registry;
pub mod remote;
pub mod repair;
pub mod report;
pub mod restore;
pub mod retain;
mod rotate;
pub mod rules;
pub mod serve;
pub mod status;
pub mod submit;
pub mod time;
pub mod trace;
pub mod verified;
pub mod verify;
pub mod verify_evidence;
pub mod verify_url;
mod webhook;
pub mod witness;
pub mod witnesses;
pub mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::error::{CliError, Outcome};

/// The ledger says no, or the check failed.
const SAYS_NO: u8 = 1;
/// It could not be tried.
const COULD_NOT_TRY: u8 = 2;

/// A ledger of who holds every milligram of a high-risk chemical, from
/// production to disposal.
#[derive(Debug, Parser)]
#[command(
    name = "hazledger",
    version,
    arg_required_else_help = true,
    after_help = "\
Exit status: 0 done, 1 it says no (refused, not verified), 2 could not try.

Example:
  hazledger demo
  hazledger key new bureau.key
  hazledger serve ledger"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Init(init::InitArgs),
    Key(key::KeyArgs),
    Serve(Box<serve::ServeArgs>),
    Status(status::StatusArgs),
    Submit(submit::SubmitArgs),
    Trace(trace::TraceArgs),
    Recall(recall::RecallArgs),
    Disputes(disputes::DisputesArgs),
    Findings(findings::FindingsArgs),
    Follow(follow::FollowArgs),
    Refusals(refusals::RefusalsArgs),
    Receipt(receipt::ReceiptArgs),
    Evidence(evidence::EvidenceArgs),
    Verify(verify::VerifyArgs),
    Monitor(Box<monitor::MonitorArgs>),
    Repair(repair::RepairArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Archive(archive::ArchiveArgs),
    Retain(retain::RetainArgs),
    Report(report::ReportArgs),
    Registry(Box<registry::RegistryArgs>),
    Rules(rules::RulesArgs),
    Witness(witness::WitnessArgs),
}

impl Command {
    fn gives_a_verdict(&self) -> bool {
        matches!(
            self,
            Command::Receipt(_)
                | Command::Verify(_)
                | Command::Monitor(_)
                | Command::Repair(_)
                | Command::Backup(_)
                | Command::Restore(_)
                | Command::Archive(_)
                | Command::Retain(_)
        )
    }
}

/// Reads the arguments, runs the subcommand, and says how it came out.
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    match run(&command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SaidNo) => ExitCode::from(SAYS_NO),
        // Whoever reads a list may stop; a verdict that nobody heard was not given.
        Err(error) if error.is_broken_pipe() && !command.gives_a_verdict() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hazledger: {}", output::plain(&error.to_string()));
            ExitCode::from(COULD_NOT_TRY)
        }
    }
}

fn run(command: &Command) -> Result<Outcome, CliError> {
    match command {
        Command::Demo(args) => demo::run(args),
        Command::Init(args) => init::run(args),
        Command::Key(args) => key::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Status(args) => status::run(args),
        Command::Submit(args) => submit::run(args),
        Command::Trace(args) => trace::run(args),
        Command::Recall(args) => recall::run(args),
        Command::Disputes(args) => disputes::run(args),
        Command::Findings(args) => findings::run(args),
        Command::Follow(args) => follow::run(args),
        Command::Refusals(args) => refusals::run(args),
        Command::Receipt(args) => receipt::run(args),
        Command::Evidence(args) => evidence::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Monitor(args) => monitor::run(args),
        Command::Repair(args) => repair::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => restore::run(args),
        Command::Archive(args) => archive::run(args),
        Command::Retain(args) => retain::run(args),
        Command::Report(args) => report::run(args),
        Command::Registry(args) => registry::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Witness(args) => witness::run(args),
    }
}
