//! A subject as it is kept in memory by the million: its kind and id in one
//! piece of its own, so that no record's bytes are held for the sake of a name.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::Bytes;

use crate::pb::Subject;

/// Bytes of a kind.
const KIND: usize = 4;
/// Bytes that need no memory of their own: a lot's 20, and most places'.
const INLINE: usize = 30;

/// A subject's kind and id; ordered as subjects are, by kind, then id.
#[derive(Clone)]
pub struct Key(Repr);

#[derive(Clone)]
enum Repr {
    Short { length: u8, bytes: [u8; INLINE] },
    Long(Box<[u8]>),
}

impl Key {
    /// The key of a subject.
    pub fn of(subject: &Subject) -> Key {
        Key::new(subject.kind, &subject.id)
    }

    /// The key of a kind and an id.
    pub fn new(kind: i32, id: &[u8]) -> Key {
        // With the sign's bit turned over, bytes are in the order of numbers.
        let kind = (kind ^ i32::MIN).to_be_bytes();
        let whole = KIND.saturating_add(id.len());
        let mut bytes = [0; INLINE];
        if let (Some(space), Ok(length)) = (bytes.get_mut(..whole), u8::try_from(whole)) {
            let (first, rest) = space.split_at_mut(KIND);
            first.copy_from_slice(&kind);
            rest.copy_from_slice(id);
            return Key(Repr::Short { length, bytes });
        }
        Key(Repr::Long([&kind, id].concat().into()))
    }

    /// Its kind's number.
    pub fn kind(&self) -> i32 {
        let kind = self.bytes().first_chunk::<KIND>().copied();
        i32::from_be_bytes(kind.unwrap_or_default()) ^ i32::MIN
    }

    /// Its id.
    pub fn id(&self) -> &[u8] {
        self.bytes().get(KIND..).unwrap_or_default()
    }

    /// The subject again.
    pub fn subject(&self) -> Subject {
        Subject {
            kind: self.kind(),
            id: Bytes::copy_from_slice(self.id()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Repr::Long(bytes) => bytes,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", super::subject::show(&self.subject()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_their_subjects_and_lead_back_to_them() {
        let ids: [&[u8]; 6] = [b"", b"\0", b"a", b"a/b", &[7; 30], &[0xff; 70]];
        let kinds = [i32::MIN, -1, 0, 1, 11, 256, i32::MAX];
        let subjects: Vec<Subject> = kinds
            .iter()
            .flat_map(|kind| {
                ids.iter().map(|id| Subject {
                    kind: *kind,
                    id: Bytes::copy_from_slice(id),
                })
            })
            .collect();
        for one in &subjects {
            assert_eq!(Key::of(one).subject(), *one);
            for other in &subjects {
                assert_eq!(
                    Key::of(one).cmp(&Key::of(other)),
                    one.cmp(other),
                    "{one:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn a_lot_takes_no_memory_beside_its_key() {
        assert!(matches!(Key::new(1, &[9; 16]).0, Repr::Short { .. }));
        assert!(size_of::<Key>() <= 32);
    }
}
