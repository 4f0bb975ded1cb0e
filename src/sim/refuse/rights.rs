//! Signed by the wrong one: another party's key, a revoked key, one person
//! where two are needed, no authority, no counterpart.
#![expect(
    clippy::unnecessary_wraps,
    reason = "attempts have one type; some of them are always possible"
)]

use super::{Attempt, refused};
use crate::event::LotId;
use crate::pb::event::Body;
use crate::pb::{
    Accepted, KeyHolder, KeyRegistered, Moved, Opened, PartyRegistered, PartyStatus, PaymentKind,
    RefusalCode, ReportKind, Reported, SignatureAlgorithm, StateRecorded, Traded, Used, Withdrawn,
};
use crate::sim::cast::Who;
use crate::sim::goods::{CYANIDE, KG};
use crate::sim::paper;
use crate::sim::setup::public;
use crate::sim::{Issued, World};

pub(super) const ATTEMPTS: &[Attempt] = &[
    key_of_another,
    authority_required,
    not_the_taker,
    two_persons,
    counterpart,
    not_the_giver,
    revoked_key,
    root_threshold,
    not_the_carrier,
    reserved_for_ledger,
    key_exists,
    personal_data,
    unknown_party,
];

fn uses(world: &mut World, purpose: &str) -> Option<(Who, Body)> {
    let pile = world.look_at_pile()?;
    let used = Used {
        goods: Some(pile.goods()),
        place: pile.place.to_owned(),
        purpose: purpose.to_owned(),
    };
    Some((pile.holder, Body::Used(used)))
}

fn another(world: &World, than: &Who) -> Option<Who> {
    world
        .cast
        .enterprises()
        .find(|w| w.code != than.code)
        .cloned()
}

fn key_of_another(world: &mut World) -> Option<Issued> {
    let (who, body) = uses(world, "leaching 浸出")?;
    let other = another(world, &who)?;
    let id = world.fresh_id();
    let draft = world.draft(&who, id, vec![body]);
    let said = World::signed(&draft, &other.first, &[], "signs for another party");
    Some(refused(said, RefusalCode::KeyNotOfParty))
}

fn revoked_key(world: &mut World) -> Option<Issued> {
    let (who, key) = world.revoked.clone()?;
    let moved = Moved {
        goods: Some(crate::sim::goods::loose(LotId([0; 16]), KG)),
        from_place: who.entry.code.to_owned(),
        to_place: who.store.code.to_owned(),
    };
    let id = world.fresh_id();
    let draft = world.draft(&who, id, vec![Body::Moved(moved)]);
    let said = World::signed(&draft, &key, &[], "signs with a revoked key");
    Some(refused(said, RefusalCode::KeyRevoked))
}

fn registration(who: &Who) -> Body {
    Body::PartyRegistered(PartyRegistered {
        party: who.code.clone(),
        name_zh: who.name_zh.to_owned(),
        name_en: who.name_en.to_owned(),
        stages: Vec::new(),
        status: PartyStatus::Closed.into(),
        region: who.region.to_owned(),
        ..PartyRegistered::default()
    })
}

fn authority_required(world: &mut World) -> Option<Issued> {
    let who = world.cast.cyanide_plants.first().clone();
    let rival = world.cast.nitrate_plants.first().clone();
    let what = "closes a competitor in the registry";
    let said = world.say(&who, vec![registration(&rival)], what);
    Some(refused(said, RefusalCode::AuthorityRequired))
}

fn key_registration(world: &mut World, who: &Who, key: bytes::Bytes) -> Body {
    Body::KeyRegistered(KeyRegistered {
        party: who.code.clone(),
        algorithm: SignatureAlgorithm::Ed25519.into(),
        public_key: key,
        holder: KeyHolder::Person.into(),
        holder_commitment: world.hash(),
        valid_from_ms: world.span.from_ms,
        valid_until_ms: world.expires_ms(),
        ..KeyRegistered::default()
    })
}

/// One agency alone, where genesis asks for both.
fn root_threshold(world: &mut World) -> Option<Issued> {
    let agency = world.cast.authorities.first().clone();
    let mut seed = [0; 32];
    seed.copy_from_slice(&world.hash());
    let key = public(&crate::event::signing::SecretKey::from_seed(&seed));
    let who = world.cast.carriers.first().clone();
    let body = key_registration(world, &who, key);
    let id = world.fresh_id();
    let draft = world.draft(&agency, id, vec![body]);
    let what = "registers a key with one agency's word";
    let said = World::signed(&draft, &agency.first, &[], what);
    Some(refused(said, RefusalCode::AuthorityRequired))
}

fn key_exists(world: &mut World) -> Option<Issued> {
    let who = world.cast.carriers.first().clone();
    let key = public(&who.second);
    let body = key_registration(world, &who, key);
    let said = world.decree(vec![body], "registers a key twice");
    Some(refused(said, RefusalCode::KeyExists))
}

fn two_persons(world: &mut World) -> Option<Issued> {
    let who = world.cast.gold_mines.first().clone();
    let label = world.label(&who, CYANIDE.substance);
    let lot = world.new_lot(label, &CYANIDE, 100 * KG, 980_000, who.entry.code);
    let opened = Opened {
        lot: Some(lot),
        provenance: "old stock 旧库存".to_owned(),
    };
    let what = "opens stock on one person's word";
    let said = world.say(&who, vec![Body::Opened(opened)], what);
    Some(refused(said, RefusalCode::TwoPersonsRequired))
}

fn counterpart(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let buyer = another(world, &pile.owner)?;
    let traded = Traded {
        buyer: buyer.code.clone(),
        goods: vec![pile.goods()],
        permit: String::new(),
        returns: None,
        payment: PaymentKind::BankAccount.into(),
        online: false,
    };
    let what = "sells without the buyer";
    let said = world.say(&pile.owner.clone(), vec![Body::Traded(traded)], what);
    Some(refused(said, RefusalCode::CounterpartSignatureRequired))
}

fn not_the_taker(world: &mut World) -> Option<Issued> {
    let (_, carrier, offer, pile) = world.waiting_offer()?;
    let other = another(world, &carrier)?;
    let accepted = Accepted {
        offer: Some(offer),
        place: String::new(),
        lines: vec![paper::taken(&pile.goods())],
        returns: None,
        ..Accepted::default()
    };
    let what = "takes what was offered to another";
    let said = world.say(&other, vec![Body::Accepted(accepted)], what);
    Some(refused(said, RefusalCode::NotTheTaker))
}

fn not_the_giver(world: &mut World) -> Option<Issued> {
    let (giver, _, offer, _) = world.waiting_offer()?;
    let other = another(world, &giver)?;
    let withdrawn = Withdrawn {
        offer: Some(offer),
        reason: String::new(),
    };
    let what = "withdraws another party's offer";
    let said = world.say(&other, vec![Body::Withdrawn(withdrawn)], what);
    Some(refused(said, RefusalCode::NotTheGiver))
}

fn not_the_carrier(world: &mut World) -> Option<Issued> {
    let (other, consignment) = world.on_the_road()?;
    let reported = Reported {
        consignment: bytes::Bytes::copy_from_slice(&consignment),
        kind: ReportKind::Stop.into(),
        region: other.region.to_owned(),
        longitude_e6: 111_000_000,
        latitude_e6: 41_000_000,
        ..Reported::default()
    };
    let what = "reports on goods it does not carry";
    let said = world.say(&other, vec![Body::Reported(reported)], what);
    Some(refused(said, RefusalCode::NotTheCarrier))
}

fn reserved_for_ledger(world: &mut World) -> Option<Issued> {
    let who = world.cast.warehouses.first().clone();
    let recorded = StateRecorded {
        state_digest: world.hash(),
        touched_root: world.hash(),
        touched_count: 1,
    };
    let said = world.say(
        &who,
        vec![Body::StateRecorded(recorded)],
        "speaks as the ledger",
    );
    Some(refused(said, RefusalCode::ReservedForLedger))
}

/// A well-known number that is nobody's: it must not enter a journal either way.
fn personal_data(world: &mut World) -> Option<Issued> {
    let (who, body) = uses(world, "ask 13800138000")?;
    let said = world.say(&who, vec![body], "writes a telephone number into a text");
    Some(refused(said, RefusalCode::PersonalData))
}

fn unknown_party(world: &mut World) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let code = crate::catalog::Uscc::with_checks('9', '1', "150200", "MADEM999").ok()?;
    let offered = crate::pb::Offered {
        taker: code.to_string(),
        ..paper::offered(&pile, &pile.holder, None)
    };
    let what = "offers to a party nobody registered";
    let said = world.say(&pile.holder, vec![Body::Offered(offered)], what);
    Some(refused(said, RefusalCode::UnknownParty))
}
