//! A ledger's server, as whoever verifies it from far away reads it: what it
//! says of itself, its checkpoint, its journal. Every wait has an end.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tonic::Streaming;

use super::client::{Client, ServerArgs, status_text};
use super::error::CliError;
use crate::audit::sent;
use crate::journal::StoredBatch;
use crate::pb::{GetCheckpointRequest, GetStatusRequest, ReadJournalRequest, ReadJournalResponse};

/// How long an answer, or the next batch that there is, may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Records that a server must send in so long a time of waiting for it, at
/// least: one that trickles is as one that does not answer.
const PACE: u64 = 600;

/// A connection to a server.
pub struct Remote {
    client: Client,
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Records committed.
    pub records: u64,
}

impl Remote {
    /// Connects.
    pub async fn connect(url: &str) -> Result<Remote, CliError> {
        let server = url.to_owned();
        let client = Client::connect(&ServerArgs { server }).await?;
        Ok(Remote { client })
    }

    /// How far it has got.
    pub async fn status(&self) -> Result<Told, CliError> {
        let what = "say who it is (GetStatus)";
        let mut ledger = self.client.ledger();
        let answer = in_time(what, ledger.get_status(GetStatusRequest {})).await?;
        Ok(Told {
            records: answer.into_inner().as_of,
        })
    }

    /// The checkpoint that it serves; `None` if it has none.
    pub async fn checkpoint(&self) -> Result<Option<String>, CliError> {
        let what = "give its checkpoint (GetCheckpoint)";
        let mut ledger = self.client.ledger();
        let answer = in_time(what, ledger.get_checkpoint(GetCheckpointRequest::default())).await?;
        let note = answer.into_inner().checkpoint;
        Ok(Some(note).filter(|note| !note.is_empty()))
    }

    /// Its journal from the batch that holds a position on: what is committed
    /// by now, or also what will be.
    pub async fn batches(&self, from: u64, catch_up_only: bool) -> Result<Batches, CliError> {
        let request = ReadJournalRequest {
            from,
            catch_up_only,
        };
        let mut ledger = self.client.ledger();
        let answer = in_time(READ, ledger.read_journal(request)).await?;
        Ok(Batches {
            stream: answer.into_inner(),
            pace: Pace::default(),
        })
    }
}

const READ: &str = "send its journal (ReadJournal)";

/// Batches as a server sends them.
pub struct Batches {
    stream: Streaming<ReadJournalResponse>,
    pace: Pace,
}

impl Batches {
    /// The next one; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<StoredBatch>, CliError> {
        let began = Instant::now();
        let next = in_time(READ, self.stream.message()).await?;
        let records = next.as_ref().map_or(0, |next| next.records.len() as u64);
        if next.is_some() && !self.pace.keeps_up(began.elapsed(), records) {
            let why = format!(
                "it sent fewer than {PACE} records in {} s and has more",
                PATIENCE.as_secs()
            );
            return Err(CliError::Server { what: READ, why });
        }
        Ok(next.map(|next| sent(next.first_position, next.records, next.commit)))
    }
}

/// How many records came in how long a wait.
#[derive(Debug, Default)]
struct Pace {
    waited: Duration,
    records: u64,
}

impl Pace {
    /// Adds a wait and what it brought; whether that is fast enough.
    fn keeps_up(&mut self, waited: Duration, records: u64) -> bool {
        self.waited = self.waited.saturating_add(waited);
        self.records = self.records.saturating_add(records);
        if self.waited < PATIENCE {
            return true;
        }
        let enough = self.records >= PACE;
        *self = Pace::default();
        enough
    }
}

async fn in_time<T>(
    what: &'static str,
    answer: impl Future<Output = Result<T, tonic::Status>>,
) -> Result<T, CliError> {
    let failed = |why| CliError::Server { what, why };
    match timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|status| failed(status_text(&status))),
        Err(_) => Err(failed(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_trickles_is_too_slow_and_one_that_rests_is_not() {
        let mut pace = Pace::default();
        let second = Duration::from_secs(1);
        let mut waits = (0..60).map(|_| pace.keeps_up(second, 1));
        assert!(waits.by_ref().take(59).all(|keeps_up| keeps_up));
        assert_eq!(waits.next(), Some(false));
        let mut pace = Pace::default();
        assert!((0..600).all(|_| pace.keeps_up(second, 10)));
        assert!(pace.keeps_up(Duration::ZERO, 0));
    }
}
