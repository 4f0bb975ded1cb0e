//! The world promises: the same bytes, valid parties, every kind of event,
//! bounded books.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;

use prost::Message as _;

use super::{Expect, Issued, STORY_STEPS, Span, World};
use crate::catalog::Uscc;
use crate::event::Statement;
use crate::event::signing::SecretKey;
use crate::event::statement::kind_of;
use crate::pb::{EventKind, Origin};

const SPAN: Span = Span {
    from_ms: 1_795_000_000_000,
    until_ms: 1_796_700_000_000,
    events: 3_000,
};

fn world(seed: u64) -> World {
    let mut world = World::new(seed, SPAN).unwrap();
    world.genesis("hazledger.test", &SecretKey::from_seed(&[1; 32]));
    let genesis_hash = bytes::Bytes::copy_from_slice(&[9; 32]);
    world.join(Origin {
        name: "hazledger.test".into(),
        genesis_hash,
    });
    world
}

fn issued(seed: u64, count: usize) -> Vec<Issued> {
    let mut world = world(seed);
    (0..count).map(|_| world.next_statement()).collect()
}

#[test]
fn the_same_seed_makes_the_same_bytes_and_another_seed_others() {
    let bytes = |seed| -> Vec<Vec<u8>> {
        issued(seed, 1_000)
            .iter()
            .map(|i| i.signed.encode_to_vec())
            .collect()
    };
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(8));
}

#[test]
fn every_party_has_a_valid_code_of_inner_mongolia_and_one_of_its_own() {
    let world = world(7);
    let mut codes = BTreeSet::new();
    for who in world
        .cast()
        .enterprises()
        .chain(world.cast().authorities.iter())
    {
        let code: Uscc = who.code.parse().unwrap();
        assert!(code.region().unwrap().as_str().starts_with("15"), "{code}");
        assert!(codes.insert(code), "{code} stands twice");
    }
    assert!(codes.len() > 15);
}

#[test]
fn every_kind_of_event_that_is_live_happens() {
    let mut seen = BTreeSet::new();
    for i in issued(7, 3_000) {
        if i.expect == Expect::Accepted {
            seen.extend(
                Statement::open(i.signed)
                    .unwrap()
                    .events
                    .iter()
                    .map(kind_of),
            );
        }
    }
    // Grants are not live, the rest is the ledger's own word, and findings are
    // answered once the ledger has told of them.
    let not_here = [EventKind::Granted, EventKind::FindingAnswered];
    let missing: Vec<EventKind> = (10..=140)
        .filter_map(|n| EventKind::try_from(n).ok())
        .filter(|kind| !seen.contains(kind) && !not_here.contains(kind))
        .collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
}

#[test]
fn the_story_is_told_whole_and_once() {
    let mut world = world(7);
    let mut steps = 0;
    while world.issued() < SPAN.events || !world.story_told() {
        steps += u64::from(world.next_statement().story);
    }
    assert_eq!(steps, STORY_STEPS);
    assert!(world.story_lot().is_some() && world.story_waste().is_some());
}

#[test]
fn nothing_happens_after_the_worlds_end_and_no_id_is_older_than_its_beginning() {
    for i in issued(7, 6_000)
        .iter()
        .filter(|i| i.expect == Expect::Accepted)
    {
        let payload = super::setup::header(&i.signed);
        let id = crate::event::StatementId::parse(&payload.id).unwrap();
        assert!((SPAN.from_ms..=SPAN.until_ms).contains(&id.unix_ms()));
        assert!(payload.happened_at_ms <= SPAN.until_ms);
    }
}

#[test]
fn the_books_stay_bounded_however_long_the_world_goes_on() {
    let mut world = world(7);
    for _ in 0..20_000 {
        world.next_statement();
    }
    assert!(world.stock.len() < 1_000, "{} piles", world.stock.len());
    assert!(world.jobs.len() < 100, "{} jobs", world.jobs.len());
    assert!(world.ready.len() < 100, "{} waiting", world.ready.len());
}
