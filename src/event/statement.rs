//! A statement, opened: every limit and digest checked, nothing yet known of
//! keys or state. And the other way: made and signed from its events.

use bytes::Bytes;
use prost::Message;

use super::codes::Refused;
use super::digest::{Hash, PartKind, SALT_LEN, Tag, derive_salt, part_digest, tagged};
use super::ids::{KeyId, StatementId};
use super::signing::{PublicKey, Purpose, SecretKey};
use super::weight::{MAX_WEIGHT, weight};
use crate::pb::{
    Backfilled, DeviceLink, Event, EventKind, EventRef, Origin, Part, Payload, RefusalCode,
    Signature, SignatureAlgorithm, SignedStatement,
};

/// Events in a statement, at most.
pub const MAX_EVENTS: usize = 512;
/// Signatures on a statement, at most.
pub const MAX_SIGNATURES: usize = 8;
/// Bytes of an event body, at most.
pub const MAX_BODY: usize = 16 * 1024;
/// Bytes of a statement (payload, signatures, bodies), at most. A record may
/// be no larger; what the ledger adds is checked when it is decided.
pub const MAX_STATEMENT: usize = 256 * 1024;
/// External references of one event, at most.
pub const MAX_EXTERNAL_REFS: usize = 8;

/// A statement whose shape is right: sizes, canonical bytes, digests, kinds.
/// Its signatures are still to be verified.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The header that was signed.
    pub payload: Payload,
    /// Its exact bytes.
    pub payload_bytes: Bytes,
    /// BLAKE3 over those bytes: what duplicates are compared by.
    pub digest: Hash,
    /// Its id.
    pub id: StatementId,
    /// As they came.
    pub signatures: Vec<Signature>,
    /// Salts and bodies as they came.
    pub parts: Vec<Part>,
    /// The bodies, decoded.
    pub events: Vec<Event>,
}

impl Statement {
    /// Checks everything about a statement that needs neither keys nor state.
    pub fn open(signed: SignedStatement) -> Result<Statement, Refused> {
        let size = signed.encoded_len();
        if size > MAX_STATEMENT {
            return Err(Refused::new(RefusalCode::TooLarge, "statement")
                .detail(format!("{size} bytes; at most {MAX_STATEMENT}")));
        }
        let weight = weight(&signed);
        if weight > MAX_WEIGHT {
            return Err(
                Refused::new(RefusalCode::TooLarge, "statement").detail(format!(
                    "its lists would take {weight} bytes of memory; at most {MAX_WEIGHT}"
                )),
            );
        }
        let SignedStatement {
            payload: payload_bytes,
            signatures,
            events: parts,
        } = signed;
        let payload: Payload = canonical(&payload_bytes, "payload")?;
        let id = check_header(&payload)?;
        check_counts(&payload, &signatures, &parts)?;
        let digest = tagged(Tag::Payload, &[&payload_bytes]);
        let mut events = Vec::with_capacity(parts.len());
        for (index, (part, digest)) in parts.iter().zip(&payload.event_digests).enumerate() {
            let at = || format!("events[{index}]");
            check_part(part, digest).map_err(|r| r.within(&at()))?;
            events.push(open_event(&part.body).map_err(|r| r.within(&at()))?);
        }
        check_signers(&payload, &signatures)?;
        if payload.happened_at_ms < 0 {
            return Err(Refused::invalid("payload.happened_at_ms", "before 1970"));
        }
        Ok(Statement {
            payload,
            payload_bytes,
            digest,
            id,
            signatures,
            parts,
            events,
        })
    }

    /// The key ids that must have signed, in ascending order, the acting key first
    /// named by the payload.
    pub fn key_ids(&self) -> Result<Vec<KeyId>, Refused> {
        signers_of(&self.payload)
    }

    /// Verifies one signature for each named key, given those keys in the
    /// order of [`Statement::key_ids`].
    pub fn verify(&self, keys: &[PublicKey]) -> Result<(), Refused> {
        for (index, (signature, key)) in self.signatures.iter().zip(keys).enumerate() {
            let holds = signature.key_id.as_ref() == key.id().0
                && key.verifies(
                    Purpose::Statement,
                    &self.payload_bytes,
                    &signature.signature,
                );
            if !holds {
                return Err(Refused::new(
                    RefusalCode::BadSignature,
                    format!("signatures[{index}]"),
                )
                .detail(format!("key {}", key.id())));
            }
        }
        Ok(())
    }

    /// How another statement would name one of these events.
    pub fn event_ref(&self, index: u32) -> Option<EventRef> {
        let at = usize::try_from(index).ok()?;
        Some(EventRef {
            party: self.payload.party.clone(),
            statement_id: self.id.to_bytes(),
            event_index: index,
            event_digest: self.payload.event_digests.get(at)?.clone(),
        })
    }
}

/// The keys that must sign a payload, ascending; refused if a co-signer is
/// named twice, out of order, or is the acting key.
pub fn signers_of(payload: &Payload) -> Result<Vec<KeyId>, Refused> {
    let own = KeyId::from_slice(&payload.key_id)
        .ok_or_else(|| Refused::invalid("payload.key_id", "16 bytes are wanted"))?;
    let mut ids = vec![own];
    for cosigner in &payload.cosigner_key_ids {
        let id = KeyId::from_slice(cosigner).ok_or_else(|| {
            Refused::invalid("payload.cosigner_key_ids", "16 bytes each are wanted")
        })?;
        ids.push(id);
    }
    let ascending = ids.iter().skip(1).is_sorted_by(|a, b| a < b);
    ids.sort_unstable();
    if !ascending || !ids.is_sorted_by(|a, b| a < b) {
        return Err(Refused::invalid(
            "payload.cosigner_key_ids",
            "in ascending order, none twice, not the acting key",
        ));
    }
    Ok(ids)
}

/// Decodes a message and refuses any other bytes for it than the canonical
/// ones: with unknown fields, defaults written out, or fields out of order.
pub fn canonical<M: Message + Default>(bytes: &Bytes, field: &str) -> Result<M, Refused> {
    let message = M::decode(bytes.clone())
        .map_err(|e| Refused::new(RefusalCode::Malformed, field).detail(e.to_string()))?;
    if is_encoded_as(&message, bytes) {
        Ok(message)
    } else {
        Err(Refused::new(RefusalCode::NotCanonical, field))
    }
}

/// Bytes of a message that is encoded again on the stack, at most: nearly all.
const ON_STACK: usize = 512;

fn is_encoded_as<M: Message>(message: &M, bytes: &[u8]) -> bool {
    let mut stack = [0; ON_STACK];
    let Some(space) = stack.get_mut(..bytes.len()) else {
        return message.encode_to_vec() == bytes;
    };
    // One of another length does not fit, or leaves some of the space.
    let mut rest = &mut *space;
    message.encode(&mut rest).is_ok() && rest.is_empty() && space == bytes
}

fn check_header(payload: &Payload) -> Result<StatementId, Refused> {
    let id = StatementId::parse(&payload.id)
        .ok_or_else(|| Refused::new(RefusalCode::BadId, "payload.id"))?;
    if payload.algorithm() != SignatureAlgorithm::Ed25519 {
        return Err(
            Refused::new(RefusalCode::UnknownAlgorithm, "payload.algorithm")
                .detail(format!("number {}", payload.algorithm)),
        );
    }
    Ok(id)
}

fn check_counts(
    payload: &Payload,
    signatures: &[Signature],
    parts: &[Part],
) -> Result<(), Refused> {
    let digests = payload.event_digests.len();
    if digests == 0 {
        return Err(Refused::new(RefusalCode::NoEvents, "payload.event_digests"));
    }
    if digests > MAX_EVENTS {
        return Err(
            Refused::new(RefusalCode::TooManyEvents, "payload.event_digests")
                .detail(format!("{digests}; at most {MAX_EVENTS}")),
        );
    }
    if payload.cosigner_key_ids.len() >= MAX_SIGNATURES || signatures.len() > MAX_SIGNATURES {
        return Err(Refused::new(RefusalCode::TooManySignatures, "signatures"));
    }
    if parts.len() != digests {
        return Err(Refused::new(RefusalCode::BodyDigestMismatch, "events")
            .detail(format!("{} bodies for {digests} digests", parts.len())));
    }
    Ok(())
}

/// One signature for each named key, and no other.
fn check_signers(payload: &Payload, signatures: &[Signature]) -> Result<(), Refused> {
    let wanted = signers_of(payload)?;
    for id in &wanted {
        if !signatures.iter().any(|s| s.key_id.as_ref() == id.0) {
            return Err(Refused::new(RefusalCode::MissingSignature, "signatures")
                .detail(format!("of key {id}")));
        }
    }
    let given = signatures.iter().map(|s| s.key_id.as_ref());
    if !given.eq(wanted.iter().map(|id| id.0.as_slice())) {
        return Err(Refused::new(RefusalCode::UnexpectedSignature, "signatures"));
    }
    Ok(())
}

fn check_part(part: &Part, digest: &Bytes) -> Result<(), Refused> {
    if part.body.len() > MAX_BODY {
        return Err(Refused::new(RefusalCode::BodyTooLarge, "")
            .detail(format!("{} bytes; at most {MAX_BODY}", part.body.len())));
    }
    let salt: &[u8; SALT_LEN] = part.salt.as_ref().try_into().map_err(|_| {
        Refused::new(RefusalCode::BodyDigestMismatch, "salt").detail("16 bytes are wanted")
    })?;
    if part_digest(PartKind::Event, salt, &part.body).0 != digest.as_ref() {
        return Err(Refused::new(RefusalCode::BodyDigestMismatch, ""));
    }
    Ok(())
}

/// Decodes one event body: known, live, canonical.
pub fn open_event(body: &Bytes) -> Result<Event, Refused> {
    let event = Event::decode(body.clone())
        .map_err(|e| Refused::new(RefusalCode::Malformed, "").detail(e.to_string()))?;
    if event.body.is_none() {
        return Err(match named_kind(body) {
            Some(kind) => Refused::new(RefusalCode::NotSupportedYet, "").detail(kind_name(kind)),
            None => Refused::new(RefusalCode::UnknownEventKind, ""),
        });
    }
    let event: Event = canonical(body, "").map(|_: Event| event)?;
    if event.external_refs.len() > MAX_EXTERNAL_REFS {
        return Err(Refused::invalid(
            "external_refs",
            format!("at most {MAX_EXTERNAL_REFS}"),
        ));
    }
    Ok(event)
}

/// The kind that a body names by its field number though this version has no
/// body for it.
fn named_kind(body: &Bytes) -> Option<EventKind> {
    let mut rest = body.clone();
    while !rest.is_empty() {
        let (number, wire_type) = prost::encoding::decode_key(&mut rest).ok()?;
        let kind = i32::try_from(number)
            .ok()
            .and_then(|n| EventKind::try_from(n).ok());
        if kind.is_some() {
            return kind;
        }
        let context = prost::encoding::DecodeContext::default();
        prost::encoding::skip_field(wire_type, number, &mut rest, context).ok()?;
    }
    None
}

/// The kind of an event: the number of its body's field.
pub fn kind_of(event: &Event) -> EventKind {
    use crate::pb::event::Body as B;
    match &event.body {
        None => EventKind::Unspecified,
        Some(B::Produced(_)) => EventKind::Produced,
        Some(B::Imported(_)) => EventKind::Imported,
        Some(B::Opened(_)) => EventKind::Opened,
        Some(B::Arrived(_)) => EventKind::Arrived,
        Some(B::Moved(_)) => EventKind::Moved,
        Some(B::Packed(_)) => EventKind::Packed,
        Some(B::Filled(_)) => EventKind::Filled,
        Some(B::Drawn(_)) => EventKind::Drawn,
        Some(B::Cleaned(_)) => EventKind::Cleaned,
        Some(B::Repacked(_)) => EventKind::Repacked,
        Some(B::Assayed(_)) => EventKind::Assayed,
        Some(B::Sampled(_)) => EventKind::Sampled,
        Some(B::Counted(_)) => EventKind::Counted,
        Some(B::Aggregated(_)) => EventKind::Aggregated,
        Some(B::Offered(_)) => EventKind::Offered,
        Some(B::Accepted(_)) => EventKind::Accepted,
        Some(B::Declined(_)) => EventKind::Declined,
        Some(B::Withdrawn(_)) => EventKind::Withdrawn,
        Some(B::Relayed(_)) => EventKind::Relayed,
        Some(B::Reported(_)) => EventKind::Reported,
        Some(B::Traded(_)) => EventKind::Traded,
        Some(B::Used(_)) => EventKind::Used,
        Some(B::Transformed(_)) => EventKind::Transformed,
        Some(B::Wasted(_)) => EventKind::Wasted,
        Some(B::Disposed(_)) => EventKind::Disposed,
        Some(B::PackagingTreated(_)) => EventKind::PackagingTreated,
        Some(B::Exported(_)) => EventKind::Exported,
        Some(B::Departed(_)) => EventKind::Departed,
        Some(B::Confirmed(_)) => EventKind::Confirmed,
        Some(B::CustomsReported(_)) => EventKind::CustomsReported,
        Some(B::Incident(_)) => EventKind::Incident,
        Some(B::Recovered(_)) => EventKind::Recovered,
        Some(B::Settled(_)) => EventKind::Settled,
        Some(B::Corrected(_)) => EventKind::Corrected,
        Some(B::Succeeded(_)) => EventKind::Succeeded,
        Some(B::TakenOver(_)) => EventKind::TakenOver,
        Some(B::Inherited(_)) => EventKind::Inherited,
        Some(B::PartyRegistered(_)) => EventKind::PartyRegistered,
        Some(B::SiteRegistered(_)) => EventKind::SiteRegistered,
        Some(B::PlaceRegistered(_)) => EventKind::PlaceRegistered,
        Some(B::UnitRegistered(_)) => EventKind::UnitRegistered,
        Some(B::KeyRegistered(_)) => EventKind::KeyRegistered,
        Some(B::KeyRevoked(_)) => EventKind::KeyRevoked,
        Some(B::PermitRegistered(_)) => EventKind::PermitRegistered,
        Some(B::VehicleRegistered(_)) => EventKind::VehicleRegistered,
        Some(B::PersonRegistered(_)) => EventKind::PersonRegistered,
        Some(B::ParkRegistered(_)) => EventKind::ParkRegistered,
        Some(B::HazardSourceFiled(_)) => EventKind::HazardSourceFiled,
        Some(B::ProductRegistered(_)) => EventKind::ProductRegistered,
        Some(B::PermitStated(_)) => EventKind::PermitStated,
        Some(B::FindingAnswered(_)) => EventKind::FindingAnswered,
        Some(B::PackPublished(_)) => EventKind::PackPublished,
        Some(B::AgencyRegistered(_)) => EventKind::AgencyRegistered,
        Some(B::PackWithdrawn(_)) => EventKind::PackWithdrawn,
        Some(B::Blacklisted(_)) => EventKind::Blacklisted,
        Some(B::EmergencyOrdered(_)) => EventKind::EmergencyOrdered,
        Some(B::SafeReturnOrdered(_)) => EventKind::SafeReturnOrdered,
        Some(B::Sealed(_)) => EventKind::Sealed,
        Some(B::Unsealed(_)) => EventKind::Unsealed,
        Some(B::Seized(_)) => EventKind::Seized,
        Some(B::Inspected(_)) => EventKind::Inspected,
        Some(B::Rectified(_)) => EventKind::Rectified,
        Some(B::Verified(_)) => EventKind::Verified,
        Some(B::LookedBack(_)) => EventKind::LookedBack,
        Some(B::Recalled(_)) => EventKind::Recalled,
        Some(B::RecallAcknowledged(_)) => EventKind::RecallAcknowledged,
        Some(B::Genesis(_)) => EventKind::Genesis,
        Some(B::StateRecorded(_)) => EventKind::StateRecorded,
        Some(B::ClockStated(_)) => EventKind::ClockStated,
        Some(B::RefusalsAnchored(_)) => EventKind::RefusalsAnchored,
        Some(B::OverdueStated(_)) => EventKind::OverdueStated,
        Some(B::LedgerKeyRotated(_)) => EventKind::LedgerKeyRotated,
    }
}

/// The kind's name without its prefix, in lower case: `offered`.
pub fn kind_name(kind: EventKind) -> String {
    let name = kind.as_str_name();
    name.strip_prefix("EVENT_KIND_")
        .unwrap_or(name)
        .to_ascii_lowercase()
}

/// What a statement's header says beside its draft, if anything.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// Its place among the device's statements.
    pub device: Option<DeviceLink>,
    /// From which paper it was entered.
    pub backfilled: Option<Backfilled>,
}

/// A statement still to be signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Which ledger it is for.
    pub origin: Origin,
    /// Its id.
    pub id: StatementId,
    /// The acting party.
    pub party: String,
    /// When it happened, Unix milliseconds.
    pub happened_at_ms: i64,
    /// When it expires, Unix milliseconds.
    pub expires_at_ms: i64,
    /// What happened.
    pub events: Vec<Event>,
}

impl Draft {
    /// Signs with the acting party's key and every co-signer's. The same input
    /// makes the same bytes: salts come from the key, the id and the index.
    pub fn sign(&self, key: &SecretKey, cosigners: &[&SecretKey]) -> SignedStatement {
        self.sign_with(&Header::default(), key, cosigners)
    }

    /// The same with a device's number, or from paper.
    pub fn sign_with(
        &self,
        header: &Header,
        key: &SecretKey,
        cosigners: &[&SecretKey],
    ) -> SignedStatement {
        let parts: Vec<Part> = (0u32..)
            .zip(&self.events)
            .map(|(index, event)| {
                let salt = derive_salt(key.salt_secret(), &self.id.0, PartKind::Event, index);
                Part {
                    salt: Bytes::copy_from_slice(&salt),
                    body: event.encode_to_vec().into(),
                }
            })
            .collect();
        let payload = Payload {
            device: header.device.clone(),
            backfilled: header.backfilled.clone(),
            ..self.payload(key, cosigners, &parts)
        };
        let payload = payload.encode_to_vec();
        let mut signers: Vec<&SecretKey> = cosigners.to_vec();
        signers.push(key);
        signers.sort_by_key(|k| k.id());
        signers.dedup_by_key(|k| k.id());
        SignedStatement {
            signatures: signers
                .iter()
                .map(|k| k.signature(Purpose::Statement, &payload))
                .collect(),
            payload: payload.into(),
            events: parts,
        }
    }

    fn payload(&self, key: &SecretKey, cosigners: &[&SecretKey], parts: &[Part]) -> Payload {
        let mut others: Vec<KeyId> = cosigners
            .iter()
            .map(|k| k.id())
            .filter(|id| *id != key.id())
            .collect();
        others.sort_unstable();
        others.dedup();
        Payload {
            origin: Some(self.origin.clone()),
            id: self.id.to_bytes(),
            party: self.party.clone(),
            key_id: key.id().to_bytes(),
            algorithm: SignatureAlgorithm::Ed25519.into(),
            cosigner_key_ids: others.into_iter().map(KeyId::to_bytes).collect(),
            happened_at_ms: self.happened_at_ms,
            expires_at_ms: self.expires_at_ms,
            event_digests: parts
                .iter()
                .filter_map(|p| {
                    let salt: &[u8; SALT_LEN] = p.salt.as_ref().try_into().ok()?;
                    Some(part_digest(PartKind::Event, salt, &p.body).to_bytes())
                })
                .collect(),
            ..Payload::default()
        }
    }

    /// How another statement (or another event of this one) names an event of
    /// this statement, once it is signed with `key`.
    pub fn event_ref(&self, index: u32, key: &SecretKey) -> Option<EventRef> {
        let event = self.events.get(usize::try_from(index).ok()?)?;
        let salt = derive_salt(key.salt_secret(), &self.id.0, PartKind::Event, index);
        let digest = part_digest(PartKind::Event, &salt, &event.encode_to_vec());
        Some(EventRef {
            party: self.party.clone(),
            statement_id: self.id.to_bytes(),
            event_index: index,
            event_digest: digest.to_bytes(),
        })
    }
}
