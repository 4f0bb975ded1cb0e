//! Goods that are not there, not whole, not free, or not what they are said
//! to be.
#![expect(
    clippy::unnecessary_wraps,
    reason = "attempts have one type; some of them are always possible"
)]

use super::{Attempt, refused};
use crate::event::LotId;
use crate::pb::event::Body;
use crate::pb::{
    Corrected, Declined, Event, EventRef, Goods, Measure, MeasureUnit, Moved, NewLot, Packed,
    PaymentKind, Produced, Quantity, RefusalCode, ReportKind, Reported, SerialRange, Settled,
    Settlement, SettlementCause, Traded, TransformInput, Transformed, UnregulatedProduct, Used,
};
use crate::sim::goods::{self, CYANIDE, KG, Pile, booked};
use crate::sim::paper;
use crate::sim::ship::accepted;
use crate::sim::{Issued, World};

pub(super) const ATTEMPTS: &[Attempt] = &[
    more_than_there_is,
    taken_twice,
    unknown_lot,
    nothing,
    offered_twice,
    serials_elsewhere,
    serials_again,
    unknown_place,
    not_owned,
    own_handoff,
    unknown_form,
    papers_missing,
    impossible_content,
    measure_disagrees,
    serials_backwards,
    another_line,
    another_digest,
    unknown_consignment,
    unknown_dispute,
    unknown_event,
    out_of_nothing,
    stays_put,
    unknown_offer,
];

/// More than any lot of the world weighs, milligrams.
const TOO_MUCH: i64 = 9_000_000 * KG;

fn used(pile: &Pile, goods: Goods) -> Body {
    Body::Used(Used {
        goods: Some(goods),
        place: pile.place.to_owned(),
        purpose: pile.product.purpose.to_owned(),
    })
}

fn more_than_there_is(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let carrier = world.cast.carriers.first().clone();
    let much = Pile {
        contents: crate::sim::Contents::Loose(TOO_MUCH),
        ..pile
    };
    let offered = paper::offered(&much, &carrier, None);
    let what = "offers more than is there";
    let said = world.say(&much.holder, vec![Body::Offered(offered)], what);
    Some(refused(said, RefusalCode::Insufficient))
}

fn taken_twice(world: &mut World) -> Option<Issued> {
    let (who, offer, goods) = world.taken.clone()?;
    let body = Body::Accepted(accepted(&offer, who.entry.code, &goods));
    let said = world.say(&who, vec![body], "takes an offer twice");
    Some(refused(said, RefusalCode::OfferClosed))
}

fn unknown_lot(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let lot = LotId::from_slice(world.hash().get(..16)?)?;
    let body = used(&pile, goods::loose(lot, KG));
    let said = world.say(&pile.holder, vec![body], "uses a lot nobody knows");
    Some(refused(said, RefusalCode::UnknownLot))
}

fn nothing(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let body = used(&pile, goods::loose(pile.lot, 0));
    let said = world.say(&pile.holder, vec![body], "uses nothing at all");
    Some(refused(said, RefusalCode::MassNotPositive))
}

fn offered_twice(world: &mut World) -> Option<Issued> {
    let (giver, carrier, _, pile) = world.waiting_offer()?;
    let offered = paper::offered(&pile, &carrier, None);
    let said = world.say(
        &giver,
        vec![Body::Offered(offered)],
        "offers the same goods twice",
    );
    Some(refused(said, RefusalCode::Reserved))
}

fn serials_elsewhere(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let body = used(&pile, goods::packages(pile.lot, 900_001, 900_002));
    let said = world.say(&pile.holder, vec![body], "uses packages that are not there");
    Some(refused(said, RefusalCode::SerialsNotHere))
}

/// Loose goods are there to be packed, under a serial that the lot has used.
fn serials_again(world: &mut World) -> Option<Issued> {
    let of_one_lot = |loose: &&Pile| {
        loose.count() == 0
            && !world.has_left(&loose.holder)
            && world
                .stock
                .iter()
                .any(|p| p.lot == loose.lot && p.count() > 0)
    };
    let loose = world.stock.iter().find(of_one_lot)?.clone();
    let used = world
        .stock
        .iter()
        .find(|p| p.lot == loose.lot && p.count() > 0)?;
    let packed = Packed {
        serials: used.serials().first().map(|r| SerialRange {
            first: r.first,
            last: r.first,
        }),
        ..paper::packed(loose.lot, loose.place, 1, KG, loose.product.packaging)
    };
    let what = "numbers new packages like old ones";
    let said = world.say(&loose.holder, vec![Body::Packed(packed)], what);
    Some(refused(said, RefusalCode::SerialsExist))
}

fn moved(pile: &Pile, to_place: &str) -> Body {
    Body::Moved(Moved {
        goods: Some(pile.goods()),
        from_place: pile.place.to_owned(),
        to_place: to_place.to_owned(),
    })
}

fn unknown_place(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let body = moved(&pile, "SHED-9");
    let said = world.say(
        &pile.holder,
        vec![body],
        "moves goods to a place nobody registered",
    );
    Some(refused(said, RefusalCode::UnknownPlace))
}

fn stays_put(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let body = moved(&pile, pile.place);
    let said = world.say(&pile.holder, vec![body], "moves goods to where they are");
    Some(refused(said, RefusalCode::NoChange))
}

fn not_owned(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let seller = world.cast.carriers.first().clone();
    let buyer = world.cast.disposers.first().clone();
    let traded = Traded {
        buyer: buyer.code.clone(),
        goods: vec![pile.goods()],
        permit: String::new(),
        returns: None,
        payment: PaymentKind::BankAccount.into(),
        online: false,
    };
    let id = world.fresh_id();
    let bodies = vec![Body::Traded(traded)];
    let said = world.say_as(
        id,
        &seller,
        &[&buyer.first],
        bodies,
        "sells what it does not own",
    );
    Some(refused(said, RefusalCode::TitleInsufficient))
}

fn own_handoff(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let offered = paper::offered(&pile, &pile.holder, None);
    let said = world.say(
        &pile.holder,
        vec![Body::Offered(offered)],
        "offers goods to itself",
    );
    Some(refused(said, RefusalCode::OwnHandoff))
}

/// A production with one thing wrong.
fn produced(
    world: &mut World,
    spoil: fn(&mut NewLot),
    what: &'static str,
    code: RefusalCode,
) -> Issued {
    let who = world.cast.cyanide_plants.first().clone();
    let label = world.label(&who, CYANIDE.substance);
    let mut lot = world.new_lot(label, &CYANIDE, 100 * KG, 980_000, who.entry.code);
    spoil(&mut lot);
    let body = Body::Produced(Produced { lot: Some(lot) });
    refused(world.say(&who, vec![body], what), code)
}

fn unknown_form(world: &mut World) -> Option<Issued> {
    let spoil = |lot: &mut NewLot| "NACN-9999".clone_into(&mut lot.form);
    Some(produced(
        world,
        spoil,
        "produces no form of the catalogue",
        RefusalCode::UnknownForm,
    ))
}

fn papers_missing(world: &mut World) -> Option<Issued> {
    let spoil = |lot: &mut NewLot| lot.data_sheet_hash.clear();
    Some(produced(
        world,
        spoil,
        "produces without a data sheet",
        RefusalCode::PapersMissing,
    ))
}

fn impossible_content(world: &mut World) -> Option<Issued> {
    let spoil = |lot: &mut NewLot| lot.content_ppm = 1_000_001;
    Some(produced(
        world,
        spoil,
        "produces more than pure",
        RefusalCode::ContentInvalid,
    ))
}

fn measure_disagrees(world: &mut World) -> Option<Issued> {
    let spoil = |lot: &mut NewLot| {
        let measure = Measure {
            value: "99.5".to_owned(),
            unit: MeasureUnit::Kg.into(),
            method: "weighbridge".to_owned(),
            ..Measure::default()
        };
        lot.quantity = Some(Quantity {
            gross_mg: 100 * KG,
            measure: Some(measure),
        });
    };
    Some(produced(
        world,
        spoil,
        "books another mass than it weighed",
        RefusalCode::MeasureDisagrees,
    ))
}

fn serials_backwards(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let body = used(&pile, goods::packages(pile.lot, 9, 3));
    let said = world.say(&pile.holder, vec![body], "names packages backwards");
    Some(refused(said, RefusalCode::SerialsInvalid))
}

fn another_line(world: &mut World) -> Option<Issued> {
    let (_, carrier, offer, pile) = world.waiting_offer()?;
    let mut acceptance = accepted(&offer, "", &pile.goods());
    for line in &mut acceptance.lines {
        line.line = 5;
    }
    let body = Body::Accepted(acceptance);
    let said = world.say(&carrier, vec![body], "accepts a line that was not offered");
    Some(refused(said, RefusalCode::LinesDiffer))
}

fn another_digest(world: &mut World) -> Option<Issued> {
    let (_, carrier, mut offer, pile) = world.waiting_offer()?;
    offer.event_digest = world.hash();
    let body = Body::Accepted(accepted(&offer, "", &pile.goods()));
    let said = world.say(
        &carrier,
        vec![body],
        "accepts other words than were offered",
    );
    Some(refused(said, RefusalCode::EventDigestDiffers))
}

fn unknown_offer(world: &mut World) -> Option<Issued> {
    let who = world.cast.carriers.first().clone();
    let offer = nobodys_event(world);
    let declined = Declined {
        offer: Some(offer),
        reason: String::new(),
    };
    let said = world.say(
        &who,
        vec![Body::Declined(declined)],
        "declines what nobody offered",
    );
    Some(refused(said, RefusalCode::UnknownOffer))
}

/// A reference to an event that there is not.
pub(super) fn nobodys_event(world: &mut World) -> EventRef {
    EventRef {
        party: world.cast.cyanide_plants.first().code.clone(),
        statement_id: world.fresh_id().to_bytes(),
        event_index: 0,
        event_digest: world.hash(),
    }
}

fn unknown_event(world: &mut World) -> Option<Issued> {
    let who = world.cast.cyanide_plants.first().clone();
    let label = world.label(&who, CYANIDE.substance);
    let lot = world.new_lot(label, &CYANIDE, 100 * KG, 980_000, who.entry.code);
    let body = Body::Produced(Produced { lot: Some(lot) });
    let corrected = Corrected {
        original: Some(nobodys_event(world)),
        restated: Some(Box::new(Event {
            external_refs: Vec::new(),
            body: Some(body),
        })),
        reason: "typing error 录入错误".to_owned(),
    };
    let said = world.say(
        &who,
        vec![Body::Corrected(Box::new(corrected))],
        "corrects what nobody said",
    );
    Some(refused(said, RefusalCode::UnknownEvent))
}

fn unknown_consignment(world: &mut World) -> Option<Issued> {
    let who = world.cast.carriers.first().clone();
    let reported = Reported {
        consignment: bytes::Bytes::copy_from_slice(world.hash().get(..16)?),
        kind: ReportKind::Position.into(),
        region: who.region.to_owned(),
        longitude_e6: 111_000_000,
        latitude_e6: 41_000_000,
        ..Reported::default()
    };
    let said = world.say(
        &who,
        vec![Body::Reported(reported)],
        "reports on goods nobody carries",
    );
    Some(refused(said, RefusalCode::UnknownConsignment))
}

fn unknown_dispute(world: &mut World) -> Option<Issued> {
    let who = world.cast.carriers.first().clone();
    let settled = Settled {
        dispute: bytes::Bytes::copy_from_slice(world.hash().get(..16)?),
        settlements: vec![Settlement {
            cause: SettlementCause::Scale.into(),
            gross_mg: KG,
            serials: Vec::<SerialRange>::new(),
            party: String::new(),
            place: String::new(),
        }],
    };
    let said = world.say(
        &who,
        vec![Body::Settled(settled)],
        "settles what nobody disputes",
    );
    Some(refused(said, RefusalCode::UnknownDispute))
}

/// More comes out than went in.
fn out_of_nothing(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let transformed = Transformed {
        inputs: vec![TransformInput {
            goods: Some(pile.goods()),
            place: pile.place.to_owned(),
        }],
        unregulated: vec![UnregulatedProduct {
            name: "nitro lacquer 硝基漆".to_owned(),
            quantity: Some(booked(pile.gross() + KG)),
        }],
        ..Transformed::default()
    };
    let what = "makes more than went in";
    let said = world.say(&pile.holder, vec![Body::Transformed(transformed)], what);
    Some(refused(said, RefusalCode::NotConserved))
}
