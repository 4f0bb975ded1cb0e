//! Bits that rot in old segments of a running ledger: the scrubber names each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hazledger::journal::{segment_name, segments};
use hazledger::ledger::{Ledger, Options, Scrubbed};
use hazledger::storage::sim::SimStorage;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::world::{AtTheEnd, Script, options, play, runtime};

fn open(script: &Script, disk: &SimStorage, store: &std::path::Path, every: Duration) -> Ledger {
    let options = Options {
        scrub_every: every,
        ..options()
    };
    let key = script.key.clone();
    let opened = Ledger::open_on(disk.clone(), store, key, options, Arc::new(AtTheEnd));
    opened.unwrap().0
}

async fn until(ledger: &Ledger, what: impl FnMut(&Scrubbed) -> bool) -> Scrubbed {
    ledger.scrubbed().wait_for(what).await.unwrap().clone()
}

#[test]
fn every_segment_whose_bits_rot_under_a_running_ledger_is_named_with_offset_and_position() {
    let runtime = runtime();
    for seed in 0..3 {
        let script = Script::new(seed, 90);
        let run = runtime.block_on(play(&script, false));
        let disk = run.after.restart();
        let firsts = segments(&disk).unwrap();
        let (last, sealed) = firsts.split_last().unwrap();
        let ends: BTreeMap<u64, u64> = sealed
            .iter()
            .copied()
            .zip(firsts.iter().skip(1).copied())
            .collect();
        assert!(sealed.len() > 3, "{firsts:?}, {last}");
        runtime.block_on(async {
            let store = tempfile::tempdir().unwrap();
            let ledger = open(&script, &disk, store.path(), Duration::from_millis(20));
            let quiet = until(&ledger, |scrubbed| scrubbed.passes >= 2).await;
            assert_eq!((quiet.found, quiet.damages.len()), (0, 0));

            let mut dice = StdRng::seed_from_u64(seed);
            let mut flipped = BTreeMap::new();
            for first in sealed.sample(&mut dice, 3) {
                let name = segment_name(*first);
                let length = disk.bytes(&name).unwrap().len();
                let at = dice.random_range(0..length);
                assert!(disk.flip(&name, at, 1 << dice.random_range(0..8)));
                flipped.insert(name, (*first, at as u64));
            }
            let wanted = flipped.len() as u64;
            let found = until(&ledger, |scrubbed| scrubbed.found >= wanted).await;
            for damage in &found.damages {
                let (first, at) = flipped.remove(&damage.segment).expect("another segment");
                // The frame that the flipped bit is in begins before it.
                assert!(damage.offset <= at, "flipped at {at}: {damage}");
                let positions = first..=ends[&first];
                assert!(
                    positions.contains(&damage.position),
                    "{positions:?}: {damage}"
                );
            }
            assert!(flipped.is_empty(), "never named: {flipped:?}");
            assert_eq!(ledger.status().scrubbed.found, found.found);
            // Told once, not at every pass; and the ledger goes on.
            let later = until(&ledger, |scrubbed| scrubbed.passes > found.passes + 2).await;
            assert_eq!(later.found, found.found);
            assert!(ledger.status().accepting);
            ledger.close().await.unwrap();
        });
    }
}

#[test]
fn a_journal_that_is_being_written_is_never_called_damaged() {
    let script = Script::new(4, 100);
    runtime().block_on(async {
        let disk = script.founded.restart();
        let store = tempfile::tempdir().unwrap();
        // One pass after the other, as fast as it reads.
        let ledger = open(&script, &disk, store.path(), Duration::from_nanos(2));
        for session in &script.sessions {
            for group in &session.groups {
                let sent = group
                    .iter()
                    .map(|i| ledger.enqueue(script.signed(*i)).unwrap());
                for pending in sent.collect::<Vec<_>>() {
                    pending.await.unwrap();
                }
            }
        }
        let passes = ledger.status().scrubbed.passes;
        let after = until(&ledger, |scrubbed| scrubbed.passes > passes + 1).await;
        assert!(after.passes > 5, "{} passes", after.passes);
        assert_eq!(after.damages, []);
        ledger.close().await.unwrap();
    });
}

#[test]
fn rot_in_what_is_synced_of_the_last_segment_is_named_too() {
    let script = Script::new(6, 60);
    runtime().block_on(async {
        let disk = script.founded.restart();
        let store = tempfile::tempdir().unwrap();
        let ledger = open(&script, &disk, store.path(), Duration::from_millis(20));
        for index in 0..script.statements.len() {
            let answer = ledger.submit(script.signed(index)).await.unwrap();
            script.judge(index, &answer, &mut |_, _| {});
        }
        let last = *segments(&disk).unwrap().last().unwrap();
        let name = segment_name(last);
        assert!(disk.flip(&name, 200, 0x10));
        let found = until(&ledger, |scrubbed| scrubbed.found > 0).await;
        assert_eq!(found.damages[0].segment, name);
        assert!(found.damages[0].offset <= 200);
        // What is synced by then is read; the close seals what is being written.
        ledger.close().await.unwrap();
    });
}
