//! Where the demo's ledger lives: its directory, its key, its server, and the
//! audit of its journal while nobody has it open.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::audit::{Audit, Kept, verify_journal};
use crate::cli::data::{self, LockedJournal};
use crate::cli::error::CliError;
use crate::cli::key_file::{self, KeyFileError};
use crate::event::signing::SecretKey;
use crate::grpc::{self, ServeError};
use crate::ledger::{Ledger, Options, SystemClock};
use crate::proof::Expect;
use crate::sim::World;
use crate::storage::ReadOnlyFolder;

/// The demo ledger's name.
const NAME: &str = "hazledger.example/demo";

/// A directory with a new ledger in it.
pub(super) struct House {
    dir: PathBuf,
    temporary: bool,
    key: SecretKey,
}

/// A server that answers.
pub(super) struct Up {
    pub(super) url: String,
    ledger: Ledger,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), ServeError>>,
}

impl House {
    /// Makes the ledger, with the genesis of the world.
    pub(super) fn build(
        dir: Option<&Path>,
        seed: u64,
        world: &mut World,
    ) -> Result<House, CliError> {
        // A key of the seed: the demo's ledger guards nothing.
        let secret = blake3::derive_key("hazledger v1 key of a demo ledger", &seed.to_be_bytes());
        let key = SecretKey::from_seed(&secret);
        let (dir, temporary) = match dir {
            Some(dir) => (dir.to_owned(), false),
            None => (temporary(), true),
        };
        let house = House {
            dir,
            temporary,
            key,
        };
        let genesis = world.genesis(NAME, &house.key);
        Ledger::create(
            &house.dir,
            genesis,
            &house.key,
            &Options::default(),
            &SystemClock,
        )
        .map_err(|e| house.failed(&e))?;
        let file = data::ledger_key_file(&house.dir, None);
        let at = |problem| KeyFileError {
            path: file.clone(),
            problem,
        };
        key_file::write(&file, &key_file::render(&house.key, None).map_err(at)?)?;
        Ok(house)
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> CliError {
        CliError::data_directory(&self.dir, why)
    }

    /// Its directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the directory goes when the demo ends.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// Opens the ledger. Not to be called in async code.
    pub(super) fn open(&self) -> Result<Ledger, CliError> {
        let clock = Arc::new(SystemClock);
        Ledger::open(&self.dir, self.key.clone(), Options::default(), clock)
            .map(|(ledger, _)| ledger)
            .map_err(|e| self.failed(&e))
    }

    /// Serves it on a free port of this machine only.
    pub(super) async fn serve(&self, ledger: Ledger) -> Result<Up, CliError> {
        let failed = |e: &dyn std::fmt::Display| CliError::System {
            what: "port",
            why: e.to_string(),
        };
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = grpc::listen(any_port).await.map_err(|e| failed(&e))?;
        let url = format!("http://{}", listener.local_addr().map_err(|e| failed(&e))?);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = ledger.clone();
        let server = tokio::spawn(async move {
            // A sender that is gone means the same as a word from it.
            let stopped = async { stopped.await.unwrap_or_default() };
            grpc::serve(serving, listener, stopped).await
        });
        Ok(Up {
            url,
            ledger,
            stop,
            server,
        })
    }

    /// Reads the journal from its first byte to its last.
    pub(super) fn verify(&self, kept: &[Kept]) -> Result<Audit, CliError> {
        let journal = LockedJournal::take(&self.dir)?;
        let ledger_key = Some(self.key.public().clone());
        let expect = Expect {
            ledger_key,
            ..Expect::default()
        };
        Ok(verify_journal(
            &ReadOnlyFolder::new(&journal.folder),
            &expect,
            kept,
            &mut |_| {},
        ))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if self.temporary {
            // Left behind at worst, in a folder for such things.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// A directory that nobody has yet, where such things go.
fn temporary() -> PathBuf {
    let name = format!(
        "hazledger-demo-{}-{}",
        std::process::id(),
        crate::cli::time::now_ms()
    );
    std::env::temp_dir().join(name)
}

impl Up {
    /// Ends the server when every call has its answer, and closes the ledger.
    pub(super) async fn stop(self, house: &House) -> Result<(), CliError> {
        let _ = self.stop.send(());
        let failed = |why: String| CliError::System {
            what: "server",
            why,
        };
        let served = self.server.await;
        self.ledger.close().await.map_err(|e| house.failed(&e))?;
        served
            .map_err(|e| failed(e.to_string()))?
            .map_err(|e| failed(e.to_string()))
    }
}
