//! Refusals as values: a numbered code, the field at fault, the figures, and
//! what to do. The numbers and their order live in `codes.proto`.

use std::fmt;

use crate::pb::{RefusalCode, SignedRefusal};

/// A statement's "no", before anybody has signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The stable code.
    pub code: RefusalCode,
    /// Which input, for example `events[2].offered.lines[0].lot`.
    pub field: String,
    /// The figures, in words.
    pub detail: String,
}

/// The longest detail or field that is sent back, in bytes.
pub const MAX_DETAIL: usize = 512;

impl Refused {
    /// A refusal for a field.
    pub fn new(code: RefusalCode, field: impl Into<String>) -> Refused {
        Refused {
            code,
            field: field.into(),
            detail: String::new(),
        }
    }

    /// With the figures.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Refused {
        self.detail = detail.into();
        self
    }

    /// A field that must be there and is not.
    pub fn missing(field: impl Into<String>) -> Refused {
        Refused::new(RefusalCode::FieldMissing, field)
    }

    /// A field that says what cannot be.
    pub fn invalid(field: impl Into<String>, why: impl Into<String>) -> Refused {
        Refused::new(RefusalCode::FieldInvalid, field).detail(why)
    }

    /// The field under a parent: `events[0]` + `lot` = `events[0].lot`.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Refused {
        self.field = if self.field.is_empty() {
            parent.to_owned()
        } else {
            format!("{parent}.{}", self.field)
        };
        self
    }

    /// As it is answered, without a signature.
    pub fn to_pb(&self) -> SignedRefusal {
        SignedRefusal {
            refusal: bytes::Bytes::new(),
            signature: None,
            code: self.code.into(),
            field: clipped(&self.field),
            detail: clipped(&self.detail),
            remedy: remedy(self.code).to_owned(),
            retry: worth_a_retry(self.code),
        }
    }
}

fn clipped(text: &str) -> String {
    let mut end = text.len().min(MAX_DETAIL);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", name(self.code), self.code as i32)?;
        if !self.field.is_empty() {
            write!(f, " at {}", self.field)?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// The code's name without its prefix, for example `OFFER_CLOSED`.
pub fn name(code: RefusalCode) -> &'static str {
    let name = code.as_str_name();
    name.strip_prefix("REFUSAL_CODE_").unwrap_or(name)
}

/// Whether the same bytes may be accepted later, without anybody changing them.
pub fn worth_a_retry(code: RefusalCode) -> bool {
    use RefusalCode as C;
    matches!(
        code,
        C::UnknownKey
            | C::IdFromFuture
            | C::HappenedInFuture
            | C::KeyNotYetValid
            | C::UnknownParty
            | C::PartyNotActive
            | C::UnknownSite
            | C::UnknownPlace
            | C::UnknownUnit
            | C::UnknownLot
            | C::UnknownConsignment
            | C::UnknownEvent
            | C::TooManyParked
            | C::Insufficient
            | C::Reserved
            | C::SerialsNotHere
            | C::TitleInsufficient
            | C::UnknownDispute
            | C::HeldByCustoms
            | C::TooManyDeviceGaps
            | C::UnknownPermit
            | C::TooManyClaims
            | C::GiverPermit
            | C::TakerPermit
            | C::CarrierPermit
            | C::DisposerPermit
            | C::PurchaseRight
            | C::PurchaseQuantity
            | C::UnknownPark
            | C::UnknownPack
            | C::Sealed
            | C::Blacklisted
            | C::Recalled
            | C::UnknownRecall
            | C::UnknownDanger
            | C::DangerOutOfOrder
            | C::UnknownFinding
    )
}

/// What to do about a code.
pub fn remedy(code: RefusalCode) -> &'static str {
    use RefusalCode as C;
    match code {
        C::Unspecified => "",
        C::TooLarge
        | C::TooManyEvents
        | C::BodyTooLarge
        | C::TooManySubjects
        | C::RecordTooLarge => "split it into several statements",
        C::Malformed => "send the protobuf message that the schema describes",
        C::NotCanonical => {
            "encode fields in order of number, leave out defaults and unknown fields, and sign again"
        }
        C::WrongOrigin => "sign for this ledger: GetStatus tells its name and genesis hash",
        C::BadId => "use a UUIDv7 of 16 bytes",
        C::UnknownAlgorithm => "sign with Ed25519",
        C::NoEvents => "put at least one event into the statement",
        C::TooManySignatures => "name at most 7 co-signers",
        C::BodyDigestMismatch => {
            "compute the digest over the salt and body that you send, and sign again"
        }
        C::UnknownEventKind => "use a kind of event that the schema names",
        C::NotSupportedYet => "this kind is named but not live in this version",
        C::MissingSignature => "have every key that the payload names sign it",
        C::UnexpectedSignature => {
            "send signatures of the named keys only, once each, ordered by key id"
        }
        C::UnknownKey => "have the authority register the key first",
        C::BadSignature => "sign the payload's exact bytes with the named key, as a statement",
        C::IdReused => "make a new id for a new statement",
        C::IdTooOld => "make a new id; its 30 days are over",
        C::IdFromFuture | C::HappenedInFuture => "set the clock right and sign again",
        C::Expired => "sign again with a later expiry",
        C::KeyRevoked | C::KeyExpired => "sign with a valid key of the party",
        C::KeyNotYetValid => "wait until the key is valid",
        C::KeyNotOfParty => "sign with a key of the acting party",
        C::UnknownParty => "have the authority register the party first",
        C::PartyNotActive => {
            "the party is closed or closing, or succeeded: name its successor, or have it reopened"
        }
        C::AuthorityRequired => "have as many authority keys sign as genesis asks for",
        C::CounterpartSignatureRequired => "have the other side co-sign",
        C::TwoPersonsRequired => "have a second person of the party co-sign; devices do not count",
        C::ReservedForLedger => "only the ledger itself records this",
        C::FieldMissing | C::FieldInvalid => "correct the field and sign again",
        C::PersonalData => "name people by commitments, never in clear",
        C::MassNotPositive => "give a mass of more than zero",
        C::MassOverflow => "give a mass below 9,223,372 t",
        C::MeasureDisagrees => "let gross_mg and the measure say the same, or leave one out",
        C::ContentInvalid => "give 1 to 1,000,000 parts per million",
        C::SerialsInvalid => "give ascending, disjoint ranges with first <= last",
        C::SerialsOverlap => "name each package once",
        C::UnknownForm => "use a form code of the catalogue",
        C::PapersMissing => "give data sheet and label by BLAKE3 hash (32 bytes)",
        _ => custody_remedy(code),
    }
}

/// The same of codes of the registry and of custody.
fn custody_remedy(code: RefusalCode) -> &'static str {
    use RefusalCode as C;
    match code {
        C::UnknownSite | C::UnknownPlace | C::UnknownUnit => "register it first",
        C::KeyExists => "the key is registered already",
        C::UnknownLot | C::UnknownConsignment | C::UnknownDispute => {
            "check the name; it must have been recorded before"
        }
        C::ConsignmentClosed => "the consignment has been delivered whole",
        C::NotTheCarrier => "only the carrier who has the goods aboard may do this",
        C::UnknownOffer => "the offer is unknown and too old to come in still",
        C::OfferClosed => "the offer has been taken, declined or withdrawn",
        C::EventDigestDiffers => "name the event by the digest that its signer computed",
        C::NotTheGiver => "only the party that made the offer may do this",
        C::NotTheTaker => "only the party that the offer names as taker may do this",
        C::OwnHandoff => "use Moved between your own places",
        C::LinesDiffer => "name the offer's lines, within what they offer",
        C::TooManyParked => "wait until offers for the parked acceptances have come in",
        C::Insufficient => "take at most what is there",
        C::Reserved => "withdraw the offer that has reserved the goods, or take others",
        C::SerialsNotHere => "name packages that are in this place",
        C::SerialsExist => "number packages with serials that the lot has never used",
        C::TitleInsufficient => "sell at most what the party owns",
        C::NotSoleHolder => "only the holder of all of the lot's loose matter may do this",
        C::NotConserved => "let outputs and losses add up to no more than inputs and inert matter",
        C::DisputeClosed => "the dispute has been settled whole",
        C::DisputeExceeded => "settle at most what is in dispute",
        C::UnknownEvent => "name an event that has been recorded",
        C::CannotCorrect => "correct events of this kind by the event that undoes them",
        C::NoChange => "the ledger says so already",
        C::UnknownEdge => "name an arrival or departure of this lot that nobody has confirmed yet",
        C::TooManyOneSided => "have earlier departures of the lot confirmed first",
        C::ReturnDisagrees => {
            "name an accepted handoff between the same two parties the other way round, and at most what it handed over"
        }
        C::HeldByCustoms => "wait until customs have released the goods, and have that recorded",
        C::NoVessel => "register the place as a tank, silo, road or rail tank, or use Moved",
        C::IncompatibleRefilling => "clean the vessel first, or make the other form by Transformed",
        C::DrawFirst => "draw a portion from the vessel; it may go on in the same statement",
        C::VesselInUse => "empty and clean the vessel first, or report the consignment unloaded",
        C::VesselEmpty => "fill the vessel first",
        C::DeviceFork => {
            "number each statement of a device once; two devices must not share a key: revoke it"
        }
        C::TooManyDeviceGaps => {
            "send the device's missing statements first, or have them entered from paper"
        }
        C::EnteredFromPaper => "nothing: what it says has been entered; correct that if it differs",
        C::NotADeviceGap => "name numbers of the device that have not come in",
        C::TooManyPredecessors => "let a new party succeed",
        C::PartsNotAllowed => "name whole packages; a part is used, wasted, sampled or repacked",
        C::PackageEmpty => "name packages that have something in them",
        C::PackageNotEmpty => "name empties; use, pour or repack what is in a package first",
        C::WithinOuter => "break up the outer packing first, or give this one another name",
        C::PackageNotCleaned => "have the empties cleaned first",
        _ => rule_remedy(code),
    }
}

/// The same of permits, packs and the rules of the day.
fn rule_remedy(code: RefusalCode) -> &'static str {
    use RefusalCode as C;
    match code {
        C::KeyLacksRole => "sign with a key of the party that has the role",
        C::UnknownPermit => "enter the permit first: unconfirmed, with a photograph",
        C::PermitConfirmed => "have the authority that granted it change it",
        C::TooManyPermits => {
            "have permits that have ended registered again under their new numbers"
        }
        C::RegisteredElsewhere => "have the party that registered it, or an authority, co-sign",
        C::UnknownPark => "have the authority register the park first",
        C::UnknownPack => "name a pack that `hazledger rules show` lists",
        C::TooManyPacks => "publish again when versions that ended a year ago have gone",
        C::RoadPass => {
            "name a transport pass of the giver or the consignee that is granted, valid, and names this consignment"
        }
        C::VehicleCertificate | C::TankInspection => {
            "load another vehicle, or have the renewed one registered first"
        }
        C::TankMedia => "load a tank whose certificate names these goods",
        C::DriverQualification | C::EscortQualification => {
            "name a person with a valid qualification, or have the renewed one registered first"
        }
        C::LoadingChecks => "check before loading, and state all five checks with who made them",
        C::PapersNotPassedOn => "hand data sheet and label over with the goods, and say so",
        C::TooManyClaims => "wait until offers that name the permit are taken or closed",
        C::GiverPermit => "have the giver's permit entered, confirmed or renewed first",
        C::TakerPermit => "have the permit of who takes the goods in entered or renewed first",
        C::CarrierPermit => "name a carrier with a permit for these goods and this mode",
        C::DisposerPermit => "name a disposer with a permit for hazardous waste",
        C::PurchaseRight => "name the buyer's purchase permit, or have its licence entered first",
        C::PurchaseQuantity => {
            "sell at most what the permit has left; offers that are closed and goods that go back free it again"
        }
        C::Lending => {
            "sell it; a user hands on stock only when it converts, stops, relocates or closes"
        }
        C::Prohibited => "the region allows no such act with this substance",
        C::InsteadDisagrees => {
            "name an offer of the same goods that its taker has refused or declined, or the earlier consignment's"
        }
        C::WaybillFieldsMissing => "fill in the waybill's fields that the answer names",
        C::ManifestFieldsMissing => "fill in the waste manifest's fields that the answer names",
        C::Payment => "pay through bank accounts, and say so",
        C::OnlineSale => "agree it outside the internet",
        C::Individual => "hand over to an enterprise that may have the goods",
        C::Restricted => "split it into acts within the region's limit, or ask its authority",
        C::Blacklisted => {
            "deal with a party that is not on the list, or wait until its term is over"
        }
        C::UnknownDanger => "name a danger by the 16 bytes that its inspection derives",
        C::DangerOutOfOrder => {
            "a danger is set right by the party, verified by the agency, and looked back at, in this order"
        }
        C::Sealed => {
            "have the authority release it; a return, a disposal or a move by order is not stopped"
        }
        C::Recalled => "give the goods back or to disposal, or wait until the recall is ended",
        C::UnknownRecall => "name a recall by the 16 bytes that its event derives",
        C::UnknownFinding => "name a finding as `hazledger findings` lists it",
        C::NotTheOwner => "have its owner answer it, or an authority resolve it",
        C::FindingResolved => "nothing: it is over",
        C::NotTheLedgerKey => {
            "name the key in force, as GetStatus tells it, and have the new key sign again"
        }
        C::LedgerKeyNotProven => {
            "have the new key sign: hazledger key rotate-ledger does, from its file"
        }
        C::TooManyLedgerKeys => {
            "begin a new ledger; this one's key has been rotated as often as it may be"
        }
        // Those before are told above.
        _ => "",
    }
}
