//! Notes, checkpoints and cosignatures: the specifications' own examples, keys
//! that others published, signatures that another program made, and every
//! refusal.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use super::checkpoint::*;
use super::cosignature::*;
use super::note::*;
use super::tree::{TreeHash, empty_root, leaf_hash};
use crate::event::signing::{PublicKey, Purpose, SecretKey, is_note_name, pre_authentication};

/// C2SP signed-note, "Example".
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE: &str = "This is an example message.\n\n— example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// C2SP signed-note, its first example, whose key is not given.
const POEM: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n\
    ed è subito sera.\n\n— quasimodo.example/salvatore \
    NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

/// C2SP tlog-cosignature, its example, whose keys are not given.
const SOFA: &str = "example.com/behind-the-sofa\n20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa \
    Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2\
    oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

/// A key that transparency-dev/formats publishes for tests with its seed; and
/// what Python's `cryptography` signed with it: SOFA's text as a checkpoint of
/// `example.com/log`, and a cosignature of SOFA's text at its time.
const WIT1_KEY: &str = "Wit1+55ee4561+AVhZSmQj9+SoL+p/nN0Hh76xXmF7QcHfytUrI1XfSClk";
const WIT1_SEED: &str = "e69d4621bb5cce178a27821f30fc971cac5ccc1c562cb99d8b285d44561ab944";
const WIT1_COSIGNER: &str = "Wit1+9b3fb2d5+BFhZSmQj9+SoL+p/nN0Hh76xXmF7QcHfytUrI1XfSClk";
const WIT1_LINE: &str = "— Wit1 mz+y1QAAAABkGFDLM1oW1Cge43o711GHdmI8QPG1MhuOkQO1kJrg6IUc0qRplRuA9X\
    Smt/d3Y7NujslnO7vHC5/XpLwYsn8xvJ8eAQ==\n";
const LOG_KEY: &str = "example.com/log+31f403a9+AVhZSmQj9+SoL+p/nN0Hh76xXmF7QcHfytUrI1XfSClk";
const LOG_NOTE: &str = "example.com/log\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — example.com/log MfQDqflmvxSuSQLpGJudSM3hgy5r+EuffdYU1g6TWMTsuI5Qhe1JeBGIsOTSaoKpuPFCNo/pNO\
    iEgc1nW/qTlGmxKww=\n";

fn wit1() -> SecretKey {
    let byte = |at: usize| u8::from_str_radix(&WIT1_SEED[at * 2..at * 2 + 2], 16).unwrap();
    SecretKey::from_seed(&std::array::from_fn(byte))
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn log_key(name: &str, key: &SecretKey) -> VerifierKey {
    VerifierKey::new(name, NoteKeyKind::Ed25519, key.public().clone()).unwrap()
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint::new("log.example/a", size, leaf_hash(b"a")).unwrap()
}

#[test]
fn the_specifications_examples_read_verify_and_print_as_they_stand() {
    let key = VerifierKey::parse(EXAMPLE_KEY).unwrap();
    assert_eq!(key.name(), "example.com/foo");
    assert_eq!(key.to_string(), EXAMPLE_KEY);
    let note = Note::parse(EXAMPLE).unwrap();
    assert_eq!(note.text, "This is an example message.\n");
    assert_eq!(note.check_signed_by(&key), Ok(()));
    let poem = Note::parse(POEM).unwrap();
    assert!(poem.text.ends_with("sole:\n\ned è subito sera.\n"));
    let sofa = Note::parse(SOFA).unwrap();
    let read = Checkpoint::parse(&sofa.text).unwrap();
    assert_eq!(
        (read.origin.as_str(), read.size),
        ("example.com/behind-the-sofa", 20_852_163)
    );
    assert_eq!(read.to_string(), sofa.text);
    assert_eq!(sofa.signatures.len(), 2);
    assert_eq!(
        sofa.signatures[1].signature[..8],
        1_679_315_147u64.to_be_bytes()
    );
    for text in [EXAMPLE, POEM, SOFA] {
        assert_eq!(Note::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn what_another_program_signed_is_what_we_sign() {
    let public = wit1().public().clone();
    let as_published = VerifierKey::new("Wit1", NoteKeyKind::Ed25519, public.clone()).unwrap();
    assert_eq!(as_published.to_string(), WIT1_KEY);
    let witness = VerifierKey::new("Wit1", NoteKeyKind::Cosignature, public).unwrap();
    assert_eq!(witness.to_string(), WIT1_COSIGNER);
    let mut sofa = Note::parse(SOFA).unwrap();
    let line = cosign(&wit1(), "Wit1", &sofa.text, 1_679_315_147);
    assert_eq!(line.to_string(), WIT1_LINE);
    assert_eq!(NoteSignature::parse(WIT1_LINE), Ok(line.clone()));
    sofa.signatures.push(line);
    assert_eq!(check_cosignature(&sofa, &witness), Ok(1_679_315_147));

    let key = VerifierKey::parse(LOG_KEY).unwrap();
    let (read, _) = open_checkpoint(LOG_NOTE, &key).unwrap();
    assert_eq!(sign_checkpoint(&wit1(), &read).to_string(), LOG_NOTE);
    // Keys that others have published.
    for known in [
        "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
    ] {
        assert_eq!(VerifierKey::parse(known).unwrap().to_string(), known);
    }
}

#[test]
fn a_verifier_key_is_refused_by_what_is_wrong_with_it() {
    let bad = |text: &str| VerifierKey::parse(text).unwrap_err();
    let [name, id, encoded] = ["a.example", "530d903a", &EXAMPLE_KEY[25..]];
    for text in ["", "a.example", "a.example+530d903a", &"a".repeat(400)] {
        assert!(matches!(bad(text), BadVerifierKey::Form(_)), "{text}");
    }
    for name in ["", "a b", "a\u{a0}b", "a\tb", "a\u{3000}b"] {
        let text = format!("{name}+{id}+{encoded}");
        assert!(matches!(bad(&text), BadVerifierKey::Name(_)), "{text}");
    }
    let wrong_id = bad(&format!("{name}+{id}+{encoded}"));
    assert!(matches!(wrong_id, BadVerifierKey::Id { .. }));
    // Upper case is another form of the same id.
    assert!(matches!(
        bad(&EXAMPLE_KEY.replace("530d", "530D")),
        BadVerifierKey::Id { .. }
    ));
    for spoilt in ["U2", "U2k=", "U2k ", "U2\n", "U2-"] {
        let text = EXAMPLE_KEY.replace("U2k", spoilt);
        assert!(matches!(bad(&text), BadVerifierKey::Key(_)), "{text}");
    }
    let kind = bad(&EXAMPLE_KEY.replace("+Aeky", "+Beky"));
    assert!(matches!(kind, BadVerifierKey::Kind(_, 0x05)), "{kind}");
    // ML-DSA-44, of 1312 bytes, is a kind that others know (C2SP
    // tlog-cosignature).
    let key = [vec![0x06], vec![7; 1312]].concat();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key);
    let kind = bad(&format!("{}+{id}+{encoded}", "a".repeat(255)));
    assert!(matches!(kind, BadVerifierKey::Kind(_, 0x06)), "{kind}");
    assert!(!is_note_name(&"a".repeat(256)) && is_note_name(&"a".repeat(255)));
    assert!(is_note_name("账本.example/内蒙古"));
}

#[test]
fn a_note_is_refused_by_what_is_wrong_with_it() {
    let lines = EXAMPLE.split_once("\n\n").unwrap().1;
    let with = |text: &str| format!("{text}\n\n{lines}");
    for text in [
        "",
        "a",
        "a\n",
        "a\n\n",
        "\n\n",
        lines,
        EXAMPLE.trim_end(),
        &format!("a\n{lines}"),
    ] {
        assert_eq!(Note::parse(text), Err(BadNote::Form), "{text:?}");
    }
    for c in ['\r', '\t', '\0', '\x1b'] {
        assert_eq!(
            Note::parse(&with(&format!("a{c}"))),
            Err(BadNote::Character(c))
        );
    }
    assert!(Note::parse(&with("a\u{7f}")).is_ok());
    for (from, to) in [
        ("— ", "- "),
        ("— ", "—  "),
        ("foo ", "foo  "),
        ("foo", "f+oo"),
        ("example.com/foo", ""),
        ("foo ", "foo\u{a0}"),
        ("aQM=", "aQN="),
        ("aQM=", "aQM"),
        ("aQM=", "aQM= "),
        ("aQM=\n", "aQM=\n\n— a"),
    ] {
        let spoilt = EXAMPLE.replace(from, to);
        assert!(Note::parse(&spoilt).is_err(), "{spoilt}");
    }
    // Four bytes are an id without a signature.
    assert!(matches!(
        Note::parse("a\n\n— a AAAAAA==\n"),
        Err(BadNote::Signature(_))
    ));
    assert!(Note::parse("a\n\n— a AAAAAAA=\n").is_ok());
    let many = format!("a\n\n{}", "— a AAAAAAA=\n".repeat(MAX_NOTE_SIGNATURES + 1));
    assert_eq!(
        Note::parse(&many),
        Err(BadNote::Signatures(MAX_NOTE_SIGNATURES + 1))
    );
    assert!(Note::parse(many.trim_end_matches("— a AAAAAAA=\n")).is_err());
    assert!(Note::parse(&many.replacen("— a AAAAAAA=\n", "", 1)).is_ok());
    let long = with(&"a".repeat(MAX_NOTE));
    assert_eq!(Note::parse(&long), Err(BadNote::TooLong(long.len())));
}

#[test]
fn a_note_is_signed_by_the_key_that_signed_it_and_no_other() {
    let note = sign_checkpoint(&key(1), &checkpoint(5));
    let ours = log_key("log.example/a", &key(1));
    assert_eq!(note.check_signed_by(&ours), Ok(()));
    // Another key of the name, another name of the key.
    for other in [
        log_key("log.example/a", &key(2)),
        log_key("log.example/b", &key(1)),
    ] {
        assert!(matches!(
            note.check_signed_by(&other),
            Err(BadNote::Unsigned { .. })
        ));
    }
    let witness = VerifierKey::new(
        "log.example/a",
        NoteKeyKind::Cosignature,
        key(1).public().clone(),
    );
    let witness = witness.unwrap();
    assert!(matches!(
        note.check_signed_by(&witness),
        Err(BadNote::Kind(_))
    ));
    assert_eq!(
        check_cosignature(&note, &ours),
        Err(BadCosignature::Kind(ours.name().to_owned()))
    );
    // Signatures of strangers do not matter, a second wrong one of ours does.
    let mut more = note.clone();
    more.signatures
        .insert(0, NoteSignature::parse("— stranger AAAAAAA=").unwrap());
    assert_eq!(more.check_signed_by(&ours), Ok(()));
    let mut wrong = note.signatures[0].clone();
    wrong.signature = bytes::Bytes::from_static(&[1; 64]);
    more.signatures.push(wrong);
    assert_eq!(
        more.check_signed_by(&ours),
        Err(BadNote::Forged("log.example/a".to_owned()))
    );
    assert!(matches!(
        open_checkpoint(&note.to_string(), &log_key("log.example/b", &key(1))),
        Err(BadCheckpoint::OtherLog { .. })
    ));
}

#[test]
fn a_checkpoint_has_one_form() {
    let text = checkpoint(5).to_string();
    assert_eq!(Checkpoint::parse(&text), Ok(checkpoint(5)));
    let root = leaf_hash(b"a").to_base64();
    let bad = |text: String| Checkpoint::parse(&text).unwrap_err();
    for size in [
        "",
        "05",
        "+5",
        "-5",
        "5 ",
        " 5",
        "5.0",
        "0x5",
        "五",
        "18446744073709551616",
    ] {
        let refused = bad(format!("a\n{size}\n{root}\n"));
        let empty = size.is_empty() && refused == BadCheckpoint::Form;
        assert!(empty || matches!(refused, BadCheckpoint::Size(_)), "{size}");
    }
    assert!(Checkpoint::parse(&format!("a\n18446744073709551615\n{root}\n")).is_ok());
    for origin in ["a b", "a+b", " a", "a\u{2003}", "DSSEv1 48 x"] {
        let refused = bad(format!("{origin}\n5\n{root}\n"));
        assert!(matches!(refused, BadCheckpoint::Origin(_)), "{origin}");
        assert!(Checkpoint::new(origin, 5, leaf_hash(b"a")).is_err());
    }
    for wrong in [
        root.trim_end_matches('='),
        &root.to_uppercase(),
        &format!("{root} "),
        "AAAA",
    ] {
        assert!(
            matches!(bad(format!("a\n5\n{wrong}\n")), BadCheckpoint::Root(_)),
            "{wrong}"
        );
    }
    for form in ["", "a\n5\n", "a\n5", "\n5\n", "a\n5\n\n"] {
        assert_eq!(bad(form.to_owned()), BadCheckpoint::Form, "{form:?}");
    }
    assert_eq!(bad(format!("a\n5\n{root}")), BadCheckpoint::Form);
    assert_eq!(bad(format!("a\n5\n{root}\n\n")), BadCheckpoint::Form);
    assert_eq!(
        bad(format!("a\n5\n{root}\nmore\n\nend\n")),
        BadCheckpoint::Form
    );
    let extended = format!("a\n5\n{root}\nmore\nlines of it\n");
    let read = Checkpoint::parse(&extended).unwrap();
    assert_eq!(read.extension(), ["more", "lines of it"]);
    assert_eq!(read.to_string(), extended);
    let many = "x\n".repeat(MAX_EXTENSION_LINES + 1);
    assert_eq!(
        bad(format!("a\n5\n{root}\n{many}")),
        BadCheckpoint::Extension(17)
    );
    let control = bad(format!("a\n5\n{root}\nmore\r\n"));
    assert_eq!(control, BadCheckpoint::Note(BadNote::Character('\r')));
    // No leaves have one root.
    let none = leaf_hash(b"a");
    assert_eq!(
        Checkpoint::new("a", 0, none),
        Err(BadCheckpoint::EmptyRoot(none))
    );
    assert!(Checkpoint::new("a", 0, empty_root()).is_ok());
    assert_eq!(TreeHash::from_base64(&root), Some(none));
}

#[test]
fn no_signature_for_a_purpose_is_one_on_a_note() {
    for purpose in [Purpose::Statement, Purpose::Commit, Purpose::Refusal] {
        // The worst case: the body is a checkpoint's text.
        let body = checkpoint(5).to_string();
        let encoded = String::from_utf8(pre_authentication(purpose, body.as_bytes())).unwrap();
        assert!(encoded.lines().next().unwrap().contains(' '));
        assert!(matches!(
            Checkpoint::parse(&encoded),
            Err(BadCheckpoint::Origin(_))
        ));
        assert!(
            !key(1)
                .public()
                .verifies_note(body.as_bytes(), &key(1).sign(purpose, body.as_bytes()))
        );
        let as_note = key(1).sign_note(body.as_bytes());
        assert!(!key(1).public().verifies(purpose, body.as_bytes(), &as_note));
    }
    // Nor is a cosignature one of the log, though the key were the same: what
    // it is over is no checkpoint.
    let over = format!("cosignature/v1\ntime 5\n{}", checkpoint(5));
    assert!(matches!(
        Checkpoint::parse(&over),
        Err(BadCheckpoint::Size(_))
    ));
    assert!(PublicKey::parse(&[0; 32]).is_err());
}

#[test]
fn a_cosignature_is_of_its_witness_its_time_and_its_checkpoint() {
    let witness = VerifierKey::new(
        "w.example",
        NoteKeyKind::Cosignature,
        key(3).public().clone(),
    );
    let witness = witness.unwrap();
    let plain = sign_checkpoint(&key(1), &checkpoint(5));
    let missing = check_cosignature(&plain, &witness).unwrap_err();
    assert!(matches!(missing, BadCosignature::Missing { .. }));
    let with = |lines: &[NoteSignature]| {
        let mut note = plain.clone();
        note.signatures.extend_from_slice(lines);
        check_cosignature(&note, &witness)
    };
    let line = cosign(&key(3), "w.example", &plain.text, 1_000);
    assert_eq!(with(std::slice::from_ref(&line)), Ok(1_000));
    let later = cosign(&key(3), "w.example", &plain.text, 2_000);
    assert_eq!(with(&[line.clone(), later.clone()]), Ok(2_000));
    assert_eq!(with(&[later, line.clone()]), Ok(2_000));
    let far = cosign(&key(3), "w.example", &plain.text, u64::MAX);
    assert_eq!(with(&[far]), Ok(MAX_TIME));
    let forged = Err(BadCosignature::Forged("w.example".to_owned()));
    let other = cosign(&key(3), "w.example", &checkpoint(6).to_string(), 1_000);
    assert_eq!(with(std::slice::from_ref(&other)), forged);
    assert_eq!(with(&[line.clone(), other]), forged);
    for bit in 0..line.signature.len() * 8 {
        let mut bytes = line.signature.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let spoilt = NoteSignature {
            signature: bytes.into(),
            ..line.clone()
        };
        // The highest bit makes a time that none may have.
        assert_eq!(with(&[spoilt]) == forged, bit != 7, "bit {bit}");
    }
    let past = [u64::MAX.to_be_bytes().as_slice(), &line.signature[8..]].concat();
    let past = NoteSignature {
        signature: past.into(),
        ..line.clone()
    };
    assert!(matches!(with(&[past]), Err(BadCosignature::Time { .. })));
    for length in [1, 7, 8, 71] {
        let short = NoteSignature {
            signature: line.signature.slice(..length),
            ..line.clone()
        };
        let name = "w.example".to_owned();
        assert_eq!(with(&[short]), Err(BadCosignature::Length { name, length }));
    }
    // Of another name or another witness: as if it were not there.
    for other in [
        cosign(&key(3), "v.example", &plain.text, 1_000),
        cosign(&key(4), "w.example", &plain.text, 1_000),
    ] {
        assert!(matches!(
            with(&[other]),
            Err(BadCosignature::Missing { .. })
        ));
    }
}

#[test]
fn any_bit_changed_in_a_signed_checkpoint_undoes_it() {
    let key = log_key("log.example/a", &key(1));
    let note = sign_checkpoint(&self::key(1), &checkpoint(1234)).to_string();
    assert!(open_checkpoint(&note, &key).is_ok());
    for bit in 0..note.len() * 8 {
        let mut bytes = note.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let opened =
            String::from_utf8(bytes).map(|changed| open_checkpoint(&changed, &key).is_ok());
        assert_ne!(opened, Ok(true), "bit {bit}");
    }
}
