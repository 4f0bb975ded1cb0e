//! The verifier: a whole ledger from its records alone, everything checked
//! and nothing trusted. Chain, parts, commits and every signature; the
//! registry as it stood; what was booked against what was signed; the laws;
//! the state records. Whoever reads the files feeds it, batch by batch.
//!
//! What this is not: it never decides again, so a refusal that should have
//! been given, or a finding that should stand, is not missed here. It reads no
//! files and repairs nothing.
//!
//! | file | what it checks |
//! |---|---|
//! | `opened` | bytes, digests, limits, shape: all that needs no state |
//! | `genesis` | record 0 |
//! | `signers` | keys and leave, by the registry before the record |
//! | `ids` | times, and that no statement stands twice |
//! | `bindings` | changes against the events they come from |
//! | `booked` | that no event is recorded without its effect |
//! | `crossing` | law 5 |
//! | `edges` | what crossed the ledger's edge, and who confirmed it |
//! | `oversight` | what only an authority may put on a subject |
//! | `findings` | who has answered a finding, and what it became |
//! | `marks` | times and names that are kept for a later judgement |
//! | `device` | a device's chain against the headers it comes from |
//! | `content` | law 4 in contained mass |
//! | `rotation` | another key in the place of the ledger's |
//! | `state_record` | the ledger's own word on its state, its clock, the refusals it keeps |
//! | `signatures` | the signatures themselves, on all cores |
//! | `tree` | the tree of RFC 6962 over the heads |
//! | `saved` | a verification put down, to be taken up again |
//! | `chain` | heads and commits only, for whoever asks for no more |

mod bindings;
mod booked;
mod chain;
mod content;
mod crossing;
mod device;
mod edges;
mod findings;
pub(super) mod genesis;
pub(super) mod ids;
mod marks;
pub(super) mod opened;
mod oversight;
mod rotation;
mod saved;
mod signatures;
mod signers;
mod state_record;
mod tree;
mod violation;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use rayon::prelude::*;

use self::bindings::Case;
use self::genesis::Ledger;
use self::ids::SeenIds;
use self::opened::{Opened, OpenedBatch, Stored, Waiting};
use self::signatures::Check;
use self::signers::Keys;
use self::tree::HeadsTree;
use super::commit::read_commit;
use super::ledger_keys::LedgerKeys;
use super::tree::{TreeHash, empty_root};
use crate::custody::registry::LEDGER;
use crate::custody::state::{Known, Looked, State, nowhere};
use crate::event::signing::PublicKey;
use crate::event::{Hash, KeyId};
use crate::pb::{Commit, RefusalsAnchored};

pub use chain::ChainVerifier;
pub(super) use rotation::of as rotation_of;
pub use saved::BadSaved;
pub use violation::{Failure, Violation};

/// What the caller knows of the ledger from elsewhere. Without either, the
/// records are checked against the genesis among them.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// The head hash of record 0.
    pub genesis_hash: Option<Hash>,
    /// The ledger's key that is in force after the last record.
    pub ledger_key: Option<PublicKey>,
    /// Sizes of the tree whose roots will be asked for ([`Verifier::root_at`]):
    /// those of checkpoints to be held against it. Of the last 65,536 records
    /// they are known without.
    pub roots_at: BTreeSet<u64>,
}

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Records, genesis and state records included.
    pub records: u64,
    /// Events in them.
    pub events: u64,
    /// Statements of parties: records but for the ledger's own.
    pub statements: u64,
    /// Findings in them.
    pub findings: u64,
    /// State records.
    pub state_records: u64,
    /// Event bodies and findings that are withheld.
    pub withheld: u64,
    /// Batches, each with its commit.
    pub batches: u64,
    /// Signatures verified, of statements and commits.
    pub signatures: u64,
    /// The head hash of record 0; zeros without records.
    pub genesis_hash: Hash,
    /// The ledger's key that is in force after them; `None` without records.
    pub ledger_key: Option<KeyId>,
    /// All keys that it has had, in order, each with the first position that it
    /// signs for.
    pub ledger_keys: Vec<(u64, KeyId)>,
    /// Hash of the last head.
    pub last_head: Hash,
    /// Root of the tree over all heads (RFC 6962, SHA-256).
    pub tree_root: TreeHash,
    /// When the last record was recorded, Unix milliseconds.
    pub recorded_at_ms: i64,
    /// Digest of the state that the records fold to.
    pub state_digest: Hash,
    /// The ledger's words on the refusals that it keeps, with their positions.
    pub anchors: Vec<(u64, RefusalsAnchored)>,
}

impl Default for Report {
    /// Of no records.
    fn default() -> Report {
        Report {
            records: 0,
            events: 0,
            statements: 0,
            findings: 0,
            state_records: 0,
            withheld: 0,
            batches: 0,
            signatures: 0,
            genesis_hash: Hash::ZERO,
            ledger_key: None,
            ledger_keys: Vec::new(),
            last_head: Hash::ZERO,
            tree_root: empty_root(),
            recorded_at_ms: 0,
            state_digest: Hash::ZERO,
            anchors: Vec::new(),
        }
    }
}

/// A verification under way.
#[derive(Default)]
pub struct Verifier {
    expect: Expect,
    state: State,
    ledger: Option<Ledger>,
    seen: SeenIds,
    keys: Keys,
    waiting: Waiting,
    tree: HeadsTree,
    /// Batches of the turn before, opened and still to be folded.
    opened: Vec<OpenedBatch>,
    /// Signatures of records already folded.
    checks: Vec<Check>,
    report: Report,
}

impl Verifier {
    /// Before record 0.
    pub fn new(expect: Expect) -> Verifier {
        Verifier {
            tree: HeadsTree::new(&expect.roots_at),
            expect,
            ..Verifier::default()
        }
    }

    /// Takes the next batch: its records in order and the body of its commit.
    /// Batches are verified some at a time, so a failure may be one of an
    /// earlier batch; after one, every call answers with it.
    pub fn batch(
        &mut self,
        first_position: u64,
        records: &[Bytes],
        commit: &Bytes,
    ) -> Result<(), Failure> {
        match self.waiting.push(first_position, records, commit)? {
            Some(waiting) => self.turn(&waiting),
            None => Ok(()),
        }
    }

    /// Verifies everything taken so far.
    pub fn flush(&mut self) -> Result<(), Failure> {
        let waiting = self.waiting.rest()?;
        self.turn(&waiting)?;
        while !self.opened.is_empty() || !self.checks.is_empty() {
            self.turn(&[])?;
        }
        Ok(())
    }

    /// The state that the batches verified so far fold to; all of them after
    /// [`Verifier::flush`].
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The ledger's keys, as far as the records say, and its genesis hash; `None`
    /// before record 0 is verified.
    pub fn ledger(&self) -> Option<(&LedgerKeys, Hash)> {
        self.ledger
            .as_ref()
            .map(|ledger| (&ledger.keys, ledger.genesis_hash))
    }

    /// Records verified so far, and the hash of the last head.
    pub fn position(&self) -> (u64, Hash) {
        (self.state.next(), self.state.last_head())
    }

    /// Signatures verified so far, or judged and waiting to be.
    pub fn signatures(&self) -> u64 {
        self.report.signatures
    }

    /// The ledger's name, once record 0 is verified.
    pub fn origin_name(&self) -> Option<&str> {
        self.ledger.as_ref().map(Ledger::origin_name)
    }

    /// The root of the tree at a size: one of [`Expect::roots_at`], or of the
    /// last 65,536 records; of those verified so far, as [`Verifier::state`].
    pub fn root_at(&self, size: u64) -> Option<TreeHash> {
        self.tree.root_at(size)
    }

    /// Asks for the root at a size that is still to come, as
    /// [`Expect::roots_at`] does.
    pub fn want_root(&mut self, size: u64) {
        self.tree.want(size);
    }

    /// Verifies the rest and says what there was.
    pub fn finish(mut self) -> Result<Report, Failure> {
        self.flush()?;
        if let Some(ledger) = &self.ledger {
            ledger.check_key(&self.expect)?;
            ledger.tell(&mut self.report);
        }
        let report = Report {
            records: self.state.next(),
            last_head: self.state.last_head(),
            recorded_at_ms: self.state.recorded_at_ms(),
            state_digest: self.state.digest(),
            tree_root: self.tree.root(),
            ..std::mem::take(&mut self.report)
        };
        // Nobody need wait while a large state is taken apart.
        rayon::spawn(move || drop(self));
        Ok(report)
    }

    /// Three turns at once, so that no core waits for another: this one's
    /// batches are opened and the signatures of the second before it verified on
    /// all cores, beside the fold of the turn before, which takes one.
    fn turn(&mut self, waiting: &[Stored]) -> Result<(), Failure> {
        let checks = std::mem::take(&mut self.checks);
        let before = std::mem::take(&mut self.opened);
        let fold = || before.into_iter().try_for_each(|batch| self.fold(batch));
        let open = || waiting.par_iter().map(opened::open_batch).collect();
        let (folded, (signed, opened)) =
            rayon::join(fold, || rayon::join(|| signatures::verify(checks), open));
        self.opened = opened;
        // Of several failures the earliest: signatures of the turns before,
        // those of the records before the one that does not fold, that one.
        let outcome = signed.and_then(|()| {
            if folded.is_err() {
                signatures::verify(std::mem::take(&mut self.checks))?;
            }
            folded
        });
        self.keep(outcome)
    }

    fn keep(&mut self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        if outcome.is_err() {
            self.opened.clear();
            self.checks.clear();
        }
        self.waiting.keep(outcome)
    }

    fn fold(&mut self, batch: OpenedBatch) -> Result<(), Failure> {
        let first = batch.first_position;
        let last = first.saturating_add(batch.count.saturating_sub(1));
        let whole = |what: Violation| Failure {
            positions: first..=last,
            what,
        };
        if batch.count == 0 {
            return Err(whole(Violation::EmptyBatch));
        }
        let want = self.state.next();
        if first != want {
            return Err(whole(Violation::BatchPosition { got: first, want }));
        }
        for (position, opened) in (first..).zip(batch.records) {
            opened
                .and_then(|opened| {
                    rotation::check_place(&opened.record, position == last)?;
                    self.record(opened)
                })
                .map_err(|what| Failure::at(position, what))?;
        }
        self.commit(batch.signed.map_err(whole)?, batch.count, first, batch.root)
            .map_err(whole)?;
        self.tree.add(&batch.leaves, &batch.subtrees);
        Ok(())
    }

    /// One record, on the state before it.
    fn record(&mut self, opened: Opened) -> Result<(), Violation> {
        let record = &opened.record;
        let mut rotated = None;
        let mut known = Known::default();
        let keys = match &self.ledger {
            None => {
                self.ledger = Some(self.genesis(&opened)?);
                None
            }
            Some(ledger) => {
                let payload = &record.payload;
                ledger.check_origin(payload.origin.as_ref())?;
                ids::check_times(payload, opened.id, record.head.recorded_at_ms)?;
                let before = Looked::at(&self.state);
                let (signers, keys) = signers::judge(
                    &before,
                    &opened,
                    ledger.genesis.root_threshold,
                    &mut self.keys,
                )?;
                state_record::check(&self.state, record, ledger.genesis.state_record_interval)?;
                signers::check_registry(&before, &opened, &signers)?;
                if let Some(e) = rotation::in_record(record) {
                    rotation::check_signers(&before, record, &signers, e)?;
                    let new = rotation::check(&ledger.keys, ledger.genesis_hash, record, e)?;
                    rotated = Some((record.position().saturating_add(1), new));
                }
                let case = Case {
                    before: &before,
                    record,
                    id: opened.id,
                    signers: &signers,
                };
                bindings::check(&case)?;
                marks::check(&case)?;
                device::check(&case)?;
                crossing::check(&case)?;
                edges::check(&case)?;
                oversight::check(&case)?;
                findings::check(&case)?;
                known = before.known();
                Some(keys)
            }
        };
        let folded = self.fold_record(&opened, known);
        if let Some((ledger, (since, key))) = self.ledger.as_mut().zip(rotated) {
            ledger.keys.follow(since, key);
        }
        // Also of a record that breaks a law: a bad signature comes first.
        self.checks
            .extend(keys.map(|keys| Check::statement(opened.record, keys)));
        folded
    }

    fn fold_record(&mut self, opened: &Opened, known: Known) -> Result<(), Violation> {
        let record = &opened.record;
        self.state.apply_known(record, known, &mut nowhere)?;
        content::check(&self.state, record)?;
        booked::check(&self.state, record, opened.id)?;
        self.count(opened)
    }

    fn genesis(&mut self, opened: &Opened) -> Result<Ledger, Violation> {
        let ledger = genesis::check(opened, &self.expect)?;
        self.report.genesis_hash = ledger.genesis_hash;
        Ok(ledger)
    }

    /// Notes a record that has been folded; refuses one that had been before.
    fn count(&mut self, opened: &Opened) -> Result<(), Violation> {
        let record = &opened.record;
        let party = &record.payload.party;
        if !self
            .seen
            .insert(party, opened.id, record.head.recorded_at_ms)
        {
            return Err(Violation::Repeated {
                party: party.clone(),
                id: opened.id,
            });
        }
        let report = &mut self.report;
        let add = |to: &mut u64, n: usize| *to = to.saturating_add(n as u64);
        let own = party == LEDGER;
        add(
            &mut report.state_records,
            usize::from(own && state_record::is_one(record)),
        );
        if let Some(word) = state_record::anchor_in(record) {
            report.anchors.push((record.position(), word.clone()));
        }
        add(&mut report.statements, usize::from(!own));
        add(&mut report.events, record.events.len());
        add(&mut report.findings, record.findings.len());
        add(&mut report.signatures, record.head.signatures.len());
        let withheld = record.events.iter().filter(|e| e.is_none()).count()
            + record.findings.iter().filter(|f| f.is_none()).count();
        add(&mut report.withheld, withheld);
        Ok(())
    }

    /// The commit of a batch whose records have been folded.
    fn commit(
        &mut self,
        signed: crate::pb::SignedCommit,
        count: u64,
        first: u64,
        root: Hash,
    ) -> Result<(), Violation> {
        let Some(ledger) = &self.ledger else {
            return Err(Violation::EmptyBatch);
        };
        let commit = read_commit(ledger.genesis_hash, &signed)?;
        commit_of(&commit, first, count, root, self.state.last_head())?;
        let last = first.saturating_add(count.saturating_sub(1));
        let key = Arc::clone(ledger.keys.of_record(first));
        self.checks.push(Check::commit(first..=last, signed, key));
        self.report.batches = self.report.batches.saturating_add(1);
        self.report.signatures = self.report.signatures.saturating_add(1);
        Ok(())
    }
}

/// Whether a commit says what its batch is.
fn commit_of(
    commit: &Commit,
    first: u64,
    count: u64,
    root: Hash,
    last_head: Hash,
) -> Result<(), Violation> {
    if commit.first_position != first || commit.count != count {
        let (first, count) = (commit.first_position, commit.count);
        return Err(Violation::CommitPositions { first, count });
    }
    let hash = |bytes: &Bytes| Hash::from_slice(bytes).unwrap_or_default();
    let got = hash(&commit.batch_root);
    if got != root {
        return Err(Violation::CommitRoot { got, want: root });
    }
    let (got, want) = (hash(&commit.last_head_hash), last_head);
    if got != want {
        return Err(Violation::CommitLastHead { got, want });
    }
    Ok(())
}
