//! What `hazledger serve` does for whoever does not trust it: the door to the
//! tiles, and the comparison with a checkpoint that somebody else kept.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tokio::net::TcpListener;

use super::error::CliError;
use crate::ledger::{Confirmed, Hold, Known, Ledger, NotConfirmed};
use crate::proof::MAX_NOTE;
use crate::web;

/// How far behind the port of `--listen` that of the tiles is, if it is not
/// given. The one in between is what this manual's examples give `--metrics`.
const PORTS_ON: u16 = 2;

/// Options of `hazledger serve`.
#[derive(Debug, Args)]
pub struct CheckpointArgs {
    /// Serve the checkpoint and the tree's tiles (C2SP tlog-tiles) at
    /// http://ADDRESS:PORT/ [default: two ports after --listen's; a free one
    /// if that is 0].
    #[arg(long, value_name = "ADDRESS:PORT")]
    tiles: Option<SocketAddr>,
    /// Serve the records' heads among the tiles as well: whoever reads them
    /// sees who records how much, and when, but no event.
    #[arg(long)]
    pub serve_entries: bool,
    /// The newest checkpoint of this ledger that anybody kept: compared with
    /// what is there. It ends the wait of a restored ledger if nothing under it
    /// is lost; what came after it, it knows nothing of.
    #[arg(long, value_name = "FILE")]
    known_checkpoint: Option<PathBuf>,
}

impl CheckpointArgs {
    /// The socket for the tiles.
    pub async fn listen(&self, door: SocketAddr) -> Result<TcpListener, CliError> {
        let at = self.tiles.unwrap_or_else(|| beside(door));
        let listener = web::listen(at).await;
        listener.map_err(|error| {
            let argument = format!("--tiles {at}");
            if self.tiles.is_some() {
                return CliError::argument(argument, error.to_string());
            }
            let why = format!("{error} If so, give the tiles another port with --tiles");
            CliError::argument(format!("{argument} (the default)"), why)
        })
    }

    /// Reads the known checkpoint, if one is given.
    pub fn known(&self) -> Result<Option<String>, CliError> {
        let Some(path) = &self.known_checkpoint else {
            return Ok(None);
        };
        let read = CliError::file("read", path);
        let length = fs::metadata(path).map_err(read)?.len();
        if usize::try_from(length).is_ok_and(|length| length <= MAX_NOTE) {
            let text = fs::read_to_string(path);
            return text.map(Some).map_err(CliError::file("read", path));
        }
        let argument = format!("--known-checkpoint {}", path.display());
        let why = format!("{length} bytes; a checkpoint has at most {MAX_NOTE}");
        Err(CliError::argument(argument, why))
    }

    /// Compares the ledger with it, and says what came of that. A ledger that
    /// lacks something is served all the same, for reading.
    pub fn compare(&self, ledger: &Ledger, known: Option<&str>) -> Result<(), CliError> {
        if let Some(known) = known {
            match ledger.confirm_complete(Known::Checkpoint(known)) {
                Ok(confirmed) => tell(&confirmed),
                // The log says what is wrong, below.
                Err(NotConfirmed::Held(_)) => {}
                Err(error) => {
                    let path = self
                        .known_checkpoint
                        .as_deref()
                        .unwrap_or_else(|| "".as_ref());
                    let argument = format!("--known-checkpoint {}", path.display());
                    return Err(CliError::argument(argument, error.to_string()));
                }
            }
        }
        Ok(())
    }
}

fn tell(confirmed: &Confirmed) {
    let Confirmed {
        known,
        have,
        ended_wait,
    } = *confirmed;
    if ended_wait {
        tracing::warn!(
            "accepting again 恢复入账: none of the {known} records under the known checkpoint is \
             lost; {have} are there. Were there a newer checkpoint, only it could show that \
             nothing after record {known} is lost"
        );
    } else {
        tracing::info!("none of the {known} records under the known checkpoint is lost");
    }
}

/// Two ports on, at the same address.
fn beside(door: SocketAddr) -> SocketAddr {
    let port = match door.port() {
        0 => None,
        port => port.checked_add(PORTS_ON),
    };
    SocketAddr::new(door.ip(), port.unwrap_or(0))
}

/// That nothing is accepted before somebody has seen to it, and that it is
/// again.
pub async fn tell_hold(mut hold: tokio::sync::watch::Receiver<Option<Hold>>) {
    let mut was = false;
    loop {
        let now = hold.borrow_and_update().clone();
        match &now {
            Some(hold) => tracing::error!("NOT ACCEPTING 暂停入账: {hold}"),
            None if was => {
                tracing::info!("accepting again 恢复入账: nothing that is known of is lost");
            }
            None => {}
        }
        was = now.is_some();
        if hold.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn the_tiles_are_two_ports_on_or_at_any_free_one() {
        for (door, tiles) in [
            ("127.0.0.1:7474", "127.0.0.1:7476"),
            ("[::1]:80", "[::1]:82"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.0.0.1:65534", "127.0.0.1:0"),
        ] {
            assert_eq!(beside(door.parse().unwrap()), tiles.parse().unwrap());
        }
    }
}
