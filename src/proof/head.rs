//! A record's head, found without decoding the rest: what is chained and what
//! the tree is made of. Not here: what a head says.

use prost::encoding::{WireType, decode_key, decode_varint};

/// The one head of a record, which stands first in it; `None` for bytes that
/// are no record.
pub fn head_of(mut record: &[u8]) -> Option<&[u8]> {
    let (1, Field::Bytes(head)) = field(&mut record)? else {
        return None;
    };
    let mut before = 2;
    while !record.is_empty() {
        let (number, Field::Bytes(_)) = field(&mut record)? else {
            return None;
        };
        if number < before {
            return None;
        }
        before = number;
    }
    Some(head)
}

/// A field's value, as far as heads and records have them.
pub(super) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Takes a field off the front of a message.
pub(super) fn field<'a>(rest: &mut &'a [u8]) -> Option<(u32, Field<'a>)> {
    let (number, kind) = decode_key(rest).ok()?;
    let value = decode_varint(rest).ok()?;
    Some((
        number,
        match kind {
            WireType::Varint => Field::Number(value),
            WireType::LengthDelimited => {
                let (bytes, after) = rest.split_at_checked(usize::try_from(value).ok()?)?;
                *rest = after;
                Field::Bytes(bytes)
            }
            _ => return None,
        },
    ))
}
