//! Wrong in form: other ledgers, other bytes, other times, ids used before.

use bytes::Bytes;

use super::{Attempt, refused};
use crate::event::signing::SecretKey;
use crate::event::statement::Draft;
use crate::pb::event::Body;
use crate::pb::{Moved, RefusalCode, Signature};
use crate::sim::setup::header;
use crate::sim::{Issued, Pile, World};

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(super) const ATTEMPTS: &[Attempt] = &[
    wrong_origin,
    bad_signature,
    expired,
    missing_signature,
    unknown_key,
    body_differs,
    id_reused,
    id_too_old,
    id_from_future,
    happened_in_future,
];

/// A harmless move of goods that are there; its form is what is wrong.
pub(super) fn harmless(world: &mut World) -> Option<(Draft, Pile)> {
    let pile = world.look_at_pile()?;
    let [entry, store] = pile.holder.places();
    let to = if pile.place == entry.code {
        store
    } else {
        entry
    };
    let moved = Moved {
        goods: Some(pile.goods()),
        from_place: pile.place.to_owned(),
        to_place: to.code.to_owned(),
    };
    let id = world.fresh_id();
    Some((
        world.draft(&pile.holder, id, vec![Body::Moved(moved)]),
        pile,
    ))
}

fn sent(draft: &Draft, key: &SecretKey, what: &'static str, code: RefusalCode) -> Issued {
    refused(World::signed(draft, key, &[], what), code)
}

fn wrong_origin(world: &mut World) -> Option<Issued> {
    let (mut draft, pile) = harmless(world)?;
    draft.origin.genesis_hash = world.hash();
    let what = "speaks to another ledger";
    Some(sent(
        &draft,
        &pile.holder.first,
        what,
        RefusalCode::WrongOrigin,
    ))
}

fn bad_signature(world: &mut World) -> Option<Issued> {
    let (draft, pile) = harmless(world)?;
    let what = "changes a signature on the way";
    let mut issued = sent(&draft, &pile.holder.first, what, RefusalCode::BadSignature);
    for Signature { signature, .. } in &mut issued.signed.signatures {
        let flipped: Vec<u8> = signature.iter().map(|b| b ^ 1).collect();
        *signature = Bytes::from(flipped);
    }
    Some(issued)
}

fn missing_signature(world: &mut World) -> Option<Issued> {
    let (draft, pile) = harmless(world)?;
    let what = "leaves the signature out";
    let mut issued = sent(
        &draft,
        &pile.holder.first,
        what,
        RefusalCode::MissingSignature,
    );
    issued.signed.signatures.clear();
    Some(issued)
}

fn unknown_key(world: &mut World) -> Option<Issued> {
    let (draft, _) = harmless(world)?;
    let mut seed = [0; 32];
    seed.copy_from_slice(&world.hash());
    let stranger = SecretKey::from_seed(&seed);
    Some(sent(
        &draft,
        &stranger,
        "signs with a key nobody knows",
        RefusalCode::UnknownKey,
    ))
}

fn body_differs(world: &mut World) -> Option<Issued> {
    let (draft, pile) = harmless(world)?;
    let what = "shows another body than it signed";
    let mut issued = sent(
        &draft,
        &pile.holder.first,
        what,
        RefusalCode::BodyDigestMismatch,
    );
    for part in &mut issued.signed.events {
        part.salt = Bytes::copy_from_slice(&[7; 16]);
    }
    Some(issued)
}

fn expired(world: &mut World) -> Option<Issued> {
    let (mut draft, pile) = harmless(world)?;
    draft.expires_at_ms = world.span.from_ms;
    Some(sent(
        &draft,
        &pile.holder.first,
        "comes after its expiry",
        RefusalCode::Expired,
    ))
}

/// The id of a statement that has been recorded, over other words.
fn id_reused(world: &mut World) -> Option<Issued> {
    let last = header(&world.last.clone()?.signed);
    let id = crate::event::StatementId::parse(&last.id)?;
    let who = world.cast.by_code(&last.party)?.clone();
    let (mut draft, _) = harmless(world)?;
    draft.id = id;
    draft.party.clone_from(&who.code);
    let what = "uses an id for other words";
    Some(sent(&draft, &who.first, what, RefusalCode::IdReused))
}

fn at_another_time(
    world: &mut World,
    ms: i64,
    what: &'static str,
    code: RefusalCode,
) -> Option<Issued> {
    let (mut draft, pile) = harmless(world)?;
    draft.id = world.id_at(ms);
    Some(sent(&draft, &pile.holder.first, what, code))
}

fn id_too_old(world: &mut World) -> Option<Issued> {
    let ms = world.span.until_ms.saturating_sub(40 * DAY_MS);
    at_another_time(world, ms, "comes a month late", RefusalCode::IdTooOld)
}

fn id_from_future(world: &mut World) -> Option<Issued> {
    let ms = world.span.until_ms.saturating_add(DAY_MS);
    at_another_time(
        world,
        ms,
        "has a clock a day fast",
        RefusalCode::IdFromFuture,
    )
}

fn happened_in_future(world: &mut World) -> Option<Issued> {
    let (mut draft, pile) = harmless(world)?;
    draft.happened_at_ms = world.span.until_ms.saturating_add(DAY_MS);
    let what = "tells what has not happened yet";
    Some(sent(
        &draft,
        &pile.holder.first,
        what,
        RefusalCode::HappenedInFuture,
    ))
}
