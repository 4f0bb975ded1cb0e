//! What `hazledger serve` does so that others watch it: the policy that says
//! which witnesses must cosign a checkpoint before it is shown, and the ledger
//! as the asking of them sees it. How they are asked is in `witness`.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use tokio::sync::watch;

use super::authorities;
use super::error::CliError;
use crate::ledger::{Hold, Known, Ledger};
use crate::proof::tree::{TreeHash, consistency_path, root_of};
use crate::proof::{MAX_POLICY, Policy, open_checkpoint};
use crate::witness::authorities::Authorities;
use crate::witness::complete::Restored;
use crate::witness::metrics::Metrics;
use crate::witness::push::{Begin, Log, Plan, Pushing};

/// Options of `hazledger serve`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Witnesses")]
pub struct WitnessPolicyArgs {
    /// Have every checkpoint cosigned before it is shown: this file (C2SP
    /// tlog-policy) says by which witnesses, where they are ('witness NAME VKEY
    /// URL') and how many of which are needed ('group', 'quorum'). With it,
    /// nothing is shown, and no receipt given, while too few of them answer.
    /// A restored ledger asks them whether anything was lost.
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
    /// Believe a witness at an https address if an authority in this file (PEM)
    /// has certified it, and no other: for witnesses whose agency has its own
    /// [default: the public authorities of the web].
    #[arg(long, value_name = "FILE", requires = "witness_policy")]
    witness_ca: Option<PathBuf>,
}

/// The option that names the authorities.
const WITNESS_CA: &str = "--witness-ca";

impl WitnessPolicyArgs {
    /// Whether checkpoints wait for witnesses.
    pub fn given(&self) -> bool {
        self.witness_policy.is_some()
    }

    /// Reads the policy, if one is given.
    pub fn policy(&self) -> Result<Option<Policy>, CliError> {
        let Some(path) = &self.witness_policy else {
            return Ok(None);
        };
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_POLICY as u64 + 1).read_to_string(&mut text))
            .map_err(CliError::file("read", path))?;
        Policy::parse(&text).map(Some).map_err(|why| self.bad(&why))
    }

    /// Who is trusted to say who a witness is.
    pub fn authorities(&self) -> Result<Authorities, CliError> {
        authorities::read(WITNESS_CA, self.witness_ca.as_deref())
    }

    /// What the policy says for this ledger.
    pub fn plan(
        &self,
        policy: Option<Policy>,
        authorities: Authorities,
        ledger: &Ledger,
    ) -> Result<Option<Plan>, CliError> {
        let Some(policy) = policy else {
            return Ok(None);
        };
        let key = ledger.verifier_key().map_err(|why| self.bad(&why))?;
        Plan::new(policy, key, authorities)
            .map(Some)
            .map_err(|why| self.bad(&why))
    }

    /// Begins to ask.
    pub fn start(
        &self,
        plan: Option<Plan>,
        ledger: &Ledger,
        metrics: Metrics,
    ) -> Result<(), CliError> {
        let Some(plan) = plan else {
            return Ok(());
        };
        let names: Vec<&str> = plan.names().collect();
        tracing::info!(
            "checkpoints wait for witnesses 等待见证: {}",
            names.join(", ")
        );
        let begin = Begin {
            restored: restored(ledger),
            served: ledger
                .served_checkpoint()
                .borrow()
                .as_deref()
                .map(str::to_owned),
        };
        let log = Box::new(Asking(ledger.clone()));
        let pushing = Pushing::start(plan, log, metrics, begin).map_err(|why| self.bad(&why))?;
        tokio::spawn(forward(ledger.signed_checkpoint(), pushing));
        Ok(())
    }

    fn bad(&self, why: &dyn std::fmt::Display) -> CliError {
        let path = self.witness_policy.as_deref().unwrap_or("".as_ref());
        CliError::argument(
            format!("--witness-policy {}", path.display()),
            why.to_string(),
        )
    }
}

/// The last checkpoint of a ledger that waits to hear that nothing was lost.
fn restored(ledger: &Ledger) -> Option<Restored> {
    if *ledger.hold().borrow() != Some(Hold::Restored) {
        return None;
    }
    let last = ledger.signed_checkpoint().borrow().clone();
    let restored = last.and_then(|last| Restored::new(&last).ok());
    if restored.is_none() {
        // Nobody can be asked about nothing.
        tracing::error!(
            "the restored directory has no checkpoint that witnesses could be asked about; start \
             with --known-checkpoint FILE"
        );
    }
    restored
}

/// Every checkpoint that is signed goes to the witnesses, for as long as there
/// are any.
async fn forward(mut signed: watch::Receiver<Option<Arc<str>>>, pushing: Pushing) {
    loop {
        let note = signed.borrow_and_update().clone();
        if let Some(note) = note {
            pushing.offer(&note);
        }
        if signed.changed().await.is_err() {
            return;
        }
    }
}

/// The ledger, as who asks sees it.
struct Asking(Ledger);

impl Log for Asking {
    fn consistency(&self, old: u64, new: u64) -> Result<Vec<TreeHash>, String> {
        let path = consistency_path(&*self.0.tree(), old, new).map_err(|why| why.to_string())?;
        path.ok_or_else(|| "the old size is larger".to_owned())
    }

    fn publish(&self, note: &str) -> Result<(), String> {
        self.0.publish_cosigned(note).map_err(|why| why.to_string())
    }

    fn hold_against(&self, note: &str) -> Result<(), String> {
        let (key, tree) = (self.0.verifier_key_of(note)?, self.0.tree());
        let (checkpoint, _) = open_checkpoint(note, &key).map_err(|why| why.to_string())?;
        // That it is here is no word on what else there may be: the wait of a
        // restored ledger goes on.
        if checkpoint.size <= tree.size() {
            let ours = root_of(&*tree, checkpoint.size).map_err(|why| why.to_string())?;
            if ours == checkpoint.root {
                return Ok(());
            }
        }
        let confirmed = self.0.confirm_complete(Known::Checkpoint(note));
        confirmed.map(drop).map_err(|why| why.to_string())
    }

    fn confirm_complete(&self, size: u64) -> Result<(), String> {
        let known = Known::Witnessed { size, root: None };
        let confirmed = self
            .0
            .confirm_complete(known)
            .map_err(|why| why.to_string())?;
        if confirmed.ended_wait {
            tracing::warn!(
                "accepting again 恢复入账: by their witnesses, nothing beyond record {size} was shown \
                 to anybody; {} records are there",
                confirmed.have
            );
        }
        Ok(())
    }

    fn now_s(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        // Before 1970 no cosignature is of now.
        since.map_or(0, |since| since.as_secs())
    }
}
