//! The pipeline: nothing leaves before it is committed, what is too much is
//! pushed back, and a log that fails stops the ledger but not its readers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use tempfile::{TempDir, tempdir};

use super::fake::{FakeLog, Fate, Stream, gate};
use super::world::{World, acknowledged, is_unanswered, refused};
use crate::ledger::{CloseError, Ledger, Options, ReadError, SubmitError};
use crate::pb::RefusalCode;
use crate::storage::sim::SimStorage;

struct Held {
    world: World,
    ledger: Ledger,
    /// A commit of so many records stands before the gate.
    entered: Receiver<usize>,
    open: SyncSender<()>,
    _store: TempDir,
}

/// A ledger with genesis and the maker's registration whose commits wait to
/// be let through.
async fn held(fates: Vec<Fate>, options: Options) -> Held {
    let (store, mut world) = (tempdir().unwrap(), World::new(1000));
    let storage = SimStorage::new();
    let first = tempdir().unwrap();
    let ledger = world.start(&storage, first.path());
    ledger.submit(world.registration()).await.unwrap();
    ledger.close().await.unwrap();
    let stream = Stream::of(&storage);
    let mut fates = fates.into_iter();
    let mut log = FakeLog::new(&stream, move || fates.next().unwrap_or(Fate::Honest));
    let (held, entered, open) = gate();
    log.gate = Some(held);
    let clock = Arc::clone(&world.clock);
    let (ledger, _) = Ledger::open_over(
        Box::new(log),
        Arc::new(stream),
        store.path(),
        world.ledger_key.clone(),
        options,
        clock,
    )
    .unwrap();
    Held {
        world,
        ledger,
        entered,
        open,
        _store: store,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_rests_on_an_uncommitted_record_leaves() {
    let Held {
        world,
        ledger,
        entered,
        open,
        _store,
    } = held(Vec::new(), World::options()).await;
    let draft = world.draft(&world.maker_party, vec![World::produced("L1", 1000)]);
    let signed = draft.sign(&world.maker, &[]);
    let lot = super::world::lot_of(&draft);
    let mut made = ledger.enqueue(signed.clone()).unwrap();
    assert_eq!(entered.recv().unwrap(), 1);
    // Decided on the batch that is held: a duplicate, a refusal, and a use.
    let mut duplicate = ledger.enqueue(signed.clone()).unwrap();
    let mut too_much = ledger
        .enqueue(world.made(vec![World::used(lot, 2000)]))
        .unwrap();
    let mut used = ledger
        .enqueue(world.made(vec![World::used(lot, 400)]))
        .unwrap();
    let mut too_much_left = ledger
        .enqueue(world.made(vec![World::used(lot, 700)]))
        .unwrap();
    let mut follower = ledger.follow(2);
    {
        let next = std::pin::pin!(follower.next());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(next.poll(&mut context).is_pending());
    }
    for pending in [
        &mut made,
        &mut duplicate,
        &mut too_much,
        &mut used,
        &mut too_much_left,
    ] {
        assert!(is_unanswered(pending));
    }
    assert_eq!(ledger.committed(), 2);
    assert!(ledger.record(2).unwrap().is_none());
    assert_eq!(ledger.find(&world.maker_party, draft.id).unwrap(), None);
    let dry = ledger
        .dry_run(world.made(vec![World::used(lot, 1)]), 2)
        .await
        .unwrap();
    assert_eq!(dry.refusal.unwrap().code(), RefusalCode::UnknownLot);

    open.send(()).unwrap();
    let (first, repeated) = acknowledged(made.await.unwrap());
    assert!(!repeated);
    assert_eq!(follower.next().await.unwrap().unwrap().position, 2);
    let (again, repeated) = acknowledged(duplicate.await.unwrap());
    assert_eq!((again, repeated), (first, true));
    assert_eq!(
        refused(too_much.await.unwrap()).code(),
        RefusalCode::Insufficient
    );
    // The use is decided while the first batch is in flight, so it is in the
    // next, and so is what was refused because of it.
    assert!(entered.recv().unwrap() >= 1);
    assert!(is_unanswered(&mut used));
    open.send(()).unwrap();
    acknowledged(used.await.unwrap());
    assert_eq!(
        refused(too_much_left.await.unwrap()).code(),
        RefusalCode::Insufficient
    );
    assert_eq!(ledger.committed(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_pushed_back_and_room_comes_with_answers() {
    let options = Options {
        queue_statements: 3,
        ..World::options()
    };
    let Held {
        world,
        ledger,
        entered,
        open,
        _store,
    } = held(Vec::new(), options).await;
    let pending: Vec<_> = (0..3)
        .map(|n| {
            ledger
                .enqueue(world.another_place(&format!("P{n}")))
                .unwrap()
        })
        .collect();
    let late = world.another_place("P3");
    let Err(SubmitError::Overloaded { retry_after_ms }) = ledger.enqueue(late.clone()) else {
        panic!("admitted")
    };
    assert!(retry_after_ms > 0);
    assert_eq!(ledger.status().unanswered, 3);
    let gatekeeper = std::thread::spawn(move || {
        while entered.recv().is_ok() {
            open.send(()).unwrap();
        }
    });
    for answer in pending {
        acknowledged(answer.await.unwrap());
    }
    acknowledged(ledger.submit(late).await.unwrap());
    ledger.close().await.unwrap();
    gatekeeper.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_breaks_stops_the_ledger_and_reads_go_on() {
    let fates = vec![Fate::Honest, Fate::Broken];
    let Held {
        world,
        ledger,
        entered,
        open,
        _store,
    } = held(fates, World::options()).await;
    open.send(()).unwrap();
    acknowledged(ledger.submit(world.another_place("P1")).await.unwrap());
    assert_eq!(entered.recv().unwrap(), 1);
    let lost = ledger.enqueue(world.another_place("P2")).unwrap();
    assert_eq!(entered.recv().unwrap(), 1);
    open.send(()).unwrap();
    let Err(SubmitError::Stopped { why }) = lost.await else {
        panic!("answered")
    };
    assert!(why.contains("the log is broken"), "{why}");
    let next = ledger.submit(world.another_place("P3")).await;
    assert!(matches!(next, Err(SubmitError::Stopped { .. })));
    assert_eq!(ledger.committed(), 3);
    assert!(!ledger.status().accepting);
    assert!(ledger.record(2).unwrap().is_some());
    let mut follower = ledger.follow(2);
    assert_eq!(follower.next().await.unwrap().unwrap().position, 2);
    assert!(matches!(
        follower.next().await,
        Some(Err(ReadError::Stopped { .. }))
    ));
    assert!(matches!(ledger.close().await, Err(CloseError::Stopped(_))));
}
