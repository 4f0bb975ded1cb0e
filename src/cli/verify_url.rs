//! `hazledger verify URL`: the same verification of what a server sends, held
//! against the checkpoint that it serves.

use std::time::{Duration, Instant};

use super::client::block_on;
use super::error::CliError;
use super::kept::KeptFiles;
use super::remote::Remote;
use super::verify::{Resume, progress_bar};
use crate::audit::{Audit, Before, Streamed};
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
        // First, so that the journal is read at least as far.
        if let Some(note) = remote.checkpoint().await? {
            kept.add_checkpoint(&format!("of {url}"), note, true);
        }
        let told = remote.status().await?;
        let kept: &KeptFiles = kept;
        let proofs = kept.proofs();
        let started = Instant::now();
        let mut unfit = None;
        // The same ledger, and not as it was verified.
        let mut before = None;
        if let Some(saved) = resume.saved.take() {
            let position = saved.position().0;
            let verified = Before::of(&saved);
            if told.records < position {
                unfit = Some(format!(
                    "the server has {} records, and {position} had been verified: was its \
                     ledger cut, or is it an older copy?",
                    told.records
                ));
                before = verified;
            } else if proofs.reach_before(&saved) {
                unfit = Some(format!(
                    "something that was kept is older than record {position}"
                ));
            } else {
                let mut streamed = Streamed::resumed(saved, expect, &proofs);
                match read(&remote, told.records, &mut streamed).await? {
                    Ok(()) => {
                        let audit = streamed.end(&mut |verifier| resume.save(verifier));
                        let took = started.elapsed().saturating_sub(resume.saving);
                        return Ok((audit, took));
                    }
                    Err(why) => (unfit, before) = (Some(why), verified),
                }
            }
        }
        let mut streamed = if chain_only {
            Streamed::heads(expect, &proofs)
        } else {
            Streamed::whole(expect, &proofs)
        };
        if let Err(why) = read(&remote, told.records, &mut streamed).await? {
            return Err(CliError::Untrustworthy(why));
        }
        let mut audit = streamed.end(&mut |verifier| {
            if !before.is_some_and(|before| before.is_of(verifier)) {
                resume.save(verifier);
            }
        });
        let took = started.elapsed().saturating_sub(resume.saving);
        if let Some((before, why)) = before.zip(unfit.as_ref()) {
            before.hold(&mut audit, why);
        }
        Ok((Audit { unfit, ..audit }, took))
    })
}

/// Reads all that the server says it has and no more, so that there is an end,
/// until something is found wrong. An inner error says why a saved position is
/// not one of its journal.
async fn read(
    remote: &Remote,
    has: u64,
    streamed: &mut Streamed<'_>,
) -> Result<Result<(), String>, CliError> {
    let bar = progress_bar();
    let mut batches = remote.batches(streamed.from(), true).await?;
    while !(streamed.is_broken() || streamed.is_linked() && streamed.records() >= has)
        && let Some(batch) = batches.next().await?
    {
        bar.set_position(batch.end_position());
        if let Err(why) = streamed.batch(&batch) {
            return Ok(Err(why));
        }
    }
    bar.finish_and_clear();
    let sent = streamed.records();
    if !streamed.is_broken() && (sent < has || !streamed.is_linked()) {
        let why = format!("it has {has} records, it says, and sends {sent}");
        return Err(CliError::Untrustworthy(why));
    }
    Ok(Ok(()))
}
