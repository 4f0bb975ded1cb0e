//! `hazledger verify URL`: the same verification of what a server sends, held
//! against the checkpoint that it serves.

use std::time::{Duration, Instant};

use super::client::block_on;
use super::error::CliError;
use super::kept::KeptFiles;
use super::remote::Remote;
use super::verify::{Resume, progress_bar};
use crate::audit::{Audit, Streamed};
use crate::proof::Expect;

/// Runs it; also tells how long it took.
pub fn run(
    url: &str,
    expect: &Expect,
    kept: &mut KeptFiles,
    chain_only: bool,
    resume: &mut Resume<'_>,
) -> Result<(Audit, Duration), CliError> {
    block_on(async {
        let remote = Remote::connect(url).await?;
        let told = remote.status().await?;
        // First, so that the journal is read at least as far.
        if let Some(note) = remote.checkpoint().await? {
            kept.add_checkpoint(&format!("of {url}"), note, true);
        }
        let kept: &KeptFiles = kept;
        let proofs = kept.proofs();
        let started = Instant::now();
        let mut unfit = None;
        if let Some(saved) = resume.saved.take() {
            let position = saved.position().0;
            if proofs.reach_before(position) {
                unfit = Some(format!(
                    "something that was kept is older than record {position}"
                ));
            } else if told.records < position {
                unfit = Some(format!(
                    "the server has {} records, and {position} had been verified: was its \
                     ledger cut, or is it an older copy?",
                    told.records
                ));
            } else {
                let mut streamed = Streamed::resumed(saved, expect, &proofs);
                match read(&remote, &mut streamed).await? {
                    Ok(()) => {
                        let audit = streamed.end(&mut |verifier| resume.save(verifier));
                        return Ok((audit, started.elapsed()));
                    }
                    Err(why) => unfit = Some(why),
                }
            }
        }
        let mut streamed = if chain_only {
            Streamed::heads(expect, &proofs)
        } else {
            Streamed::whole(expect, &proofs)
        };
        if let Err(why) = read(&remote, &mut streamed).await? {
            return Err(CliError::Untrustworthy(why));
        }
        let audit = streamed.end(&mut |verifier| resume.save(verifier));
        Ok((Audit { unfit, ..audit }, started.elapsed()))
    })
}

/// Reads all that the server has, until something is found wrong. An inner
/// error says why a saved position is not one of its journal.
async fn read(
    remote: &Remote,
    streamed: &mut Streamed<'_>,
) -> Result<Result<(), String>, CliError> {
    let bar = progress_bar();
    let mut batches = remote.batches(streamed.from(), true).await?;
    while !streamed.is_broken()
        && let Some(batch) = batches.next().await?
    {
        bar.set_position(batch.end_position());
        if let Err(why) = streamed.batch(batch) {
            return Ok(Err(why));
        }
    }
    bar.finish_and_clear();
    Ok(Ok(()))
}
