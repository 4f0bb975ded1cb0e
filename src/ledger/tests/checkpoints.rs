//! Checkpoints: kept before anybody sees them, whatever happens; never a
//! smaller one, never two roots for one size. Receipts lead to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::{TempDir, tempdir};
use tokio::sync::watch::Receiver;

use super::world::{World, acknowledged, head_of};
use crate::event::signing::SecretKey;
use crate::ledger::checkpoint::{Folder, Place as _};
use crate::ledger::{
    Clock, Hold, Known, Ledger, NoReceipt, NotConfirmed, NotServed, OpenError, Opened, Options,
    SubmitError,
};
use crate::proof::tree::{
    TreeHash, check_consistency, check_inclusion, consistency_path, leaf_hash,
};
use crate::proof::{
    Checkpoint, NoteKeyKind, VerifierKey, cosign, open_checkpoint, sign_checkpoint,
};
use crate::storage::sim::{CrashPolicy, Fault, SimStorage, Step};
use crate::storage::{Storage as _, StorageFile as _};

/// Steps of the place that the work below never reaches.
const MAX_STEPS: u64 = 24;

pub(super) struct Bench {
    pub(super) world: World,
    /// The journal's disk, and the checkpoints'.
    pub(super) journal: SimStorage,
    pub(super) place: SimStorage,
    /// A projection of its own for each opening: the tree is hashed anew.
    stores: TempDir,
    openings: AtomicU64,
}

impl Bench {
    /// A ledger that was created and closed; no checkpoint of it is kept.
    pub(super) async fn new() -> Bench {
        let (journal, store) = (SimStorage::new(), tempdir().unwrap());
        let mut world = World::new(1_000);
        world.start(&journal, store.path()).close().await.unwrap();
        Bench {
            world,
            journal,
            place: SimStorage::new(),
            stores: tempdir().unwrap(),
            openings: AtomicU64::new(0),
        }
    }

    pub(super) fn open(&self) -> Result<(Ledger, Opened), OpenError> {
        self.open_on(&self.journal, &self.place, World::options())
    }

    fn open_on(
        &self,
        journal: &SimStorage,
        place: &SimStorage,
        options: Options,
    ) -> Result<(Ledger, Opened), OpenError> {
        let number = self.openings.fetch_add(1, Ordering::SeqCst);
        let store = self.stores.path().join(number.to_string());
        let clock: Arc<dyn Clock> = Arc::clone(&self.world.clock) as Arc<dyn Clock>;
        let key = self.world.ledger_key.clone();
        Ledger::open_signing(journal.clone(), place.clone(), &store, key, options, clock)
    }

    fn verifier(&self) -> VerifierKey {
        let key = self.world.ledger_key.public().clone();
        VerifierKey::new("test.example", NoteKeyKind::Ed25519, key).unwrap()
    }

    fn opened(&self, note: &str) -> Checkpoint {
        open_checkpoint(note, &self.verifier()).unwrap().0
    }

    /// What was signed last, if anything.
    pub(super) fn signed(&self, ledger: &Ledger) -> Option<Checkpoint> {
        let note = ledger.signed_checkpoint().borrow().clone();
        note.map(|note| self.opened(&note))
    }

    /// Waits for one of so many records. It is served a moment later.
    pub(super) async fn signed_of(&self, ledger: &Ledger, size: u64) -> Checkpoint {
        self.one_of(ledger.signed_checkpoint(), size).await
    }

    /// Waits until one of so many records is served: receipts lead to it.
    async fn served_of(&self, ledger: &Ledger, size: u64) -> Checkpoint {
        self.one_of(ledger.served_checkpoint(), size).await
    }

    async fn one_of(&self, mut notes: Receiver<Option<Arc<str>>>, size: u64) -> Checkpoint {
        let enough = |note: &Option<Arc<str>>| {
            note.as_ref()
                .is_some_and(|note| self.opened(note).size >= size)
        };
        let note = notes.wait_for(enough).await.unwrap().clone().unwrap();
        self.opened(&note)
    }

    /// Records the maker's registration and so many places of it.
    pub(super) async fn grow(&self, ledger: &Ledger, places: &[&str]) {
        let mut statements = vec![self.world.registration()];
        statements.extend(places.iter().map(|place| self.world.another_place(place)));
        for statement in statements {
            acknowledged(ledger.submit(statement).await.unwrap());
        }
    }

    /// Checks a record's receipt as its holder would; returns its checkpoint.
    pub(super) async fn receipt(
        &self,
        ledger: &Ledger,
        position: u64,
    ) -> Result<Checkpoint, NoReceipt> {
        let receipt = ledger.receipt(position).await?;
        let checkpoint = self.opened(&receipt.checkpoint);
        let path: Vec<TreeHash> = receipt
            .path
            .iter()
            .map(|hash| TreeHash::from_slice(hash).unwrap())
            .collect();
        let leaf = leaf_hash(&receipt.head);
        check_inclusion(leaf, position, checkpoint.size, &path, checkpoint.root).unwrap();
        Ok(checkpoint)
    }
}

/// That a later checkpoint goes on from an earlier one.
fn goes_on(ledger: &Ledger, earlier: &Checkpoint, later: &Checkpoint) {
    let tree = ledger.tree();
    let path = consistency_path(&*tree, earlier.size, later.size).unwrap();
    let path = path.expect("never a smaller one");
    check_consistency(earlier.size, earlier.root, later.size, later.root, &path).unwrap();
}

#[tokio::test]
async fn every_record_is_under_a_checkpoint_soon_and_its_receipt_leads_there() {
    let bench = Bench::new().await;
    let (ledger, _) = bench.open().unwrap();
    let first = bench.signed_of(&ledger, 1).await;
    bench.grow(&ledger, &["P1", "P2"]).await;
    // Nobody asks for it.
    let second = bench.served_of(&ledger, 4).await;
    goes_on(&ledger, &first, &second);
    for position in 0..4 {
        let checkpoint = bench.receipt(&ledger, position).await.unwrap();
        assert_eq!(checkpoint, second);
    }
    assert!(matches!(
        ledger.receipt(4).await,
        Err(NoReceipt::PastEnd {
            position: 4,
            as_of: 4
        })
    ));
    let acknowledgement = ledger.record(3).unwrap().unwrap().1;
    let receipt = ledger.receipt(3).await.unwrap();
    assert_eq!(receipt.head, acknowledgement.head);
    assert_ne!(head_of(&acknowledgement).0, leaf_hash(&receipt.head).0);
    // Nothing changed, nothing is signed.
    let count = ledger.status().checkpoints.count;
    ledger.clone().close().await.unwrap();
    assert_eq!(ledger.status().checkpoints.count, count);
    // What is closed still gives out receipts of what was signed.
    bench.receipt(&ledger, 2).await.unwrap();
}

#[tokio::test]
async fn closing_signs_what_was_recorded_last() {
    let bench = Bench::new().await;
    let (ledger, _) = bench.open().unwrap();
    bench.grow(&ledger, &["P1"]).await;
    ledger.close().await.unwrap();
    let (ledger, _) = bench.open().unwrap();
    assert_eq!(bench.signed(&ledger).unwrap().size, 3);
}

/// The power goes in each step of keeping a checkpoint; whatever is left of
/// what was not synced, the next start knows the last that anybody saw.
#[tokio::test]
async fn whatever_was_seen_is_kept() {
    let mut published = 0;
    for step in 0..MAX_STEPS {
        let bench = Bench::new().await;
        bench.place.power_off_at(step);
        let mut seen = None;
        if let Ok((ledger, _)) = bench.open() {
            for place in ["P1", "P2", "P3"] {
                if place == "P1" {
                    bench.grow(&ledger, &[]).await;
                }
                let statement = bench.world.another_place(place);
                // The journal's disk is another: statements are recorded.
                acknowledged(ledger.submit(statement).await.unwrap());
                let receipt = bench.receipt(&ledger, ledger.committed() - 1).await;
                let signed = bench.signed(&ledger);
                assert!(receipt.is_err() || signed.is_some());
                seen = signed;
            }
        }
        published += u64::from(seen.is_some());
        let policies = [
            CrashPolicy::LoseUnsynced,
            CrashPolicy::Subset(step),
            CrashPolicy::TearLastWrite(40),
        ];
        for policy in policies {
            let left = bench.place.crash(policy);
            let (ledger, _) = bench
                .open_on(&bench.journal.restart(), &left, World::options())
                .unwrap_or_else(|error| panic!("step {step}, {policy:?}: {error}"));
            assert_eq!(*ledger.hold().borrow(), None, "step {step}, {policy:?}");
            let next = bench.signed_of(&ledger, ledger.committed()).await;
            if let Some(seen) = &seen {
                goes_on(&ledger, seen, &next);
            }
        }
    }
    assert!(published > 0, "no crash came after a checkpoint");
    assert!(published < MAX_STEPS, "no crash came before a checkpoint");
}

/// A text is the old one or the new one after a crash in any step, and the new
/// one once it is said to be kept.
#[test]
fn a_text_is_replaced_as_a_whole() {
    for step in 0..20 {
        for seed in 0..40 {
            let disk = SimStorage::new();
            let place = Folder(disk.clone());
            place.keep("signed", &[b'a'; 100]).unwrap();
            let before = disk.steps();
            disk.power_off_at(before + step);
            let kept = place.keep("signed", &[b'b'; 90]);
            let policy = match seed {
                0 => CrashPolicy::LoseUnsynced,
                seed => CrashPolicy::Subset(seed),
            };
            let left = Folder(disk.crash(policy)).read("signed").unwrap().unwrap();
            let is_new = left == [b'b'; 90];
            assert!(is_new || left == [b'a'; 100], "step {step}, seed {seed}");
            assert!(is_new || kept.is_err(), "step {step}, seed {seed}: lost");
        }
    }
}

#[tokio::test]
async fn a_journal_with_fewer_records_than_were_signed_is_not_opened() {
    let bench = Bench::new().await;
    let (ledger, _) = bench.open().unwrap();
    bench.grow(&ledger, &["P1"]).await;
    let old = bench.journal.restart();
    for place in ["P2", "P3"] {
        let statement = bench.world.another_place(place);
        acknowledged(ledger.submit(statement).await.unwrap());
    }
    bench.signed_of(&ledger, 5).await;
    ledger.close().await.unwrap();
    let Err(error) = bench.open_on(&old, &bench.place, World::options()) else {
        panic!("an older journal is opened");
    };
    assert!(
        matches!(error, OpenError::SignedLost { have: 3, signed: 5 }),
        "{error}"
    );
    assert!(error.to_string().contains("2 of them"), "{error}");
}

#[tokio::test]
async fn another_journal_than_was_signed_is_found_out_and_nothing_goes_on() {
    let bench = Bench::new().await;
    let other = bench.journal.restart();
    let (ledger, _) = bench.open().unwrap();
    bench.grow(&ledger, &["P1"]).await;
    let signed = bench.signed_of(&ledger, 3).await;
    ledger.close().await.unwrap();
    // As many records, others.
    let (forked, _) = bench
        .open_on(&other, &SimStorage::new(), World::options())
        .unwrap();
    bench.grow(&forked, &["P9", "P8"]).await;
    forked.close().await.unwrap();
    let (ledger, _) = bench
        .open_on(&other, &bench.place, World::options())
        .unwrap();
    let Some(Hold::Forked { size, known, .. }) = ledger.hold().borrow().clone() else {
        panic!("a fork is not found out");
    };
    assert_eq!((size, known), (3, signed.root));
    let status = ledger.status();
    assert!(!status.accepting);
    assert!(
        status
            .paused
            .unwrap()
            .contains("not those that were signed")
    );
    assert!(status.checkpoints.not_signing.contains("not those"));
    let refused = ledger.submit(bench.world.another_place("P7")).await;
    assert!(
        matches!(refused, Err(SubmitError::OnHold(_))),
        "{refused:?}"
    );
    let known = ledger.signed_checkpoint().borrow().clone().unwrap();
    let still = ledger.confirm_complete(Known::Checkpoint(&known));
    assert!(matches!(
        still,
        Err(NotConfirmed::Held(Hold::Forked { .. }))
    ));
    let committed = ledger.committed();
    ledger.close().await.unwrap();
    let (ledger, opened) = bench
        .open_on(&other, &SimStorage::new(), World::options())
        .unwrap();
    assert_eq!(opened.records, committed);
    drop(ledger);
}

#[tokio::test]
async fn what_is_kept_and_no_checkpoint_of_this_ledger_stops_the_start() {
    let bench = Bench::new().await;
    let (ledger, _) = bench.open().unwrap();
    bench.signed_of(&ledger, 1).await;
    ledger.close().await.unwrap();
    let refused = |name: &str, text: &str| {
        let place = SimStorage::new();
        Folder(place.clone())
            .keep("signed", text.as_bytes())
            .unwrap();
        let opened = bench.open_on(&bench.journal, &place, World::options());
        let Err(OpenError::Checkpoint(why)) = opened else {
            panic!("{name}: opened");
        };
        assert!(why.contains("checkpoints/signed"), "{name}: {why}");
    };
    let checkpoint = |origin| Checkpoint::new(origin, 1, leaf_hash(b"")).unwrap();
    let strange = SecretKey::from_seed(&[77; 32]);
    let ours = &bench.world.ledger_key;
    refused("empty", "");
    refused("cut", "test.example\n1\n");
    refused(
        "another key's",
        &sign_checkpoint(&strange, &checkpoint("test.example")).to_string(),
    );
    refused(
        "another ledger's",
        &sign_checkpoint(ours, &checkpoint("other.example")).to_string(),
    );
}

#[tokio::test]
async fn after_a_sync_that_failed_nothing_is_signed_and_everything_is_recorded() {
    let bench = Bench::new().await;
    let (ledger, _) = bench.open().unwrap();
    let first = bench.signed_of(&ledger, 1).await;
    bench.place.fail_at(Step::First("sync"), Fault::Io);
    bench.grow(&ledger, &["P1"]).await;
    let none = ledger.receipt(2).await;
    let Err(NoReceipt::NotSigning(why)) = none else {
        panic!("{none:?}");
    };
    assert!(why.contains("checkpoints/signed"), "{why}");
    // Not after another try either.
    acknowledged(
        ledger
            .submit(bench.world.another_place("P2"))
            .await
            .unwrap(),
    );
    assert!(ledger.receipt(3).await.is_err());
    assert_eq!(bench.signed(&ledger).unwrap(), first);
    assert!(ledger.status().accepting);
    assert!(
        ledger
            .status()
            .checkpoints
            .not_signing
            .contains("start again")
    );
    ledger.close().await.unwrap();
    let (ledger, _) = bench.open().unwrap();
    let next = bench.signed_of(&ledger, 4).await;
    goes_on(&ledger, &first, &next);
}

#[tokio::test]
async fn only_what_came_back_cosigned_is_served_and_never_an_older_one() {
    let bench = Bench::new().await;
    let options = || Options {
        cosigned: true,
        ..World::options()
    };
    let open = || {
        bench
            .open_on(&bench.journal, &bench.place, options())
            .unwrap()
            .0
    };
    let ledger = open();
    let first = bench.signed_of(&ledger, 1).await;
    assert_eq!(*ledger.served_checkpoint().borrow(), None);
    let note = |ledger: &Ledger| ledger.signed_checkpoint().borrow().clone().unwrap();
    let witness = SecretKey::from_seed(&[50; 32]);
    let cosigned = |note: &str| {
        let mut note = open_checkpoint(note, &bench.verifier()).unwrap().1;
        let line = cosign(&witness, "w.example", &note.text, 1_790_000_000);
        note.signatures.push(line);
        note.to_string()
    };
    let old = cosigned(&note(&ledger));
    bench.grow(&ledger, &["P1"]).await;
    bench.signed_of(&ledger, 3).await;
    let new = cosigned(&note(&ledger));
    // Waiting for it while it comes.
    let (receipt, published) = tokio::join!(ledger.receipt(2), async {
        tokio::task::yield_now().await;
        ledger.publish_cosigned(&new)
    });
    published.unwrap();
    assert_eq!(receipt.unwrap().checkpoint, new);
    assert!(matches!(
        ledger.publish_cosigned(&old),
        Err(NotServed::Older { served: 3, got: 1 })
    ));
    let other = Checkpoint::new("test.example", 3, first.root).unwrap();
    let other = sign_checkpoint(&bench.world.ledger_key, &other).to_string();
    assert!(matches!(
        ledger.publish_cosigned(&other),
        Err(NotServed::Root { .. })
    ));
    let beyond = Checkpoint::new("test.example", 9, first.root).unwrap();
    let beyond = sign_checkpoint(&bench.world.ledger_key, &beyond).to_string();
    assert!(ledger.publish_cosigned(&beyond).is_err());
    assert!(ledger.publish_cosigned("nothing").is_err());
    assert_eq!(ledger.served_checkpoint().borrow().as_deref(), Some(&*new));
    ledger.close().await.unwrap();
    let ledger = open();
    assert_eq!(ledger.served_checkpoint().borrow().as_deref(), Some(&*new));
    ledger.close().await.unwrap();
    // Without witnesses more may have been served than they saw.
    let (plain, _) = bench.open().unwrap();
    acknowledged(plain.submit(bench.world.another_place("P2")).await.unwrap());
    plain.close().await.unwrap();
    let ledger = open();
    assert_eq!(*ledger.served_checkpoint().borrow(), None);
    assert!(matches!(
        ledger.publish_cosigned(&new),
        Err(NotServed::Older { served: 4, got: 3 })
    ));
    ledger.publish_cosigned(&cosigned(&note(&ledger))).unwrap();
}

#[tokio::test]
async fn what_was_served_and_was_damaged_since_is_not_served() {
    let bench = Bench::new().await;
    let options = || Options {
        cosigned: true,
        ..World::options()
    };
    let served = |text: &str| {
        let place = bench.place.restart();
        Folder(place.clone())
            .keep("served", text.as_bytes())
            .unwrap();
        let (ledger, _) = bench.open_on(&bench.journal, &place, options()).unwrap();
        let served = ledger.served_checkpoint().borrow().clone();
        (ledger, served)
    };
    let (ledger, _) = bench
        .open_on(&bench.journal, &bench.place, options())
        .unwrap();
    let signed = bench.signed_of(&ledger, 1).await;
    ledger.close().await.unwrap();
    let note = Folder(bench.place.clone()).read("signed").unwrap().unwrap();
    let note = String::from_utf8(note).unwrap();
    let (ledger, text) = served(&note);
    assert_eq!(text.as_deref(), Some(&*note));
    ledger.close().await.unwrap();
    let other = Checkpoint::new("test.example", 1, leaf_hash(b"")).unwrap();
    let by_another = sign_checkpoint(&SecretKey::from_seed(&[77; 32]), &signed);
    let damaged = [
        note.replacen('\n', " \n", 1),
        sign_checkpoint(&bench.world.ledger_key, &other).to_string(),
        by_another.to_string(),
    ];
    for text in damaged {
        let (ledger, served) = served(&text);
        assert_eq!(served, None, "{text}");
        ledger.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_tree_of_another_journal_is_hashed_anew() {
    let bench = Bench::new().await;
    let stores = tempdir().unwrap();
    let open = |journal: &SimStorage, store: &str| {
        let clock: Arc<dyn Clock> = Arc::clone(&bench.world.clock) as Arc<dyn Clock>;
        let (key, options) = (bench.world.ledger_key.clone(), World::options());
        let (place, store) = (SimStorage::new(), stores.path().join(store));
        Ledger::open_signing(journal.clone(), place, &store, key, options, clock).unwrap()
    };
    let other = bench.journal.restart();
    for (journal, store) in [(&bench.journal, "a"), (&other, "b")] {
        let (ledger, _) = open(journal, store);
        bench.grow(&ledger, &["P1"]).await;
        bench.signed_of(&ledger, 3).await;
        ledger.close().await.unwrap();
    }
    let tree = |store: &str| stores.path().join(store).join("tree");
    std::fs::remove_dir_all(tree("b")).unwrap();
    std::fs::rename(tree("a"), tree("b")).unwrap();
    let (ledger, opened) = open(&other, "b");
    assert!(opened.tree_rebuilt.unwrap().contains("other records"));
    bench.receipt(&ledger, 2).await.unwrap();
    ledger.close().await.unwrap();
    let (ledger, opened) = open(&other, "b");
    assert_eq!(opened.tree_rebuilt, None);
    assert_eq!(ledger.tree().size(), 3);
}

#[test]
fn a_text_that_is_too_long_is_not_read() {
    let disk = SimStorage::new();
    let file = disk.create("signed").unwrap();
    file.set_len(1 << 20).unwrap();
    assert!(Folder(disk).read("signed").is_err());
}
