//! Names of 16 bytes: statements name themselves (UUIDv7); lots, handoffs,
//! consignments and disputes are named after the event that made them; keys
//! after their public half.

use std::fmt;

use super::digest::{Tag, hex, tagged};

/// How long a statement's id may be repeated or sent late, by its own
/// timestamp: 30 days, in milliseconds.
pub const ID_WINDOW_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// How late a statement in a device's chain may come in, by its id's own
/// timestamp: 365 days, in milliseconds, as long as records of dealings with
/// dangerous chemicals must be kept at least (Regulations on the Safety of
/// Hazardous Chemicals, article 41: one year).
pub const BACKFILL_WINDOW_MS: i64 = 365 * 24 * 60 * 60 * 1000;

/// How far ahead of the ledger's clock an id or a happening may be: 5 minutes,
/// in milliseconds. Clocks in the field differ.
pub const CLOCK_SKEW_MS: i64 = 5 * 60 * 1000;

macro_rules! id16 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// From exactly 16 bytes, else `None`.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// As protobuf wants it.
            pub fn to_bytes(self) -> bytes::Bytes {
                bytes::Bytes::copy_from_slice(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;

            /// From 32 hexadecimal digits.
            fn from_str(text: &str) -> Result<Self, BadId> {
                parse_hex16(text).map(Self)
            }
        }
    };
}

/// A text that is not 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an id: 32 hexadecimal digits are")]
pub struct BadId(String);

fn parse_hex16(text: &str) -> Result<[u8; 16], BadId> {
    let bad = || BadId(text.chars().take(64).collect());
    if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(bad());
    }
    u128::from_str_radix(text, 16)
        .map(u128::to_be_bytes)
        .map_err(|_| bad())
}

id16!(
    /// A lot's name.
    LotId
);
id16!(
    /// A handoff's name, from its offer.
    HandoffId
);
id16!(
    /// A consignment's name: that of the handoff which put the goods aboard.
    ConsignmentId
);
id16!(
    /// A dispute's name.
    DisputeId
);
id16!(
    /// The first 16 bytes of BLAKE3 over a public key.
    KeyId
);
id16!(
    /// A statement's own id, a UUIDv7 (RFC 9562).
    StatementId
);

impl KeyId {
    /// The id of a 32-byte Ed25519 public key.
    pub fn of(public_key: &[u8; 32]) -> KeyId {
        KeyId(first16(tagged(Tag::Key, &[public_key])))
    }
}

impl StatementId {
    /// A UUIDv7 from its Unix milliseconds and 10 bytes of randomness, of
    /// which 74 bits are used. `None` if the time does not fit 48 bits.
    pub fn v7(unix_ms: i64, random: [u8; 10]) -> Option<StatementId> {
        let ms = u64::try_from(unix_ms).ok().filter(|ms| *ms < 1 << 48)?;
        let [_, _, t0, t1, t2, t3, t4, t5] = ms.to_be_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = random;
        Some(StatementId([
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            0x70 | (r0 & 0x0f),
            r1,
            0x80 | (r2 & 0x3f),
            r3,
            r4,
            r5,
            r6,
            r7,
            r8,
            r9,
        ]))
    }

    /// From 16 bytes that are a UUIDv7 (version 7, variant 10), else `None`.
    pub fn parse(bytes: &[u8]) -> Option<StatementId> {
        let id: [u8; 16] = bytes.try_into().ok()?;
        let [.., version, _, variant, _, _, _, _, _, _, _] = id;
        (version >> 4 == 7 && variant >> 6 == 0b10).then_some(StatementId(id))
    }

    /// Its own timestamp, Unix milliseconds (48 bits, never negative).
    pub fn unix_ms(self) -> i64 {
        let [t0, t1, t2, t3, t4, t5, ..] = self.0;
        i64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5])
    }
}

/// The first 16 bytes of BLAKE3 over (party, statement id, event index, line):
/// how lots, handoffs, consignments and disputes get their names.
pub fn derived(party: &str, statement: StatementId, event_index: u32, line: u32) -> [u8; 16] {
    first16(tagged(
        Tag::Name,
        &[
            &statement.0,
            &event_index.to_be_bytes(),
            &line.to_be_bytes(),
            party.as_bytes(),
        ],
    ))
}

fn first16(hash: super::Hash) -> [u8; 16] {
    let (first, _) = hash.0.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    *first
}
