//! A ledger that was restored from a backup accepts and signs nothing before
//! somebody has shown that nothing is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::checkpoints::Bench;
use super::world::acknowledged;
use crate::ledger::checkpoint::{Folder, Place as _};
use crate::ledger::{Answer, Hold, Known, Ledger, NoReceipt, NotConfirmed, SubmitError};
use crate::storage::sim::{Fault, SimStorage, Step};

/// A ledger of four records as a backup of it with three has it, and the
/// checkpoints that were signed of it.
async fn restored() -> (Bench, Ledger, [String; 2], Answer) {
    let mut bench = Bench::new().await;
    let (ledger, _) = bench.open().unwrap();
    bench.grow(&ledger, &[]).await;
    let statement = bench.world.another_place("P1");
    acknowledged(ledger.submit(statement.clone()).await.unwrap());
    bench.signed_of(&ledger, 3).await;
    let note = |ledger: &Ledger| {
        ledger
            .signed_checkpoint()
            .borrow()
            .clone()
            .unwrap()
            .to_string()
    };
    let three = note(&ledger);
    let backup = bench.journal.restart();
    acknowledged(
        ledger
            .submit(bench.world.another_place("P2"))
            .await
            .unwrap(),
    );
    bench.signed_of(&ledger, 4).await;
    let four = note(&ledger);
    ledger.close().await.unwrap();
    bench.journal = backup;
    bench.place = SimStorage::new();
    Folder(bench.place.clone()).keep("RESTORED", b"").unwrap();
    let (ledger, _) = bench.open().unwrap();
    let again = ledger.submit(statement).await.unwrap();
    (bench, ledger, [three, four], again)
}

#[tokio::test]
async fn a_restored_ledger_waits_for_somebody_to_show_that_nothing_is_lost() {
    let (bench, ledger, [three, four], again) = restored().await;
    // What is recorded has its answer as ever.
    assert!(matches!(again, Answer::Acknowledged { repeated: true, .. }));
    let refused = ledger.submit(bench.world.another_place("P3")).await;
    assert!(
        matches!(refused, Err(SubmitError::OnHold(Hold::Restored))),
        "{refused:?}"
    );
    assert!(
        ledger
            .status()
            .paused
            .unwrap()
            .contains("--known-checkpoint")
    );
    assert!(matches!(
        ledger.receipt(1).await,
        Err(NoReceipt::NotSigning(_))
    ));
    assert!(matches!(
        ledger.confirm_complete(Known::Checkpoint("test.example\n3\n\n")),
        Err(NotConfirmed::NotOurs(_))
    ));
    assert!(!ledger.status().accepting);
    // It stays so over a restart.
    ledger.close().await.unwrap();
    let (ledger, opened) = bench.open().unwrap();
    assert_eq!((opened.records, bench.signed(&ledger)), (3, None));
    let confirmed = ledger.confirm_complete(Known::Checkpoint(&three)).unwrap();
    assert!(confirmed.ended_wait);
    assert_eq!((confirmed.known, confirmed.have), (3, 3));
    assert!(ledger.status().accepting);
    acknowledged(
        ledger
            .submit(bench.world.another_place("P4"))
            .await
            .unwrap(),
    );
    bench.receipt(&ledger, 3).await.unwrap();
    // The newest there was would have told, and still does.
    let told = ledger.confirm_complete(Known::Checkpoint(&four));
    assert!(
        matches!(told, Err(NotConfirmed::Held(Hold::Forked { size: 4, .. }))),
        "{told:?}"
    );
    assert!(!ledger.status().accepting);
    ledger.close().await.unwrap();
    let (ledger, _) = bench.open().unwrap();
    assert_eq!(*ledger.hold().borrow(), None, "the mark is gone");
}

#[tokio::test]
async fn a_restored_ledger_that_lacks_records_says_how_many_and_stays_closed() {
    let (bench, ledger, [_, four], _) = restored().await;
    let lost = ledger.confirm_complete(Known::Checkpoint(&four));
    let Err(NotConfirmed::Held(hold @ Hold::Lost { known: 4, have: 3 })) = lost else {
        panic!("{lost:?}");
    };
    assert!(hold.to_string().starts_with("1 of its records are lost"));
    let refused = ledger.submit(bench.world.another_place("P3")).await;
    assert!(matches!(
        refused,
        Err(SubmitError::OnHold(Hold::Lost { .. }))
    ));
    let by_witness = Known::Witnessed {
        size: 3,
        root: None,
    };
    assert!(ledger.confirm_complete(by_witness).is_err());
    ledger.close().await.unwrap();
    let (ledger, _) = bench.open().unwrap();
    let unknown = Known::Witnessed {
        size: 4,
        root: None,
    };
    assert!(ledger.confirm_complete(unknown).is_err());
    ledger.close().await.unwrap();
    let (ledger, _) = bench.open().unwrap();
    let confirmed = ledger.confirm_complete(by_witness).unwrap();
    assert!(confirmed.ended_wait);
}

#[tokio::test]
async fn a_mark_that_cannot_be_removed_keeps_the_ledger_waiting() {
    let (bench, ledger, [three, _], _) = restored().await;
    bench.place.fail_at(Step::First("sync"), Fault::Io);
    let failed = ledger.confirm_complete(Known::Checkpoint(&three));
    assert!(matches!(failed, Err(NotConfirmed::Mark(_))), "{failed:?}");
    assert!(!ledger.status().accepting);
    assert!(
        ledger
            .confirm_complete(Known::Checkpoint(&three))
            .unwrap()
            .ended_wait
    );
}

/// Somebody finds that records are lost while somebody else, who knows of fewer,
/// has found that none are and is removing the mark.
#[tokio::test]
async fn what_is_found_lost_meanwhile_stays_found() {
    let (bench, ledger, [three, _], _) = restored().await;
    let (other, begun) = (ledger.clone(), AtomicBool::new(false));
    let (sender, found) = mpsc::sync_channel(1);
    bench.place.on_each_step(move |_| {
        if begun.swap(true, Ordering::SeqCst) {
            return;
        }
        let (other, sender) = (other.clone(), sender.clone());
        let (told, heard) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let known = Known::Witnessed {
                size: 99,
                root: None,
            };
            let lost = other.confirm_complete(known).is_err();
            // Nobody listens if it had to wait for the other.
            let _ = told.send(());
            sender.send(lost)
        });
        // If nothing holds it up, it is through before the mark has gone.
        let _ = heard.recv_timeout(Duration::from_millis(200));
    });
    ledger.confirm_complete(Known::Checkpoint(&three)).unwrap();
    assert!(found.recv().unwrap());
    let hold = ledger.hold().borrow().clone();
    assert!(
        matches!(hold, Some(Hold::Lost { known: 99, .. })),
        "{hold:?}"
    );
    assert!(!ledger.status().accepting);
}
