//! Policies: what is read, what is refused and in which line, and which
//! cosignatures are enough.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use super::checkpoint::{Checkpoint, sign_checkpoint};
use super::cosignature::cosign;
use super::note::{Note, NoteKeyKind, VerifierKey};
use super::policy::*;
use super::tree::leaf_hash;
use crate::event::signing::SecretKey;

const LOG: &str = "log.example/a";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn vkey(name: &str, kind: NoteKeyKind, seed: u8) -> VerifierKey {
    VerifierKey::new(name, kind, key(seed).public().clone()).unwrap()
}

fn log(seed: u8) -> VerifierKey {
    vkey(LOG, NoteKeyKind::Ed25519, seed)
}

/// The witness of a number, whose key is named otherwise than the policy does.
fn witness(seed: u8) -> VerifierKey {
    vkey(&format!("w{seed}.example"), NoteKeyKind::Cosignature, seed)
}

/// A policy's text; `{log}` and `{1}` to `{9}` stand for keys.
fn text(template: &str) -> String {
    let filled = template.replace("{log}", &log(100).to_string());
    (1..10).fold(filled, |text, seed| {
        text.replace(&format!("{{{seed}}}"), &witness(seed).to_string())
    })
}

fn policy(template: &str) -> Policy {
    Policy::parse(&text(template)).unwrap()
}

/// A checkpoint that the log and these witnesses signed, each at the second
/// of its number.
fn note(seeds: &[u8]) -> Note {
    let checkpoint = Checkpoint::new(LOG, 5, leaf_hash(b"a")).unwrap();
    let mut note = sign_checkpoint(&key(100), &checkpoint);
    for seed in seeds {
        let name = witness(*seed).name().to_owned();
        let line = cosign(&key(*seed), &name, &note.text, (*seed).into());
        note.signatures.push(line);
    }
    note
}

/// C2SP tlog-policy, "Example policy", with keys.
const EXAMPLE: &str = "log {log}\n\nwitness X1 {1}\nwitness X2 {2}\nwitness X3 {3}\n\
    group X-witnesses 2 X1 X2 X3\n\nwitness Y1 {4}\nwitness Y2 {5}\nwitness Y3 {6}\n\
    group Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n";

#[test]
fn the_specifications_example_asks_for_two_of_x_and_one_of_y() {
    let policy = policy(EXAMPLE);
    assert_eq!(policy.logs().len(), 1);
    assert_eq!(policy.witnesses().len(), 6);
    assert!(policy.wants_witnesses());
    for who in 0..64u8 {
        let seeds: Vec<u8> = (1..=6)
            .filter(|seed| (who >> (seed - 1)) & 1 == 1)
            .collect();
        let enough = (who & 0b111).count_ones() >= 2 && who & 0b11_1000 != 0;
        let answer = policy.satisfied_by(&note(&seeds));
        assert_eq!(answer.is_ok(), enough, "{seeds:?}");
        match answer {
            Ok(cosigned) => {
                let times: Vec<u64> = cosigned.iter().map(|c| c.at_s).collect();
                assert_eq!(
                    times,
                    seeds.iter().map(|s| u64::from(*s)).collect::<Vec<_>>()
                );
            }
            Err(bad) => assert!(matches!(bad, Unsatisfied::Quorum { .. }), "{bad}"),
        }
    }
    let missing = policy.satisfied_by(&note(&[1, 4])).unwrap_err().to_string();
    assert_eq!(
        missing,
        "not enough witnesses for the quorum X-and-Y: cosigned by X1, Y1, missing are X2, X3, Y2, Y3"
    );
}

#[test]
fn a_policy_prints_what_it_is_read_from() {
    let printed = policy(EXAMPLE).to_string();
    assert_eq!(Policy::parse(&printed).unwrap(), policy(EXAMPLE));
    let loose =
        "\n# of ours\n\t # more\n\twitness \t w1  {1}   https://w1.example/  \n\n  quorum\tw1";
    let tight = "witness w1 {1} https://w1.example/\nquorum w1\n";
    assert_eq!(policy(loose).to_string(), text(tight));
    assert_eq!(
        policy(loose).witnesses()[0].url.as_deref(),
        Some("https://w1.example/")
    );
    assert_eq!(policy("quorum none").to_string(), "quorum none\n");
    // Only `none` is reserved; names are bytes, not letters.
    let words = "witness all {1}\nwitness any {2}\ngroup group 2 all any\nquorum group\n";
    assert_eq!(policy(words).to_string(), text(words));
    let kelvin = "witness K {1}\nwitness \u{212a} {2}\ngroup 组 1 K \u{212a}\nquorum 组\n";
    assert_eq!(policy(kelvin).to_string(), text(kelvin));
    let url = "log {log} https://log.example/\nquorum none\n";
    assert_eq!(policy(url).to_string(), text(url));
}

#[test]
fn a_policy_is_refused_by_line_and_by_what_is_wrong_with_it() {
    let one = "witness w1 {1}\n";
    let two = "witness w1 {1}\nwitness w2 {2}\n";
    let cases: &[(&str, usize, &str)] = &[
        ("quorum none\n\u{1}", 2, "control character '\\u{1}'"),
        ("quorum none\r\n", 1, "control character '\\r'"),
        ("quorum none\u{7f}", 1, "control character"),
        ("quibble w1\nquorum none\n", 1, "begins with \"quibble\""),
        ("Log {log}\nquorum none\n", 1, "begins with \"Log\""),
        (
            "witness w1 {1} https://a/ # more\nquorum w1\n",
            1,
            "witness NAME VKEY [URL]",
        ),
        ("log\nquorum none\n", 1, "log VKEY [URL]"),
        ("log {log} a b\nquorum none\n", 1, "log VKEY [URL]"),
        (
            "quorum none\nlog garbage\n",
            2,
            "\"garbage\" is no verifier key",
        ),
        (
            "log {1}\nquorum none\n",
            1,
            "type 0x04; a log's is of type 0x01",
        ),
        (
            "log {log}\nlog {log} https://a/\nquorum none\n",
            2,
            "stood in a line before",
        ),
        ("witness w1\nquorum none\n", 1, "witness NAME VKEY [URL]"),
        (
            "witness w1 {log}\nquorum w1\n",
            1,
            "type 0x01; a witness's is of type 0x04",
        ),
        ("witness none {1}\nquorum none\n", 1, "none is taken"),
        (
            "witness w1 {1}\nwitness w1 {2}\nquorum w1\n",
            2,
            "w1 is taken",
        ),
        (
            "witness w1 {1}\nwitness w2 {1}\nquorum w1\n",
            2,
            "stood in a line before",
        ),
        ("{1w}group w1 any w1\nquorum w1\n", 2, "w1 is taken"),
        (
            "{1w}group g1 1\nquorum w1\n",
            2,
            "group NAME any|all|NUMBER NAME...",
        ),
        (
            "{1w}group g1\nquorum w1\n",
            2,
            "group NAME any|all|NUMBER NAME...",
        ),
        ("{1w}group none any w1\nquorum none\n", 2, "none is taken"),
        ("{1w}group g1 0 w1\nquorum g1\n", 2, "a number from 1 to 1"),
        ("{1w}group g1 -1 w1\nquorum g1\n", 2, "\"-1\" of 1 members"),
        (
            "{2w}group g1 01 w1 w2\nquorum g1\n",
            3,
            "\"01\" of 2 members",
        ),
        ("{1w}group g1 2 w1\nquorum g1\n", 2, "a number from 1 to 1"),
        (
            "{1w}group g1 any w2\nquorum g1\n",
            2,
            "nothing is called w2",
        ),
        (
            "group g1 any w1\n{1w}quorum g1\n",
            1,
            "nothing is called w1",
        ),
        (
            "{1w}group g1 any g1\nquorum g1\n",
            2,
            "nothing is called g1",
        ),
        (
            "{1w}group g1 any none w1\nquorum g1\n",
            2,
            "nothing is called none",
        ),
        (
            "{1w}group g1 all w1 w1\nquorum g1\n",
            2,
            "w1 is a member of a group already",
        ),
        (
            "{2w}group g1 any w1 w2\ngroup g2 any w1\nquorum g1\n",
            4,
            "w1 is a member",
        ),
        ("{1w}", 2, "without a quorum line"),
        ("", 2, "without a quorum line"),
        ("{1w}quorum w1\nquorum w1\n", 3, "a second quorum line"),
        ("quorum unknown\n", 1, "nothing is called unknown"),
        ("quorum w1\n{1w}", 1, "nothing is called w1"),
        ("quorum\n", 1, "quorum NAME"),
        ("quorum none none\n", 1, "quorum NAME"),
    ];
    for (template, line, what) in cases {
        let filled = text(&template.replace("{1w}", one).replace("{2w}", two));
        let bad = Policy::parse(&filled).unwrap_err();
        assert_eq!(bad.line, *line, "{template:?}: {bad}");
        assert!(bad.to_string().contains(what), "{template:?}: {bad}");
    }
}

#[test]
fn a_policy_has_bounds() {
    let lines = |count: u8, line: &dyn Fn(u8) -> String| (1..=count).map(line).collect::<String>();
    let logs = |seed| format!("log {}\n", log(seed));
    let witnesses = |seed| format!("witness w{seed} {}\n", witness(seed));
    let most = lines(64, &logs) + &lines(64, &witnesses);
    let groups = |seed| format!("group g{seed} any w{seed}\n");
    let most = most + &lines(64, &groups) + "quorum g64\n";
    let policy = Policy::parse(&most).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (64, 64));
    for (more, what) in [
        (logs(65), "more logs than 64"),
        (witnesses(65), "more witnesses than 64"),
        ("group g65 any g1\n".to_owned(), "more groups than 64"),
        ("#".repeat(MAX_POLICY), "at most 131072"),
        (
            format!("log {} {}\n", log(1), "a".repeat(1025)),
            "a word of 1025 bytes",
        ),
    ] {
        let bad = Policy::parse(&format!("{most}{more}")).unwrap_err();
        assert!(bad.to_string().contains(what), "{bad}");
    }
}

#[test]
fn a_policy_wants_its_log_and_no_false_word_of_its_witnesses() {
    let none = policy("log {log}\nquorum none\n");
    assert!(!none.wants_witnesses());
    assert_eq!(none.satisfied_by(&note(&[])), Ok(Vec::new()));
    // Not its log's key; not its log at all.
    let other_key = policy(&format!("log {}\nquorum none\n", log(101)));
    assert!(matches!(
        other_key.satisfied_by(&note(&[])),
        Err(Unsatisfied::Log(_))
    ));
    let name = vkey("log.example/b", NoteKeyKind::Ed25519, 100);
    let other_log = policy(&format!("log {name}\nquorum none\n"));
    let unknown = Unsatisfied::Origin(LOG.to_owned());
    assert_eq!(other_log.satisfied_by(&note(&[])), Err(unknown));
    // One of two keys of the log is enough, as after a rotation.
    let either = policy(&format!(
        "log {}\nlog {}\nquorum none\n",
        log(101),
        log(100)
    ));
    assert_eq!(either.satisfied_by(&note(&[])), Ok(Vec::new()));
    // Without logs the log is known otherwise, and is not looked at.
    let any = policy("witness w1 {1}\nwitness w2 {2}\ngroup g any w1 w2\nquorum g\n");
    let mut cosigned = note(&[1]);
    cosigned.signatures.remove(0);
    assert!(any.satisfied_by(&cosigned).is_ok());
    // Enough is not enough if one known witness's word is false.
    let mut spoilt = note(&[1]);
    let other = spoilt.text.replace("\n5\n", "\n6\n");
    spoilt
        .signatures
        .push(cosign(&key(2), "w2.example", &other, 2));
    assert!(matches!(
        any.satisfied_by(&spoilt),
        Err(Unsatisfied::Cosignature(_))
    ));
    // One whom the policy does not know is not heard.
    assert!(any.satisfied_by(&note(&[1, 7])).is_ok());
    assert!(any.satisfied_by(&note(&[7])).is_err());
}
