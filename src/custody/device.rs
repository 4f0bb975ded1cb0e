//! The chain of a device's statements, as its key's item remembers it: the
//! greatest number, which are missing between, which were entered from paper.
//! A gap remembers the digests on both its sides, so that what fills it late
//! can be held against them; nothing else of the chain need be kept.

use super::apply::misplaced;
use super::lot::{Broken, broken};
use super::overdue;
use crate::pb::change::Change as C;
use crate::pb::{DeviceChain, DeviceEntered, DeviceGap, DeviceSaid, EnteredRange, KeyState};

/// Gaps of one device and ranges of it entered from paper, together, at most:
/// a key's item stays small, and is read with every statement.
pub const MAX_DEVICE_GAPS: usize = 64;

/// Statements of a device that one paper may stand for, at most.
pub const MAX_ENTERED: u64 = 1_000;

/// What a device's statement was to its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The next one.
    Next,
    /// A later one: those between are missing.
    GapOpened(u64, u64),
    /// One that had been missing.
    Late,
}

/// Why it does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Its number, or its previous one's digest, has been said otherwise.
    Fork,
    /// More gaps than are kept.
    TooManyGaps,
    /// Its number was entered from paper, in the record at this position.
    Entered(u64),
    /// Numbers to be entered that are known, or not next.
    NotMissing,
}

/// Whether two digests may be the same statement's: one may not be known.
fn agree(one: &[u8], other: &[u8]) -> bool {
    one.is_empty() || other.is_empty() || one == other
}

/// A device says a statement.
pub fn said(chain: &mut DeviceChain, s: &DeviceSaid) -> Result<Heard, Unfit> {
    let number = s.sequence;
    let next = chain.sequence.saturating_add(1);
    let heard = if number >= next {
        ahead(chain, s, next)?
    } else {
        late(chain, s)?;
        Heard::Late
    };
    bounded(chain).map(|()| heard)
}

/// The next number, or one beyond it.
fn ahead(chain: &mut DeviceChain, s: &DeviceSaid, next: u64) -> Result<Heard, Unfit> {
    let before = std::mem::replace(&mut chain.digest, s.digest.clone());
    chain.sequence = s.sequence;
    if s.sequence == next {
        let fits = agree(&before, &s.previous);
        return fits.then_some(Heard::Next).ok_or(Unfit::Fork);
    }
    let last = s.sequence.saturating_sub(1);
    chain.gaps.push(DeviceGap {
        first: next,
        last,
        before,
        after: s.previous.clone(),
    });
    Ok(Heard::GapOpened(next, last))
}

/// A number that has been passed over; its gap is closed, or split.
fn late(chain: &mut DeviceChain, s: &DeviceSaid) -> Result<(), Unfit> {
    let number = s.sequence;
    let within = |first: u64, last: u64| first <= number && number <= last;
    let Some(at) = chain.gaps.iter().position(|g| within(g.first, g.last)) else {
        let entered = chain.entered.iter().find(|r| within(r.first, r.last));
        return Err(entered.map_or(Unfit::Fork, |r| Unfit::Entered(r.position)));
    };
    let gap = chain.gaps.remove(at);
    let fits = (number != gap.first || agree(&gap.before, &s.previous))
        && (number != gap.last || agree(&gap.after, &s.digest));
    if !fits {
        return Err(Unfit::Fork);
    }
    split(chain, at, &gap, (number, number), &s.previous, &s.digest);
    Ok(())
}

/// Puts back what is left of a gap on both sides of some of its numbers.
fn split(
    chain: &mut DeviceChain,
    at: usize,
    gap: &DeviceGap,
    (first, last): (u64, u64),
    previous: &bytes::Bytes,
    digest: &bytes::Bytes,
) {
    let before = DeviceGap {
        last: first.saturating_sub(1),
        after: previous.clone(),
        ..gap.clone()
    };
    let after = DeviceGap {
        first: last.saturating_add(1),
        before: digest.clone(),
        ..gap.clone()
    };
    let left = [before, after];
    let left = left.into_iter().filter(|g| g.first <= g.last);
    chain.gaps.splice(at..at, left);
}

/// Numbers of a device are entered from paper: the next ones, or missing ones.
pub fn entered(chain: &mut DeviceChain, e: &DeviceEntered, position: u64) -> Result<(), Unfit> {
    let (first, last) = (e.first, e.last);
    let sound = first >= 1 && first <= last && last - first < MAX_ENTERED;
    if !sound {
        return Err(Unfit::NotMissing);
    }
    let unknown = bytes::Bytes::new();
    if first == chain.sequence.saturating_add(1) {
        chain.sequence = last;
        chain.digest = unknown;
    } else {
        let within = |g: &DeviceGap| g.first <= first && last <= g.last;
        let at = chain
            .gaps
            .iter()
            .position(within)
            .ok_or(Unfit::NotMissing)?;
        let gap = chain.gaps.remove(at);
        split(chain, at, &gap, (first, last), &unknown, &unknown);
    }
    let range = EnteredRange {
        first,
        last,
        position,
    };
    let at = chain.entered.partition_point(|r| r.first < first);
    chain.entered.insert(at, range);
    bounded(chain)
}

fn bounded(chain: &DeviceChain) -> Result<(), Unfit> {
    let count = chain.gaps.len().saturating_add(chain.entered.len());
    if count > MAX_DEVICE_GAPS {
        return Err(Unfit::TooManyGaps);
    }
    Ok(())
}

/// Applies a change to a key's chain.
pub(super) fn apply(key: &mut KeyState, what: &C, position: u64) -> Result<(), Broken> {
    if let C::OverdueTold(told) = what {
        overdue::tell(&mut key.overdue, told);
        return Ok(());
    }
    let chain = key.device.get_or_insert_default();
    let fits = match what {
        C::DeviceSaid(s) => said(chain, s).map(drop),
        C::DeviceEntered(e) => entered(chain, e, position),
        _ => return misplaced("a key"),
    };
    if let C::DeviceSaid(s) = what {
        overdue::heard(key, s.recorded_at_ms);
    }
    match fits {
        Ok(()) => Ok(()),
        Err(unfit) => broken(8, format!("a device's chain does not go on so: {unfit:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: u64) -> bytes::Bytes {
        bytes::Bytes::copy_from_slice(&[u8::try_from(n).unwrap_or(u8::MAX); 32])
    }

    /// Statement n after statement n - 1.
    fn say(chain: &mut DeviceChain, n: u64) -> Result<Heard, Unfit> {
        let previous = if n == 1 {
            bytes::Bytes::new()
        } else {
            digest(n - 1)
        };
        let s = DeviceSaid {
            sequence: n,
            digest: digest(n),
            previous,
            ..DeviceSaid::default()
        };
        let mut after = chain.clone();
        let heard = said(&mut after, &s)?;
        *chain = after;
        Ok(heard)
    }

    fn gaps(chain: &DeviceChain) -> Vec<(u64, u64)> {
        chain.gaps.iter().map(|g| (g.first, g.last)).collect()
    }

    #[test]
    fn statements_in_any_order_fill_the_chain_once_each() {
        for order in [[1, 2, 3, 4, 5, 6], [1, 6, 3, 5, 2, 4], [6, 5, 4, 3, 2, 1]] {
            let mut chain = DeviceChain::default();
            for n in order {
                assert!(say(&mut chain, n).is_ok(), "{n} of {order:?}");
                assert_eq!(say(&mut chain, n), Err(Unfit::Fork), "{n} twice");
            }
            assert_eq!(chain.sequence, 6);
            assert_eq!((chain.digest.clone(), gaps(&chain)), (digest(6), vec![]));
        }
    }

    #[test]
    fn another_statement_in_a_gap_is_a_fork_at_either_side() {
        let mut chain = DeviceChain::default();
        assert_eq!(say(&mut chain, 2), Ok(Heard::GapOpened(1, 1)));
        assert_eq!(say(&mut chain, 5), Ok(Heard::GapOpened(3, 4)));
        let other = |n, previous: u64, own: u64| DeviceSaid {
            sequence: n,
            digest: digest(own),
            previous: digest(previous),
            ..DeviceSaid::default()
        };
        for (n, previous, own) in [(3, 99, 3), (4, 3, 99), (6, 99, 6), (5, 4, 99)] {
            let unfit = said(&mut chain.clone(), &other(n, previous, own));
            assert_eq!(unfit, Err(Unfit::Fork), "{n}");
        }
        assert_eq!(say(&mut chain, 4), Ok(Heard::Late));
        // The middle is pinned from both sides now.
        assert_eq!(said(&mut chain.clone(), &other(3, 2, 99)), Err(Unfit::Fork));
        assert_eq!(say(&mut chain, 3), Ok(Heard::Late));
    }

    #[test]
    fn numbers_from_paper_are_known_and_their_digests_are_not() {
        let mut chain = DeviceChain::default();
        assert_eq!(say(&mut chain, 1), Ok(Heard::Next));
        assert_eq!(say(&mut chain, 6), Ok(Heard::GapOpened(2, 5)));
        let enter = |first, last| DeviceEntered { first, last };
        for (first, last) in [(0, 1), (1, 2), (5, 6), (8, 8), (4, 3), (6, 6)] {
            let unfit = entered(&mut chain.clone(), &enter(first, last), 9);
            assert_eq!(unfit, Err(Unfit::NotMissing), "{first}-{last}");
        }
        assert_eq!(entered(&mut chain, &enter(3, 4), 9), Ok(()));
        assert_eq!(gaps(&chain), [(2, 2), (5, 5)]);
        assert_eq!(say(&mut chain, 3), Err(Unfit::Entered(9)));
        assert_eq!(say(&mut chain, 5), Ok(Heard::Late));
        assert_eq!(say(&mut chain, 2), Ok(Heard::Late));
        // What comes next may stand on paper too; the device goes on after it.
        assert_eq!(entered(&mut chain, &enter(7, 7), 12), Ok(()));
        assert_eq!(say(&mut chain, 8), Ok(Heard::Next));
        assert_eq!(say(&mut chain, 7), Err(Unfit::Entered(12)));
        let many = enter(9, 9 + MAX_ENTERED);
        assert_eq!(entered(&mut chain, &many, 13), Err(Unfit::NotMissing));
    }

    #[test]
    fn gaps_are_bounded() {
        let mut chain = DeviceChain::default();
        for n in 1..=64 {
            assert!(say(&mut chain, 2 * n).is_ok());
        }
        assert_eq!(say(&mut chain, 130), Err(Unfit::TooManyGaps));
        assert_eq!(say(&mut chain, 129), Ok(Heard::Next));
        assert_eq!(say(&mut chain, 1), Ok(Heard::Late));
    }
}
