//! A device's statements in their chain, and facts entered from paper for it.
//! A gap is a finding, a fork is refused. A device whose key has been revoked
//! meanwhile cannot be heard any more, since keys are judged at the time
//! recorded: another key of its party enters what it would have said.

use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::{Context, Signers};
use crate::custody::device::{self, Heard, Unfit};
use crate::custody::draft::Draft;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::event::ids::ID_WINDOW_MS;
use crate::event::when::span;
use crate::event::{KeyId, Statement};
use crate::pb::change::Change as C;
use crate::pb::{
    Backfilled, DeviceEntered, DeviceLink, DeviceSaid, FindingCode, KeyHolder, KeyRegistered,
    KeyState, RefusalCode, Severity,
};

const DEVICE: &str = "payload.device";
const BACKFILLED: &str = "payload.backfilled";

fn key_of(draft: &Draft<'_>, id: &[u8]) -> Option<(KeyId, KeyState)> {
    let id = KeyId::from_slice(id)?;
    match draft.item(&subject::key(id))?.as_ref() {
        Item::Key(key) => Some((id, key.clone())),
        _ => None,
    }
}

fn holder(key: &KeyState) -> KeyHolder {
    key.registered
        .as_ref()
        .map_or(KeyHolder::Unspecified, KeyRegistered::holder)
}

/// What can be said of the header without the chain.
pub(super) fn check(draft: &Draft<'_>, statement: &Statement) -> Result<(), Refused> {
    let payload = &statement.payload;
    let acting = key_of(draft, &payload.key_id)
        .map(|(_, key)| key)
        .unwrap_or_default();
    let begun = acting
        .device
        .as_ref()
        .is_some_and(|chain| chain.sequence > 0);
    match &payload.device {
        None if begun => {
            return Err(Refused::missing(DEVICE).detail("the device numbers its statements"));
        }
        None => {}
        Some(link) => check_link(link, holder(&acting)).map_err(|r| r.within(DEVICE))?,
    }
    match &payload.backfilled {
        None => Ok(()),
        Some(b) => check_backfilled(b, holder(&acting)).map_err(|r| r.within(BACKFILLED)),
    }
}

fn check_link(link: &DeviceLink, holder: KeyHolder) -> Result<(), Refused> {
    if holder != KeyHolder::Device {
        return Err(Refused::invalid("", "the key is a person's"));
    }
    if link.sequence == 0 {
        return Err(Refused::missing("sequence"));
    }
    let wanted = if link.sequence == 1 { 0 } else { 32 };
    if link.previous.len() != wanted {
        return Err(Refused::invalid(
            "previous",
            "32 bytes are wanted, none with 1",
        ));
    }
    Ok(())
}

fn check_backfilled(b: &Backfilled, holder: KeyHolder) -> Result<(), Refused> {
    fields::text(&b.paper, MAX_SHORT, "paper")?;
    fields::text(&b.reason, MAX_TEXT, "reason")?;
    if holder != KeyHolder::Person {
        return Err(Refused::invalid("", "a person enters what stands on paper"));
    }
    if b.device_key_id.is_empty() && (b.first_sequence, b.last_sequence) != (0, 0) {
        return Err(Refused::missing("device_key_id"));
    }
    Ok(())
}

/// Goes on with the chain: of the acting device, or of the one that a paper
/// stands for.
pub(super) fn chain(
    draft: &mut Draft<'_>,
    statement: &Statement,
    context: &Context<'_>,
    signers: &Signers,
) -> Result<(), Refused> {
    draft.begin_event(0);
    if let Some(link) = &statement.payload.device {
        said(draft, statement, context, link)?;
    }
    match &statement.payload.backfilled {
        None => Ok(()),
        Some(b) => backfilled(draft, statement, signers, b),
    }
}

fn said(
    draft: &mut Draft<'_>,
    statement: &Statement,
    context: &Context<'_>,
    link: &DeviceLink,
) -> Result<(), Refused> {
    let Some((id, key)) = key_of(draft, &statement.payload.key_id) else {
        return Err(Refused::new(RefusalCode::UnknownKey, "payload.key_id"));
    };
    let said = DeviceSaid {
        sequence: link.sequence,
        digest: statement.digest.to_bytes(),
        previous: link.previous.clone(),
        recorded_at_ms: context.recorded_at_ms,
    };
    let mut chain = key.device.unwrap_or_default();
    let heard = device::said(&mut chain, &said)
        .map_err(|unfit| refused(unfit, DEVICE, id, said.sequence))?;
    draft.emit(&subject::key(id), C::DeviceSaid(said))?;
    let mut find = |code, severity, detail: String| {
        let party = &statement.payload.party;
        draft.find(code, severity, &subject::key(id), party, 0, detail);
    };
    match heard {
        Heard::Next => {}
        Heard::GapOpened(first, last) => find(
            FindingCode::DeviceGap,
            Severity::Warning,
            format!("statements {first} to {last} of device {id} have not come in"),
        ),
        Heard::Late => find(
            FindingCode::DeviceGapFilled,
            Severity::Notice,
            format!(
                "statement {} of device {id} had been missing",
                link.sequence
            ),
        ),
    }
    let age = context
        .recorded_at_ms
        .saturating_sub(statement.id.unix_ms());
    if age > ID_WINDOW_MS {
        find(
            FindingCode::Backfilled,
            Severity::Warning,
            format!(
                "statement {} of device {id} is {} old",
                link.sequence,
                span(age)
            ),
        );
    }
    Ok(())
}

fn backfilled(
    draft: &mut Draft<'_>,
    statement: &Statement,
    signers: &Signers,
    b: &Backfilled,
) -> Result<(), Refused> {
    let party = statement.payload.party.as_str();
    let mut subject = subject::party(party);
    let mut detail = format!("from {}: {}", b.paper, b.reason);
    if !b.device_key_id.is_empty() {
        let field = "payload.backfilled.device_key_id";
        let known = key_of(draft, &b.device_key_id).filter(|(_, key)| {
            let theirs = |r: &KeyRegistered| signers.signed(&r.party);
            holder(key) == KeyHolder::Device && key.registered.as_ref().is_some_and(theirs)
        });
        let (id, key) = known.ok_or_else(|| {
            Refused::new(RefusalCode::NotADeviceGap, field).detail("no device of the party has it")
        })?;
        let entered = DeviceEntered {
            first: b.first_sequence,
            last: b.last_sequence,
        };
        let mut chain = key.device.unwrap_or_default();
        device::entered(&mut chain, &entered, draft.at().position)
            .map_err(|unfit| refused(unfit, BACKFILLED, id, entered.first))?;
        subject = subject::key(id);
        draft.emit(&subject, C::DeviceEntered(entered))?;
        detail = format!(
            "{detail}; for statements {} to {} of device {id}",
            b.first_sequence, b.last_sequence
        );
    }
    draft.find(
        FindingCode::Backfilled,
        Severity::Warning,
        &subject,
        party,
        0,
        detail,
    );
    Ok(())
}

fn refused(unfit: Unfit, field: &str, id: KeyId, number: u64) -> Refused {
    let (code, what) = match unfit {
        Unfit::Fork => (RefusalCode::DeviceFork, String::new()),
        Unfit::TooManyGaps => (RefusalCode::TooManyDeviceGaps, String::new()),
        Unfit::Entered(position) => {
            let what = format!(", entered in the record at {position}");
            (RefusalCode::EnteredFromPaper, what)
        }
        Unfit::NotMissing => (RefusalCode::NotADeviceGap, String::new()),
    };
    Refused::new(code, field).detail(format!("statement {number} of device {id}{what}"))
}
