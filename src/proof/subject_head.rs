//! The head of a subject's chain, attested: the ledger's signed word that among
//! the records under a checkpoint a subject has its last one at a position. It
//! covers what the last map of touched subjects does not reach yet. Unlike what
//! a map shows it is a word; one that is false is held against the ledger by
//! the record that it denies.

use bytes::Bytes;
use prost::Message as _;

use super::tree::TreeHash;
use crate::event::signing::{PublicKey, Purpose, SecretKey};
use crate::event::statement::canonical;
use crate::event::{Hash, KeyId};
use crate::pb::{SignedSubjectHead, Subject, SubjectHead};

/// What is said of which tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// Of which ledger.
    pub genesis_hash: Hash,
    /// Records under the checkpoint.
    pub size: u64,
    /// Its root.
    pub root: TreeHash,
    /// Of whom it is said.
    pub subject: Subject,
    /// Position of the subject's last record below `size`, if it has one.
    pub last: Option<u64>,
}

/// Why bytes are not the ledger's word on a subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSubjectHead {
    /// Not the protobuf message it should be, or not in canonical form.
    #[error("it is not a canonical SubjectHead")]
    NotCanonical,
    /// A hash that is not 32 bytes, no subject, or a last record beyond the tree.
    #[error("it says what cannot be: {0}")]
    Shape(&'static str),
    /// Of another ledger.
    #[error("it is of the ledger with genesis {got}, not {want}")]
    Genesis {
        /// As it says.
        got: Hash,
        /// As expected.
        want: Hash,
    },
    /// Not signed by the ledger's key.
    #[error("it is not signed by the ledger's key {0}")]
    Signature(KeyId),
}

/// Signs it.
pub fn attest_subject_head(key: &SecretKey, said: &Attested) -> SignedSubjectHead {
    let message = SubjectHead {
        genesis_hash: said.genesis_hash.to_bytes(),
        size: said.size,
        root: Bytes::copy_from_slice(&said.root.0),
        subject: Some(said.subject.clone()),
        last: said.last,
    };
    let subject_head: Bytes = message.encode_to_vec().into();
    SignedSubjectHead {
        signature: Some(key.signature(Purpose::SubjectHead, &subject_head)),
        subject_head,
    }
}

/// Checks that the ledger with this key and genesis said it. Of which tree and
/// subject it must be is the caller's to compare.
pub fn check_subject_head(
    key: &PublicKey,
    genesis_hash: Hash,
    signed: &SignedSubjectHead,
) -> Result<Attested, BadSubjectHead> {
    let said: SubjectHead = canonical(&signed.subject_head, "subject_head")
        .map_err(|_| BadSubjectHead::NotCanonical)?;
    let short = BadSubjectHead::Shape("a hash is 32 bytes");
    let got = Hash::from_slice(&said.genesis_hash).ok_or(short.clone())?;
    let root = TreeHash::from_slice(&said.root).ok_or(short)?;
    let subject = said.subject.ok_or(BadSubjectHead::Shape("no subject"))?;
    if said.last.is_some_and(|last| last >= said.size) {
        return Err(BadSubjectHead::Shape("a last record beyond the tree"));
    }
    if got != genesis_hash {
        let want = genesis_hash;
        return Err(BadSubjectHead::Genesis { got, want });
    }
    let holds = signed.signature.as_ref().is_some_and(|s| {
        s.key_id.as_ref() == key.id().0
            && key.verifies(Purpose::SubjectHead, &signed.subject_head, &s.signature)
    });
    if !holds {
        return Err(BadSubjectHead::Signature(key.id()));
    }
    Ok(Attested {
        genesis_hash: got,
        size: said.size,
        root,
        subject,
        last: said.last,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Attested {
        Attested {
            genesis_hash: Hash([1; 32]),
            size: 9,
            root: TreeHash([2; 32]),
            subject: Subject {
                kind: 1,
                id: Bytes::from_static(&[3; 16]),
            },
            last: Some(8),
        }
    }

    #[test]
    fn what_the_ledger_says_of_a_subject_comes_back_and_with_any_bit_turned_over_fails() {
        let key = SecretKey::from_seed(&[7; 32]);
        let genesis = said().genesis_hash;
        for last in [None, Some(0), Some(8)] {
            let said = Attested { last, ..said() };
            let signed = attest_subject_head(&key, &said);
            let check =
                |signed: &SignedSubjectHead| check_subject_head(key.public(), genesis, signed);
            assert_eq!(check(&signed), Ok(said));
            let bytes = signed.encode_to_vec();
            for bit in 0..bytes.len() * 8 {
                let mut bytes = bytes.clone();
                if let Some(byte) = bytes.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
                let spoiled = SignedSubjectHead::decode(Bytes::from(bytes));
                let passes = spoiled.is_ok_and(|spoiled| check(&spoiled).is_ok());
                assert!(!passes, "bit {bit}");
            }
        }
    }

    #[test]
    fn another_key_another_ledger_and_another_purpose_are_told() {
        let (key, other) = (
            SecretKey::from_seed(&[7; 32]),
            SecretKey::from_seed(&[8; 32]),
        );
        let mut signed = attest_subject_head(&key, &said());
        let genesis = said().genesis_hash;
        let id = other.public().id();
        assert_eq!(
            check_subject_head(other.public(), genesis, &signed),
            Err(BadSubjectHead::Signature(id))
        );
        let elsewhere = check_subject_head(key.public(), Hash([9; 32]), &signed);
        assert!(matches!(elsewhere, Err(BadSubjectHead::Genesis { .. })));
        signed.signature = Some(key.signature(Purpose::Commit, &signed.subject_head));
        let purpose = check_subject_head(key.public(), genesis, &signed);
        assert_eq!(purpose, Err(BadSubjectHead::Signature(key.id())));
    }
}
