//! Public keys, opened: the point that a key's bytes stand for is worked out
//! once and not for every statement. Not here: which keys are registered
//! (`custody`), which is asked each time.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::event::signing::PublicKey;

/// Keys kept, at most, 200 bytes each; when there are more, all are forgotten
/// and worked out again.
pub(super) const MAX_KEYS: usize = 16_384;

/// See the module.
#[derive(Default)]
pub(super) struct Keys {
    opened: RwLock<HashMap<[u8; 32], PublicKey>>,
}

impl Keys {
    /// The key of these bytes; `None` if they are none.
    pub(super) fn open(&self, bytes: &[u8]) -> Option<PublicKey> {
        let bytes: [u8; 32] = bytes.try_into().ok()?;
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = opened.get(&bytes) {
            return Some(key.clone());
        }
        drop(opened);
        let key = PublicKey::parse(&bytes).ok()?;
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.len() >= MAX_KEYS {
            opened.clear();
        }
        opened.insert(bytes, key.clone());
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::signing::SecretKey;

    #[test]
    fn a_key_is_the_same_the_first_time_and_later_and_no_key_is_none() {
        let keys = Keys::default();
        let public = SecretKey::from_seed(&[3; 32]).public().clone();
        for _ in 0..2 {
            assert_eq!(keys.open(public.as_bytes()), Some(public.clone()));
        }
        assert_eq!(keys.open(&[1; 31]), None);
        // The neutral element: of small order.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(keys.open(&neutral), None);
    }
}
