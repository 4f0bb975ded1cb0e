//! What a table is, and how it is run: set-up steps, a command, its answer in
//! the last column: a refusal's code, or `ok` and the findings' codes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bytes::Bytes;
use hazledger::event::{Hash, codes};
use hazledger::proof::{Expect, Failure, Verifier, sign_commit};
use prost::Message as _;

use super::bench::{Answer, Bench, key, ledger_name};

/// Steps by name, the command, its answer.
pub type Case = (&'static str, fn(&mut Bench) -> Answer, &'static str);

/// Runs every line on a bench of its own and tells all that differ; what each
/// leaves is a ledger that the verifier finds nothing wrong with.
pub fn run(cases: &[Case]) {
    let mut wrong = String::new();
    for (number, (steps, command, wanted)) in cases.iter().enumerate() {
        let mut bench = Bench::new();
        bench.set_up(steps);
        let answer = command(&mut bench);
        if let Err(failure) = verified(&bench) {
            let _ = writeln!(wrong, "line {number} [{steps}]: not verified: {failure}");
        }
        let got = shown(&answer);
        if got != *wanted {
            let why = answer.err().map(|r| r.to_string()).unwrap_or_default();
            let _ = writeln!(
                wrong,
                "line {number} [{steps}]: wanted '{wanted}', got '{got}' ({why})"
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Every record, as one batch that the ledger has signed; or, if its key was
/// rotated, one for each key.
fn verified(bench: &Bench) -> Result<(), Failure> {
    let genesis = bench.records[0].0.hash;
    let mut verifier = Verifier::new(Expect::default());
    let mut ends: Vec<u64> = bench.ledger_keys().iter().map(|k| k.since).collect();
    ends.push(bench.state.next());
    let mut first = 0;
    for (number, end) in ends.into_iter().enumerate() {
        let batch = &bench.records[usize::try_from(first).unwrap()..usize::try_from(end).unwrap()];
        let sealed = batch.iter().map(|(sealed, _)| sealed);
        let heads: Vec<Hash> = sealed.clone().map(|sealed| sealed.hash).collect();
        let records: Vec<Bytes> = sealed.map(|sealed| sealed.bytes.clone()).collect();
        let signer = key(&ledger_name(number));
        let commit = sign_commit(&signer, genesis, first, &heads).encode_to_vec();
        if !records.is_empty() {
            verifier.batch(first, &records, &commit.into())?;
        }
        first = end;
    }
    verifier.finish().map(drop)
}

/// An answer as the last column has it; the same finding many times in a row
/// once, with how often.
fn shown(answer: &Answer) -> String {
    let findings = match answer {
        Err(refused) => return codes::name(refused.code).to_owned(),
        Ok(findings) => findings,
    };
    let mut text = "ok".to_owned();
    for same in findings.chunk_by(|a, b| a == b) {
        let name = same[0].as_str_name().trim_start_matches("FINDING_CODE_");
        let _ = write!(text, " {name}");
        if same.len() > 1 {
            let _ = write!(text, "*{}", same.len());
        }
    }
    text
}

/// Refusals and findings that a table's last column names.
pub fn named(cases: &[Case]) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let (mut refusals, mut findings) = (BTreeSet::new(), BTreeSet::new());
    for (_, _, wanted) in cases {
        match wanted.strip_prefix("ok") {
            None => drop(refusals.insert(*wanted)),
            Some(list) => {
                let name = |word: &'static str| word.split_once('*').map_or(word, |(name, _)| name);
                findings.extend(list.split_whitespace().map(name));
            }
        }
    }
    (refusals, findings)
}
