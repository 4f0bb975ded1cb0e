//! The ledger's word on the refusals that it keeps: what may follow what.
//! Not here: where they are kept, and when the word is due (`ledger`).

use crate::pb::RefusalsAnchored;

/// Bytes of a running hash.
const HASH_BYTES: usize = 32;

/// What is wrong with a word that is recorded at a time, after the one
/// before: the field at fault, and why.
pub fn fault(
    before: Option<&RefusalsAnchored>,
    word: &RefusalsAnchored,
    recorded_at_ms: i64,
) -> Option<(&'static str, &'static str)> {
    let none = RefusalsAnchored::default();
    let before = before.unwrap_or(&none);
    let counted = |word: &RefusalsAnchored| (word.count, word.not_kept, word.kept_from);
    let since = 1..=recorded_at_ms;
    let checks = [
        (word.hash.len() == HASH_BYTES, "hash", "32 bytes are wanted"),
        (
            word.count >= before.count,
            "count",
            "fewer than were counted",
        ),
        (
            word.count != before.count || word.count == 0 || word.hash == before.hash,
            "hash",
            "another hash of as many",
        ),
        (
            word.count > 0 || word.hash.iter().all(|byte| *byte == 0),
            "hash",
            "not zeros, and there is none",
        ),
        (
            word.not_kept >= before.not_kept,
            "not_kept",
            "fewer than were counted",
        ),
        (
            word.unverified >= before.unverified,
            "unverified",
            "fewer than were counted",
        ),
        (
            (before.kept_from..=before.count.max(before.kept_from)).contains(&word.kept_from),
            "kept_from",
            "not of those that were anchored before",
        ),
        (
            counted(word) != counted(before),
            "count",
            "nothing has changed",
        ),
        (
            since.contains(&word.since_ms),
            "since_ms",
            "not before this record",
        ),
    ];
    let found = checks.into_iter().find(|(holds, _, _)| !holds);
    found.map(|(_, field, why)| (field, why))
}
