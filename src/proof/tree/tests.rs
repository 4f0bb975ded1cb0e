//! The tree against the published vectors, against the definition of RFC 6962
//! word for word, and at sizes that no machine could hold.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::HashMap;
use std::convert::Infallible;

use proptest::prelude::*;
use rayon::prelude::*;

use super::*;

/// Up to this size every proof is tried.
const EVERY: u64 = 600;

/// A tree with all its nodes.
#[derive(Default)]
pub(in crate::proof) struct Nodes {
    levels: Vec<Vec<TreeHash>>,
    frontier: Frontier,
}

impl Nodes {
    pub(in crate::proof) fn push(&mut self, leaf: TreeHash) {
        let levels = &mut self.levels;
        self.frontier.push_noting(leaf, &mut |level, index, hash| {
            let level = usize::from(level);
            levels.resize_with(levels.len().max(level + 1), Vec::new);
            assert_eq!(
                levels[level].len() as u64,
                index,
                "each node once, in order"
            );
            levels[level].push(hash);
        });
    }

    pub(in crate::proof) fn of(leaves: impl IntoIterator<Item = TreeHash>) -> Nodes {
        let mut nodes = Nodes::default();
        leaves.into_iter().for_each(|leaf| nodes.push(leaf));
        nodes
    }
}

impl TreeReader for Nodes {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<TreeHash, Infallible> {
        Ok(self.levels[usize::from(level)][usize::try_from(index).unwrap()])
    }
}

/// RFC 6962 as its sections 2.1, 2.1.1 and 2.1.2 define it, over the leaves
/// `from..to`; roots are kept, so that all proofs of all sizes are quick.
struct Definition {
    leaves: Vec<TreeHash>,
    roots: HashMap<(usize, usize), TreeHash>,
}

impl Definition {
    fn new(leaves: Vec<TreeHash>) -> Definition {
        let roots = HashMap::new();
        Definition { leaves, roots }
    }

    fn k(n: usize) -> usize {
        let mut k = 1;
        while k * 2 < n {
            k *= 2;
        }
        k
    }

    fn mth(&mut self, from: usize, to: usize) -> TreeHash {
        if let Some(root) = self.roots.get(&(from, to)) {
            return *root;
        }
        let root = match to - from {
            0 => empty_root(),
            1 => self.leaves[from],
            n => {
                let at = from + Definition::k(n);
                node_hash(self.mth(from, at), self.mth(at, to))
            }
        };
        self.roots.insert((from, to), root);
        root
    }

    fn path(&mut self, m: usize, from: usize, to: usize) -> Vec<TreeHash> {
        if to - from == 1 {
            return Vec::new();
        }
        let k = Definition::k(to - from);
        let at = from + k;
        let (mut path, last) = if m < k {
            (self.path(m, from, at), self.mth(at, to))
        } else {
            (self.path(m - k, at, to), self.mth(from, at))
        };
        path.push(last);
        path
    }

    fn subproof(&mut self, m: usize, from: usize, to: usize, whole: bool) -> Vec<TreeHash> {
        let n = to - from;
        if m == n {
            return if whole {
                Vec::new()
            } else {
                vec![self.mth(from, to)]
            };
        }
        let k = Definition::k(n);
        let at = from + k;
        let (mut proof, last) = if m <= k {
            (self.subproof(m, from, at, whole), self.mth(at, to))
        } else {
            (self.subproof(m - k, at, to, false), self.mth(from, at))
        };
        proof.push(last);
        proof
    }
}

pub(super) fn leaves(count: u64) -> Vec<TreeHash> {
    (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

pub(in crate::proof) fn get<T>(read: Result<T, Infallible>) -> T {
    read.unwrap_or_else(|never| match never {})
}

fn hex32(text: &str) -> TreeHash {
    let byte = |at: usize| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap();
    assert_eq!(text.len(), 64);
    TreeHash(std::array::from_fn(byte))
}

// --- published vectors -------------------------------------------------------

/// The leaves of the reference tree that google/certificate-transparency and
/// transparency-dev/merkle test with.
const REFERENCE: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// Its roots, of size 0 and on.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// Nodes that its published paths are made of.
const N: [&str; 9] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
];

#[test]
fn the_published_hashes_roots_and_paths_come_out() {
    let l123456 = "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56";
    assert_eq!(leaf_hash(b"L123456"), hex32(l123456));
    let nodes = Nodes::of(REFERENCE.map(leaf_hash));
    for (size, root) in (0..).zip(ROOTS) {
        assert_eq!(get(root_of(&nodes, size)), hex32(root), "size {size}");
        let some = Nodes::of(REFERENCE.iter().take(size as usize).map(|l| leaf_hash(l)));
        assert_eq!(some.frontier.root(), hex32(root), "size {size}");
    }
    let right = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
    let inclusion: [(u64, u64, &[&str]); 7] = [
        (0, 1, &[]),
        (0, 2, &[N[1]]),
        (1, 2, &[N[0]]),
        (2, 3, &[N[4]]),
        (1, 5, &[N[0], N[5], N[2]]),
        (0, 8, &[N[1], N[5], right]),
        (5, 8, &[N[2], N[7], N[8]]),
    ];
    for (index, size, path) in inclusion {
        let path: Vec<TreeHash> = path.iter().map(|hash| hex32(hash)).collect();
        let made = get(inclusion_path(&nodes, index, size));
        assert_eq!(made, Some(path.clone()), "{index} in {size}");
        let leaf = leaf_hash(REFERENCE[index as usize]);
        let root = hex32(ROOTS[size as usize]);
        assert_eq!(check_inclusion(leaf, index, size, &path, root), Ok(()));
    }
    let consistency: [(u64, u64, &[&str]); 5] = [
        (1, 1, &[]),
        (1, 8, &[N[1], N[5], right]),
        (6, 8, &[N[6], N[7], N[8]]),
        (2, 5, &[N[5], N[2]]),
        (6, 7, &[N[6], N[3], N[8]]),
    ];
    for (old, new, path) in consistency {
        let path: Vec<TreeHash> = path.iter().map(|hash| hex32(hash)).collect();
        let made = get(consistency_path(&nodes, old, new));
        assert_eq!(made, Some(path.clone()), "{old} to {new}");
        let roots = [old, new].map(|size| hex32(ROOTS[size as usize]));
        assert_eq!(
            check_consistency(old, roots[0], new, roots[1], &path),
            Ok(())
        );
    }
}

// --- against the definition --------------------------------------------------

#[test]
fn every_root_and_every_proof_to_size_600_is_the_definitions_and_verifies() {
    let leaves = leaves(EVERY);
    let nodes = Nodes::of(leaves.iter().copied());
    (0..=EVERY).into_par_iter().for_each_init(
        || Definition::new(leaves.clone()),
        |definition, size| {
            let n = size as usize;
            let root = definition.mth(0, n);
            assert_eq!(get(root_of(&nodes, size)), root);
            for index in 0..size {
                let path = get(inclusion_path(&nodes, index, size)).unwrap();
                assert_eq!(
                    path,
                    definition.path(index as usize, 0, n),
                    "{index} in {size}"
                );
                let leaf = leaves[index as usize];
                assert_eq!(check_inclusion(leaf, index, size, &path, root), Ok(()));
            }
            assert_eq!(get(inclusion_path(&nodes, size, size)), None);
            for old in 0..=size {
                let path = get(consistency_path(&nodes, old, size)).unwrap();
                if old > 0 {
                    let defined = definition.subproof(old as usize, 0, n, true);
                    assert_eq!(path, defined, "{old} to {size}");
                }
                let old_root = definition.mth(0, old as usize);
                assert_eq!(check_consistency(old, old_root, size, root, &path), Ok(()));
            }
            assert_eq!(get(consistency_path(&nodes, size + 1, size)), None);
        },
    );
}

#[test]
fn the_frontier_has_the_root_of_every_size_and_can_be_stopped_at_any() {
    let leaves = leaves(EVERY);
    let nodes = Nodes::of(leaves.iter().copied());
    let mut frontier = Frontier::new();
    for (size, leaf) in (0..).zip(leaves) {
        assert_eq!(frontier.size(), size);
        assert_eq!(frontier.root(), get(root_of(&nodes, size)));
        let kept = frontier.hashes().to_vec();
        assert_eq!(kept.len() as u32, size.count_ones());
        frontier = Frontier::restore(size, kept.clone()).unwrap();
        let more = [kept.as_slice(), &[leaf]].concat();
        assert_eq!(Frontier::restore(size, more), None);
        frontier.push(leaf);
    }
    assert_eq!(frontier, nodes.frontier);
    let many = vec![empty_root(); 2];
    assert_eq!(Frontier::restore(MAX_SIZE + 1, many), None);
    assert!(Frontier::restore(MAX_SIZE, vec![empty_root()]).is_some());
}

/// Every bit of `hash`, changed one at a time.
fn each_bit(hash: TreeHash) -> impl Iterator<Item = TreeHash> {
    (0..256).map(move |bit| {
        let mut other = hash;
        other.0[bit / 8] ^= 1 << (bit % 8);
        other
    })
}

fn with(path: &[TreeHash], at: usize, hash: TreeHash) -> Vec<TreeHash> {
    let mut path = path.to_vec();
    path[at] = hash;
    path
}

#[test]
fn an_inclusion_proof_with_any_bit_changed_fails_for_every_leaf_of_every_size_to_40() {
    let leaves = leaves(40);
    let nodes = Nodes::of(leaves.iter().copied());
    (1..=40u64).into_par_iter().for_each(|size| {
        let root = get(root_of(&nodes, size));
        for (index, leaf) in (0..size).zip(&leaves) {
            let path = get(inclusion_path(&nodes, index, size)).unwrap();
            let check =
                |leaf, path: &[TreeHash], root| check_inclusion(leaf, index, size, path, root);
            assert_eq!(check(*leaf, &path, root), Ok(()));
            each_bit(*leaf).for_each(|leaf| assert!(check(leaf, &path, root).is_err()));
            each_bit(root).for_each(|root| assert!(check(*leaf, &path, root).is_err()));
            for (at, hash) in path.iter().enumerate() {
                each_bit(*hash).for_each(|other| {
                    assert!(check(*leaf, &with(&path, at, other), root).is_err());
                });
            }
            let longer = [path.as_slice(), &[root]].concat();
            assert!(check(*leaf, &longer, root).is_err());
        }
    });
}

#[test]
fn a_consistency_proof_with_any_bit_changed_fails_for_every_two_sizes_to_40() {
    let nodes = Nodes::of(leaves(40));
    (1..=40u64).into_par_iter().for_each(|new| {
        let new_root = get(root_of(&nodes, new));
        for old in 1..=new {
            let old_root = get(root_of(&nodes, old));
            let path = get(consistency_path(&nodes, old, new)).unwrap();
            let check = |a, b, path: &[TreeHash]| check_consistency(old, a, new, b, path);
            assert_eq!(check(old_root, new_root, &path), Ok(()));
            each_bit(old_root).for_each(|a| assert!(check(a, new_root, &path).is_err()));
            each_bit(new_root).for_each(|b| assert!(check(old_root, b, &path).is_err()));
            for (at, hash) in path.iter().enumerate() {
                each_bit(*hash).for_each(|other| {
                    assert!(check(old_root, new_root, &with(&path, at, other)).is_err());
                });
            }
            let longer = [path.as_slice(), &[new_root]].concat();
            assert!(check(old_root, new_root, &longer).is_err());
            if let Some((_, shorter)) = path.split_first() {
                assert!(check(old_root, new_root, shorter).is_err());
            }
        }
    });
}

#[test]
fn what_is_wrong_with_a_path_is_named() {
    let nodes = Nodes::of(leaves(7));
    let root = get(root_of(&nodes, 7));
    let path = get(inclusion_path(&nodes, 2, 7)).unwrap();
    let leaf = leaves(7)[2];
    let size = 7;
    let check = |leaf, index, path: &[TreeHash]| check_inclusion(leaf, index, size, path, root);
    assert_eq!(
        check(leaf, 7, &path),
        Err(BadPath::Index { index: 7, size })
    );
    assert_eq!(
        check(leaf, 2, &path[1..]),
        Err(BadPath::Length { got: 2, want: 3 })
    );
    // The last of seven is odd on two levels.
    assert_eq!(
        check(leaf, 6, &path),
        Err(BadPath::Length { got: 3, want: 2 })
    );
    assert!(matches!(check(root, 2, &path), Err(BadPath::Root { want, .. }) if want == root));
    let sizes = BadPath::Sizes { old: 8, new: 7 };
    assert_eq!(check_consistency(8, root, 7, root, &[]), Err(sizes));
    // The empty tree begins every other, but it has one root.
    assert_eq!(check_consistency(0, empty_root(), 7, root, &[]), Ok(()));
    assert_eq!(
        check_consistency(0, empty_root(), 0, empty_root(), &[]),
        Ok(())
    );
    let length = BadPath::Length { got: 1, want: 0 };
    assert_eq!(
        check_consistency(0, empty_root(), 7, root, &[root]),
        Err(length)
    );
    let old = check_consistency(0, root, 7, root, &[]);
    assert!(matches!(old, Err(BadPath::OldRoot { .. })));
    let new = check_consistency(0, empty_root(), 0, root, &[]);
    assert!(matches!(new, Err(BadPath::Root { .. })));
    let other = get(root_of(&nodes, 6));
    let same = check_consistency(7, other, 7, root, &[]);
    assert!(matches!(same, Err(BadPath::OldRoot { .. })));
}

// --- sizes that no machine could hold ----------------------------------------

/// A tree of any size whose leaves are all the same but one.
struct Vast {
    /// Nodes over leaves that are the same, by level.
    same: Vec<TreeHash>,
    /// Nodes over the one, by level.
    special: Vec<TreeHash>,
    at: u64,
}

impl Vast {
    fn new(at: u64) -> Vast {
        let (mut same, mut special) = (vec![leaf_hash(b"same")], vec![leaf_hash(b"special")]);
        for level in 0..64 {
            let (a, b) = (same[level], special[level]);
            same.push(node_hash(a, a));
            special.push(if (at >> level) & 1 == 1 {
                node_hash(a, b)
            } else {
                node_hash(b, a)
            });
        }
        Vast { same, special, at }
    }

    fn frontier(&self, size: u64) -> Option<Frontier> {
        let (mut at, mut hashes) = (0, Vec::new());
        for level in (0..64).rev().filter(|level| (size >> level) & 1 == 1) {
            hashes.push(get(self.node(level, at >> level)));
            at += 1 << level;
        }
        Frontier::restore(size, hashes)
    }
}

impl TreeReader for Vast {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<TreeHash, Infallible> {
        assert!(level < 64 && index.checked_shl(level.into()).is_some());
        let special = index == self.at >> level;
        let nodes = if special { &self.special } else { &self.same };
        Ok(nodes[usize::from(level)])
    }
}

/// Sizes of all magnitudes, and those about powers of two.
fn any_size() -> impl Strategy<Value = u64> {
    prop_oneof![
        (any::<u64>(), 0..64u32).prop_map(|(n, shift)| (n >> shift).max(1)),
        (0..64u32, 0..3u64).prop_map(|(level, more)| ((1u64 << level) - 1 + more).max(1)),
        Just(u64::MAX),
    ]
}

proptest! {
    #[test]
    fn proofs_hold_and_shapes_fit_at_any_size(
        size in any_size(), other in any_size(), at in any::<u64>(), step in any::<usize>(),
    ) {
        let index = at % size;
        let tree = Vast::new(index);
        let root = get(root_of(&tree, size));
        let path = get(inclusion_path(&tree, index, size)).unwrap();
        let leaf = leaf_hash(b"special");
        prop_assert!(path.len() <= MAX_PATH);
        prop_assert_eq!(check_inclusion(leaf, index, size, &path, root), Ok(()));
        prop_assert!(check_inclusion(leaf_hash(b"same"), index, size, &path, root).is_err());
        prop_assert!(check_inclusion(leaf, index ^ 1, size, &path, root).is_err() || size == 1);
        if !path.is_empty() {
            let at = step % path.len();
            let changed = with(&path, at, leaf);
            prop_assert!(check_inclusion(leaf, index, size, &changed, root).is_err());
        }
        match tree.frontier(size) {
            Some(mut frontier) => {
                prop_assert_eq!(frontier.root(), root);
                frontier.push(leaf_hash(b"same"));
                prop_assert_eq!(frontier.root(), get(root_of(&tree, size + 1)));
            }
            None => prop_assert!(size > MAX_SIZE),
        }
        let (old, new) = (size.min(other), size.max(other));
        let roots = [old, new].map(|size| get(root_of(&tree, size)));
        let path = get(consistency_path(&tree, old, new)).unwrap();
        prop_assert!(path.len() <= MAX_PATH);
        prop_assert_eq!(check_consistency(old, roots[0], new, roots[1], &path), Ok(()));
        if !path.is_empty() {
            let at = step % path.len();
            let changed = with(&path, at, leaf_hash(b"other"));
            prop_assert!(check_consistency(old, roots[0], new, roots[1], &changed).is_err());
        }
        prop_assert_eq!(get(consistency_path(&tree, new, old)).is_some(), old == new);
    }
}
