//! Kept refusals: which are, what is counted, what is anchored, what a restart
//! goes on from, and what is let go.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tempfile::{TempDir, tempdir};

use super::world::{DAY_MS, START_MS, World, acknowledged, refused};
use crate::custody::registry::LEDGER;
use crate::custody::subject::{self, Item, Items as _};
use crate::event::{Hash, LotId, Statement};
use crate::ledger::{Clock, Keeping, Ledger, Opened, Options};
use crate::pb::{
    ListRefusalsRequest, ListedRefusal, RefusalCode, RefusalsAnchored, SignedStatement,
};
use crate::proof::{Expect, KeptChain, Verifier, check_refusal};
use crate::storage::sim::SimStorage;

/// Where whoever sends what does not verify is.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// A ledger that keeps its refusals on a disk of their own.
struct Bench {
    world: World,
    storage: SimStorage,
    refusals: SimStorage,
    store: TempDir,
    keeping: Keeping,
}

fn keeping() -> Keeping {
    Keeping {
        anchor_every: 4,
        anchor_within: Duration::from_hours(1),
        write_every: Duration::from_millis(1),
        segment_bytes: 4 * 1024,
        ..Keeping::default()
    }
}

impl Bench {
    /// Open, its maker registered.
    async fn start(keeping: Keeping) -> (Bench, Ledger) {
        let mut bench = Bench {
            world: World::new(8),
            storage: SimStorage::new(),
            refusals: SimStorage::new(),
            store: tempdir().unwrap(),
            keeping,
        };
        let founded = bench.world.start(&bench.storage, bench.store.path());
        founded.close().await.unwrap();
        let (ledger, opened) = bench.open();
        assert_eq!(opened.refusals, None);
        acknowledged(ledger.submit(bench.world.registration()).await.unwrap());
        (bench, ledger)
    }

    fn open(&self) -> (Ledger, Opened) {
        let options = Options {
            refusals: self.keeping,
            ..World::options()
        };
        let clock: Arc<dyn Clock> = Arc::clone(&self.world.clock) as Arc<dyn Clock>;
        let (storage, refusals) = (self.storage.clone(), self.refusals.clone());
        let key = self.world.ledger_key.clone();
        Ledger::open_keeping(storage, refusals, self.store.path(), key, options, clock).unwrap()
    }

    /// A statement that is refused: there is no such lot.
    fn wrong(&self) -> SignedStatement {
        self.world.made(vec![World::used(LotId([9; 16]), 5)])
    }

    async fn refuse(&self, ledger: &Ledger, times: usize) {
        for _ in 0..times {
            let refusal = refused(ledger.submit(self.wrong()).await.unwrap());
            assert_eq!(refusal.code(), RefusalCode::UnknownLot);
        }
    }

    fn pass(&self, ms: i64) {
        self.world.clock.0.fetch_add(ms, Ordering::SeqCst);
    }
}

fn all(ledger: &Ledger) -> Vec<ListedRefusal> {
    let mut request = ListRefusalsRequest::default();
    let mut found = Vec::new();
    loop {
        // A small page, so that there are several.
        let page = ledger.refusals(&request, 3).unwrap();
        found.extend(page.refusals);
        request.from = page.next;
        if page.next == 0 {
            return found;
        }
    }
}

/// Waits until something is so; what is refused is written a moment later.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..5_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("never {what}");
}

async fn kept(ledger: &Ledger, count: u64) {
    until("kept", || ledger.refusal_counts().kept == count).await;
}

/// What the committed state has as the ledger's last word.
fn anchored(ledger: &Ledger) -> Option<RefusalsAnchored> {
    ledger.read(|state| match state.get(&subject::ledger()).as_deref() {
        Some(Item::Ledger(ledger)) => ledger.refusals.clone(),
        _ => None,
    })
}

async fn anchored_count(ledger: &Ledger, count: u64) -> RefusalsAnchored {
    let is = || anchored(ledger).is_some_and(|word| word.count >= count);
    until("anchored", is).await;
    anchored(ledger).unwrap()
}

/// Checks that they chain from the first that is kept and are signed.
fn chain_of(bench: &Bench, listed: &[ListedRefusal], mut chain: KeptChain) -> KeptChain {
    for listed in listed {
        let (key, genesis) = (bench.world.ledger_key.public(), bench.world.genesis_hash);
        chain.next(key, genesis, &listed.kept).unwrap();
        assert_eq!(listed.hash.as_ref(), chain.hash.0);
    }
    chain
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_refusal_is_kept_as_it_was_answered_and_anchored_in_the_journal() {
    let (bench, ledger) = Bench::start(keeping()).await;
    let wrong = bench.wrong();
    let statement = Statement::open(wrong.clone()).unwrap();
    let answer = refused(ledger.submit(wrong).await.unwrap());
    kept(&ledger, 1).await;
    let [listed] = all(&ledger).try_into().unwrap();
    let refusal = listed.refusal.unwrap();
    assert_eq!(refusal.party, bench.world.maker_party);
    assert_eq!(refusal.key_id, statement.payload.key_id);
    assert_eq!(refusal.statement_id, statement.payload.id);
    let signed = refusal.refusal.unwrap();
    assert_eq!(
        (&signed.refusal, &signed.signature, &signed.field),
        (&answer.refusal, &answer.signature, &answer.field)
    );
    let (key, genesis) = (bench.world.ledger_key.public(), bench.world.genesis_hash);
    let checked = check_refusal(key, genesis, &signed).unwrap();
    assert_eq!((checked.at_ms, checked.judged_at), (START_MS, 2));

    // Not yet anchored: it is one, and no time has passed.
    assert_eq!(anchored(&ledger), None);
    bench.refuse(&ledger, 3).await;
    let word = anchored_count(&ledger, 4).await;
    let chain = chain_of(&bench, &all(&ledger), KeptChain::default());
    assert_eq!((word.count, word.hash.as_ref()), (4, &chain.hash.0[..]));
    assert_eq!((word.since_ms, word.not_kept), (START_MS, 0));
    // One more, and the time that it may wait.
    bench.refuse(&ledger, 1).await;
    kept(&ledger, 5).await;
    bench.pass(3_600_000);
    assert_eq!(anchored_count(&ledger, 5).await.count, 5);

    // By party, code and time; a dry run leaves nothing.
    ledger.dry_run(bench.wrong(), 0).await.unwrap();
    bench.refuse(&ledger, 1).await;
    kept(&ledger, 6).await;
    let count = |request: ListRefusalsRequest| {
        let page = ledger.refusals(&request, 100).unwrap();
        page.refusals.len()
    };
    let none = ListRefusalsRequest::default();
    let codes = vec![RefusalCode::OfferClosed.into()];
    let party = bench.world.authority_party.clone();
    assert_eq!(count(none.clone()), 6);
    assert_eq!(
        count(ListRefusalsRequest {
            party,
            ..none.clone()
        }),
        0
    );
    assert_eq!(
        count(ListRefusalsRequest {
            codes,
            ..none.clone()
        }),
        0
    );
    let since_ms = START_MS + 1;
    assert_eq!(
        count(ListRefusalsRequest {
            since_ms,
            ..none.clone()
        }),
        1
    );
    assert_eq!(
        count(ListRefusalsRequest {
            until_ms: since_ms,
            ..none
        }),
        5
    );
    ledger.close().await.unwrap();
    verified(&bench);
}

/// The whole journal, as a verifier sees it.
fn verified(bench: &Bench) {
    let options = World::options().journal;
    let restarted = bench.storage.restart();
    let (journal, _) = crate::journal::Journal::open(restarted, None, 0, options).unwrap();
    let mut verifier = Verifier::new(Expect::default());
    for batch in journal.reader().batches(0) {
        let batch = batch.unwrap();
        verifier
            .batch(batch.first_position, &batch.records, &batch.commit)
            .unwrap();
    }
    let report = verifier.finish().unwrap();
    assert!(!report.anchors.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_statement_is_counted_against_its_address_and_leaves_the_party_clean() {
    let (bench, ledger) = Bench::start(keeping()).await;
    for _ in 0..5 {
        let mut forged = bench.wrong();
        let mut signature = forged.signatures[0].signature.to_vec();
        signature[0] ^= 1;
        forged.signatures[0].signature = signature.into();
        let pending = ledger.enqueue_from(forged, Some(ELSEWHERE)).unwrap();
        let answer = refused(pending.await.unwrap());
        assert_eq!(answer.code(), RefusalCode::BadSignature);
        assert!(answer.signature.is_none());
    }
    // A key that nobody knows, in the maker's name.
    let unknown = bench.world.draft(&bench.world.maker_party, Vec::new());
    let stranger = crate::event::signing::SecretKey::from_seed(&[66; 32]);
    let mut draft = unknown;
    draft.events = Statement::open(bench.wrong()).unwrap().events;
    let pending = ledger.enqueue_from(draft.sign(&stranger, &[]), Some(ELSEWHERE));
    let answer = refused(pending.unwrap().await.unwrap());
    assert_eq!(answer.code(), RefusalCode::UnknownKey);
    // What its own key has signed is its own.
    bench.refuse(&ledger, 1).await;
    kept(&ledger, 1).await;
    let listed = all(&ledger);
    assert_eq!(listed.len(), 1);
    let refusal = listed[0].refusal.as_ref().unwrap();
    assert_eq!(
        refusal.refusal.as_ref().unwrap().code(),
        RefusalCode::UnknownLot
    );
    assert_eq!((refusal.unverified, refusal.not_kept), (6, 0));
    let counts = ledger.refusal_counts();
    assert_eq!((counts.unverified, counts.other_addresses), (6, 0));
    let [from] = counts.addresses.try_into().unwrap();
    assert_eq!(from.address, ELSEWHERE.to_string());
    assert_eq!((from.unverified, from.bad_signatures), (6, 5));
    ledger.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_with_the_chain_and_with_the_days_allowance() {
    let keeping = Keeping {
        party_a_day: 7,
        ..keeping()
    };
    let (bench, ledger) = Bench::start(keeping).await;
    bench.refuse(&ledger, 5).await;
    anchored_count(&ledger, 4).await;
    kept(&ledger, 5).await;
    ledger.close().await.unwrap();
    let (ledger, opened) = bench.open();
    assert_eq!(opened.refusals, None);
    assert_eq!(ledger.refusal_counts().kept, 5);
    // Two more of today; the rest is counted.
    bench.refuse(&ledger, 4).await;
    kept(&ledger, 7).await;
    assert_eq!(ledger.refusal_counts().not_kept, 2);
    // Killed, the day after.
    drop(ledger);
    bench.pass(DAY_MS);
    let (ledger, _) = bench.open();
    bench.refuse(&ledger, 1).await;
    kept(&ledger, 8).await;
    let listed = all(&ledger);
    let numbers: Vec<u64> = listed
        .iter()
        .map(|l| l.refusal.as_ref().unwrap().number)
        .collect();
    assert_eq!(numbers, (0..8).collect::<Vec<u64>>());
    let chain = chain_of(&bench, &listed, KeptChain::default());
    bench.pass(3_600_000);
    let word = anchored_count(&ledger, 8).await;
    assert_eq!((word.count, word.hash.as_ref()), (8, &chain.hash.0[..]));
    ledger.close().await.unwrap();
    verified(&bench);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_go_whole_once_they_are_anchored_old_and_said_to_go() {
    let keeping = Keeping {
        keep_for: Duration::from_hours(48),
        ..keeping()
    };
    let (bench, ledger) = Bench::start(keeping).await;
    bench.refuse(&ledger, 24).await;
    kept(&ledger, 24).await;
    bench.pass(3_600_000);
    anchored_count(&ledger, 24).await;
    let before = ledger.refusal_counts();
    assert_eq!((before.kept, before.kept_from), (24, 0));
    assert!(crate::journal::segments(&bench.refusals).unwrap().len() > 2);
    // Old, and one more in a later file.
    bench.pass(3 * DAY_MS);
    let first_files = crate::journal::segments(&bench.refusals).unwrap();
    let last = *first_files.last().unwrap();
    until("let go", || ledger.refusal_counts().kept_from == last).await;
    until("gone", || {
        crate::journal::segments(&bench.refusals).unwrap() == [last]
    })
    .await;
    let word = anchored(&ledger).unwrap();
    assert_eq!((word.count, word.kept_from), (24, last));
    let listed = all(&ledger);
    assert_eq!(listed[0].refusal.as_ref().unwrap().number, last);
    // And it goes on, also after a restart.
    ledger.close().await.unwrap();
    let (ledger, opened) = bench.open();
    assert_eq!(opened.refusals, None);
    assert_eq!(ledger.refusal_counts().kept_from, last);
    bench.refuse(&ledger, 1).await;
    kept(&ledger, 25).await;
    ledger.close().await.unwrap();
    verified(&bench);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_what_was_anchored_are_set_aside_and_said_so() {
    let (bench, ledger) = Bench::start(keeping()).await;
    bench.refuse(&ledger, 4).await;
    let word = anchored_count(&ledger, 4).await;
    ledger.close().await.unwrap();
    // A byte of one that is anchored.
    let name = crate::journal::segment_name(0);
    let changed = bench.refusals.corrupt(&name, |bytes| {
        let last = bytes.len() - 300;
        bytes[last] ^= 1;
    });
    assert!(changed);
    let (ledger, opened) = bench.open();
    let told = opened.refusals.unwrap();
    assert!(told.contains("set aside as"), "{told}");
    // The numbers go on from the word.
    bench.refuse(&ledger, 4).await;
    kept(&ledger, 8).await;
    let listed = all(&ledger);
    let first = KeptChain {
        count: word.count,
        hash: Hash::from_slice(&word.hash).unwrap(),
    };
    assert_eq!(chain_of(&bench, &listed, first).count, 8);
    anchored_count(&ledger, 8).await;
    ledger.close().await.unwrap();

    // Gone altogether.
    let bench = Bench {
        refusals: SimStorage::new(),
        ..bench
    };
    let (ledger, opened) = bench.open();
    assert_eq!(
        opened.refusals.as_deref(),
        Some("the kept refusals are gone")
    );
    bench.refuse(&ledger, 1).await;
    kept(&ledger, 9).await;
    ledger.close().await.unwrap();
    verified(&bench);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_of_refusals_that_fails_stops_nothing_else() {
    let (bench, ledger) = Bench::start(keeping()).await;
    bench.refuse(&ledger, 4).await;
    anchored_count(&ledger, 4).await;
    let fault = crate::storage::sim::Fault::Io;
    bench
        .refusals
        .fail_at(crate::storage::sim::Step::First("sync"), fault);
    bench.refuse(&ledger, 3).await;
    until("failed", || ledger.refusal_counts().not_kept > 0).await;
    bench.refuse(&ledger, 2).await;
    acknowledged(
        ledger
            .submit(bench.world.another_place("T7"))
            .await
            .unwrap(),
    );
    // Of the three, some may still wait behind the one that failed.
    let told = || {
        let counts = ledger.refusal_counts();
        counts.kept + counts.not_kept == 9
    };
    until("all counted", told).await;
    let counts = ledger.refusal_counts();
    assert!(counts.failed.contains("sync"), "{}", counts.failed);
    // Those that are not kept are anchored too, as a count.
    bench.pass(3_600_000);
    let word = || anchored(&ledger).is_some_and(|word| word.not_kept > 0);
    until("counted", word).await;
    ledger.close().await.unwrap();
    let (ledger, opened) = bench.open();
    assert_eq!(opened.refusals, None);
    bench.refuse(&ledger, 1).await;
    until("kept again", || ledger.refusal_counts().kept > counts.kept).await;
    ledger.close().await.unwrap();
    verified(&bench);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_word_is_the_ledgers_own_and_stands_alone() {
    let (bench, ledger) = Bench::start(keeping()).await;
    bench.refuse(&ledger, 4).await;
    anchored_count(&ledger, 4).await;
    let own: Vec<_> = (0..ledger.committed())
        .map(|position| ledger.open_record(position).unwrap().unwrap())
        .filter(|record| record.payload.party == LEDGER)
        .collect();
    assert!(own.iter().all(|record| record.events.len() == 1));
    assert!(!own.is_empty());
    ledger.close().await.unwrap();
}
