//! `hazledger serve`: opens a data directory, says what recovery did, and
//! answers until it is told to stop (SIGINT or SIGTERM).

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::data;
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::passphrase::PassphraseArgs;
use crate::event::digest::to_hex;
use crate::grpc;
use crate::ledger::{Ledger, Opened, Options, SystemClock};

/// Serve a ledger over gRPC.
#[derive(Debug, Args)]
#[command(after_help = "\
When it is ready it prints one line with its address; what recovery did goes
to standard error. SIGINT (Ctrl-C) and SIGTERM stop it cleanly.

Example:
  hazledger serve ledger
  hazledger serve ledger --listen 127.0.0.1:0 --format json")]
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
    /// How to print the line that says it is ready.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &ServeArgs) -> Result<Outcome, CliError> {
    data::must_be_a_ledger(&args.dir)?;
    let key_file = data::ledger_key_file(&args.dir, args.ledger_key.as_deref());
    let key = args.passphrase.open(&key_file)?;
    let failed = |e: &dyn std::fmt::Display| CliError::data_directory(&args.dir, e);
    let (ledger, opened) = Ledger::open(&args.dir, key, Options::default(), Arc::new(SystemClock))
        .map_err(|e| failed(&e))?;
    report(&opened);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::System {
            what: "event loop",
            why: e.to_string(),
        })?;
    let served = runtime.block_on(serve(args, &ledger));
    // Whatever became of serving, what was acknowledged is sealed properly.
    let closed = runtime.block_on(ledger.close()).map_err(|e| failed(&e));
    served?;
    closed?;
    eprintln!("stopped cleanly");
    Ok(Outcome::Done)
}

/// What opening did, to standard error: an operator should know of a torn
/// tail, and that a rebuild is why it took long.
fn report(opened: &Opened) {
    if let Some(journal) = &opened.journal {
        if !journal.clean {
            eprintln!("the journal had not been closed; its last segment was rewritten");
        }
        if let Some(torn) = &journal.torn {
            eprintln!(
                "a torn tail of {} bytes in {} (from record {}, never acknowledged) was set aside as {}: {}",
                torn.bytes, torn.segment, torn.from_position, torn.set_aside, torn.what
            );
        }
        for name in &journal.removed {
            eprintln!("an unfinished copy of an earlier stop was removed: {name}");
        }
    }
    if let Some((path, why)) = &opened.set_aside {
        eprintln!(
            "the projection was set aside as {} and rebuilt: {why}",
            path.display()
        );
    } else if opened.replayed == opened.records {
        eprintln!("the projection was rebuilt from the journal: it held nothing");
    }
    eprintln!(
        "{} records, {} of them replayed into the projection",
        opened.records, opened.replayed
    );
}

async fn serve(args: &ServeArgs, ledger: &Ledger) -> Result<(), CliError> {
    let at = format!("--listen {}", args.listen);
    let cannot_listen = |e: &dyn std::fmt::Display| CliError::argument(at, e.to_string());
    let listener = grpc::listen(args.listen)
        .await
        .map_err(|e| cannot_listen(&e))?;
    let address = listener.local_addr().map_err(|e| CliError::System {
        what: "address",
        why: e.to_string(),
    })?;
    let stop = stop_signal()?;
    announce(args, ledger, address)?;
    grpc::serve(ledger.clone(), listener, stop)
        .await
        .map_err(|e| CliError::System {
            what: "server",
            why: e.to_string(),
        })
}

fn announce(args: &ServeArgs, ledger: &Ledger, address: SocketAddr) -> Result<(), CliError> {
    let status = ledger.status();
    let url = format!("http://{address}");
    let mut out = Out::new();
    match args.format {
        Format::Json => out.json(&serde_json::json!({
            "address": url,
            "origin": status.origin.name,
            "genesisHash": to_hex(&status.origin.genesis_hash),
            "ledgerKeyId": status.ledger_key.id().to_string(),
            "ledgerPublicKey": to_hex(status.ledger_key.as_bytes()),
            "records": status.committed,
        })),
        Format::Table => out.line(&format!(
            "{} ready 就绪 at {url}, {} records, ledger key {}",
            status.origin.name,
            status.committed,
            status.ledger_key.id(),
        )),
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
