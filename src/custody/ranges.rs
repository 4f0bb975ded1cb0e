//! Sets of package serials as sorted, disjoint, coalesced ranges.

use crate::pb::SerialRange;

/// Ranges in one list, at most: what a body can name, and more than a lot
/// that is handled with care will ever be split into.
pub const MAX_RANGES: usize = 1024;

/// How many serials a range holds; 0 if its ends are the wrong way round.
pub fn count(first: u64, last: u64) -> u64 {
    last.checked_sub(first)
        .and_then(|n| n.checked_add(1))
        .unwrap_or(0)
}

/// How many serials a list holds, `None` on overflow.
pub fn total(ranges: &[SerialRange]) -> Option<u64> {
    ranges
        .iter()
        .try_fold(0u64, |sum, r| sum.checked_add(count(r.first, r.last)))
}

/// Whether a list is sorted, disjoint, and each range the right way round.
/// Serials start at 1 and end below the largest 64-bit number.
pub fn is_sound(ranges: &[SerialRange]) -> bool {
    ranges.len() <= MAX_RANGES
        && ranges
            .iter()
            .all(|r| r.first >= 1 && r.first <= r.last && r.last < u64::MAX)
        && ranges.is_sorted_by(|a, b| a.last < b.first)
}

/// Whether any serial is in both.
pub fn overlap(a: &[SerialRange], b: &[SerialRange]) -> bool {
    a.iter()
        .any(|x| b.iter().any(|y| x.first <= y.last && y.first <= x.last))
}

/// Adds a range to a sorted disjoint list, joining neighbours.
pub fn insert(list: &mut Vec<SerialRange>, range: SerialRange) {
    list.push(range);
    list.sort_unstable_by_key(|r| r.first);
    let mut joined: Vec<SerialRange> = Vec::with_capacity(list.len());
    for r in list.drain(..) {
        match joined.last_mut() {
            Some(before) if r.first <= before.last.saturating_add(1) => {
                before.last = before.last.max(r.last);
            }
            _ => joined.push(r),
        }
    }
    *list = joined;
}

/// `a` without what is in `b`; both sorted and disjoint.
pub fn minus(a: &[SerialRange], b: &[SerialRange]) -> Vec<SerialRange> {
    let mut rest = Vec::new();
    for range in a {
        let mut first = range.first;
        for cut in b
            .iter()
            .filter(|c| c.last >= range.first && c.first <= range.last)
        {
            if cut.first > first {
                rest.push(SerialRange {
                    first,
                    last: cut.first - 1,
                });
            }
            first = first.max(cut.last.saturating_add(1));
        }
        if first <= range.last {
            rest.push(SerialRange {
                first,
                last: range.last,
            });
        }
    }
    rest
}

/// What is in both; both sorted and disjoint.
pub fn common(a: &[SerialRange], b: &[SerialRange]) -> Vec<SerialRange> {
    let mut both = Vec::new();
    for x in a {
        for y in b {
            let (first, last) = (x.first.max(y.first), x.last.min(y.last));
            if first <= last {
                both.push(SerialRange { first, last });
            }
        }
    }
    both
}

/// For people: `1-40,57`.
pub fn show(ranges: &[SerialRange]) -> String {
    let one = |r: &SerialRange| {
        if r.first == r.last {
            r.first.to_string()
        } else {
            format!("{}-{}", r.first, r.last)
        }
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(",")
}
