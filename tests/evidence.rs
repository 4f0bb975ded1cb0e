//! Evidence for every lot of the story that says every kind of event, built from
//! its records and checked with nothing but the ledger's verifier key; and every
//! lie about it that a server could try, each caught.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "rules/bench.rs"]
mod bench;
#[path = "evidence/house.rs"]
mod house;
#[path = "evidence/lies.rs"]
mod lies;
#[path = "evidence/played.rs"]
mod played;
#[path = "rules/rulebook.rs"]
mod rulebook;
#[path = "evidence/second.rs"]
mod second;
#[path = "rules/story.rs"]
mod story;
#[path = "rules/tanks.rs"]
mod tanks;
#[path = "rules/verbs.rs"]
mod verbs;

use hazledger::custody::lot;
use hazledger::event::record::OpenRecord;
use hazledger::projection::trace::{Ask, ReadError, RecordSource, trace};
use hazledger::proof::evidence::{Checked, check_evidence, read_evidence};
use prost::Message as _;

use house::House;

struct Shown<'a>(&'a Checked);

impl RecordSource for Shown<'_> {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        Ok(self.0.records.get(&position).cloned())
    }
}

#[test]
fn evidence_for_every_lot_of_the_story_holds_and_tells_what_the_ledger_tells() {
    let house = House::new();
    let mut with_ancestors = 0;
    for (id, state) in house.lots() {
        let evidence = house.evidence(id);
        let bytes = evidence.encode_to_vec();
        let read = read_evidence(bytes.into()).unwrap();
        assert_eq!(read, evidence);
        let label = &state.born.as_ref().unwrap().label;
        let checked = check_evidence(&read, &house.verifier(), None)
            .unwrap_or_else(|bad| panic!("{label} {id}: {bad}"));
        // The chain folds to the very state that the ledger has.
        assert_eq!(checked.state, state, "{label}");
        lot::check(&checked.state).unwrap();
        with_ancestors += usize::from(!checked.ancestors.is_empty());
        // What is traced from the file is what is traced from the journal.
        let ask = Ask {
            lot: id,
            serial: None,
            before: house.size(),
            known_at_ms: None,
            true_at_ms: None,
        };
        let told = trace(&Shown(&checked), &state, &ask).unwrap();
        let whole = trace(&house, &state, &ask).unwrap();
        assert_eq!(told.born, whole.born, "{label}");
        assert_eq!(told.holdings, whole.holdings, "{label}");
        assert_eq!(told.steps.len(), whole.steps.len(), "{label}");
        for (told, whole) in told.steps.iter().zip(&whole.steps) {
            let position = whole.position;
            assert_eq!(told.changes, whole.changes, "{label} at {position}");
            assert_eq!(told.kind, whole.kind, "{label} at {position}");
            assert_eq!(told.papers, whole.papers, "{label} at {position}");
            assert_eq!(told.rules, whole.rules, "{label} at {position}");
        }
        assert!(!checked.points.proven.is_empty() && !checked.points.not_shown.is_empty());
    }
    assert!(with_ancestors > 3, "{with_ancestors}");
}

#[test]
fn evidence_under_any_checkpoint_is_as_of_that_checkpoint() {
    let mut house = House::new();
    let (id, state) = house.lots().max_by_key(|(_, state)| state.last).unwrap();
    let whole = house.size();
    let mut attested = 0;
    for size in state.born_at + 1..=whole {
        house.see(size);
        let checked = house.check(&house.evidence(id)).unwrap();
        assert!(checked.after.last < size);
        let after = checked.after;
        assert!(after.proven_before <= size && after.attested_before.is_none_or(|to| to == size));
        assert_eq!(after.attested_before.is_none(), after.proven_before == size);
        attested += usize::from(after.attested_before.is_some());
        assert!(checked.records.keys().all(|position| *position < size));
    }
    assert!(attested > 0);
    // Before its birth there is none.
    house.see(state.born_at);
    assert!(house.try_evidence(id).is_err());
}

#[test]
fn maps_are_kept_and_thrown_away_when_they_disagree() {
    let house = House::new();
    let (id, _) = house.lots().min_by_key(|(_, state)| state.last).unwrap();
    let evidence = house.evidence(id);
    let files = || {
        let entries = std::fs::read_dir(house.maps_dir()).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    };
    assert_eq!(files().len(), evidence.maps.len());
    assert!(files().len() > 3);
    let kept: Vec<Vec<u8>> = files()
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect();
    let spoil: [fn(&mut Vec<u8>); 5] = [
        |bytes| bytes[3] ^= 1,
        |bytes| bytes.truncate(bytes.len() - 1),
        |bytes| bytes.truncate(40),
        |bytes| bytes.push(0),
        Vec::clear,
    ];
    for spoil in spoil {
        for (file, bytes) in files().iter().zip(&kept) {
            let mut bytes = bytes.clone();
            spoil(&mut bytes);
            std::fs::write(file, bytes).unwrap();
        }
        assert_eq!(house.evidence(id), evidence);
        for (file, bytes) in files().iter().zip(&kept) {
            assert_eq!(&std::fs::read(file).unwrap(), bytes, "made again");
        }
    }
}
