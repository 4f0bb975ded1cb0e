//! One answer: checked against the ledger's key and what was sent, then
//! shown. An answer that does not hold is an error, not a "no".

use prost::Message as _;
use serde_json::{Value, json};

use super::Sent;
use super::line::uuid_text;
use crate::cli::client::Identity;
use crate::cli::error::CliError;
use crate::cli::json::{base64, to_json};
use crate::cli::{time, words};
use crate::event::StatementId;
use crate::event::codes;
use crate::event::digest::{Tag, tagged, to_hex};
use crate::event::ids::derived;
use crate::event::statement::{kind_name, kind_of};
use crate::pb::event::Body;
use crate::pb::submit_response::Answer;
use crate::pb::{
    Acknowledgement, DecideResponse, EventRef, Finding, Payload, SignedRefusal, SubmitResponse,
};

/// What came of one line.
pub enum Verdict {
    /// Recorded, now or (`repeated`) before.
    Accepted {
        /// Where.
        position: u64,
        /// Hash of the head, hexadecimal.
        hash: String,
        /// Unix milliseconds.
        recorded_at_ms: i64,
        /// As it came.
        acknowledgement: Acknowledgement,
        /// Had been recorded before.
        repeated: bool,
    },
    /// A dry run that found nothing against it.
    Acceptable {
        /// Records committed in the state it was judged on.
        as_of: u64,
    },
    /// The ledger says no.
    Refused(Box<SignedRefusal>),
}

/// Checks an answer to what was sent. Returns it with its findings.
pub fn check(
    identity: &Identity,
    sent: &Sent,
    response: SubmitResponse,
) -> Result<(Verdict, Vec<Finding>), CliError> {
    let wrong = |why: String| {
        CliError::Untrustworthy(format!(
            "its answer to line {} does not hold: {why}",
            sent.number
        ))
    };
    let verdict = match response.answer {
        None => return Err(wrong("it is empty".to_owned())),
        Some(Answer::Acknowledgement(ack)) => {
            let keys = &identity.ledger_keys;
            let held = keys
                .check_acknowledgement(identity.genesis_hash, &ack)
                .map_err(|e| wrong(e.to_string()))?;
            if held.head.payload != sent.statement.payload {
                return Err(wrong("it acknowledges another statement".to_owned()));
            }
            Verdict::Accepted {
                position: held.position,
                hash: held.head_hash.to_string(),
                recorded_at_ms: held.head.recorded_at_ms,
                acknowledgement: ack,
                repeated: response.repeated,
            }
        }
        Some(Answer::Refusal(refusal)) => {
            check_refusal(identity, sent, &refusal).map_err(wrong)?;
            Verdict::Refused(Box::new(refusal))
        }
    };
    Ok((verdict, response.findings))
}

/// The same for a dry run, whose "no" is checked if it is signed.
pub fn check_dry_run(
    identity: &Identity,
    sent: &Sent,
    response: DecideResponse,
) -> Result<(Verdict, Vec<Finding>), CliError> {
    let verdict = match response.refusal {
        Some(refusal) => {
            check_refusal(identity, sent, &refusal).map_err(|why| {
                CliError::Untrustworthy(format!("its answer to line {}: {why}", sent.number))
            })?;
            Verdict::Refused(Box::new(refusal))
        }
        None if response.accepted => Verdict::Acceptable {
            as_of: response.as_of,
        },
        None => {
            let why = format!("line {}: neither accepted nor refused", sent.number);
            return Err(CliError::Server {
                what: "try a statement (Decide)",
                why,
            });
        }
    };
    Ok((verdict, response.findings))
}

/// A refusal is signed unless the statement's own signature did not verify.
fn check_refusal(identity: &Identity, sent: &Sent, refusal: &SignedRefusal) -> Result<(), String> {
    if refusal.signature.is_none() {
        return Ok(());
    }
    let keys = &identity.ledger_keys;
    let held = keys
        .check_refusal(identity.genesis_hash, refusal)
        .map_err(|e| e.to_string())?;
    let digest = tagged(Tag::Payload, &[&sent.statement.payload]);
    if held.payload_digest.as_ref() != digest.0 {
        return Err("it refuses another statement".to_owned());
    }
    Ok(())
}

/// What an event's statement made, by name: for the next statement to use.
fn made(party: &str, id: StatementId, index: u32, body: &Body) -> Vec<(&'static str, [u8; 16])> {
    let name = |line| derived(party, id, index, line);
    match body {
        Body::Produced(_) | Body::Imported(_) | Body::Opened(_) | Body::Wasted(_) => {
            vec![("lot", name(0))]
        }
        Body::Transformed(t) => (0u32..)
            .zip(&t.outputs)
            .map(|(line, _)| ("lot", name(line)))
            .collect(),
        Body::Offered(o) if o.carriage.is_some() => {
            vec![("handoff", name(0)), ("consignment", name(0))]
        }
        Body::Offered(_) => vec![("handoff", name(0))],
        Body::Inspected(e) => (0u32..)
            .zip(&e.items)
            .filter(|(_, item)| !item.ok)
            .map(|(line, _)| ("danger", name(line)))
            .collect(),
        Body::Recalled(e) if e.ends.is_empty() => vec![("recall", name(0))],
        _ => Vec::new(),
    }
}

/// The answer as one JSON object.
pub fn to_value(sent: &Sent, verdict: &Verdict, findings: &[Finding]) -> Value {
    let payload = payload_of(sent);
    let id = StatementId::parse(&payload.id);
    let mut value = json!({
        "line": sent.number,
        "party": payload.party,
        "id": id.map(uuid_text),
        "findings": findings.iter().filter_map(|f| to_json("Finding", f).ok()).collect::<Vec<_>>(),
    });
    let more = match verdict {
        Verdict::Accepted {
            position,
            hash,
            recorded_at_ms,
            repeated,
            ..
        } => json!({
            "answer": "accepted",
            "position": position,
            "hash": hash,
            "recordedAt": time::shown(*recorded_at_ms),
            "repeated": repeated,
            "events": events(sent, &payload),
        }),
        Verdict::Acceptable { as_of } => json!({
            "answer": "acceptable", "asOf": as_of, "events": events(sent, &payload),
        }),
        Verdict::Refused(refusal) => json!({
            "answer": "refused",
            "code": refusal.code,
            "name": codes::name(refusal.code()),
            "field": refusal.field,
            "detail": refusal.detail,
            "remedy": refusal.remedy,
            "retry": refusal.retry,
            "signed": refusal.signature.is_some(),
        }),
    };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

fn payload_of(sent: &Sent) -> Payload {
    // Made by ourselves a moment ago, so it always decodes.
    Payload::decode(sent.statement.payload.clone()).unwrap_or_default()
}

/// Each event: its kind, how another statement names it, and what it made, in
/// hexadecimal for people and base64 for the next line.
fn events(sent: &Sent, payload: &Payload) -> Vec<Value> {
    let Some(id) = StatementId::parse(&payload.id) else {
        return Vec::new();
    };
    (0u32..)
        .zip(&sent.draft.events)
        .zip(&payload.event_digests)
        .map(|((index, event), digest)| {
            let reference = EventRef {
                party: payload.party.clone(),
                statement_id: id.to_bytes(),
                event_index: index,
                event_digest: digest.clone(),
            };
            let mut value = json!({
                "kind": kind_name(kind_of(event)),
                "ref": to_json("EventRef", &reference).unwrap_or_default(),
            });
            let names = event
                .body
                .as_ref()
                .map(|b| made(&payload.party, id, index, b));
            let names: Vec<Value> = names
                .unwrap_or_default()
                .into_iter()
                .map(|(what, name)| {
                    json!({"what": what, "hex": to_hex(&name), "base64": base64(&name)})
                })
                .collect();
            if let Value::Object(value) = &mut value {
                value.insert("made".to_owned(), names.into());
            }
            value
        })
        .collect()
}

/// The answer as one line for people.
pub fn to_text(sent: &Sent, verdict: &Verdict, findings: &[Finding]) -> String {
    let mut text = match verdict {
        Verdict::Accepted {
            position,
            hash,
            repeated,
            ..
        } => {
            let again = if *repeated {
                " (recorded before 此前已入账)"
            } else {
                ""
            };
            format!(
                "{} accepted 已入账 position 序号 {position} hash {hash}{again}",
                sent.number
            )
        }
        Verdict::Acceptable { as_of } => {
            format!(
                "{} would be accepted 可入账, judged after {as_of} records",
                sent.number
            )
        }
        Verdict::Refused(refusal) => return format!("{} {}", sent.number, refused_text(refusal)),
    };
    let payload = payload_of(sent);
    if let Some(id) = StatementId::parse(&payload.id) {
        for (index, event) in (0u32..).zip(&sent.draft.events) {
            let names = event
                .body
                .as_ref()
                .map(|b| made(&payload.party, id, index, b));
            text.push_str("; ");
            text.push_str(&words::kind(kind_of(event)));
            for (what, name) in names.unwrap_or_default() {
                text.extend([" ", what, "=", &to_hex(&name)]);
            }
        }
    }
    for finding in findings {
        text.push(' ');
        text.push_str(&words::finding(finding));
    }
    text
}

fn refused_text(refusal: &SignedRefusal) -> String {
    let mut text = format!(
        "refused 不予入账 {} ({})",
        words::refusal_name(refusal.code()),
        refusal.code
    );
    for (lead, part) in [
        (" at ", &refusal.field),
        (": ", &refusal.detail),
        ("; ", &refusal.remedy),
    ] {
        if !part.is_empty() {
            text.push_str(lead);
            text.push_str(part);
        }
    }
    if refusal.retry {
        text.push_str(" (the same line may be accepted later 可稍后重发)");
    }
    text
}
