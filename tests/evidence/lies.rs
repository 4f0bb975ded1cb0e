//! What a server could lie with, each caught, and by what.

use hazledger::custody::subject;
use hazledger::event::LotId;
use hazledger::event::record::OpenRecord;
use hazledger::event::statement::Draft;
use hazledger::event::{Statement, StatementId};
use hazledger::pb::event::Body;
use hazledger::pb::{
    EnclosedDocument, Evidence, Goods, KeyRevoked, LinkKind, LotState, Part, Record, SubjectKind,
    Used,
};
use hazledger::proof::evidence::{BadEvidence, check_evidence};
use hazledger::proof::{NoteKeyKind, VerifierKey, Violation};
use prost::Message as _;

use super::bench::{Bench, event, key, party, sign};
use super::house::House;
use super::verbs::kg;

fn label(state: &LotState) -> &str {
    &state.born.as_ref().unwrap().label
}

/// The lot of the story whose evidence shows the most kinds of things.
fn richest(house: &House) -> (LotId, Evidence) {
    let all = house.lots().map(|(id, _)| (id, house.evidence(id)));
    all.max_by_key(|(_, evidence)| evidence.records.len())
        .unwrap()
}

fn parts_of(record: &mut Record) -> [&mut Vec<Part>; 4] {
    [
        &mut record.events,
        &mut record.links,
        &mut record.outcomes,
        &mut record.findings,
    ]
}

pub fn record_of(evidence: &mut Evidence, at: usize) -> &mut Record {
    evidence.records[at].record.as_mut().unwrap()
}

#[test]
fn a_record_left_out_is_noticed_whichever_it_is() {
    let house = House::new();
    let mut tried = 0;
    for (id, state) in house.lots() {
        let evidence = house.evidence(id);
        for at in 0..evidence.records.len() {
            let mut lie = evidence.clone();
            lie.records.remove(at);
            let bad = house.check(&lie);
            assert!(
                bad.is_err(),
                "{} without its record number {at}",
                label(&state)
            );
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn a_link_left_out_is_noticed_whichever_it_is() {
    let house = House::new();
    for (id, state) in house.lots() {
        let evidence = house.evidence(id);
        for at in 1..evidence.records.len() {
            let links = evidence.records[at].record.as_ref().unwrap().links.len();
            for link in 0..links {
                let mut lie = evidence.clone();
                let part = &mut record_of(&mut lie, at).links[link];
                if std::mem::take(part) == Part::default() {
                    continue;
                }
                let bad = house.check(&lie);
                assert!(
                    bad.is_err(),
                    "{}: link {link} of number {at}",
                    label(&state)
                );
            }
        }
    }
}

#[test]
fn an_outcome_left_out_is_noticed_but_for_the_papers_of_a_handoff() {
    let house = House::new();
    for (id, state) in house.lots() {
        let evidence = house.evidence(id);
        for at in 1..evidence.records.len() {
            let record = evidence.records[at].record.clone().unwrap();
            let opened = OpenRecord::from_parts(record).unwrap();
            for (outcome, shown) in opened.outcomes.iter().enumerate() {
                let subject = shown.as_ref().and_then(|o| o.subject.clone());
                let Some(subject) = subject.filter(|s| s.kind() != SubjectKind::Handoff) else {
                    continue;
                };
                let mut lie = evidence.clone();
                record_of(&mut lie, at).outcomes[outcome] = Part::default();
                let what = subject::show(&subject);
                let bad = house.check(&lie);
                assert!(bad.is_err(), "{}: {what} in number {at}", label(&state));
            }
        }
    }
}

#[test]
fn a_part_altered_is_noticed_whether_it_is_shown_or_withheld() {
    let house = House::new();
    let (_, evidence) = richest(&house);
    for at in 0..evidence.records.len() {
        for kind in 0..4 {
            let mut whole = evidence.records[at].record.clone().unwrap();
            let count = parts_of(&mut whole)[kind].len();
            for part in 0..count {
                let spoil: [fn(&mut Part); 3] = [
                    |part| part.body = [part.body.as_ref(), &[0]].concat().into(),
                    |part| part.salt = vec![1; 16].into(),
                    |part| {
                        part.salt = vec![2; 16].into();
                        part.body = vec![0x0a, 0].into();
                    },
                ];
                for spoil in spoil {
                    let mut lie = evidence.clone();
                    spoil(&mut parts_of(record_of(&mut lie, at))[kind][part]);
                    let bad = house.check(&lie);
                    let told = matches!(bad, Err(BadEvidence::Record { .. }));
                    assert!(told, "part {part} of kind {kind} in number {at}: {bad:?}");
                }
            }
        }
    }
}

#[test]
fn a_bit_turned_over_anywhere_is_noticed() {
    let house = House::new();
    let (_, evidence) = richest(&house);
    let bytes = evidence.encode_to_vec();
    let step = (bytes.len() * 8 / 700).max(1);
    for bit in (0..bytes.len() * 8).step_by(step) {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let read = Evidence::decode(bytes.as_slice());
        let passes = read.is_ok_and(|lie| house.check(&lie).is_ok());
        assert!(!passes, "bit {bit} of {}", bytes.len() * 8);
    }
}

#[test]
fn the_lots_last_record_cannot_be_hidden() {
    let mut house = House::new();
    let end = house.size();
    let mut by = [0; 2];
    for (id, state) in house.lots().collect::<Vec<_>>() {
        for whole in [end, end.min(state.last + 2)] {
            house.see(whole);
            let honest = house.evidence(id);
            // Everything as it stood before its last record, shown under the
            // later checkpoint.
            house.see(state.last);
            let Ok(before) = house.try_evidence(id) else {
                continue;
            };
            let kept: Vec<u64> = before.records.iter().map(position).collect();
            house.see(whole);
            let mut lie = honest.clone();
            lie.records.retain(|record| {
                let at = position(record);
                kept.contains(&at) || at.is_multiple_of(house.interval)
            });
            match house.check(&lie) {
                Err(BadEvidence::Map(_) | BadEvidence::Later { .. }) => by[0] += 1,
                Err(BadEvidence::HeadOther(_) | BadEvidence::HeadMissing) => by[1] += 1,
                other => panic!("{}: {other:?}", label(&state)),
            }
        }
    }
    assert!(
        by[0] > 0 && by[1] > 0,
        "by maps and by the ledger's word: {by:?}"
    );
}

pub fn position(record: &hazledger::pb::EvidenceRecord) -> u64 {
    let record = record.record.clone().unwrap();
    OpenRecord::from_parts(record).unwrap().position()
}

#[test]
fn maps_left_out_repeated_or_of_another_lot_are_noticed() {
    let house = House::new();
    let old = |(_, state): &(LotId, LotState)| state.last < house.size() / 2;
    let mut lots = house.lots().filter(old);
    let (one, _) = lots.next().unwrap();
    let (other, _) = lots.next().unwrap();
    let evidence = house.evidence(one);
    let foreign = house.evidence(other);
    assert!(evidence.maps.len() > 2);
    for at in 0..evidence.maps.len() {
        let mut gone = evidence.clone();
        gone.maps.remove(at);
        assert!(house.check(&gone).is_err());
        let mut twice = evidence.clone();
        twice.maps.push(evidence.maps[at].clone());
        assert!(matches!(
            house.check(&twice),
            Err(BadEvidence::MapBeside(_))
        ));
        let mut moved = evidence.clone();
        moved.maps[at].state_record = 0;
        assert!(matches!(house.check(&moved), Err(BadEvidence::Map(_))));
    }
    let present = |e: &Evidence| e.maps.iter().position(|map| map.present.is_some());
    let (ours, theirs) = (present(&evidence).unwrap(), present(&foreign).unwrap());
    let mut swapped = evidence.clone();
    swapped.maps[ours].present = foreign.maps[theirs].present.clone();
    assert!(matches!(
        house.check(&swapped),
        Err(BadEvidence::Touched { .. })
    ));
}

#[test]
fn a_word_of_another_size_another_lot_or_another_last_record_is_noticed() {
    let mut house = House::new();
    let whole = house.size();
    let (id, state) = house.lots().max_by_key(|(_, state)| state.last).unwrap();
    let (other, _) = house.lots().find(|(lot, _)| *lot != id).unwrap();
    house.see(whole - 1);
    let smaller = house.word(id, Some(state.last.min(whole - 2)));
    house.see(whole);
    let evidence = house.evidence(id);
    let with = |head| Evidence {
        head,
        ..evidence.clone()
    };
    assert!(house.check(&evidence).is_ok());
    let check = |head| house.check(&with(head));
    assert!(matches!(check(None), Err(BadEvidence::HeadMissing)));
    let others = [
        smaller,
        house.word(other, Some(state.last)),
        house.word(id, Some(state.last - 1)),
        house.word(id, None),
    ];
    for word in others {
        assert!(matches!(check(Some(word)), Err(BadEvidence::HeadOther(_))));
    }
    let mut forged = house.word(id, Some(state.last));
    forged.signature = Some(key("A1").signature(
        hazledger::event::signing::Purpose::SubjectHead,
        &forged.subject_head,
    ));
    assert!(matches!(check(Some(forged)), Err(BadEvidence::Head(_))));
}

#[test]
fn another_key_another_tree_and_another_ledger_are_noticed() {
    let mut house = House::new();
    let (id, _) = house.lots().next().unwrap();
    let evidence = house.evidence(id);
    let name = house.name.clone();
    let stranger = key("A1").public().clone();
    let stranger = VerifierKey::new(&name, NoteKeyKind::Ed25519, stranger).unwrap();
    let bad = check_evidence(&evidence, &stranger, None);
    assert!(matches!(bad, Err(BadEvidence::Checkpoint(_))));
    house.see(house.size() - 1);
    let lie = Evidence {
        checkpoint: house.checkpoint(),
        ..evidence
    };
    assert!(matches!(
        house.check(&lie),
        Err(BadEvidence::Path(_) | BadEvidence::Beyond { .. })
    ));
    // The same lot's records out of another ledger's journal.
    let mut bench = Bench::in_world(8);
    let body = produced(&bench, "OTHER-1");
    bench.say("P1", body).unwrap();
    let other = House::of(bench);
    let (lot, _) = other.lots().next().unwrap();
    let foreign = Evidence {
        checkpoint: house.checkpoint(),
        ..other.evidence(lot)
    };
    assert!(house.check(&foreign).is_err());
}

fn produced(bench: &Bench, label: &str) -> Body {
    Body::Produced(bench.produced(label, "1000", "T1"))
}

fn used(lot: &[u8], mass: &str) -> Body {
    Body::Used(Used {
        goods: Some(Goods {
            lot: lot.to_vec().into(),
            loose: kg(mass),
            ..Goods::default()
        }),
        place: "T1".into(),
        purpose: "leaching".into(),
    })
}

/// A lot of P's, then P1's key revoked, then a use that P1 signed all the same,
/// by a ledger that does not mind; `hide` changes the links that it writes.
fn after_revocation(hide: bool) -> House {
    let mut bench = Bench::in_world(65_536);
    let body = produced(&bench, "REV-1");
    bench.name("lot", "P1", body).unwrap();
    let used = used(&bench.id("lot"), "10");
    let draft = bench.draft("P1", vec![event(used)]);
    let statement = Statement::open(sign(&draft, "P1")).unwrap();
    let decided = bench.decided(&statement);
    let revoked = KeyRevoked {
        key_id: key("P1").id().to_bytes(),
        ..Default::default()
    };
    bench.say("A1", Body::KeyRevoked(revoked)).unwrap();
    let revocation = bench.state.next() - 1;
    let mut additions = decided;
    let p1 = subject::key(key("P1").id());
    for link in &mut additions.links {
        let used = link.kind() == LinkKind::Use && link.subject.as_ref() == Some(&p1);
        if used && !hide {
            link.previous = Some(revocation);
        }
    }
    bench.force(&statement, &additions);
    House::of(bench)
}

#[test]
fn a_revocation_cannot_be_hidden() {
    let house = after_revocation(false);
    let (id, _) = house.lots().next().unwrap();
    let evidence = house.evidence(id);
    // Shown, it is seen for what it is.
    match house.check(&evidence) {
        Err(BadEvidence::Record { what, .. }) => {
            assert_eq!(*what, Violation::RevokedKey(key("P1").id()));
        }
        other => panic!("{other:?}"),
    }
    // Left out, the link leads nowhere.
    let at = evidence.records.len() - 2;
    let mut gone = evidence.clone();
    gone.records.remove(at);
    let unknown = house.check(&gone);
    assert!(
        matches!(unknown, Err(BadEvidence::LeftOut { .. })),
        "{unknown:?}"
    );
    // Withheld, it could have been one.
    let mut withheld = evidence.clone();
    record_of(&mut withheld, at).events[0] = Part::default();
    let hidden = house.check(&withheld);
    assert!(
        matches!(hidden, Err(BadEvidence::KeyHidden { .. })),
        "{hidden:?}"
    );
    // Its link withheld as well, or that of the record that used the key.
    let mut unlinked = withheld.clone();
    for link in &mut record_of(&mut unlinked, at).links {
        *link = Part::default();
    }
    assert!(house.check(&unlinked).is_err());
    let mut unused = evidence;
    for link in &mut record_of(&mut unused, at + 1).links {
        *link = Part::default();
    }
    let bad = house.check(&unused);
    assert!(matches!(bad, Err(BadEvidence::LastLink(_))), "{bad:?}");
}

#[test]
fn documents_that_nobody_names_are_not_taken_for_the_lots() {
    let mut bench = Bench::in_world(8);
    let body = produced(&bench, "DOC-1");
    bench.name("lot", "P1", body).unwrap();
    let house = House::of(bench);
    let (id, _) = house.lots().next().unwrap();
    let with = |content: &'static [u8]| Evidence {
        documents: vec![EnclosedDocument {
            content: content.into(),
        }],
        ..house.evidence(id)
    };
    let checked = house.check(&with(b"data sheet")).unwrap();
    let enclosed = checked.documents.iter().filter(|(_, there)| *there);
    let kinds: Vec<&str> = enclosed
        .map(|(document, _)| document.kind.as_str())
        .collect();
    assert_eq!(kinds, ["data sheet"]);
    let bad = house.check(&with(b"another data sheet"));
    assert!(matches!(bad, Err(BadEvidence::Document(_))), "{bad:?}");
}

/// Strings that others' events say, in the same records and around them.
#[test]
fn nothing_of_others_is_in_the_file() {
    let mut bench = Bench::in_world(8);
    let labels = ["OURS-1", "PLANTED-A", "PLANTED-B"];
    let events = labels.map(|label| event(produced(&bench, label))).to_vec();
    let draft: Draft = bench.draft("P1", events);
    let id: StatementId = draft.id;
    bench.submit(sign(&draft, "P1")).unwrap();
    let body = produced(&bench, "PLANTED-C");
    bench.say("P1", body).unwrap();
    let lot = hazledger::event::ids::derived(&party('P'), id, 0, 0);
    let both = vec![event(used(&lot, "5")), event(produced(&bench, "PLANTED-D"))];
    bench.say_all("P1", both).unwrap();
    for at in 0..20 {
        // Of a ledger's own statements no two are of one name.
        bench.now += 1;
        let body = produced(&bench, &format!("PLANTED-E{at}"));
        bench.say("P1", body).unwrap();
    }
    let house = House::of(bench);
    let evidence = house.evidence(LotId(lot));
    let checked = house.check(&evidence).unwrap();
    assert_eq!(checked.state.last, 4);
    assert!(!evidence.maps.is_empty());
    let bytes = evidence.encode_to_vec();
    let says = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(says("OURS-1"));
    assert!(!says("PLANTED"));
    // Nor is any body of an event that is not about it, nor a party's name
    // that was entered beside the key that signed.
    for position in 0..house.size() {
        let whole = house.whole(position);
        let mut held = evidence.records.iter();
        let held = held.find(|record| super::lies::position(record) == position);
        for (at, part) in whole.events.iter().enumerate() {
            let shown =
                held.is_some_and(|h| h.record.as_ref().unwrap().events[at] != Part::default());
            let inside = bytes
                .windows(part.body.len())
                .any(|w| w == part.body.as_ref());
            assert_eq!(inside, shown, "event {at} of record {position}");
        }
    }
    let withheld = house
        .whole(1)
        .events
        .iter()
        .filter(|part| {
            !bytes
                .windows(part.body.len())
                .any(|w| w == part.body.as_ref())
        })
        .count();
    assert!(withheld > 3, "the registrations of others");
}
