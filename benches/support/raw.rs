//! The yardsticks: what the same bytes cost without a ledger.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use hazledger::event::digest::head_hash;
use hazledger::event::signing::{PublicKey, Purpose};
use hazledger::pb::SignedStatement;
use rayon::prelude::*;

/// Records in a batch of the raw loop (design, section 13).
const BATCH: usize = 256;

/// `verify_strict` on all cores, a BLAKE3 chain, append and fdatasync in
/// batches of 256, of the statements' bytes.
pub fn raw_loop(folder: &Path, key: &PublicKey, statements: &[SignedStatement]) -> Duration {
    let bytes: Vec<Vec<u8>> = statements
        .iter()
        .map(prost::Message::encode_to_vec)
        .collect();
    let total: usize = bytes.iter().map(Vec::len).sum();
    let path = folder.join("raw");
    let file = File::create(&path).unwrap();
    // Preallocated, as the journal's segments are: growing files sync slower.
    file.write_all_at(&vec![0; total], 0).unwrap();
    file.sync_all().unwrap();
    let started = Instant::now();
    let (mut offset, mut previous) = (0u64, [0u8; 32]);
    for (batch, encoded) in statements.chunks(BATCH).zip(bytes.chunks(BATCH)) {
        assert!(verify_all(key, batch));
        let mut block = Vec::with_capacity(encoded.iter().map(Vec::len).sum());
        for one in encoded {
            let mut linked = previous.to_vec();
            linked.extend_from_slice(one);
            previous = head_hash(&linked).0;
            block.extend_from_slice(one);
        }
        file.write_all_at(&block, offset).unwrap();
        offset += block.len() as u64;
        file.sync_data().unwrap();
    }
    let elapsed = started.elapsed();
    drop(file);
    std::fs::remove_file(path).unwrap();
    elapsed
}

/// `verify_strict` of each, on all cores.
pub fn verify_all(key: &PublicKey, statements: &[SignedStatement]) -> bool {
    statements
        .par_iter()
        .all(|s| key.verifies(Purpose::Statement, &s.payload, &s.signatures[0].signature))
}

/// One write and fdatasync after another, into a preallocated file.
pub struct Syncs {
    file: File,
    offset: u64,
}

impl Syncs {
    /// Bytes of the file; writes begin again when it is full.
    const LENGTH: u64 = 16 * 1024 * 1024;

    /// In a file of its own.
    pub fn new(folder: &Path) -> Syncs {
        let file = File::create(folder.join("syncs")).unwrap();
        let zeros = vec![0; 1024 * 1024];
        for at in 0..Self::LENGTH / zeros.len() as u64 {
            file.write_all_at(&zeros, at * zeros.len() as u64).unwrap();
        }
        file.sync_all().unwrap();
        Syncs { file, offset: 0 }
    }

    /// How long one takes.
    pub fn one(&mut self, bytes: &[u8]) -> Duration {
        let started = Instant::now();
        self.file.write_all_at(bytes, self.offset).unwrap();
        self.file.sync_data().unwrap();
        let elapsed = started.elapsed();
        let next = self.offset + bytes.len() as u64;
        self.offset = if next + bytes.len() as u64 > Self::LENGTH {
            0
        } else {
            next
        };
        elapsed
    }
}
