//! `hazledger witness`: runs a witness of other people's ledgers, until it is
//! told to stop. What it does is in `witness`.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;

use super::error::{CliError, Outcome};
use super::log::LogArgs;
use super::output::{Format, Out};
use super::passphrase::PassphraseArgs;
use super::serve::stop_signal;
use crate::ledger::{Clock as _, SystemClock};
use crate::proof::VerifierKey;
use crate::web;
use crate::witness::counts::Counts;
use crate::witness::door;
use crate::witness::files::Folder;
use crate::witness::logs::Logs;
use crate::witness::memory::{Signer, Witness};

/// Threads that wait for the disk, beside those of the event loop.
const DISK_THREADS: usize = door::MAX_REQUESTS;

/// Witness ledgers: cosign what goes on from what was cosigned before.
#[derive(Debug, Args)]
#[command(after_help = "\
For whoever is to watch somebody else's ledger: another agency, a court, an
association. A ledger sends it each new checkpoint with a proof that it goes on
from the one before (C2SP tlog-witness); the witness holds that against what it
has signed, keeps it, and signs it. So nobody can be shown a second history, or
a shortened one, with this witness' signature on it. It sees sizes and hashes,
never a record.

--watch names whom: a ledger's verifier key, 'NAME+ID+KEY', as its operator
prints it with 'hazledger key vkey'. Give the ledger's operator in return this
witness' verifier key, which 'hazledger key vkey --witness' prints and this
command when it is ready, for the policy file of
'hazledger serve DIR --witness-policy FILE'.

The directory is the witness' memory. Never set it back from a backup, never
run two with one key: if it is lost, begin again with --new and a NEW key, and
have the policies changed. It listens on loopback only; put a proxy in front
that brings TLS. The key signs for nothing else: make one for it alone.
SIGINT (Ctrl-C) and SIGTERM stop it cleanly; whatever stops it, what it signed
is kept.

Example:
  hazledger key new witness.key
  hazledger witness memory --new --key witness.key --name witness.example/bureau-2 \\
    --watch 'hazledger.example/try+7f0b2a1c+AXk0…'
  hazledger witness memory --key witness.key --name witness.example/bureau-2 \\
    --watch \"$LEDGER\" --watch \"$OTHER\" --listen 127.0.0.1:7480 --format json \\
    --metrics 127.0.0.1:7481")]
pub struct WitnessArgs {
    /// The witness' directory: what it has signed.
    dir: PathBuf,
    /// Make it, absent or empty. Only for a key that has never been a witness'.
    #[arg(long)]
    new: bool,
    /// The witness' key file.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The witness' name, which its signatures carry: like an address of the
    /// web without the scheme; no spaces, no plus.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The verifier key of a log to watch. May be repeated; several with one
    /// name are keys of one log.
    #[arg(long, value_name = "VKEY", required = true)]
    watch: Vec<String>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Address and port to listen at; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7480")]
    listen: SocketAddr,
    /// Serve http://ADDRESS:PORT/metrics for Prometheus, on loopback and apart
    /// from the rest [default: nowhere].
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,
    /// How to print the line that says it is ready.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    log: LogArgs,
}

/// Runs it.
pub fn run(args: &WitnessArgs) -> Result<Outcome, CliError> {
    args.log.start();
    let logs = logs(&args.watch)?;
    let key = args.passphrase.open(&args.key)?;
    let signer = Signer::new(&args.name, key)
        .map_err(|why| CliError::argument(format!("--name {}", args.name), why.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(DISK_THREADS)
        .build()
        .map_err(|why| CliError::System {
            what: "event loop",
            why: why.to_string(),
        })?;
    // Before the directory is made: a start that fails leaves none.
    let listener = runtime.block_on(door::listen(args.listen));
    let listener = listener
        .map_err(|why| CliError::argument(format!("--listen {}", args.listen), why.to_string()))?;
    let pages = args.metrics.map(|at| {
        let listener = runtime.block_on(web::listen(at));
        listener.map_err(|why| CliError::argument(format!("--metrics {at}"), why.to_string()))
    });
    let pages = pages.transpose()?;
    let witness = open(args, signer, logs)?;
    runtime.block_on(serve(args, witness, listener, pages))?;
    tracing::info!("stopped cleanly");
    Ok(Outcome::Done)
}

fn open(args: &WitnessArgs, signer: Signer, logs: Logs) -> Result<Witness<Folder>, CliError> {
    let failed = |why| CliError::data_directory(&args.dir, why);
    let folder = if args.new {
        Folder::create(&args.dir, signer.verifier_key())
    } else {
        Folder::open(&args.dir, signer.verifier_key())
    };
    let clock = Box::new(|| u64::try_from(SystemClock.now_ms() / 1000).unwrap_or_default());
    Witness::open(signer, logs, folder.map_err(failed)?, clock).map_err(failed)
}

fn logs(watched: &[String]) -> Result<Logs, CliError> {
    let mut keys = Vec::new();
    for text in watched {
        let key = VerifierKey::parse(text)
            .map_err(|why| CliError::argument(format!("--watch {text}"), why.to_string()))?;
        keys.push(key);
    }
    Logs::new(keys).map_err(|why| CliError::argument("--watch", why.to_string()))
}

/// What is scraped.
struct Scraped(Arc<Witness<Folder>>, Counts);

impl web::Page for Scraped {
    fn text(&self) -> Result<String, fmt::Error> {
        self.1.page(&self.0)
    }
}

async fn serve(
    args: &WitnessArgs,
    witness: Witness<Folder>,
    listener: TcpListener,
    pages: Option<TcpListener>,
) -> Result<(), CliError> {
    let address = |listener: &TcpListener| {
        let address = listener.local_addr();
        address.map_err(|why: io::Error| CliError::System {
            what: "address",
            why: why.to_string(),
        })
    };
    let metrics = pages.as_ref().map(address).transpose()?;
    let stop = stop_signal()?;
    announce(args.format, &witness, address(&listener)?, metrics)?;
    let (witness, counts) = (Arc::new(witness), Counts::default());
    if let Some(pages) = pages {
        let scraped = Scraped(Arc::clone(&witness), counts.clone());
        tokio::spawn(web::serve(pages, scraped));
    }
    let stop = async {
        stop.await;
        tracing::info!("told to stop");
    };
    door::serve(listener, witness, counts, stop).await;
    Ok(())
}

fn announce(
    format: Format,
    witness: &Witness<Folder>,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
) -> Result<(), CliError> {
    let url = format!("http://{address}");
    let metrics = metrics.map(|at| format!("http://{at}/metrics"));
    let key = witness.verifier_key();
    let sizes = witness.sizes();
    let mut out = Out::new();
    match format {
        Format::Json => {
            let logs: Vec<_> = sizes
                .iter()
                .map(|(origin, size)| json!({ "origin": origin, "size": size }))
                .collect();
            out.json(&json!({
                "address": url,
                "metrics": metrics,
                "name": key.name(),
                "verifierKey": key.to_string(),
                "logs": logs,
            }))
        }
        Format::Table => {
            for (origin, size) in &sizes {
                out.line(&format!("watching 见证 {origin}, cosigned up to {size}"))?;
            }
            let metrics = metrics.map_or_else(String::new, |at| format!(", metrics 指标 at {at}"));
            out.line(&format!("{key} ready 就绪 at {url}{metrics}"))
        }
    }
}
