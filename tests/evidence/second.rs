//! Files that hold together record by record and would make the printed result
//! say what is not so: other lots added, the same word counted twice, a gift
//! whose giver stays behind.

use hazledger::custody::rotation::sworn;
use hazledger::event::digest::{PartKind, SALT_LEN, part_digest};
use hazledger::event::record::{OpenRecord, SealedRecord};
use hazledger::event::{Hash, LotId, Statement};
use hazledger::pb::change::Change;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Evidence, Head, LedgerKeyRotated, LinkKind, LotState, Outcome, Part, PermitKind, PermitStatus,
    Record, SubjectKind, Traded,
};
use hazledger::proof::evidence::{BadEvidence, Point, check_evidence, read_evidence};
use hazledger::proof::{Policy, Violation};
use prost::Message as _;

use super::bench::{Bench, event, key, sign};
use super::house::House;
use super::lies::{position, record_of};
use super::rulebook;

/// What the bench's ledger tells, with something in one head told otherwise; the
/// tree is over the heads as they are now.
fn with_head(bench: Bench, at: u64, change: impl FnOnce(&mut Head)) -> House {
    with_record(bench, at, |head, _| change(head))
}

fn with_record(bench: Bench, at: u64, change: impl FnOnce(&mut Head, &mut Record)) -> House {
    let (mut records, state) = bench.apart();
    let sealed = &mut records[usize::try_from(at).unwrap()];
    let mut record = Record::decode(sealed.bytes.clone()).unwrap();
    let mut head = Head::decode(record.head.clone()).unwrap();
    change(&mut head, &mut record);
    record.head = head.encode_to_vec().into();
    let bytes = record.encode_to_vec().into();
    let opened = OpenRecord::from_parts(record).unwrap();
    *sealed = SealedRecord {
        bytes,
        head: opened.head_bytes,
        hash: opened.hash,
    };
    House::with(state, key("ledger"), records)
}

/// The same with the outcomes of one record.
fn with_outcomes(bench: Bench, at: u64, change: impl FnOnce(&mut Vec<Option<Outcome>>)) -> House {
    let (sealed, _) = &bench.records[usize::try_from(at).unwrap()];
    let mut outcomes = OpenRecord::open(&sealed.bytes).unwrap().outcomes;
    change(&mut outcomes);
    let part = |outcome: &Option<Outcome>| Part {
        salt: vec![7; SALT_LEN].into(),
        body: outcome.as_ref().unwrap().encode_to_vec().into(),
    };
    let parts: Vec<Part> = outcomes.iter().map(part).collect();
    let digest = |part: &Part| part_digest(PartKind::Outcome, &[7; SALT_LEN], &part.body);
    let digests = parts.iter().map(|part| digest(part).to_bytes()).collect();
    with_record(bench, at, |head, record| {
        head.outcome_digests = digests;
        record.outcomes = parts;
    })
}

fn lot_of(house: &House, label: &str) -> LotId {
    let named = |state: &LotState| state.born.as_ref().unwrap().label == label;
    house.lots().find(|(_, state)| named(state)).unwrap().0
}

/// Everything that two files show, in one.
fn together(mut one: Evidence, other: &Evidence) -> Evidence {
    for theirs in &other.records {
        let at = position(theirs);
        let ours = one.records.iter_mut().find(|held| position(held) == at);
        let Some(ours) = ours else {
            one.records.push(theirs.clone());
            continue;
        };
        let (ours, theirs) = (ours.record.as_mut().unwrap(), theirs.record.as_ref());
        let theirs = theirs.unwrap();
        let kinds = [
            (&mut ours.events, &theirs.events),
            (&mut ours.links, &theirs.links),
            (&mut ours.outcomes, &theirs.outcomes),
            (&mut ours.findings, &theirs.findings),
        ];
        for (ours, theirs) in kinds {
            for (ours, theirs) in ours.iter_mut().zip(theirs) {
                if *ours == Part::default() {
                    ours.clone_from(theirs);
                }
            }
        }
    }
    one.records.sort_by_key(position);
    one
}

#[test]
fn lots_that_are_shown_beside_are_not_said_to_be_what_it_was_made_of() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock other");
    let house = House::of(bench);
    let stock = house.evidence(lot_of(&house, "stock"));
    let lie = together(stock, &house.evidence(lot_of(&house, "other")));
    match house.check(&lie) {
        Err(BadEvidence::LotBeside(_)) => {}
        Ok(checked) => panic!("{:?}, {:?}", checked.ancestors.len(), checked.points.proven),
        Err(bad) => panic!("{bad}"),
    }
}

/// The second time that a lot is poured into a vessel it says again that it
/// gave; whoever leaves that out hides what became of it in between.
#[test]
fn a_giver_cannot_stay_behind_because_it_gave_before() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock tanks filled used");
    let between = bench.state.next() - 1;
    let filled = bench.filled("stock 100", "T1", "V1");
    bench.say("P1", Body::Filled(filled)).unwrap();
    let again = bench.state.next() - 1;
    let house = House::of(bench);
    let evidence = house.evidence(lot_of(&house, "running"));
    assert!(house.check(&evidence).is_ok());
    let giver = lot_of(&house, "stock").to_bytes();
    let mut lie = evidence;
    lie.records.retain(|held| position(held) != between);
    let at = lie.records.iter().position(|r| position(r) == again);
    let record = record_of(&mut lie, at.unwrap());
    let opened = OpenRecord::from_parts(record.clone()).unwrap();
    let of_giver = |subject: &Option<hazledger::pb::Subject>| {
        let subject = subject.as_ref().unwrap();
        subject.kind() == SubjectKind::Lot && subject.id == giver
    };
    for (part, outcome) in record.outcomes.iter_mut().zip(&opened.outcomes) {
        if outcome.as_ref().is_some_and(|o| of_giver(&o.subject)) {
            *part = Part::default();
        }
    }
    for (part, link) in record.links.iter_mut().zip(&opened.links) {
        if link.as_ref().is_some_and(|l| of_giver(&l.subject)) {
            *part = Part::default();
        }
    }
    let bad = house.check(&lie);
    assert!(matches!(bad, Err(BadEvidence::Giver { .. })), "{bad:?}");
}

#[test]
fn a_statement_counts_once() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock");
    let used = Body::Used(bench.used("stock 5", "T1"));
    let draft = bench.draft("P1", vec![event(used)]);
    let statement = Statement::open(sign(&draft, "P1")).unwrap();
    for _ in 0..2 {
        let additions = bench.decided(&statement);
        bench.force(&statement, &additions);
    }
    let house = House::of(bench);
    let bad = house.check(&house.evidence(lot_of(&house, "stock")));
    match bad {
        Err(BadEvidence::Record { what, .. }) => {
            assert!(matches!(*what, Violation::Repeated { .. }), "{what}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_ledgers_clock_does_not_run_backwards() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock used");
    let at = bench.state.next() - 1;
    let house = with_head(bench, at, |head| head.recorded_at_ms -= 10_000);
    let bad = house.check(&house.evidence(lot_of(&house, "stock")));
    assert!(matches!(bad, Err(BadEvidence::Clock { .. })), "{bad:?}");
}

#[test]
fn records_side_by_side_are_chained() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock used");
    let at = bench.state.next() - 1;
    let house = with_head(bench, at, |head| head.previous = Hash([9; 32]).to_bytes());
    let bad = house.check(&house.evidence(lot_of(&house, "stock")));
    assert!(matches!(bad, Err(BadEvidence::Chain(_))), "{bad:?}");
}

#[test]
fn what_is_accepted_is_an_offer() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock offer");
    let mut accepted = bench.accepted("offer", "T1", &["0 take 100"]);
    let draft = bench.draft("W1", vec![event(Body::Accepted(accepted.clone()))]);
    let additions = bench.decided(&Statement::open(sign(&draft, "W1")).unwrap());
    // The taker names what the giver signed when the lot was made.
    accepted.offer = Some(bench.event("stock"));
    let draft = bench.draft("W1", vec![event(Body::Accepted(accepted))]);
    bench.force(&Statement::open(sign(&draft, "W1")).unwrap(), &additions);
    let house = House::of(bench);
    let bad = house.check(&house.evidence(lot_of(&house, "stock")));
    assert!(matches!(bad, Err(BadEvidence::Offer(_))), "{bad:?}");
}

/// Signed by the giver it is, but what it says is not shown.
#[test]
fn an_offer_that_is_withheld_is_not_said_to_have_been_made() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock offer taken");
    let offered = bench.state.next() - 2;
    let house = House::of(bench);
    let mut evidence = house.evidence(lot_of(&house, "stock"));
    let says = |evidence: &Evidence| {
        let points = house.check(evidence).unwrap().points;
        let handoff = |point: &&Point| point.en.contains(" had offered ");
        let proven = points.proven.iter().filter(handoff).count();
        (proven, points.attested.iter().filter(handoff).count())
    };
    assert_eq!(says(&evidence), (1, 0));
    let at = evidence.records.iter().position(|r| position(r) == offered);
    record_of(&mut evidence, at.unwrap()).events[0] = Part::default();
    assert_eq!(says(&evidence), (0, 1));
}

/// A key that another has followed signs no checkpoint any more.
#[test]
fn a_checkpoint_is_not_signed_by_a_key_that_was_followed_before() {
    let house = |signer: &str| {
        let mut bench = Bench::in_world(8);
        bench.set_up("stock");
        let genesis = bench.origin.genesis_hash.clone();
        let e = LedgerKeyRotated {
            reason: "yearly".into(),
            ..sworn(&genesis, key("ledger").id(), &key("ledger-1"))
        };
        bench.say("A1+A2", Body::LedgerKeyRotated(e)).unwrap();
        // The state record after it is signed with the new key, and its chain
        // is shown.
        while bench.state.next() < 20 {
            bench.now += 1;
            let body = Body::Produced(bench.produced("another", "10", "T1"));
            bench.say("P1", body).unwrap();
        }
        let (records, state) = bench.apart();
        House::with(state, key(signer), records)
    };
    let check = |house: House| house.check(&house.evidence(lot_of(&house, "stock")));
    assert!(check(house("ledger-1")).is_ok());
    let bad = check(house("ledger"));
    let told = matches!(&bad, Err(BadEvidence::LedgerKey { .. }));
    assert!(told, "{:?}", bad.map(|checked| checked.points));
}

/// A permit that its holder entered as granted is the holder's word.
#[test]
fn a_permit_is_said_to_be_granted_only_if_an_authority_entered_it() {
    let house = |keys: &str| {
        let mut bench = Bench::in_world(65_536);
        bench.set_up("stock");
        let mut permit = rulebook::permit('M', "GP-1", PermitKind::HighlyToxicPurchase);
        permit.quantity_mg = 1_000_000_000;
        permit.photograph_hash = super::bench::hash("photograph");
        permit.status = PermitStatus::Unconfirmed.into();
        let draft = bench.draft(keys, vec![event(Body::PermitRegistered(permit.clone()))]);
        let additions = bench.decided(&Statement::open(sign(&draft, keys)).unwrap());
        permit.status = PermitStatus::Granted.into();
        let draft = bench.draft(keys, vec![event(Body::PermitRegistered(permit))]);
        bench.force(&Statement::open(sign(&draft, keys)).unwrap(), &additions);
        let traded = Traded {
            permit: "GP-1".into(),
            ..bench.traded('M', &["stock 5"])
        };
        bench.say("P1+M1", Body::Traded(traded)).unwrap();
        House::of(bench)
    };
    let says = |house: &House| {
        let points = house
            .check(&house.evidence(lot_of(house, "stock")))
            .unwrap();
        let points = points.points;
        let granted = |point: &&Point| point.en.contains("granted");
        let proven = points.proven.iter().filter(granted).count();
        (proven, points.attested.iter().filter(granted).count())
    };
    assert_eq!(says(&house("A1")), (1, 0));
    assert_eq!(says(&house("M1")), (0, 1));
}

/// Two bytes in the file, two hundred in memory: what is too many is not read.
#[test]
fn a_file_of_empty_messages_is_refused_before_it_takes_memory() {
    let evidence = |field: &[u8], count: usize| {
        let mut bytes = vec![0x08, 1];
        bytes.extend(field.repeat(count));
        read_evidence(bytes.into())
    };
    let many = |read: Result<Evidence, BadEvidence>| match read {
        Err(BadEvidence::TooMany { what, .. }) => what,
        other => panic!("{:?}", other.map(|evidence| evidence.records.len())),
    };
    assert_eq!(many(evidence(&[0x22, 0], 200_000)), "records");
    assert_eq!(many(evidence(&[0x2a, 0], 200_000)), "maps");
    assert_eq!(many(evidence(&[0x3a, 0], 200_000)), "documents");
    // The same inside a record: parts without digests, and a path that no tree
    // has.
    let inside = |number: u8, body: &[u8]| {
        let mut bytes = vec![0x08, 1, number];
        prost::encoding::encode_varint(body.len() as u64, &mut bytes);
        bytes.extend(body);
        read_evidence(bytes.into())
    };
    let mut record = vec![0x0a];
    let parts = [0x12, 0].repeat(200_000);
    prost::encoding::encode_varint(parts.len() as u64, &mut record);
    record.extend(parts);
    assert_eq!(many(inside(0x22, &record)), "parts of a record");
    let path = [0x12, 0].repeat(200_000);
    assert_eq!(many(inside(0x22, &path)), "hashes of a path");
    let entry = [0x22, 0].repeat(200_000);
    let mut map = vec![0x1a];
    prost::encoding::encode_varint(entry.len() as u64, &mut map);
    map.extend(entry);
    assert_eq!(many(inside(0x2a, &map)), "hashes of a path");
}

/// What may be withheld is told: an event behind the lot's own outcome, and a
/// finding of its own record.
#[test]
fn what_is_withheld_of_the_lots_own_records_is_told() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock");
    let used = Body::Used(bench.used("stock 5", "T1"));
    let late = bench.say_late("P1", 90 * super::bench::DAY, used).unwrap();
    assert!(!late.is_empty(), "a finding on the date");
    let house = House::of(bench);
    let evidence = house.evidence(lot_of(&house, "stock"));
    let told = |evidence: &Evidence, what: &str| {
        let points = house.check(evidence).unwrap().points;
        points.not_shown.iter().any(|point| point.en.contains(what))
    };
    let (events, findings) = (
        "Events that changed the lot",
        "1 findings that are withheld",
    );
    assert!(!told(&evidence, events) && !told(&evidence, findings));
    let last = evidence.records.len() - 1;
    let mut lie = evidence.clone();
    record_of(&mut lie, last).events[0] = Part::default();
    assert!(told(&lie, events) && !told(&lie, findings));
    let mut lie = evidence;
    record_of(&mut lie, last).findings[0] = Part::default();
    assert!(!told(&lie, events) && told(&lie, findings));
}

/// What a lot is called is its maker's word, and no line of the result.
#[test]
fn a_label_says_nothing_in_the_programs_name() {
    let mut bench = Bench::in_world(65_536);
    let body = Body::Produced(bench.produced("stock", "1000", "T1"));
    let draft = bench.draft("P1", vec![event(body)]);
    let statement = Statement::open(sign(&draft, "P1")).unwrap();
    let mut additions = bench.decided(&statement);
    for change in additions.outcomes.iter_mut().flat_map(|o| &mut o.changes) {
        if let Some(Change::Born(born)) = &mut change.change {
            born.label = "stock\n  - It is pure.\u{1b}[2J\u{202e}".into();
        }
    }
    bench.force(&statement, &additions);
    let house = House::of(bench);
    let (id, _) = house.lots().next().unwrap();
    let points = house.check(&house.evidence(id)).unwrap().points;
    let all = [points.proven, points.attested, points.not_shown].concat();
    assert!(all.iter().any(|point| point.en.contains("It is pure.")));
    let acts = |c: char| c.is_control() || c == '\u{202e}';
    let bad = all
        .iter()
        .find(|point| point.en.contains(acts) || point.zh.contains(acts));
    assert!(bad.is_none(), "{bad:?}");
}

/// What is booked before the birth would be booked of nothing.
#[test]
fn a_lots_first_outcome_begins_with_its_birth() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock");
    let at = bench.state.next() - 1;
    let house = with_outcomes(bench, at, |outcomes| {
        let outcome = outcomes.iter_mut().flatten().last().unwrap();
        outcome.changes.reverse();
    });
    let bad = house.check(&house.evidence(lot_of(&house, "stock")));
    assert!(matches!(bad, Err(BadEvidence::Unborn { .. })), "{bad:?}");
}

#[test]
fn a_lot_is_born_once() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock");
    let at = bench.state.next() - 1;
    let house = with_outcomes(bench, at, |outcomes| {
        let outcome = outcomes.iter_mut().flatten().last().unwrap();
        outcome.changes.insert(0, outcome.changes[0].clone());
    });
    let bad = house.check(&house.evidence(lot_of(&house, "stock")));
    assert!(matches!(bad, Err(BadEvidence::Unborn { .. })), "{bad:?}");
}

/// A policy that asks for no witness shows nothing of what others have seen.
#[test]
fn a_checkpoint_that_no_witness_signed_is_said_to_be_the_ledgers_alone() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock");
    let house = House::of(bench);
    let evidence = house.evidence(lot_of(&house, "stock"));
    for policy in [None, Some(Policy::parse("quorum none\n").unwrap())] {
        let checked = check_evidence(&evidence, &house.verifier(), policy.as_ref());
        let not_shown = checked.unwrap().points.not_shown;
        let told = |point: &Point| point.en.starts_with("That anybody but the ledger");
        assert!(not_shown.iter().any(told), "{not_shown:?}");
    }
}

/// A handoff of other goods, put into the file: true, and none of the lot's.
#[test]
fn records_that_nothing_rests_on_are_not_taken_for_the_lots() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock offer taken other");
    let taken = bench.state.next() - 2;
    let house = House::of(bench);
    let mut evidence = house.evidence(lot_of(&house, "other"));
    assert!(house.check(&evidence).is_ok());
    // Only what its signature rests on is shown beside its event.
    let mut theirs = house.evidence(lot_of(&house, "stock"));
    theirs.records.retain(|held| position(held) == taken);
    let record = record_of(&mut theirs, 0);
    let opened = OpenRecord::from_parts(record.clone()).unwrap();
    for (part, link) in record.links.iter_mut().zip(&opened.links) {
        if link.as_ref().is_some_and(|l| l.kind() == LinkKind::Chain) {
            *part = Part::default();
        }
    }
    for part in &mut record.outcomes {
        *part = Part::default();
    }
    evidence = together(evidence, &theirs);
    let keys = house.evidence(lot_of(&house, "stock"));
    let mut keys = Evidence {
        records: keys
            .records
            .into_iter()
            .filter(|r| position(r) == 1)
            .collect(),
        ..Evidence::default()
    };
    let of_keys = record_of(&mut keys, 0);
    for part in &mut of_keys.outcomes {
        *part = Part::default();
    }
    let bad = house.check(&together(evidence, &keys));
    assert!(matches!(bad, Err(BadEvidence::RecordBeside(_))), "{bad:?}");
}
