//! One subject's item as the state keeps it: packed into its own encoded
//! bytes, since there are a million of them and few are in use; what is of the
//! registry, which every statement reads, as it is read.

use std::sync::{Arc, OnceLock};

use prost::Message as _;

use super::subject::{self, Item};
use crate::event::Hash;
use crate::event::digest::{Tag, tagged};
use crate::pb::{self, Subject};

/// An item and what is remembered of it. Its digest is made when it is first
/// asked for.
pub(super) struct Leaf {
    held: Held,
    digest: OnceLock<Hash>,
    /// Position of the latest record in its chain.
    pub(super) last: u64,
    /// Whether it counts for the digest and must stay.
    pub(super) is_open: bool,
}

enum Held {
    Loose(Arc<Item>),
    /// An encoded `Item`.
    Packed(Arc<[u8]>),
}

impl Held {
    /// An item, from its bytes: a loose one must hold no piece of a record.
    fn of(bytes: &Arc<[u8]>) -> Held {
        match may_be_loose(bytes).then(|| unpack(bytes)).flatten() {
            Some(item) if is_registry(&item) => Held::Loose(Arc::new(item)),
            _ => Held::Packed(Arc::clone(bytes)),
        }
    }
}

impl Leaf {
    /// A leaf of an item and its encoded bytes.
    pub(super) fn new(item: &Item, bytes: &Arc<[u8]>) -> Leaf {
        Leaf {
            last: subject::last(item),
            is_open: subject::is_open(item),
            held: match item {
                // Numbers and names of its own: no piece of a record.
                Item::Stock(_) => Held::Loose(Arc::new(item.clone())),
                _ => Held::of(bytes),
            },
            digest: OnceLock::new(),
        }
    }

    /// A leaf of an open item as it was stored.
    pub(super) fn stored(stored: &StoredItem) -> Leaf {
        let digest = OnceLock::new();
        // It has just been made.
        let _ = digest.set(stored.digest);
        Leaf {
            held: Held::of(&stored.bytes),
            digest,
            last: stored.last,
            is_open: true,
        }
    }

    /// A leaf of an item's encoded bytes, open or closed; `None` if they are
    /// those of none.
    pub(super) fn decoded(bytes: &Arc<[u8]>) -> Option<Leaf> {
        unpack(bytes).map(|item| Leaf::new(&item, bytes))
    }

    /// Its item, encoded.
    pub(super) fn bytes(&self) -> Arc<[u8]> {
        match &self.held {
            Held::Loose(item) => encoded(item).into(),
            Held::Packed(bytes) => Arc::clone(bytes),
        }
    }

    /// Its item. Bytes that are none cannot be in a state: their digest was
    /// checked, and what was encoded here decodes.
    pub(super) fn item(&self) -> Option<Arc<Item>> {
        match &self.held {
            Held::Loose(item) => Some(Arc::clone(item)),
            Held::Packed(bytes) => unpack(bytes).map(Arc::new),
        }
    }

    pub(super) fn digest(&self, kind: i32, id: &[u8]) -> Hash {
        *self.digest.get_or_init(|| match &self.held {
            Held::Loose(item) => digest_of(kind, id, &encoded(item)),
            Held::Packed(bytes) => digest_of(kind, id, bytes),
        })
    }
}

/// An open item as it is stored: what a state can be put together from
/// without decoding a million of them.
#[derive(Clone, Debug)]
pub struct StoredItem {
    /// The encoded `Item`.
    pub bytes: Arc<[u8]>,
    /// [`digest_of`] its subject and its bytes: as it was found, not as told.
    pub digest: Hash,
    /// Position of the latest record in its chain.
    pub last: u64,
}

/// The digest of one subject's encoded item:
/// `BLAKE3(0x0a || kind u32 BE || id length u32 BE || id || Item bytes)`.
pub fn digest_of(kind: i32, id: &[u8], item: &[u8]) -> Hash {
    let kind = u32::try_from(kind).unwrap_or_default().to_be_bytes();
    let length = u32::try_from(id.len()).unwrap_or(u32::MAX).to_be_bytes();
    tagged(Tag::StateLeaf, &[&kind, &length, id, item])
}

/// The digest of one subject's item; see [`digest_of`].
pub fn leaf_digest(subject: &Subject, item: &Item) -> Hash {
    digest_of(subject.kind, &subject.id, &encoded(item))
}

/// Whether bytes may be those of an item that is not packed: their first is
/// the key of its field in `Item`, so that nothing is decoded to find out.
fn may_be_loose(bytes: &[u8]) -> bool {
    const LOT: u8 = key_of(1);
    const DISPUTE: u8 = key_of(4);
    !matches!(bytes.first(), Some(LOT..=DISPUTE))
}

/// The key of a field that holds a message.
const fn key_of(field: u8) -> u8 {
    field << 3 | 2
}

fn is_registry(item: &Item) -> bool {
    !matches!(
        item,
        Item::Lot(_) | Item::Handoff(_) | Item::Consignment(_) | Item::Dispute(_)
    )
}

/// The bytes of an `Item`: what is stored, packed, and digested.
pub fn encoded(item: &Item) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(item.encoded_len());
    item.encode(&mut bytes);
    bytes
}

/// The same in one piece of memory of their own, by way of a buffer that is
/// used again.
pub(super) fn packed(item: &Item, buffer: &mut Vec<u8>) -> Arc<[u8]> {
    buffer.clear();
    item.encode(buffer);
    Arc::from(buffer.as_slice())
}

fn unpack(bytes: &[u8]) -> Option<Item> {
    pb::Item::decode(bytes).ok()?.item
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::{LotState, PartyState};

    #[test]
    fn a_lot_that_is_packed_is_read_and_digested_as_before() {
        let lot = LotState {
            content_ppm: 7,
            last: 9,
            ..LotState::default()
        };
        let item = Item::Lot(lot);
        let leaf = Leaf::new(&item, &encoded(&item).into());
        assert!(matches!(leaf.held, Held::Packed(_)));
        assert_eq!(leaf.item().as_deref(), Some(&item));
        assert_eq!((leaf.last, leaf.is_open), (9, false));
        let subject = Subject {
            kind: 1,
            id: vec![5; 16].into(),
        };
        assert_eq!(leaf.digest(1, &[5; 16]), leaf_digest(&subject, &item));
    }

    #[test]
    fn the_registry_is_never_packed() {
        let item = Item::Party(PartyState::default());
        let leaf = Leaf::new(&item, &encoded(&item).into());
        assert!(matches!(leaf.held, Held::Loose(_)));
        let stored = StoredItem {
            bytes: encoded(&item).into(),
            digest: leaf.digest(4, b"P"),
            last: 0,
        };
        let again = Leaf::stored(&stored);
        assert!(matches!(again.held, Held::Loose(_)));
        assert_eq!(again.item().as_deref(), Some(&item));
    }

    #[test]
    fn what_is_packed_is_known_by_its_first_byte() {
        use crate::pb::{ConsignmentState, DisputeState, HandoffState, KeyState, LedgerState};
        let items = [
            Item::Lot(LotState::default()),
            Item::Handoff(HandoffState::default()),
            Item::Consignment(ConsignmentState::default()),
            Item::Dispute(DisputeState::default()),
            Item::Party(PartyState::default()),
            Item::Key(KeyState::default()),
            Item::Ledger(LedgerState::default()),
        ];
        for item in items {
            assert_eq!(
                may_be_loose(&encoded(&item)),
                is_registry(&item),
                "{item:?}"
            );
        }
    }
}
