//! What a record says of a device's chain, against the header that was signed:
//! one change for the device that speaks, one for the device that a paper
//! stands for, and no other. That the chain goes on so, the fold checks.

use bytes::Bytes;

use super::bindings::Case;
use super::violation::Violation;
use crate::custody::subject;
use crate::event::digest::{Tag, tagged};
use crate::pb::change::Change as C;
use crate::pb::{DeviceEntered, DeviceSaid, Subject, SubjectKind};

/// Checks all of it.
pub(super) fn check(case: &Case<'_>) -> Result<(), Violation> {
    let payload = &case.record.payload;
    let said = payload.device.as_ref().map(|link| DeviceSaid {
        sequence: link.sequence,
        digest: tagged(Tag::Payload, &[&case.record.head.payload]).to_bytes(),
        previous: link.previous.clone(),
        recorded_at_ms: case.record.head.recorded_at_ms,
    });
    let backfilled = payload.backfilled.as_ref();
    let entered = backfilled.filter(|b| !b.device_key_id.is_empty());
    let mut wanted: Vec<(Subject, C)> = Vec::new();
    if let Some(said) = said {
        wanted.push((key(&payload.key_id), C::DeviceSaid(said)));
    }
    if let Some(b) = entered {
        let entered = DeviceEntered {
            first: b.first_sequence,
            last: b.last_sequence,
        };
        wanted.push((key(&b.device_key_id), C::DeviceEntered(entered)));
    }
    for (subject, change) in case.changes() {
        let Some(what @ (C::DeviceSaid(_) | C::DeviceEntered(_))) = &change.change else {
            continue;
        };
        let signed = wanted.iter().position(|(s, c)| s == subject && c == what);
        match signed {
            Some(at) => drop(wanted.swap_remove(at)),
            None => return Err(differs(subject)),
        }
    }
    match wanted.first() {
        Some((subject, _)) => Err(differs(subject)),
        None => Ok(()),
    }
}

fn key(id: &Bytes) -> Subject {
    Subject {
        kind: SubjectKind::Key.into(),
        id: id.clone(),
    }
}

fn differs(subject: &Subject) -> Violation {
    Violation::NotAsSigned {
        subject: subject::show(subject),
        why: "another place in the device's chain",
    }
}
