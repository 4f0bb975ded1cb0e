//! Proofs over the map of touched subjects: that a subject is in it, at which
//! position, or that it is not. A state record says the root and the count;
//! which map it is of, and that no state record is left out, is the caller's
//! to know (`evidence`).

use crate::custody::touched::{TouchedLine, subject_digest};
use crate::event::Hash;
use crate::event::digest::{Tag, merkle_climb, merkle_path, merkle_root};
use crate::pb::{Subject, TouchedEntry, TouchedProof};

/// A map, to prove from.
#[derive(Clone, Debug, Default)]
pub struct TouchedMap {
    lines: Vec<TouchedLine>,
    leaves: Vec<Hash>,
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTouched {
    /// A digest that is not 32 bytes.
    #[error("a digest is 32 bytes")]
    Digest,
    /// A line's path does not lead to the root that the state record says.
    #[error("the path of line {0} does not lead to the map's root")]
    Path(u64),
    /// The line that should be the subject's is another's.
    #[error("the line is another subject's")]
    Subject,
    /// It says both, or neither.
    #[error("it shows the subject's line and a gap, or neither")]
    Both,
    /// The lines are not those on both sides of the subject's place, or one is
    /// missing where the map does not end.
    #[error("the lines are not the two beside the subject's place")]
    Neighbours,
}

impl TouchedMap {
    /// Of lines in order, no subject twice; else `None`.
    pub fn new(lines: Vec<TouchedLine>) -> Option<TouchedMap> {
        if !lines.is_sorted_by(|a, b| a.subject < b.subject) {
            return None;
        }
        let leaves = lines.iter().map(TouchedLine::leaf).collect();
        Some(TouchedMap { lines, leaves })
    }

    /// How many lines it has.
    pub fn count(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Its root; zeros for no lines.
    pub fn root(&self) -> Hash {
        merkle_root(Tag::TouchedNode, &self.leaves)
    }

    /// Proves whether a subject is in it; `state_record` is the position of the
    /// state record that commits to it.
    pub fn prove(&self, state_record: u64, subject: &Subject) -> TouchedProof {
        let digest = subject_digest(subject);
        let mut proof = TouchedProof {
            state_record,
            ..TouchedProof::default()
        };
        match self.lines.binary_search_by_key(&digest, |l| l.subject) {
            Ok(at) => proof.present = self.entry(at),
            Err(at) => {
                proof.before = at.checked_sub(1).and_then(|at| self.entry(at));
                proof.after = self.entry(at);
            }
        }
        proof
    }

    fn entry(&self, at: usize) -> Option<TouchedEntry> {
        let line = self.lines.get(at)?;
        let path = merkle_path(Tag::TouchedNode, &self.leaves, at)?;
        Some(TouchedEntry {
            subject: line.subject.to_bytes(),
            position: line.position,
            index: at as u64,
            path: path.into_iter().map(Hash::to_bytes).collect(),
        })
    }
}

/// Checks a proof against the root and the count that a state record says.
/// Returns the position of the subject's latest record in the interval; `None`
/// if the proof shows that it has none there.
pub fn check_touched(
    proof: &TouchedProof,
    subject: &Subject,
    root: Hash,
    count: u64,
) -> Result<Option<u64>, BadTouched> {
    let digest = subject_digest(subject);
    if let Some(present) = &proof.present {
        if proof.before.is_some() || proof.after.is_some() {
            return Err(BadTouched::Both);
        }
        let line = opened(present, root, count)?;
        return if line.subject == digest {
            Ok(Some(line.position))
        } else {
            Err(BadTouched::Subject)
        };
    }
    if count == 0 && root == Hash::ZERO && proof.before.is_none() && proof.after.is_none() {
        return Ok(None);
    }
    let before = side(proof.before.as_ref(), root, count)?;
    let after = side(proof.after.as_ref(), root, count)?;
    let apart = match (&before, &after) {
        (None, None) => return Err(BadTouched::Both),
        (Some((entry, line)), None) => {
            line.subject < digest && entry.index.checked_add(1) == Some(count)
        }
        (None, Some((entry, line))) => digest < line.subject && entry.index == 0,
        (Some((low, before)), Some((high, after))) => {
            let beside = low.index.checked_add(1) == Some(high.index);
            beside && before.subject < digest && digest < after.subject
        }
    };
    if apart {
        Ok(None)
    } else {
        Err(BadTouched::Neighbours)
    }
}

/// A line on one side of a gap, if there is one.
fn side(
    entry: Option<&TouchedEntry>,
    root: Hash,
    count: u64,
) -> Result<Option<(&TouchedEntry, TouchedLine)>, BadTouched> {
    let open = |entry| Ok((entry, opened(entry, root, count)?));
    entry.map(open).transpose()
}

/// A line that stands in the map where it says.
fn opened(entry: &TouchedEntry, root: Hash, count: u64) -> Result<TouchedLine, BadTouched> {
    let line = TouchedLine {
        subject: Hash::from_slice(&entry.subject).ok_or(BadTouched::Digest)?,
        position: entry.position,
    };
    let path = entry.path.iter().map(|hash| Hash::from_slice(hash));
    let path: Vec<Hash> = path.collect::<Option<_>>().ok_or(BadTouched::Digest)?;
    match merkle_climb(Tag::TouchedNode, line.leaf(), entry.index, count, &path) {
        Some(got) if got == root => Ok(line),
        _ => Err(BadTouched::Path(entry.index)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use bytes::Bytes;

    fn subject(n: u64) -> Subject {
        Subject {
            kind: i32::try_from(n % 5).unwrap(),
            id: Bytes::copy_from_slice(&n.to_be_bytes()),
        }
    }

    /// A map of the even subjects below twice its size.
    fn map(size: u64) -> TouchedMap {
        let line = |n| TouchedLine {
            subject: subject_digest(&subject(2 * n)),
            position: 1000 + n,
        };
        let mut lines: Vec<TouchedLine> = (0..size).map(line).collect();
        lines.sort();
        TouchedMap::new(lines).unwrap()
    }

    /// Every entry of a proof with something changed, and the proof that it
    /// makes.
    fn spoiled(proof: &TouchedProof) -> Vec<TouchedProof> {
        let mut all = Vec::new();
        let entries: [fn(&mut TouchedProof) -> &mut Option<TouchedEntry>; 3] =
            [|p| &mut p.present, |p| &mut p.before, |p| &mut p.after];
        let changes: [fn(&mut TouchedEntry); 6] = [
            |e| e.position ^= 1,
            |e| e.index ^= 1,
            |e| e.subject = Hash([0; 32]).to_bytes(),
            |e| e.subject = Bytes::from_static(b"short"),
            |e| e.path.push(Hash::ZERO.to_bytes()),
            |e| e.path.truncate(e.path.len().saturating_sub(1)),
        ];
        for pick in entries {
            let mut gone = proof.clone();
            if pick(&mut gone).take().is_none() {
                continue;
            }
            all.push(gone);
            for change in changes {
                let mut other = proof.clone();
                change(pick(&mut other).as_mut().unwrap());
                if other != *proof {
                    all.push(other);
                }
            }
        }
        all
    }

    #[test]
    fn every_subject_is_shown_where_it_is_and_every_gap_as_a_gap() {
        for size in 0..=100u64 {
            let map = map(size);
            for n in 0..2 * size + 2 {
                let proof = map.prove(7, &subject(n));
                let wanted = (n % 2 == 0 && n < 2 * size).then_some(1000 + n / 2);
                let got = check_touched(&proof, &subject(n), map.root(), map.count());
                assert_eq!(got, Ok(wanted), "{n} of {size}");
            }
        }
    }

    #[test]
    fn no_proof_passes_for_another_subject_map_or_count_or_with_anything_changed() {
        for size in 0..=40u64 {
            let map = map(size);
            let other = self::map(size + 1);
            for n in 0..2 * size + 2 {
                let proof = map.prove(7, &subject(n));
                let check = |proof: &TouchedProof, n, root, count| {
                    check_touched(proof, &subject(n), root, count)
                };
                let truth = check(&proof, n, map.root(), map.count());
                let foreign = check(&proof, n, other.root(), other.count());
                assert!(foreign.is_err(), "{n} of {size}");
                // A path may fit two sizes; what it shows is the same then.
                let longer = check(&proof, n, map.root(), map.count() + 1);
                assert!(longer.is_err() || longer == truth, "{n} of {size}");
                for spoiled in spoiled(&proof) {
                    let got = check(&spoiled, n, map.root(), map.count());
                    assert!(got.is_err(), "{n} of {size}: {got:?} {spoiled:?}");
                }
                // Another subject's proof says nothing else of it than is true.
                for m in 0..2 * size + 2 {
                    let got = check(&map.prove(7, &subject(m)), n, map.root(), map.count());
                    assert!(got.is_err() || got == truth, "{m} for {n} of {size}");
                }
            }
        }
    }

    #[test]
    fn lines_out_of_order_or_twice_are_no_map() {
        let line = |n: u8| TouchedLine {
            subject: Hash([n; 32]),
            position: 0,
        };
        assert!(TouchedMap::new(vec![line(1), line(2)]).is_some());
        assert!(TouchedMap::new(vec![line(2), line(1)]).is_none());
        assert!(TouchedMap::new(vec![line(1), line(1)]).is_none());
    }
}
