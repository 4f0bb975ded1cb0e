//! The quick form of fuzzing: every decoder of outside bytes is given its
//! corpus and seeded mutations of it. The coverage-guided form, which the
//! corpus comes from, is `tests/fuzz/run`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod proofs;
mod repair;
mod targets;
mod world;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use targets::{TARGETS, Target};

/// Mutations of each target's corpus in the quick form; HAZLEDGER_MUTATIONS
/// and HAZLEDGER_SEED ask for others.
const MUTATIONS: u32 = 20_000;
const SEED: u64 = 20_261_125;

/// Bytes of an input, at most.
const MAX_INPUT: usize = 64 * 1024;

/// Memory that this program may have had at any moment, KiB: inputs of 64 KiB
/// must not make it ask for more.
#[cfg(target_os = "linux")]
const MAX_RESIDENT_KIB: u64 = 512 * 1024;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = here().join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.display().to_string(), fs::read(path).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

/// Runs one input; what breaks is left in a file, for `tests/fuzz/run`.
fn try_one(name: &str, target: Target, input: &[u8], what: &str) {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        let path = std::env::temp_dir().join(format!("hazledger-finding-{name}"));
        fs::write(&path, input).unwrap();
        panic!(
            "{name} falls over {what}: bash tests/fuzz/run {name} {}",
            path.display()
        );
    }
}

#[test]
fn no_input_of_the_corpus_breaks_its_decoder() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() > 2, "{name} has no corpus");
        for (path, input) in inputs {
            try_one(name, *target, &input, &path);
        }
    }
}

#[test]
fn no_mutation_of_the_corpus_breaks_its_decoder_or_takes_much_memory() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let seed: u64 = number("HAZLEDGER_SEED").unwrap_or(SEED);
    let mutations = number("HAZLEDGER_MUTATIONS").map_or(MUTATIONS, |n| u32::try_from(n).unwrap());
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        for number in 0..mutations {
            let input = mutated(&corpus, &mut dice);
            try_one(
                name,
                *target,
                &input,
                &format!("mutation {number} of seed {seed}"),
            );
        }
    }
    #[cfg(target_os = "linux")]
    {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let most = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let most: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(most < MAX_RESIDENT_KIB, "{most} KiB");
    }
}

/// Some of the inputs, changed in one to four places.
fn mutated(corpus: &[(String, Vec<u8>)], dice: &mut ChaCha8Rng) -> Vec<u8> {
    let pick = |dice: &mut ChaCha8Rng| corpus[dice.random_range(0..corpus.len())].1.clone();
    let mut input = pick(dice);
    for _ in 0..dice.random_range(1..5) {
        let at = dice.random_range(0..=input.len());
        let until = dice.random_range(at..=input.len().min(at + 64));
        match dice.random_range(0..7) {
            0 if at < input.len() => input[at] ^= 1 << dice.random_range(0..8),
            1 if at < input.len() => input[at] = [0, 1, 0x7f, 0x80, 0xff][dice.random_range(0..5)],
            2 => drop(input.drain(at..until)),
            3 => {
                let piece = input[at..until].to_vec();
                let to = dice.random_range(0..=input.len());
                input.splice(to..to, piece);
            }
            4 => {
                let mut noise = vec![0; dice.random_range(1..9)];
                dice.fill_bytes(&mut noise);
                input.splice(at..at, noise);
            }
            5 => {
                let other = pick(dice);
                let from = dice.random_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.truncate(at),
        }
    }
    input.truncate(MAX_INPUT);
    input
}

/// Writes the inputs from which a corpus can be begun again, into the folder
/// that HAZLEDGER_SEEDS names; `tests/fuzz/run TARGET keep` takes what it needs.
#[test]
#[ignore = "writes files: HAZLEDGER_SEEDS names a folder"]
fn write_the_seeds_of_the_corpus() {
    let folder = PathBuf::from(std::env::var_os("HAZLEDGER_SEEDS").unwrap());
    for (target, bytes) in targets::seeds(&here().join("golden")) {
        let folder = folder.join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(blake3::hash(&bytes).to_hex().as_str()), bytes).unwrap();
    }
}
