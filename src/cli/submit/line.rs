//! Lines of statements: the JSON that `hazledger submit` reads, one statement
//! a line. What they are not: signed; that is done here with the caller's keys.
//!
//! ```json
//! {"id": "019ab0c4-…", "party": "91150291…", "happenedAtMs": 1795430400000,
//!  "expiresAtMs": 1795516800000, "cosigners": ["91150203…"], "events": [{…}]}
//! ```
//!
//! | field | meaning |
//! |---|---|
//! | `id` | the statement's UUIDv7, as 32 hexadecimal digits, with or without hyphens |
//! | `party` | the acting party's unified social credit code |
//! | `happenedAtMs` | Unix milliseconds as a number or digits, or a time with its offset (RFC 3339) |
//! | `expiresAtMs` | the same; after it the ledger refuses the statement |
//! | `cosigners` | parties whose keys (of those given) sign as well; left out: every `--cosign` key |
//! | `device` | a device's statement: a `DeviceLink`, `{"sequence": "7", "previous": "…"}` |
//! | `backfilled` | entered from paper: a `Backfilled` |
//! | `events` | `hazledger.v1.Event` each, in the proto3 JSON mapping |
//!
//! Names in `snake_case` are read as well; any other field is an error. The
//! mapping writes bytes in base64 and 64-bit integers as text.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::{json, time};
use crate::event::StatementId;
use crate::event::statement::{Draft, Header, MAX_EVENTS};
use crate::pb::{Event, Origin};

/// Bytes of a line, at most: a statement at its bound, in base64 and braces.
pub const MAX_LINE: usize = 2 * 1024 * 1024;

/// One line, as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The acting party.
    pub party: String,
    #[serde(
        default,
        alias = "happened_at_ms",
        skip_serializing_if = "Option::is_none"
    )]
    happened_at_ms: Option<Value>,
    #[serde(
        default,
        alias = "expires_at_ms",
        skip_serializing_if = "Option::is_none"
    )]
    expires_at_ms: Option<Value>,
    /// Parties that sign as well; `None`: whoever was given with `--cosign`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosigners: Option<Vec<String>>,
    /// A `DeviceLink`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<Value>,
    /// A `Backfilled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backfilled: Option<Value>,
    events: Vec<Value>,
}

/// What an unstamped line is given: its id's randomness and the times.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The wall clock, Unix milliseconds.
    pub now_ms: i64,
    /// How long it may be accepted, milliseconds.
    pub valid_for_ms: i64,
    /// For the id.
    pub random: [u8; 10],
}

impl Line {
    /// A line of a party's that says nothing yet: for finding its keys.
    pub(super) fn of(party: &str) -> Line {
        Line {
            id: None,
            party: party.to_owned(),
            happened_at_ms: None,
            expires_at_ms: None,
            cosigners: None,
            device: None,
            backfilled: None,
            events: Vec::new(),
        }
    }

    /// Reads a line; every event is checked against the schema.
    pub fn parse(text: &str) -> Result<Line, String> {
        let line: Line = serde_json::from_str(text).map_err(|e| e.to_string())?;
        line.times()?;
        line.given_id()?;
        line.header()?;
        line.events()?;
        Ok(line)
    }

    /// The line with id and times, keeping those it has.
    pub fn stamped(mut self, stamp: Stamp) -> Result<Line, String> {
        if self.given_id()?.is_none() {
            let id =
                StatementId::v7(stamp.now_ms, stamp.random).ok_or("the clock is out of range")?;
            self.id = Some(uuid_text(id));
        }
        let (happened, expires) = self.times()?;
        let text = |ms: i64| Some(Value::String(ms.to_string()));
        self.happened_at_ms = text(happened.unwrap_or(stamp.now_ms));
        let until = stamp
            .now_ms
            .checked_add(stamp.valid_for_ms)
            .ok_or("expires out of range")?;
        self.expires_at_ms = text(expires.unwrap_or(until));
        Ok(self)
    }

    /// The statement to be signed. An error if the line is not stamped.
    pub fn draft(&self, origin: &Origin) -> Result<Draft, String> {
        let (happened, expires) = self.times()?;
        let (Some(id), Some(happened_at_ms), Some(expires_at_ms)) =
            (self.given_id()?, happened, expires)
        else {
            return Err(
                "id, happenedAtMs and expiresAtMs are wanted, so that the same line can be \
                        sent again as the same statement; add them once with --stamp"
                    .to_owned(),
            );
        };
        Ok(Draft {
            origin: origin.clone(),
            id,
            party: self.party.clone(),
            happened_at_ms,
            expires_at_ms,
            events: self.events()?,
        })
    }

    /// What its header says beside the draft.
    pub fn header(&self) -> Result<Header, String> {
        Ok(Header {
            device: message("DeviceLink", "device", self.device.as_ref())?,
            backfilled: message("Backfilled", "backfilled", self.backfilled.as_ref())?,
        })
    }

    fn given_id(&self) -> Result<Option<StatementId>, String> {
        self.id.as_deref().map(parse_uuid).transpose()
    }

    fn times(&self) -> Result<(Option<i64>, Option<i64>), String> {
        let read = |name: &str, value: &Option<Value>| match value {
            None => Ok(None),
            Some(value) => millis(value).map(Some).ok_or_else(|| {
                format!("{name} is {value}: Unix milliseconds or RFC 3339 are wanted")
            }),
        };
        Ok((
            read("happenedAtMs", &self.happened_at_ms)?,
            read("expiresAtMs", &self.expires_at_ms)?,
        ))
    }

    fn events(&self) -> Result<Vec<Event>, String> {
        if self.events.is_empty() || self.events.len() > MAX_EVENTS {
            return Err(format!(
                "{} events; 1 to {MAX_EVENTS} are wanted",
                self.events.len()
            ));
        }
        let read = |(index, value): (usize, &Value)| {
            let event: Event = json::from_json("Event", value.clone())
                .map_err(|e| format!("events[{index}]: {e}"))?;
            match event.body {
                Some(_) => Ok(event),
                None => Err(format!(
                    "events[{index}]: it says nothing; name a kind, such as \"moved\""
                )),
            }
        };
        self.events.iter().enumerate().map(read).collect()
    }
}

fn message<M: prost::Message + Default>(
    name: &str,
    field: &str,
    value: Option<&Value>,
) -> Result<Option<M>, String> {
    let read = |value: &Value| json::from_json(name, value.clone());
    value
        .map(read)
        .transpose()
        .map_err(|why| format!("{field}: {why}"))
}

fn millis(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok().or_else(|| time::parse(text)),
        _ => None,
    }
}

fn parse_uuid(text: &str) -> Result<StatementId, String> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    digits
        .parse::<StatementId>()
        .ok()
        .and_then(|id| StatementId::parse(&id.0))
        .ok_or_else(|| format!("id {text:?} is no UUIDv7; leave it out and use --stamp"))
}

/// An id as UUIDs are written: 8-4-4-4-12.
pub fn uuid_text(id: StatementId) -> String {
    let digits = id.to_string();
    let mut text = String::with_capacity(36);
    for (index, digit) in digits.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use super::*;

    const BARE: &str = r#"{"party": "P", "events": [{"moved": {"goods": {"lot": "AAECAwQFBgcICQoLDA0ODw==",
        "loose": {"grossMg": "5"}}, "fromPlace": "A", "toPlace": "B"}}]}"#;
    const STAMP: Stamp = Stamp {
        now_ms: 1_795_430_400_000,
        valid_for_ms: 1000,
        random: [1; 10],
    };

    fn stamped() -> Line {
        Line::parse(BARE).unwrap().stamped(STAMP).unwrap()
    }

    #[test]
    fn a_stamped_line_written_and_read_again_makes_the_same_statement() {
        let once = stamped().draft(&Origin::default()).unwrap();
        let written = serde_json::to_string(&stamped()).unwrap();
        let again = Line::parse(&written)
            .unwrap()
            .draft(&Origin::default())
            .unwrap();
        assert_eq!(
            (once.id, once.happened_at_ms),
            (again.id, again.happened_at_ms)
        );
        assert_eq!(
            (once.expires_at_ms, once.events),
            (again.expires_at_ms, again.events)
        );
    }

    #[test]
    fn a_line_may_say_its_place_in_a_devices_chain_or_on_which_paper_it_stood() {
        let with = |field: &str| Line::parse(&BARE.replacen('{', &format!("{{{field}, "), 1));
        let header = with(r#""device": {"sequence": "7", "previous": "AAEC"}"#);
        let link = header.unwrap().header().unwrap().device.unwrap();
        assert_eq!((link.sequence, link.previous.as_ref()), (7, &[0, 1, 2][..]));
        let header = with(r#""backfilled": {"paper": "waybill 0117", "firstSequence": "3"}"#);
        let paper = header.unwrap().header().unwrap().backfilled.unwrap();
        assert_eq!(
            (paper.paper.as_str(), paper.first_sequence),
            ("waybill 0117", 3)
        );
        let error = with(r#""device": {"number": "7"}"#).unwrap_err();
        assert!(error.starts_with("device: "), "{error}");
    }

    #[test]
    fn stamping_keeps_what_a_line_says_already() {
        let later = Stamp {
            now_ms: STAMP.now_ms + 5,
            random: [2; 10],
            ..STAMP
        };
        assert_eq!(stamped().stamped(later).unwrap(), stamped());
    }

    #[test]
    fn an_unstamped_line_makes_no_statement() {
        let error = Line::parse(BARE)
            .unwrap()
            .draft(&Origin::default())
            .unwrap_err();
        assert!(error.contains("--stamp"), "{error}");
    }

    #[test]
    fn times_may_be_numbers_digits_or_rfc_3339() {
        for text in [
            "1795430400000",
            "\"1795430400000\"",
            "\"2026-11-23T18:40:00+08:00\"",
        ] {
            let line = BARE.replacen('{', &format!("{{\"happenedAtMs\": {text}, "), 1);
            let draft = Line::parse(&line).unwrap().stamped(STAMP).unwrap();
            assert_eq!(
                draft.draft(&Origin::default()).unwrap().happened_at_ms,
                STAMP.now_ms,
                "{text}"
            );
        }
    }

    #[test]
    fn ids_are_read_and_written_as_uuids() {
        let id = StatementId::v7(STAMP.now_ms, STAMP.random).unwrap();
        let text = uuid_text(id);
        assert_eq!(
            text.split('-').map(str::len).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
        assert_eq!(parse_uuid(&text), Ok(id));
        assert_eq!(parse_uuid(&id.to_string()), Ok(id));
        assert!(parse_uuid("00000000-0000-4000-8000-000000000000").is_err());
    }

    #[test]
    fn a_wrong_line_is_told_with_the_field_at_fault() {
        #[rustfmt::skip]
        let cases = [
            ("{",                                                            "EOF"),
            (r#"{"party": "P"}"#,                                            "events"),
            (r#"{"party": "P", "events": []}"#,                              "0 events"),
            (r#"{"party": "P", "events": [{}]}"#,                            "events[0]"),
            (r#"{"party": "P", "events": [{"moved": {"gods": 1}}]}"#,        "gods"),
            (r#"{"party": "P", "when": 1, "events": [{"moved": {}}]}"#,      "when"),
            (r#"{"party": "P", "id": "7", "events": [{"moved": {}}]}"#,      "id"),
            (r#"{"party": "P", "happenedAtMs": "soon", "events": [{"moved": {}}]}"#, "happenedAtMs"),
        ];
        for (text, wanted) in cases {
            let error = Line::parse(text).unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
        let written = serde_json::to_value(stamped()).unwrap();
        assert_eq!(written["events"][0]["moved"]["fromPlace"], "A");
    }
}
