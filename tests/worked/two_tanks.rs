//! A plant tank that is filled and drawn from for weeks, and a day tank that
//! some of the draws go into: where any of a lot went, told by following
//! chains, is what a sweep through every record comes to.
//!
//! Each day one tonne goes into V1 and two draws of 450 kg come out, so that
//! its heel grows; it is made of 63 lots by day 63, and runs on as another.
//! Every third day the first draw goes into V2 and 400 kg come out of that;
//! every fifth day a draw is poured in the same statement that draws it; every
//! seventh some of a draw is wasted.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use hazledger::custody::{Item, Items as _, account, subject};
use hazledger::event::record::OpenRecord;
use hazledger::event::{LotId, ids};
use hazledger::pb::change::Change as C;
use hazledger::pb::event::Body as B;
use hazledger::pb::{ContributedTo, Filled, Goods, LotState, Subject, SubjectKind, VesselKind};
use hazledger::projection::genealogy::Genealogy;

use super::bench::{Bench, event, sign};
use super::tanks::vessel;
use super::verbs::kg;
use super::{KG, forward, lot_of, name_of, solution, verified};

/// Days of work: enough for three running lots in V1.
const DAYS: u32 = 140;

fn day(b: &mut Bench, n: u32) {
    let lot = format!("lot-{n}");
    let made = solution(b, &lot, "1000", 300_000);
    b.name(&lot, "P1", B::Produced(made)).unwrap();
    let filled = b.filled(&format!("{lot} 1000"), "T1", "V1");
    b.name(&format!("fill-{n}"), "P1", B::Filled(filled))
        .unwrap();
    let (first, second) = (format!("a-{n}"), format!("b-{n}"));
    for (draw, place) in [(&first, "T2"), (&second, "T1")] {
        let drawn = b.drawn("V1", "450", place);
        b.name(draw, "P1", B::Drawn(drawn)).unwrap();
    }
    if n.is_multiple_of(3) {
        let filled = b.filled(&format!("{first} 450"), "T2", "V2");
        b.name(&format!("day-tank-{n}"), "P1", B::Filled(filled))
            .unwrap();
        let drawn = b.drawn("V2", "400", "T2");
        b.name(&format!("c-{n}"), "P1", B::Drawn(drawn)).unwrap();
    }
    if n.is_multiple_of(5) {
        at_once(b);
    }
    if n.is_multiple_of(7) {
        let wasted = b.wasted(&format!("{second} 100"));
        b.say("P1", B::Wasted(wasted)).unwrap();
    }
}

/// Drawn from V1, poured into V2, and drawn from that, in one statement: one
/// record in which three lots have their say.
fn at_once(b: &mut Bench) {
    let events = vec![event(B::Drawn(b.drawn("V1", "50", "T2")))];
    let mut draft = b.draft("P1", events);
    let drawn = ids::derived(&draft.party, draft.id, 0, 0);
    let filled = Filled {
        goods: Some(Goods {
            lot: Bytes::copy_from_slice(&drawn),
            loose: kg("50"),
            ..Goods::default()
        }),
        ..b.filled("lot-0 1", "T2", "V2")
    };
    draft.events.push(event(B::Filled(filled)));
    let again = b.drawn("V2", "25", "T2");
    draft.events.push(event(B::Drawn(again)));
    b.submit(sign(&draft, "P1")).unwrap();
}

fn weeks() -> Bench {
    let mut b = Bench::new();
    for code in ["V1", "V2"] {
        let place = vessel('P', code, VesselKind::Tank);
        b.say("P1", B::PlaceRegistered(place)).unwrap();
    }
    for n in 0..DAYS {
        day(&mut b, n);
    }
    b
}

/// A lot; of a running lot, what of it came by way of another.
type Node = (LotId, Option<LotId>);

/// Parent, child, gross, contained, and how much of that is of the lot.
type Edge = (Bytes, Bytes, i64, i64, i64);

fn state(b: &Bench, lot: LotId) -> LotState {
    match b.state.get(&subject::lot(lot)).as_deref() {
        Some(Item::Lot(lot)) => lot.clone(),
        _ => panic!("there is no lot {lot}"),
    }
}

/// What entered of a lot in all.
fn entered(state: &LotState) -> i64 {
    let balances = state.balances.iter();
    let sources = balances.filter(|b| b.gross_mg < 0);
    sources.map(|b| -b.gross_mg).sum()
}

fn lot_in(subject: Option<&Subject>) -> Option<LotId> {
    let subject = subject.filter(|s| s.kind() == SubjectKind::Lot)?;
    LotId::from_slice(&subject.id)
}

/// What each lot gave by the records' word, in order.
fn given(b: &Bench) -> Vec<(LotId, ContributedTo)> {
    let mut all = Vec::new();
    for (sealed, _) in &b.records {
        let record = OpenRecord::open(&sealed.bytes).unwrap();
        let mut here = Vec::new();
        for outcome in record.outcomes.iter().flatten() {
            let Some(lot) = lot_in(outcome.subject.as_ref()) else {
                continue;
            };
            for change in &outcome.changes {
                if let Some(C::ContributedTo(to)) = &change.change {
                    here.push((change.cause.unwrap().event_index, (lot, to.clone())));
                }
            }
        }
        here.sort_by_key(|(event, _)| *event);
        all.extend(here.into_iter().map(|(_, gift)| gift));
    }
    all
}

/// Every record from the first to the last, with how much of each lot is of
/// the one asked for: the obvious way.
fn sweep(b: &Bench, all: &[(LotId, ContributedTo)], lot: LotId) -> Vec<Edge> {
    let whole = entered(&state(b, lot));
    let mut of_it: BTreeMap<Node, (i64, i64)> = BTreeMap::from([((lot, None), (whole, whole))]);
    let mut edges = Vec::new();
    for (from, to) in all {
        let child = LotId::from_slice(&to.lot).unwrap();
        let ran = state(b, child);
        let ran = ran.running_in.is_some() || !ran.blend_at_end.is_empty();
        let nodes: Vec<Node> = of_it.keys().filter(|n| n.0 == *from).copied().collect();
        for node in nodes {
            let (gross, contained) = match node.1 {
                None => (to.gross_mg, to.contained_mg),
                Some(via) => match to.of.iter().find(|p| p.lot.as_ref() == via.0) {
                    Some(part) => (part.gross_mg, part.contained_mg),
                    None => continue,
                },
            };
            let (part, whole) = of_it[&node];
            let went = i128::from(gross) * i128::from(part) / i128::from(whole);
            let went = i64::try_from(went).unwrap();
            if went == 0 {
                continue;
            }
            let parent = node.1.unwrap_or(node.0);
            edges.push((parent.to_bytes(), to.lot.clone(), gross, contained, went));
            match (ran, node.1) {
                // Of what was poured as much is of it as of the lot poured.
                (true, None) => {
                    of_it.insert((child, Some(node.0)), (part, whole));
                }
                (true, Some(_)) => {
                    let next = of_it.entry((child, Some(node.0)));
                    next.or_insert((0, to.gross_mg)).0 += went;
                }
                (false, _) => {
                    let whole = entered(&state(b, child));
                    of_it.entry((child, None)).or_insert((0, whole)).0 += went;
                }
            }
        }
    }
    edges.sort();
    edges
}

fn told(found: &Genealogy) -> Vec<Edge> {
    let edge = |e: &hazledger::pb::GenealogyEdge| {
        let (parent, child) = (e.parent.clone(), e.child.clone());
        (parent, child, e.gross_mg, e.contained_mg, e.share_mg)
    };
    let mut edges: Vec<Edge> = found.edges.iter().map(edge).collect();
    edges.sort();
    edges
}

#[test]
fn following_chains_finds_what_a_sweep_through_every_record_finds() {
    let b = weeks();
    let all = given(&b);
    let running: BTreeSet<LotId> = all
        .iter()
        .filter(|(_, to)| !to.of.is_empty())
        .map(|(from, _)| *from)
        .collect();
    assert!(running.len() >= 4, "running lots: {}", running.len());
    let mut through = BTreeSet::new();
    for name in [
        "lot-0", "lot-3", "lot-30", "lot-62", "lot-90", "a-3", "a-60",
    ] {
        let found = forward(&b, name);
        assert!(!found.truncated);
        assert_eq!(told(&found), sweep(&b, &all, name_of(&b, name)), "{name}");
        // All of it is somewhere: with somebody, or a milligram lost for each
        // share that was rounded down.
        let whole = entered(&lot_of(&b, name));
        assert_eq!(found.whole_gross_mg, whole);
        let held: i64 = found.held.iter().map(|h| h.share_mg).sum();
        let rounded = whole - held;
        let most = i64::try_from(found.edges.len() + found.held.len()).unwrap();
        assert!((0..=most).contains(&rounded), "{name}: {rounded} mg");
        let children = found.edges.iter().map(|e| e.child.clone());
        through.extend(children.filter_map(|lot| LotId::from_slice(&lot)));
    }
    assert!(running.is_subset(&through), "each is followed by some");
    let v1 = account::held(&super::party('P'), "V1");
    assert!(
        forward(&b, "lot-139")
            .held
            .iter()
            .any(|h| h.account.as_ref() == Some(&v1))
    );
    assert_eq!(forward(&b, "lot-139").whole_gross_mg, 1000 * KG);
    verified(&b);
}
