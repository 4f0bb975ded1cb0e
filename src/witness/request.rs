//! An `add-checkpoint` request and the answers to it, as text (C2SP
//! tlog-witness, "add-checkpoint"). The one place that knows how they are
//! written, for who asks and for who is asked.

use std::fmt;

use crate::proof::Note;
use crate::proof::tree::TreeHash;

/// Bytes of a request, at most. A note with 16 signatures of the longest kind
/// that the specification speaks of (5 kB each) fits, with a whole proof.
pub const MAX_REQUEST: usize = 128 * 1024;

/// Bytes of an answer, at most: as many signatures.
pub const MAX_ANSWER: usize = 128 * 1024;

/// Lines of a consistency proof, at most (C2SP tlog-witness).
pub const MAX_PROOF: usize = 63;

/// The content type of the answer that says a size.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// A log's newest checkpoint, and how it goes on from an older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness is believed to have signed; 0 for none.
    pub old: u64,
    /// RFC 6962 section 2.1.2, from the old size to the checkpoint's.
    pub proof: Vec<TreeHash>,
    /// The checkpoint: text and signatures.
    pub note: Note,
}

/// Why bytes are no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// More than [`MAX_REQUEST`] bytes.
    #[error("the request has {0} bytes, at most {MAX_REQUEST} are read")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("the request is not UTF-8 text")]
    NotText,
    /// The first line.
    #[error(
        "the first line must be `old`, one space and a size in decimal without leading zeroes; \
         send `old 0` if you do not know it"
    )]
    OldSize,
    /// A line of the proof.
    #[error("line {0} must be a hash of 32 bytes in base64, or empty where the checkpoint begins")]
    ProofLine(usize),
    /// More than [`MAX_PROOF`] lines.
    #[error("the consistency proof has more than {MAX_PROOF} lines")]
    ProofLength,
    /// It ends before the checkpoint.
    #[error("there is no empty line, after which the checkpoint stands")]
    NoCheckpoint,
    /// The checkpoint is no signed note.
    #[error("the checkpoint is no signed note: {0}")]
    Note(String),
}

impl AddCheckpoint {
    /// From a request's body.
    pub fn parse(body: &[u8]) -> Result<AddCheckpoint, BadRequest> {
        if body.len() > MAX_REQUEST {
            return Err(BadRequest::TooLong(body.len()));
        }
        let body = str::from_utf8(body).map_err(|_| BadRequest::NotText)?;
        let (first, mut rest) = body.split_once('\n').ok_or(BadRequest::OldSize)?;
        let old = first.strip_prefix("old ").and_then(decimal);
        let old = old.ok_or(BadRequest::OldSize)?;
        let mut proof = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n').ok_or(BadRequest::NoCheckpoint)?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if proof.len() == MAX_PROOF {
                return Err(BadRequest::ProofLength);
            }
            // The first line said the old size.
            let number = proof.len().saturating_add(2);
            proof.push(TreeHash::from_base64(line).ok_or(BadRequest::ProofLine(number))?);
        }
        let note = Note::parse(rest).map_err(|why| BadRequest::Note(why.to_string()))?;
        Ok(AddCheckpoint { old, proof, note })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", hash.to_base64())?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// The body of an answer that says which size the witness has.
pub fn size_line(size: u64) -> String {
    format!("{size}\n")
}

/// The size that such a body says.
pub fn read_size(body: &str) -> Option<u64> {
    decimal(body.strip_suffix('\n')?)
}

/// ASCII decimal without sign or leading zeroes.
fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    /// The request that C2SP tlog-witness gives as its example.
    const EXAMPLE: &str = "\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";

    #[test]
    fn the_example_of_the_specification_is_read_and_written_as_it_stands() {
        let request = AddCheckpoint::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
        assert_eq!(request.note.signatures.len(), 2);
        assert_eq!(request.to_string(), EXAMPLE);
    }

    #[test]
    fn what_is_malformed_is_named() {
        let with = |from: &str, to: &str| EXAMPLE.replacen(from, to, 1);
        let proof = |lines: usize| {
            let line = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
            format!(
                "old 9\n{}\n{}",
                line.repeat(lines),
                EXAMPLE.split_once("\n\n").unwrap().1
            )
        };
        #[rustfmt::skip]
        let cases = [
            (String::new(),                           BadRequest::OldSize),
            (with("old 2", "old  2"),                 BadRequest::OldSize),
            (with("old 2", "old 02"),                 BadRequest::OldSize),
            (with("old 2", "old +2"),                 BadRequest::OldSize),
            (with("old 2", "new 2"),                  BadRequest::OldSize),
            (with("old 20852014", "old "),            BadRequest::OldSize),
            (with("old 20852014", "old 18446744073709551616"), BadRequest::OldSize),
            (with("old 20852014\n", "old 20852014\r\n"), BadRequest::OldSize),
            (with("PlRN", "lRN"),                     BadRequest::ProofLine(2)),
            (with("PlRN", "PlRNPlRN"),                BadRequest::ProofLine(2)),
            (with("3swk=\n", "3swk\n"),               BadRequest::ProofLine(3)),
            (with("3swk=\n", "3swl=\n"),              BadRequest::ProofLine(3)),
            (proof(MAX_PROOF + 1),                    BadRequest::ProofLength),
            ("old 0\n".to_owned(),                    BadRequest::NoCheckpoint),
            ("old 0".to_owned(),                      BadRequest::OldSize),
        ];
        for (text, why) in cases {
            assert_eq!(AddCheckpoint::parse(text.as_bytes()), Err(why), "{text}");
        }
        assert!(AddCheckpoint::parse(proof(MAX_PROOF).as_bytes()).is_ok());
        let note = AddCheckpoint::parse(b"old 0\n\nno note\n");
        assert!(matches!(note, Err(BadRequest::Note(_))), "{note:?}");
        assert_eq!(
            AddCheckpoint::parse(b"old \xff\n"),
            Err(BadRequest::NotText)
        );
        let long = vec![b'x'; MAX_REQUEST + 1];
        assert_eq!(
            AddCheckpoint::parse(&long),
            Err(BadRequest::TooLong(long.len()))
        );
    }

    #[test]
    fn a_size_is_one_line_and_nothing_else() {
        assert_eq!(read_size(&size_line(20_852_163)), Some(20_852_163));
        assert_eq!(read_size("0\n"), Some(0));
        for text in ["", "\n", "1", "01\n", "1\n\n", " 1\n", "-1\n", "1 \n"] {
            assert_eq!(read_size(text), None, "{text:?}");
        }
    }
}
