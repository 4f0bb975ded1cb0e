//! Bytes that are no statement, or too much of one: what broken systems send,
//! each signed over exactly what it sends.

use bytes::Bytes;
use prost::Message as _;

use super::letter::harmless;
use super::{Attempt, refused};
use crate::event::StatementId;
use crate::event::digest::{PartKind, part_digest};
use crate::event::signing::{Purpose, SecretKey};
use crate::event::statement::{MAX_BODY, MAX_EVENTS, MAX_SIGNATURES, MAX_STATEMENT};
use crate::pb::event::Body;
use crate::pb::{Event, Part, Payload, RefusalCode, Signature, SignedStatement, Used};
use crate::sim::setup::header;
use crate::sim::{Issued, World};

pub(super) const ATTEMPTS: &[Attempt] = &[
    too_large,
    body_too_large,
    malformed,
    not_canonical,
    bad_id,
    unknown_algorithm,
    no_events,
    too_many_events,
    too_many_signatures,
    unknown_kind,
    not_live_yet,
    unexpected_signature,
];

/// A field that no message has: number 999, with nothing in it.
const FIELD_999: &[u8] = &[0xBA, 0x3E, 0x00];
/// A grant of access, which is named and not live: number 127.
const GRANTED: &[u8] = &[0xFA, 0x07, 0x00];

/// The same statement over other bytes of the header.
fn over(signed: &mut SignedStatement, key: &SecretKey, payload: Vec<u8>) {
    signed.signatures = vec![key.signature(Purpose::Statement, &payload)];
    signed.payload = payload.into();
}

/// A use whose purpose is so long.
fn wordy(world: &mut World, bytes: usize, what: &'static str, code: RefusalCode) -> Option<Issued> {
    let pile = world.look_at_pile()?;
    let used = Used {
        goods: Some(pile.goods()),
        place: pile.place.to_owned(),
        purpose: "x".repeat(bytes),
    };
    let said = world.say(&pile.holder, vec![Body::Used(used)], what);
    Some(refused(said, code))
}

fn too_large(world: &mut World) -> Option<Issued> {
    let what = "sends a book for a statement";
    wordy(world, MAX_STATEMENT, what, RefusalCode::TooLarge)
}

fn body_too_large(world: &mut World) -> Option<Issued> {
    let what = "sends a chapter for an event";
    wordy(world, MAX_BODY, what, RefusalCode::BodyTooLarge)
}

/// A harmless statement whose header is another one.
fn with_header(
    world: &mut World,
    change: impl FnOnce(&mut Payload),
    what: &'static str,
    code: RefusalCode,
) -> Option<Issued> {
    let (draft, pile) = harmless(world)?;
    let key = &pile.holder.first;
    let mut issued = refused(World::signed(&draft, key, &[], what), code);
    let mut payload = header(&issued.signed);
    change(&mut payload);
    over(&mut issued.signed, key, payload.encode_to_vec());
    Some(issued)
}

fn malformed(world: &mut World) -> Option<Issued> {
    let (draft, pile) = harmless(world)?;
    let what = "loses half of a header on the way";
    let key = &pile.holder.first;
    let said = World::signed(&draft, key, &[], what);
    let mut issued = refused(said, RefusalCode::Malformed);
    let half = issued.signed.payload.len() / 2;
    let cut = issued.signed.payload.slice(..half).to_vec();
    over(&mut issued.signed, key, cut);
    Some(issued)
}

fn not_canonical(world: &mut World) -> Option<Issued> {
    let (draft, pile) = harmless(world)?;
    let what = "adds a field of its own";
    let key = &pile.holder.first;
    let said = World::signed(&draft, key, &[], what);
    let mut issued = refused(said, RefusalCode::NotCanonical);
    let longer = [&issued.signed.payload, FIELD_999].concat();
    over(&mut issued.signed, key, longer);
    Some(issued)
}

fn bad_id(world: &mut World) -> Option<Issued> {
    let (mut draft, pile) = harmless(world)?;
    draft.id = StatementId([0; 16]);
    let said = World::signed(
        &draft,
        &pile.holder.first,
        &[],
        "numbers a statement by hand",
    );
    Some(refused(said, RefusalCode::BadId))
}

fn unknown_algorithm(world: &mut World) -> Option<Issued> {
    let other = |payload: &mut Payload| payload.algorithm = 99;
    let what = "names an algorithm that nobody knows";
    with_header(world, other, what, RefusalCode::UnknownAlgorithm)
}

fn no_events(world: &mut World) -> Option<Issued> {
    let (mut draft, pile) = harmless(world)?;
    draft.events.clear();
    let said = World::signed(&draft, &pile.holder.first, &[], "says nothing");
    Some(refused(said, RefusalCode::NoEvents))
}

fn too_many_events(world: &mut World) -> Option<Issued> {
    let (mut draft, pile) = harmless(world)?;
    let one = draft.events.first().cloned().unwrap_or_default();
    draft.events = vec![one; MAX_EVENTS + 1];
    let said = World::signed(&draft, &pile.holder.first, &[], "tells a year at once");
    Some(refused(said, RefusalCode::TooManyEvents))
}

fn too_many_signatures(world: &mut World) -> Option<Issued> {
    let (draft, pile) = harmless(world)?;
    let everybody: Vec<_> = world.cast.enterprises().cloned().collect();
    let others = everybody.iter().filter(|who| who.code != pile.holder.code);
    let keys: Vec<&SecretKey> = others.map(|who| &who.first).take(MAX_SIGNATURES).collect();
    let what = "lets everybody sign";
    let said = World::signed(&draft, &pile.holder.first, &keys, what);
    Some(refused(said, RefusalCode::TooManySignatures))
}

/// A statement of one body, whatever it is.
fn of_body(
    world: &mut World,
    body: &'static [u8],
    what: &'static str,
    code: RefusalCode,
) -> Option<Issued> {
    let (mut draft, pile) = harmless(world)?;
    draft.events = vec![Event::default()];
    let key = &pile.holder.first;
    let mut issued = refused(World::signed(&draft, key, &[], what), code);
    let mut payload = header(&issued.signed);
    for part in &mut issued.signed.events {
        let salt: [u8; 16] = part.salt.as_ref().try_into().ok()?;
        *part = Part {
            body: Bytes::from_static(body),
            ..part.clone()
        };
        let digest = part_digest(PartKind::Event, &salt, &part.body);
        payload.event_digests = vec![digest.to_bytes()];
    }
    over(&mut issued.signed, key, payload.encode_to_vec());
    Some(issued)
}

fn unknown_kind(world: &mut World) -> Option<Issued> {
    let what = "tells of a kind that there is not";
    of_body(world, FIELD_999, what, RefusalCode::UnknownEventKind)
}

fn not_live_yet(world: &mut World) -> Option<Issued> {
    let what = "grants access, which is still to come";
    of_body(world, GRANTED, what, RefusalCode::NotSupportedYet)
}

fn unexpected_signature(world: &mut World) -> Option<Issued> {
    let (draft, pile) = harmless(world)?;
    let what = "adds a signature that it does not name";
    let said = World::signed(&draft, &pile.holder.first, &[], what);
    let mut issued = refused(said, RefusalCode::UnexpectedSignature);
    let second = pile
        .holder
        .second
        .signature(Purpose::Statement, &issued.signed.payload);
    issued.signed.signatures.push(second);
    let by_key = |s: &Signature| s.key_id.clone();
    issued.signed.signatures.sort_by_key(by_key);
    Some(issued)
}
