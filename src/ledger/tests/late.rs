//! Late: a device's statement whose id is older than the index of ids goes
//! back. It is recorded once, and answered from the record ever after.

use std::sync::atomic::Ordering;

use tempfile::tempdir;

use super::world::{DAY_MS, World, acknowledged, event, refused};
use crate::event::Statement;
use crate::event::signing::SecretKey;
use crate::event::statement::{Draft, Header};
use crate::pb::event::Body;
use crate::pb::{DeviceLink, KeyHolder, KeyRegistered, RefusalCode, SignedStatement};
use crate::storage::sim::SimStorage;

/// A device of the maker's and what it has signed.
struct Device {
    key: SecretKey,
    said: Vec<SignedStatement>,
}

impl Device {
    /// The next of its statements, good for a year.
    fn say(&mut self, world: &World, label: &str) -> SignedStatement {
        let draft = world.draft(&world.maker_party, vec![World::produced(label, 5)]);
        let draft = Draft {
            expires_at_ms: draft.happened_at_ms + 365 * DAY_MS,
            ..draft
        };
        let previous = self.said.last().map(|last| {
            let statement = Statement::open(last.clone()).unwrap();
            statement.digest.to_bytes()
        });
        let header = Header {
            device: Some(DeviceLink {
                sequence: self.said.len() as u64 + 1,
                previous: previous.unwrap_or_default(),
            }),
            ..Header::default()
        };
        let signed = draft.sign_with(&header, &self.key, &[]);
        self.said.push(signed.clone());
        signed
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_devices_statement_of_40_days_ago_is_recorded_once() {
    let (store, mut world) = (tempdir().unwrap(), World::new(1000));
    let storage = SimStorage::new();
    let ledger = world.start(&storage, store.path());
    ledger.submit(world.registration()).await.unwrap();
    let mut device = Device {
        key: SecretKey::from_seed(&[77; 32]),
        said: Vec::new(),
    };
    let registered = KeyRegistered {
        holder: KeyHolder::Device.into(),
        ..world.key_registered(&device.key, 9)
    };
    let mut draft = world.draft(&world.authority_party, Vec::new());
    draft.events.push(event(Body::KeyRegistered(registered)));
    acknowledged(
        ledger
            .submit(draft.sign(&world.authority, &[]))
            .await
            .unwrap(),
    );

    let (one, two) = (device.say(&world, "L1"), device.say(&world, "L2"));
    let unnumbered = world.draft(&world.maker_party, vec![World::produced("L3", 5)]);
    acknowledged(ledger.submit(one.clone()).await.unwrap());
    world.clock.0.fetch_add(40 * DAY_MS, Ordering::SeqCst);
    acknowledged(ledger.submit(world.another_place("T8")).await.unwrap());

    let (first, repeated) = acknowledged(ledger.submit(two.clone()).await.unwrap());
    assert!(!repeated);
    // As often as it is sent: at once, after its day has left the index, after
    // a restart.
    for place in ["T5", "T6", "T7"] {
        let (again, repeated) = acknowledged(ledger.submit(two.clone()).await.unwrap());
        assert_eq!((&again, repeated), (&first, true));
        acknowledged(ledger.submit(world.another_place(place)).await.unwrap());
    }
    let (_, repeated) = acknowledged(ledger.submit(one).await.unwrap());
    assert!(repeated);
    let old = Draft {
        expires_at_ms: world.now() + DAY_MS,
        ..unnumbered
    };
    let refusal = refused(ledger.submit(old.sign(&world.maker, &[])).await.unwrap());
    assert_eq!(refusal.code(), RefusalCode::IdTooOld);
    ledger.close().await.unwrap();
    let (ledger, _) = world.open(&storage, store.path());
    let (again, repeated) = acknowledged(ledger.submit(two).await.unwrap());
    assert_eq!((&again, repeated), (&first, true));
    ledger.close().await.unwrap();
}
