//! While somebody writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::ground::{Ground, cli};

/// Backups taken under load, at least: each is restored.
const BACKUPS: usize = 8;

#[test]
fn every_backup_taken_under_a_submitting_client_restores_and_verifies() {
    let mut ground = Ground::new(1);
    let ledger = ground.open();
    let (dir, to) = (ground.path("ledger"), ground.path("backup"));
    let folder = ground.folder.path().to_owned();
    let is_over = AtomicBool::new(false);
    let taken = thread::scope(|scope| {
        let backups = scope.spawn(|| {
            let mut taken = Vec::new();
            while taken.len() < BACKUPS || !is_over.load(Ordering::SeqCst) {
                let ran = cli(&["backup", &dir, "--to", &to, "--format", "json"]).exits(0);
                let records = ran.json()["manifest"]["records"].as_u64().unwrap();
                let restored = folder.join(format!("restored-{}", taken.len()));
                let restored = restored.to_str().unwrap();
                cli(&["restore", &to, restored, "--format", "json"]).exits(0);
                let verified = cli(&["verify", restored, "--format", "json"]).exits(0);
                assert_eq!(verified.json()["records"], records);
                taken.push(records);
                if taken.len() == BACKUPS {
                    is_over.store(true, Ordering::SeqCst);
                }
            }
            taken
        });
        while !is_over.load(Ordering::SeqCst) && !backups.is_finished() {
            ground.submit(&ledger, 10);
        }
        backups.join().unwrap()
    });
    assert!(taken.is_sorted(), "{taken:?}");
    assert!(taken.first() < taken.last(), "{taken:?}");
    let committed = ledger.committed();
    // Nothing follows the last batch: nothing says that it is durable.
    let ran = ground.backup("backup", &[]).exits(0).json();
    let records = ran["manifest"]["records"].as_u64().unwrap();
    assert_eq!(records + ran["leftOut"].as_u64().unwrap(), committed);
    ground.close(ledger);
    // The seal says it.
    let ran = ground.backup("backup", &[]).exits(0).json();
    assert_eq!(ran["leftOut"], 0);
    let records = ran["manifest"]["records"].as_u64().unwrap();
    assert!(records >= committed, "{records} of {committed}");
}
