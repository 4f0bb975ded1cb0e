//! Tests of key files: the round trip, and every way one can be wrong.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use super::*;

const PASSPHRASE: &str = "氰化钠 behind two locks";
const FRESH: Randomness = Randomness {
    salt: [7; 16],
    nonce: [9; 24],
};

fn key() -> SecretKey {
    SecretKey::from_seed(&[42; 32])
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, text: &[u8]) -> PathBuf {
        let path = self.0.path().join("some.key");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn problem(&self, text: &[u8]) -> KeyFileProblem {
        KeyFile::read(&self.file(text)).unwrap_err().problem
    }
}

fn sealed() -> String {
    render(&key(), Some((PASSPHRASE, FRESH)))
        .unwrap()
        .to_string()
}

/// The text with a field changed and the checksum made anew.
fn rewritten(change: impl FnOnce(&mut Text)) -> Vec<u8> {
    let mut text = parse(sealed().as_bytes()).unwrap();
    change(&mut text);
    text.checksum = String::new();
    text.checksum = checksum(&text);
    serde_json::to_vec(&text).unwrap()
}

#[test]
fn a_sealed_key_comes_back_with_its_passphrase_and_shows_its_public_half_without() {
    let folder = Folder::new();
    let path = folder.0.path().join("party.key");
    write(&path, &sealed()).unwrap();
    let file = KeyFile::read(&path).unwrap();
    assert!(file.is_sealed());
    assert_eq!(file.public(), key().public());
    assert!(file.plain().unwrap().is_none());
    assert_eq!(file.open(PASSPHRASE).unwrap().seed(), key().seed());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        !text.contains(&to_hex(&key().seed())),
        "the secret stands in the file"
    );
}

#[test]
fn a_plain_key_needs_no_passphrase() {
    let folder = Folder::new();
    let path = folder.0.path().join("device.key");
    write(&path, &render(&key(), None).unwrap()).unwrap();
    let file = KeyFile::read(&path).unwrap();
    assert!(!file.is_sealed());
    assert_eq!(file.plain().unwrap().unwrap().seed(), key().seed());
    assert_eq!(file.open("anything").unwrap().seed(), key().seed());
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_key_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let path = folder.0.path().join("party.key");
    write(&path, &render(&key(), None).unwrap()).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_key_file_is_never_overwritten() {
    let folder = Folder::new();
    let path = folder.file(b"something dear");
    let error = write(&path, &render(&key(), None).unwrap()).unwrap_err();
    assert!(matches!(error.problem, KeyFileProblem::Exists), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"something dear");
}

#[test]
fn a_wrong_passphrase_is_told_as_such() {
    let folder = Folder::new();
    let file = KeyFile::read(&folder.file(sealed().as_bytes())).unwrap();
    let error = file.open("氰化钠 behind one lock").unwrap_err();
    assert!(
        matches!(error.problem, KeyFileProblem::WrongPassphrase),
        "{error}"
    );
}

#[test]
fn a_file_cut_off_anywhere_is_told_as_such() {
    let folder = Folder::new();
    let text = sealed();
    let whole = text.trim_end().len();
    for end in 0..whole {
        let problem = folder.problem(&text.as_bytes()[..end]);
        assert!(
            matches!(problem, KeyFileProblem::Truncated),
            "at {end}: {problem}"
        );
    }
}

#[test]
fn another_version_is_told_with_its_number() {
    let folder = Folder::new();
    let problem = folder.problem(&rewritten(|text| text.version = 2));
    assert!(matches!(problem, KeyFileProblem::Version(2)), "{problem}");
    let foreign = folder.problem(br#"{"format": "hazledger key", "version": 3, "hsm": "slot 1"}"#);
    assert!(matches!(foreign, KeyFileProblem::Version(3)), "{foreign}");
}

#[test]
fn something_else_is_no_key_file() {
    let folder = Folder::new();
    for text in [
        r"-----BEGIN PRIVATE KEY-----",
        r#"{"format": "jwk"}"#,
        "[]",
        "7",
    ] {
        let problem = folder.problem(text.as_bytes());
        assert!(
            matches!(problem, KeyFileProblem::NotAKeyFile(_)),
            "{text}: {problem}"
        );
    }
    let large = folder.problem(&vec![b' '; 20_000]);
    assert!(matches!(large, KeyFileProblem::TooLarge), "{large}");
}

#[test]
fn no_flipped_bit_passes_or_is_taken_for_a_wrong_passphrase() {
    let folder = Folder::new();
    let text = sealed();
    for index in 0..text.trim_end().len() {
        for bit in [0, 2, 6] {
            let mut flipped = text.clone().into_bytes();
            flipped[index] ^= 1 << bit;
            let read = KeyFile::read(&folder.file(&flipped));
            // White space between fields may change into other white space.
            if flipped.trim_ascii() != text.as_bytes().trim_ascii() && read.is_ok() {
                let same: serde_json::Value = serde_json::from_slice(&flipped).unwrap();
                assert_eq!(
                    same,
                    serde_json::from_str::<serde_json::Value>(&text).unwrap()
                );
            }
        }
    }
    let mut changed = text.clone();
    let at = text.find("ciphertext").unwrap() + 15;
    let digit = if &text[at..=at] == "0" { "1" } else { "0" };
    changed.replace_range(at..=at, digit);
    let problem = folder.problem(changed.as_bytes());
    assert!(matches!(problem, KeyFileProblem::Damaged(_)), "{problem}");
}

#[test]
fn fields_that_contradict_each_other_are_damage() {
    let folder = Folder::new();
    let other = SecretKey::from_seed(&[43; 32]);
    let id = folder.problem(&rewritten(|text| text.key_id = other.id().to_string()));
    assert!(matches!(id, KeyFileProblem::Damaged(_)), "{id}");
    let algorithm = folder.problem(&rewritten(|text| text.algorithm = "SM2".to_owned()));
    assert!(
        matches!(algorithm, KeyFileProblem::Damaged(_)),
        "{algorithm}"
    );
    let stolen = rewritten(|text| {
        text.secret = Secret::Plain {
            seed: to_hex(&[1; 32]),
        }
    });
    let error = KeyFile::read(&folder.file(&stolen))
        .unwrap()
        .plain()
        .unwrap_err();
    assert!(
        matches!(error.problem, KeyFileProblem::Damaged(_)),
        "{error}"
    );
}

#[test]
fn parameters_out_of_bounds_are_not_tried() {
    let folder = Folder::new();
    for (memory, many_passes) in [(u32::MAX, 1), (1024, u32::MAX), (0, 1)] {
        let text = rewritten(|text| {
            if let Secret::Sealed {
                memory_kib, passes, ..
            } = &mut text.secret
            {
                (*memory_kib, *passes) = (memory, many_passes);
            }
        });
        let error = KeyFile::read(&folder.file(&text))
            .unwrap()
            .open(PASSPHRASE)
            .unwrap_err();
        assert!(
            matches!(error.problem, KeyFileProblem::Parameters(_)),
            "{error}"
        );
    }
}

#[test]
fn hexadecimal_is_read_in_pairs_only() {
    assert_eq!(from_hex("00fF10"), Some(vec![0, 255, 16]));
    assert_eq!(from_hex(""), Some(vec![]));
    for bad in ["0", "0g", "+1", "é1"] {
        assert_eq!(from_hex(bad), None, "{bad}");
    }
}
