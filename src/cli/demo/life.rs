//! One drum's life as the ledger tells it: the chain of custody of its lot,
//! narrowed to the drum, then that of the waste it became; and between them
//! what was reported from the road, which is about its consignments.

use std::collections::BTreeMap;

use super::drive::Driven;
use crate::cli::client::Client;
use crate::cli::error::CliError;
use crate::cli::words;
use crate::event::statement::{kind_of, open_event};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::get_record_request::Which as WhichRecord;
use crate::pb::trace_lot_request::Which;
use crate::pb::{
    Account, AccountKind, EventKind, GetRecordRequest, Head, PackageLabel, Payload,
    TraceLotRequest, TraceStep,
};
use crate::sim::{Cast, DRUM, STORY_LABEL};

/// One thing that happened to the drum.
#[derive(Clone, Debug)]
pub(super) struct LifeStep {
    pub(super) position: u64,
    pub(super) happened_at_ms: i64,
    pub(super) party: String,
    pub(super) kind: EventKind,
    /// Where it stands afterwards, or what was said of it.
    pub(super) place: String,
}

/// Asks for it. Every step of the story is in it, in order.
pub(super) async fn ask(
    client: &Client,
    driven: &Driven,
    cast: &Cast,
) -> Result<Vec<LifeStep>, CliError> {
    let drum = Which::Package(PackageLabel {
        lot_label: STORY_LABEL.to_owned(),
        serial: DRUM,
    });
    let mut told = BTreeMap::new();
    for which in [drum, Which::Lot(driven.story_waste.clone())] {
        let request = TraceLotRequest {
            which: Some(which),
            min_position: driven.last.saturating_add(1),
            ..TraceLotRequest::default()
        };
        let what = "trace the drum (TraceLot)";
        let answer = client
            .trace()
            .trace_lot(request)
            .await
            .map_err(CliError::server(what))?;
        for step in &answer.into_inner().steps {
            told.insert(step.position, from_step(step, cast));
        }
    }
    let mut life = Vec::with_capacity(driven.story.len());
    for position in &driven.story {
        match told.remove(position) {
            Some(step) => life.push(step),
            None => life.extend(from_record(client, *position, cast).await?),
        }
    }
    // Whatever else the ledger tells of the drum belongs to its life as well.
    life.extend(told.into_values());
    life.sort_by_key(|step| step.position);
    Ok(life)
}

fn from_step(step: &TraceStep, cast: &Cast) -> LifeStep {
    let mut place = String::new();
    for change in step.changes.iter().filter_map(|c| c.change.as_ref()) {
        match change {
            C::Packaged(p) if (p.first..=p.last).contains(&DRUM) => {
                place = at(p.account.as_ref(), cast);
            }
            C::PackagesMoved(m) if (m.first..=m.last).contains(&DRUM) => {
                place = at(m.to.as_ref(), cast);
            }
            C::PackagesOwned(o) => {
                place = format!("owner 归属: {}", name(&o.owner, cast));
            }
            // Loose matter: where it goes to.
            C::Posting(p) if p.gross_mg > 0 && place.is_empty() => {
                place = at(p.account.as_ref(), cast);
            }
            C::Reserved(r) if place.is_empty() => {
                place = format!("promised 预留: {}", at(r.account.as_ref(), cast));
            }
            _ => {}
        }
    }
    LifeStep {
        position: step.position,
        happened_at_ms: step.happened_at_ms,
        party: name(&step.party, cast),
        kind: step.kind(),
        place,
    }
}

/// A record that is about the drum without touching it: of its lot before it
/// was packed, a count, its neighbours, a word from the road.
async fn from_record(
    client: &Client,
    position: u64,
    cast: &Cast,
) -> Result<Option<LifeStep>, CliError> {
    let what = "show a record (GetRecord)";
    let which = Some(WhichRecord::Position(position));
    let request = GetRecordRequest {
        which,
        min_position: position.saturating_add(1),
    };
    let answer = client
        .ledger()
        .get_record(request)
        .await
        .map_err(CliError::server(what))?;
    let record = answer.into_inner().record.unwrap_or_default();
    let bad = |why: String| CliError::Server { what, why };
    let head: Head = prost::Message::decode(record.head.clone()).map_err(|e| bad(e.to_string()))?;
    let payload: Payload = prost::Message::decode(head.payload).map_err(|e| bad(e.to_string()))?;
    let Some(part) = record.events.first() else {
        return Ok(None);
    };
    let event = open_event(&part.body).map_err(|e| bad(e.to_string()))?;
    let place = match &event.body {
        Some(Body::Produced(p)) => {
            let place = p.lot.as_ref().map(|l| l.place.as_str()).unwrap_or_default();
            in_place(&payload.party, place, cast)
        }
        Some(Body::Counted(c)) => in_place(&payload.party, &c.place, cast),
        Some(Body::Used(u)) => {
            let serials = u
                .goods
                .as_ref()
                .map(|g| words::serials(&g.serials))
                .unwrap_or_default();
            format!("its neighbours 同批其他桶: {serials}")
        }
        Some(Body::Reported(r)) => format!("on the road 途经 {}", region(&r.region)),
        Some(Body::Relayed(r)) => {
            format!("aboard 在途 {} {}", name(&r.to_carrier, cast), r.vehicle)
        }
        _ => String::new(),
    };
    Ok(Some(LifeStep {
        position,
        happened_at_ms: payload.happened_at_ms,
        party: name(&payload.party, cast),
        kind: kind_of(&event),
        place,
    }))
}

fn region(code: &str) -> String {
    let known = code.parse().ok().and_then(crate::catalog::region);
    known.map_or_else(
        || code.to_owned(),
        |r| format!("{} {}", r.name_zh, r.name_en),
    )
}

fn name(code: &str, cast: &Cast) -> String {
    cast.by_code(code).map_or_else(
        || code.to_owned(),
        |w| format!("{} {}", w.name_zh, w.name_en),
    )
}

fn at(account: Option<&Account>, cast: &Cast) -> String {
    let Some(account) = account else {
        return String::new();
    };
    match account.kind() {
        AccountKind::Held => in_place(&account.party, &account.place, cast),
        kind => words::account_kind(kind).to_owned(),
    }
}

/// A party's place by its names.
fn in_place(party: &str, code: &str, cast: &Cast) -> String {
    let who = cast.by_code(party);
    let places = who.map(|w| w.places().to_vec()).unwrap_or_default();
    let place = places.iter().find(|p| p.code == code);
    let place = place.map_or_else(
        || code.to_owned(),
        |p| format!("{} {}", p.name_zh, p.name_en),
    );
    format!("{}: {place}", who.map_or(party, |w| w.name_zh))
}
