//! The data directory: what is created, what opens, and what is said of what
//! does not.

use std::fs;
use std::sync::Arc;

use tempfile::tempdir;

use super::world::{World, acknowledged, digest};
use crate::event::signing::SecretKey;
use crate::ledger::{Clock, Ledger, OpenError};

fn open(world: &World, dir: &std::path::Path) -> Result<Ledger, OpenError> {
    let clock: Arc<dyn Clock> = Arc::clone(&world.clock) as Arc<dyn Clock>;
    Ledger::open(dir, world.ledger_key.clone(), World::options(), clock).map(|opened| opened.0)
}

fn create(world: &World, dir: &std::path::Path) -> Result<(), OpenError> {
    Ledger::create(
        dir,
        world.genesis(),
        &world.ledger_key,
        &World::options(),
        &*world.clock,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_lives_in_its_folder() {
    let (dir, mut world) = (tempdir().unwrap(), World::new(4));
    let home = dir.path().join("ledger");
    create(&world, &home).unwrap();
    assert!(matches!(create(&world, &home), Err(OpenError::NotEmpty(_))));
    let ledger = open(&world, &home).unwrap();
    world.meet(&ledger);
    assert!(matches!(open(&world, &home), Err(OpenError::InUse(_))));
    acknowledged(ledger.submit(world.registration()).await.unwrap());
    let before = digest(&ledger);
    // Dropped, not closed: nothing acknowledged is missing.
    drop(ledger);
    let ledger = open(&world, &home).unwrap();
    assert_eq!((ledger.committed(), digest(&ledger)), (2, before));
    ledger.close().await.unwrap();
    let marker = fs::read_to_string(home.join("LEDGER")).unwrap();
    assert!(marker.contains("origin = test.example"), "{marker}");
}

#[test]
fn what_does_not_open_says_why() {
    let (dir, world) = (tempdir().unwrap(), World::new(4));
    let home = dir.path().join("ledger");
    assert!(matches!(open(&world, &home), Err(OpenError::NotALedger(_))));
    fs::create_dir(&home).unwrap();
    assert!(matches!(open(&world, &home), Err(OpenError::NotALedger(_))));
    create(&world, &home).unwrap();

    let stranger = SecretKey::from_seed(&[77; 32]);
    let clock: Arc<dyn Clock> = Arc::clone(&world.clock) as Arc<dyn Clock>;
    let opened = Ledger::open(
        &home,
        stranger.clone(),
        World::options(),
        Arc::clone(&clock),
    );
    assert!(matches!(opened, Err(OpenError::WrongKey { .. })));
    let made = Ledger::create(
        &dir.path().join("other"),
        world.genesis(),
        &stranger,
        &World::options(),
        &*world.clock,
    );
    assert!(matches!(made, Err(OpenError::WrongKey { .. })));
    assert!(!dir.path().join("other").exists(), "nothing is left of it");

    let marker = home.join("LEDGER");
    let text = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, text.replace("version = 1", "version = 2")).unwrap();
    assert!(matches!(
        open(&world, &home),
        Err(OpenError::Version { .. })
    ));
    fs::write(&marker, text.replace("hazledger", "hazelnut")).unwrap();
    assert!(matches!(open(&world, &home), Err(OpenError::Marker { .. })));
    fs::write(&marker, &text[..text.len() - 3]).unwrap();
    assert!(matches!(open(&world, &home), Err(OpenError::Marker { .. })));
    fs::write(&marker, &text).unwrap();
    open(&world, &home).unwrap();
    // Cut short before its last step, a creation does not open.
    fs::remove_file(&marker).unwrap();
    assert!(matches!(open(&world, &home), Err(OpenError::NotALedger(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_behind_its_projection_has_lost_records_and_does_not_open() {
    let (dir, mut world) = (tempdir().unwrap(), World::new(100));
    let home = dir.path().join("ledger");
    create(&world, &home).unwrap();
    let backup = dir.path().join("backup");
    fs::create_dir(&backup).unwrap();
    for entry in fs::read_dir(home.join("journal")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), backup.join(entry.file_name())).unwrap();
    }
    let ledger = open(&world, &home).unwrap();
    world.meet(&ledger);
    acknowledged(ledger.submit(world.registration()).await.unwrap());
    ledger.close().await.unwrap();
    fs::remove_dir_all(home.join("journal")).unwrap();
    fs::rename(&backup, home.join("journal")).unwrap();
    // Its checkpoints tell, and without them its projection.
    let signed = open(&world, &home);
    assert!(matches!(
        signed,
        Err(OpenError::SignedLost { have: 1, signed: 2 })
    ));
    fs::remove_dir_all(home.join("checkpoints")).unwrap();
    let Err(OpenError::Journal(error)) = open(&world, &home) else {
        panic!("opened")
    };
    assert!(
        error.to_string().contains("lost acknowledged records"),
        "{error}"
    );
}
