//! Answers: acknowledgements, duplicates, refusals, dry runs, and what the
//! state records say.

use std::sync::atomic::Ordering;

use tempfile::tempdir;

use super::world::{
    DAY_MS, World, acknowledged, digest, head_of, is_unanswered, lot_of, records, reference,
    refused,
};
use crate::custody::registry::LEDGER;
use crate::event::record::OpenRecord;
use crate::event::signing::SecretKey;
use crate::pb::event::Body;
use crate::pb::{Corrected, RefusalCode};
use crate::proof::check_refusal;
use crate::storage::sim::SimStorage;

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_acknowledged_recorded_and_found() {
    let (store, mut world) = (tempdir().unwrap(), World::new(1000));
    let ledger = world.start(&SimStorage::new(), store.path());
    ledger.submit(world.registration()).await.unwrap();
    let draft = world.draft(&world.maker_party, vec![World::produced("L1", 1_000_000)]);
    let answer = ledger.submit(draft.sign(&world.maker, &[])).await.unwrap();
    let (acknowledgement, repeated) = acknowledged(answer);
    let position = world.check(&acknowledgement);
    assert!(!repeated);
    assert_eq!(ledger.committed(), position + 1);
    assert_eq!(
        ledger.find(&world.maker_party, draft.id).unwrap(),
        Some(position)
    );
    let (record, again) = ledger.record(position).unwrap().unwrap();
    assert_eq!(
        (record.head, &again),
        (acknowledgement.head.clone(), &acknowledgement)
    );
    assert_eq!(ledger.at_least(position + 1).await.unwrap(), position + 1);
    assert_eq!(ledger.store().position(), position + 1);
    assert!(ledger.record(position + 1).unwrap().is_none());
    ledger.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_statement_gets_its_first_answer_and_other_bytes_are_refused() {
    let (store, mut world) = (tempdir().unwrap(), World::new(1000));
    let storage = SimStorage::new();
    let ledger = world.start(&storage, store.path());
    ledger.submit(world.registration()).await.unwrap();
    let mut draft = world.draft(&world.maker_party, vec![World::produced("L1", 5)]);
    let signed = draft.sign(&world.maker, &[]);
    let (first, _) = acknowledged(ledger.submit(signed.clone()).await.unwrap());
    let (again, repeated) = acknowledged(ledger.submit(signed.clone()).await.unwrap());
    assert_eq!((first, true), (again, repeated));
    draft.happened_at_ms -= 1;
    let refusal = refused(ledger.submit(draft.sign(&world.maker, &[])).await.unwrap());
    assert_eq!(refusal.code(), RefusalCode::IdReused);
    check_refusal(world.ledger_key.public(), world.genesis_hash, &refusal).unwrap();
    // Even out of its 30 days it is answered from the record.
    world.clock.0.fetch_add(40 * DAY_MS, Ordering::SeqCst);
    ledger.submit(world.another_place("T9")).await.unwrap();
    ledger.at_least(ledger.committed()).await.unwrap();
    let (_, repeated) = acknowledged(ledger.submit(signed.clone()).await.unwrap());
    assert!(repeated);
    ledger.close().await.unwrap();
    let (ledger, _) = world.open(&storage, store.path());
    let (_, repeated) = acknowledged(ledger.submit(signed).await.unwrap());
    assert!(repeated);
    let mut late = world.draft(&world.maker_party, vec![World::produced("L2", 5)]);
    late.id = draft.id;
    late.party.clone_from(&world.authority_party);
    let refusal = refused(
        ledger
            .submit(late.sign(&world.authority, &[]))
            .await
            .unwrap(),
    );
    assert_eq!(refusal.code(), RefusalCode::IdTooOld);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_uses_up_no_id_and_is_signed_only_for_a_signer_that_is_known() {
    let (store, mut world) = (tempdir().unwrap(), World::new(1000));
    let ledger = world.start(&SimStorage::new(), store.path());
    let early = world.another_place("T2");
    let refusal = refused(ledger.submit(early.clone()).await.unwrap());
    assert_eq!(refusal.code(), RefusalCode::UnknownKey);
    assert!(refusal.signature.is_none() && refusal.refusal.is_empty());
    ledger.submit(world.registration()).await.unwrap();
    acknowledged(ledger.submit(early).await.unwrap());

    let mut forged = world.another_place("T3");
    let mut signature = forged.signatures[0].signature.to_vec();
    signature[0] ^= 1;
    forged.signatures[0].signature = signature.into();
    let refusal = refused(ledger.submit(forged).await.unwrap());
    assert_eq!(refusal.code(), RefusalCode::BadSignature);
    assert!(refusal.signature.is_none());

    let before = ledger.committed();
    let missing = world.made(vec![World::used(crate::event::LotId([5; 16]), 7)]);
    let refusal = refused(ledger.submit(missing).await.unwrap());
    assert_eq!(refusal.code(), RefusalCode::UnknownLot);
    let said = check_refusal(world.ledger_key.public(), world.genesis_hash, &refusal).unwrap();
    assert_eq!(said.judged_at, before);
    assert_eq!(ledger.committed(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_stream_sends_may_rest_on_what_it_sent_before() {
    let (store, mut world) = (tempdir().unwrap(), World::new(1000));
    let ledger = world.start(&SimStorage::new(), store.path());
    let second = SecretKey::from_seed(&[8; 32]);
    let made = world.draft(&world.maker_party, vec![World::produced("L1", 1000)]);
    let correction = Corrected {
        original: Some(reference(&made, &world.maker)),
        restated: Some(Box::new(super::world::event(World::produced("L1", 900)))),
        reason: "misread".to_owned(),
    };
    let registered = Body::KeyRegistered(world.key_registered(&second, 8));
    let statements = [
        world.registration(),
        made.sign(&world.maker, &[]),
        world.made(vec![World::used(lot_of(&made), 100)]),
        world
            .draft(&world.authority_party, vec![registered])
            .sign(&world.authority, &[]),
        world
            .draft(&world.maker_party, vec![World::produced("L2", 7)])
            .sign(&second, &[]),
        world.made(vec![Body::Corrected(Box::new(correction))]),
    ];
    let pending: Vec<_> = statements
        .into_iter()
        .map(|statement| ledger.enqueue(statement).unwrap())
        .collect();
    for (position, answer) in (1..).zip(pending) {
        let (acknowledgement, _) = acknowledged(answer.await.unwrap());
        assert_eq!(world.check(&acknowledgement), position);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_submit_would_and_records_nothing() {
    let (store, mut world) = (tempdir().unwrap(), World::new(1000));
    let ledger = world.start(&SimStorage::new(), store.path());
    ledger.submit(world.registration()).await.unwrap();
    let good = world.made(vec![World::produced("L1", 1000)]);
    let dry = ledger.dry_run(good.clone(), 2).await.unwrap();
    assert!(dry.accepted && !dry.outcomes.is_empty());
    assert_eq!((dry.as_of, ledger.committed()), (2, 2));
    acknowledged(ledger.submit(good.clone()).await.unwrap());
    let repeated = ledger.dry_run(good, 3).await.unwrap();
    assert!(repeated.accepted);
    assert_eq!(repeated.outcomes, dry.outcomes);
    let missing = world.made(vec![World::used(crate::event::LotId([5; 16]), 7)]);
    let dry = ledger.dry_run(missing, 0).await.unwrap();
    assert!(!dry.accepted);
    assert_eq!(dry.refusal.unwrap().code(), RefusalCode::UnknownLot);
}

#[tokio::test(flavor = "multi_thread")]
async fn state_records_stand_at_every_multiple_and_state_what_was() {
    let (store, mut world) = (tempdir().unwrap(), World::new(4));
    let ledger = world.start(&SimStorage::new(), store.path());
    ledger.submit(world.registration()).await.unwrap();
    let mut digests = std::collections::BTreeMap::new();
    for number in 0..9 {
        digests.insert(ledger.committed(), digest(&ledger));
        acknowledged(
            ledger
                .submit(world.another_place(&format!("P{number}")))
                .await
                .unwrap(),
        );
    }
    let all = records(&ledger);
    let stated: Vec<usize> = (0..all.len())
        .filter(|position| all[*position].1 == LEDGER)
        .collect();
    assert_eq!(stated, [4, 8, 12]);
    for position in stated {
        let (record, _) = ledger.record(position as u64).unwrap().unwrap();
        let opened = OpenRecord::from_parts(record).unwrap();
        let Some(Body::StateRecorded(said)) = opened.events[0].clone().unwrap().body else {
            panic!("not a state record")
        };
        assert_eq!(said.state_digest.as_ref(), digests[&(position as u64)].0);
        assert!(said.touched_count > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_full_goes_on_in_the_next() {
    let (store, mut world) = (tempdir().unwrap(), World::new(1000));
    let storage = SimStorage::new();
    let ledger = world.start(&storage, store.path());
    ledger.submit(world.registration()).await.unwrap();
    ledger.close().await.unwrap();
    let options = crate::ledger::Options {
        max_batch_records: 3,
        ..World::options()
    };
    let (ledger, _) = world.open_with(&storage, store.path(), options);
    let pending: Vec<_> = (0..20)
        .map(|number| {
            ledger
                .enqueue(world.another_place(&format!("P{number}")))
                .unwrap()
        })
        .collect();
    for (position, answer) in (2..).zip(pending) {
        let (acknowledgement, _) = acknowledged(answer.await.unwrap());
        assert_eq!(world.check(&acknowledgement), position);
        assert!(acknowledgement.path.len() <= 2);
        assert_eq!(
            records(&ledger)[position as usize].0,
            head_of(&acknowledgement)
        );
    }
    let mut after = ledger.enqueue(world.another_place("PX")).unwrap();
    ledger.close().await.unwrap();
    assert!(!is_unanswered(&mut after));
}
