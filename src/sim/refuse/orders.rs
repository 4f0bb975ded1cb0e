//! Across the ledger's edge, and by order: what only the other side, an agency
//! or all of them can say, and what nobody says who has been succeeded.
#![expect(
    clippy::unnecessary_wraps,
    reason = "attempts have one type; some of them are always possible"
)]

use super::{Attempt, refused};
use crate::pb::event::Body;
use crate::pb::taken_over::At;
use crate::pb::{
    Confirmed, Departed, EventRef, Inherited, InheritedLine, Outsider, RefusalCode, Succeeded,
    TakenOver,
};
use crate::sim::goods::{KG, Pile, booked};
use crate::sim::world::Job;
use crate::sim::{Issued, World, paper};

pub(super) const ATTEMPTS: &[Attempt] = &[
    departs_to_a_party,
    confirms_for_the_other_side,
    confirms_nothing,
    takes_over_by_itself,
    succeeds_by_one_agency,
    inherits_from_a_stranger,
    begins_anew_though_succeeded,
];

fn departs_to_a_party(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let to = world.cast.disposers.first().clone();
    let departed = Departed {
        goods: Some(pile.goods()),
        place: pile.place.to_owned(),
        to: Some(Outsider {
            name: to.name_zh.to_owned(),
            code: to.code.clone(),
            country: "CN".to_owned(),
            ..Outsider::default()
        }),
        documents: Vec::new(),
    };
    let what = "sends goods past a party of the ledger";
    let said = world.say(&pile.holder, vec![Body::Departed(departed)], what);
    Some(refused(said, RefusalCode::FieldInvalid))
}

fn confirmed(pile_lot: bytes::Bytes, edge: EventRef, gross: i64) -> Vec<Body> {
    vec![Body::Confirmed(Confirmed {
        lot: pile_lot,
        edge: Some(edge),
        quantity: Some(booked(gross)),
    })]
}

fn confirms_for_the_other_side(world: &mut World) -> Option<Issued> {
    let waiting = world.jobs.iter().find_map(|job| match job {
        Job::Edge(edge) => Some((**edge).clone()),
        _ => None,
    })?;
    let who = world.cast.by_code(&waiting.event.party)?.clone();
    if world.has_left(&who) {
        return None;
    }
    let bodies = confirmed(waiting.lot.to_bytes(), waiting.event, waiting.gross);
    let said = world.say(&who, bodies, "confirms its own word");
    Some(refused(said, RefusalCode::CounterpartSignatureRequired))
}

fn confirms_nothing(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let edge = super::goods::nobodys_event(world);
    let bodies = confirmed(pile.lot.to_bytes(), edge, KG);
    let said = world.order(bodies, "confirms what never crossed the edge");
    Some(refused(said, RefusalCode::UnknownEdge))
}

fn takes_over_by_itself(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let keeper = world.cast.warehouses.first().clone();
    let taken = TakenOver {
        goods: Some(pile.goods()),
        holder: pile.holder.code.clone(),
        at: Some(At::Place(pile.place.to_owned())),
        custodian: keeper.code.clone(),
        to_place: keeper.entry.code.to_owned(),
        order: "YJ-2026-0000".to_owned(),
        reason: "a debt 抵债".to_owned(),
    };
    let what = "takes over goods without an order";
    let said = world.say(&keeper, vec![Body::TakenOver(taken)], what);
    Some(refused(said, RefusalCode::AuthorityRequired))
}

/// One agency alone, where genesis asks for both.
fn succeeds_by_one_agency(world: &mut World) -> Option<Issued> {
    let from = world.cast.paint_makers.first().clone();
    let to = world.cast.disposers.first().clone();
    let succeeded = Succeeded {
        predecessor: from.code.clone(),
        successor: to.code.clone(),
        effective_at_ms: world.now_ms(),
        reason: "merger 合并".to_owned(),
    };
    let what = "lets a party be succeeded, alone";
    let said = world.order(vec![Body::Succeeded(succeeded)], what);
    Some(refused(said, RefusalCode::AuthorityRequired))
}

fn inherited(pile: &Pile) -> Body {
    Body::Inherited(Inherited {
        predecessor: pile.holder.code.clone(),
        lines: vec![InheritedLine {
            lot: pile.lot.to_bytes(),
            place: String::new(),
            to_place: String::new(),
        }],
    })
}

fn inherits_from_a_stranger(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let who = world.cast.carriers.first().clone();
    let what = "inherits from whom it has not succeeded";
    let said = world.say(&who, vec![inherited(&pile)], what);
    Some(refused(said, RefusalCode::AuthorityRequired))
}

fn begins_anew_though_succeeded(world: &mut World) -> Option<Issued> {
    // Who had vanished before has no key left to sign with.
    let gone = world.gone.iter().find(|g| g.heir.is_some() && !g.keyless);
    let gone = gone?.who.clone();
    let pile = world.look_at_pile()?;
    let carrier = world.cast.carriers.first().clone();
    let offered = paper::offered(&pile, &carrier, None);
    let what = "offers goods though it has been succeeded";
    let said = world.say(&gone, vec![Body::Offered(offered)], what);
    Some(refused(said, RefusalCode::PartyNotActive))
}
