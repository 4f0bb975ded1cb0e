//! Accounts of a lot: where matter comes from, stands, waits and goes
//! (design, section 3).

use bytes::Bytes;

use crate::event::{ConsignmentId, DisputeId, HandoffId};
use crate::pb::{Account, AccountKind};

/// What kind of place in the books an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Matter comes from here; never above zero.
    Source,
    /// Matter is here; never below zero.
    Holding,
    /// Between parties' words; of either sign.
    Between,
    /// Matter is gone; never below zero.
    Sink,
}

/// The class of a kind of account; `None` for a kind that is not one.
pub fn class(kind: AccountKind) -> Option<Class> {
    use AccountKind as K;
    Some(match kind {
        K::Unspecified => return None,
        K::Produced | K::Imported | K::Opening | K::Inbound | K::Made | K::Found => Class::Source,
        K::Held | K::Aboard => Class::Holding,
        K::Disputed | K::MeasureDifference => Class::Between,
        K::Used
        | K::Transformed
        | K::Disposed
        | K::Exported
        | K::Outbound
        | K::ProcessLoss
        | K::Released
        | K::Missing => Class::Sink,
    })
}

/// A source or a sink.
pub fn plain(kind: AccountKind) -> Account {
    Account {
        kind: kind.into(),
        ..Account::default()
    }
}

/// In a party's place.
pub fn held(party: &str, place: &str) -> Account {
    Account {
        kind: AccountKind::Held.into(),
        party: party.to_owned(),
        place: place.to_owned(),
        id: Bytes::new(),
    }
}

fn with_id(kind: AccountKind, id: Bytes) -> Account {
    Account {
        kind: kind.into(),
        id,
        ..Account::default()
    }
}

/// Aboard a consignment.
pub fn aboard(consignment: ConsignmentId) -> Account {
    with_id(AccountKind::Aboard, consignment.to_bytes())
}

/// In dispute.
pub fn disputed(dispute: DisputeId) -> Account {
    with_id(AccountKind::Disputed, dispute.to_bytes())
}

/// Within the tolerance of a handoff's scales.
pub fn measure_difference(handoff: HandoffId) -> Account {
    with_id(AccountKind::MeasureDifference, handoff.to_bytes())
}

/// Whether two accounts are the same.
///
/// As `==`, but in steps of eight bytes. What is compared has just been
/// written, in pieces; one wide load over several of them, as `memcmp` does it,
/// waits for each to reach the cache: a sixth of the writer's time.
pub fn same(one: &Account, other: &Account) -> bool {
    one.kind == other.kind
        && equal(one.place.as_bytes(), other.place.as_bytes())
        && equal(one.party.as_bytes(), other.party.as_bytes())
        && equal(&one.id, &other.id)
}

fn equal(one: &[u8], other: &[u8]) -> bool {
    let ((ones, one_rest), (others, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let number = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    one.len() == other.len()
        && ones.iter().map(number).eq(others.iter().map(number))
        && one_rest.iter().eq(other_rest)
}

/// An account for people.
pub fn show(account: &Account) -> String {
    let kind = account.kind().as_str_name();
    let kind = kind
        .strip_prefix("ACCOUNT_KIND_")
        .unwrap_or(kind)
        .to_ascii_lowercase();
    match account.kind() {
        AccountKind::Held => format!("held({}, {})", account.party, account.place),
        _ if account.id.is_empty() => kind,
        _ => format!("{kind}({})", crate::event::digest::to_hex(&account.id)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_possible_truncation, reason = "texts are short")]

    use super::*;

    #[test]
    fn the_same_is_what_is_equal() {
        let texts = [
            "",
            "T",
            "T1",
            "T2",
            "12345678",
            "12345679",
            "91150400MADEM0038R",
        ];
        let mut accounts: Vec<Account> = Vec::new();
        for one in texts {
            accounts.extend(texts.map(|other| held(one, other)));
            accounts.push(aboard(ConsignmentId([one.len() as u8; 16])));
            accounts.push(disputed(DisputeId([one.len() as u8; 16])));
        }
        accounts.extend([plain(AccountKind::Held), plain(AccountKind::Used)]);
        for one in &accounts {
            for other in &accounts {
                assert_eq!(same(one, other), one == other, "{one:?} {other:?}");
            }
        }
    }
}
