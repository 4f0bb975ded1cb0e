//! Inspections: a hidden danger found, set right, verified, looked back at; the
//! same again within a year; a yard where nothing is in order. And a finding
//! that is answered: acknowledged, explained, resolved.

use bytes::Bytes;

use crate::pb::event::Body;
use crate::pb::{
    Counted, DocumentRef, EventRef, Finding, FindingAnswer, FindingAnswered, FindingCode,
    Inspected, InspectionItem, LookedBack, Rectified, RefusalCode, Verified,
};
use crate::sim::World;
use crate::sim::cast::Who;
use crate::sim::fleet::Valid;
use crate::sim::goods::CYANIDE;
use crate::sim::world::Said;

/// Items of a whole checklist, and how often it is gone through in the yard.
const CHECKLIST: u32 = 64;
const ROUNDS: u32 = 3;

/// A finding whose answers are to come, once its place is known.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Awaited {
    who: Who,
    code: FindingCode,
    event: EventRef,
}

fn item(code: &str, danger: &str, due_ms: i64) -> InspectionItem {
    let ok = danger.is_empty();
    InspectionItem {
        code: code.to_owned(),
        text: "checked on the spot 现场检查".to_owned(),
        ok,
        danger: danger.to_owned(),
        due_ms: if ok { 0 } else { due_ms },
    }
}

impl World {
    fn inspects(&mut self, who: &Who, danger: &str, found: &[FindingCode]) -> Bytes {
        let due_ms = self.until(Valid::Yes);
        let inspected = Inspected {
            party: who.code.clone(),
            site: crate::sim::setup::SITE.to_owned(),
            items: vec![
                item("DOUBLE-LOCK", danger, due_ms),
                item("LEDGER", "", 0),
                item("ALARM", "", 0),
            ],
            documents: Vec::new(),
        };
        let what = "inspects a store and finds something 检查仓库, 查出隐患";
        let said = self.by_agency(who, vec![Body::Inspected(inspected)], what);
        Bytes::copy_from_slice(&self.then(said.meaning(found)).name(0, 0))
    }

    fn sets_right(&mut self, who: &Who, danger: &Bytes) -> Said {
        let rectified = Rectified {
            danger: danger.clone(),
            what: "second lock fitted 已加装第二把锁".to_owned(),
            documents: vec![DocumentRef {
                kind: "photograph 照片".to_owned(),
                hash: self.hash(),
            }],
        };
        self.say(
            who,
            vec![Body::Rectified(rectified)],
            "sets a danger right 整改隐患",
        )
    }

    fn verifies(&mut self, who: &Who, danger: &Bytes, ok: bool) -> Said {
        let verified = Verified {
            danger: danger.clone(),
            ok,
            note: "seen 已查看".to_owned(),
            due_ms: if ok { 0 } else { self.until(Valid::Yes) },
        };
        let what = if ok {
            "verifies what was set right 核查合格"
        } else {
            "finds that it is still not right 核查: 仍不合格"
        };
        self.by_agency(who, vec![Body::Verified(verified)], what)
    }
}

pub(super) fn inspected(world: &mut World) {
    world.tells("A hidden danger, from inspection to look-back, and again 隐患排查整改闭环与反复");
    let store = world.cast.warehouses.first().clone();
    let found = [FindingCode::HiddenDanger];
    let danger = world.inspects(&store, "one lock instead of two 仅一把锁", &found);
    let said = world.verifies(&store, &danger, true);
    world.then_refused(said, RefusalCode::DangerOutOfOrder);
    let said = world.sets_right(&store, &danger);
    world.then(said);
    let said = world.verifies(&store, &danger, false).meaning(&found);
    world.then(said);
    let said = world.sets_right(&store, &danger);
    world.then(said);
    let said = world.verifies(&store, &danger, true);
    world.then(said);
    let back = LookedBack {
        danger,
        ok: true,
        note: "still in order 回头看正常".to_owned(),
        due_ms: 0,
    };
    let bodies = vec![Body::LookedBack(back)];
    let said = world.by_agency(&store, bodies, "looks back some time after 回头看");
    world.then(said);
    let again = [FindingCode::HiddenDanger, FindingCode::RepeatedDanger];
    let danger = world.inspects(&store, "the second lock is gone 第二把锁又不见", &again);
    let said = world.sets_right(&store, &danger);
    world.then(said);
    nothing_in_order(world);
}

/// A whole checklist, three times: more findings than a record holds.
fn nothing_in_order(world: &mut World) {
    world.chapter = None;
    let yard = world.cast.lapsed_carriers.first().clone();
    let due_ms = world.until(Valid::Yes);
    let items: Vec<InspectionItem> = (1..=CHECKLIST)
        .map(|n| item(&format!("YARD-{n:02}"), "not in order 不合格", due_ms))
        .collect();
    let round = || {
        Body::Inspected(Inspected {
            party: yard.code.clone(),
            items: items.clone(),
            ..Inspected::default()
        })
    };
    let bodies = (0..ROUNDS).map(|_| round()).collect();
    let said = world.by_agency(&yard, bodies, "finds nothing in order in a yard");
    let said = said.meaning(&[FindingCode::HiddenDanger, FindingCode::RepeatedDanger]);
    world.then(said);
}

/// Highly toxic goods are counted by one person; who must see to it says why,
/// and the agency closes it.
pub(super) fn a_finding_is_answered(world: &mut World) {
    let plant = world.cast.cyanide_plants.first().clone();
    let pile = world.batch(&plant, &CYANIDE, 3);
    let counted = Counted {
        lot: pile.lot.to_bytes(),
        place: pile.place.to_owned(),
        serials_scanned: pile.serials(),
        ..Counted::default()
    };
    let what = "counts highly toxic goods alone";
    let said = world.say(&plant, vec![Body::Counted(counted)], what);
    let mut said = said.meaning(&[FindingCode::OnePerson]);
    said.issued.heard = true;
    world.law.awaited = Some(Awaited {
        who: plant,
        code: FindingCode::OnePerson,
        event: said.reference(0),
    });
    world.then(said);
    world.stock.push(pile);
}

impl World {
    /// Tells the world how a statement was answered that it wants to be told of
    /// ([`Issued::heard`](super::super::Issued)): where it stands, and what was
    /// found. What it has to say to that comes next.
    pub fn heard(&mut self, position: u64, findings: &[Finding]) {
        let Some(awaited) = self.law.awaited.take() else {
            return;
        };
        let of_code = |f: &Finding| f.code() == awaited.code;
        let Some(at) = findings.iter().position(of_code) else {
            return;
        };
        let answered = |answer: FindingAnswer, words: &str| {
            vec![Body::FindingAnswered(FindingAnswered {
                position,
                finding: u32::try_from(at).unwrap_or(u32::MAX),
                event: Some(awaited.event.clone()),
                answer: answer.into(),
                words: words.to_owned(),
                documents: Vec::new(),
            })]
        };
        let (who, other) = (&awaited.who, self.cast.paint_makers.first().clone());
        let seen = || answered(FindingAnswer::Acknowledged, "");
        let said = self.say(&other, seen(), "answers another party's finding");
        self.then_refused(said, RefusalCode::NotTheOwner);
        let said = self.say(who, seen(), "acknowledges a finding");
        self.then(said);
        let why = "the second keeper was ill 另一保管员病假";
        let explained = answered(FindingAnswer::Explained, why);
        let said = self.say(who, explained, "explains a finding");
        self.then(said);
        let over = answered(FindingAnswer::Resolved, "counted again by two 双人复盘");
        let said = self.by_agency(who, over.clone(), "resolves a finding");
        self.then(said);
        let said = self.by_agency(who, over, "resolves a finding again");
        self.then_refused(said, RefusalCode::FindingResolved);
    }
}
