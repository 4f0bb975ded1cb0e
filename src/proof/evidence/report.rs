//! What evidence comes to, in words: what is proven, what somebody says and
//! who, what is not shown. Plain sentences, so that nobody need know the format
//! to read them.

use std::collections::{BTreeMap, BTreeSet};

use super::handoffs::Handoff;
use super::permits::{Permit, Permits};
use super::{Checked, parts};
use crate::custody::registry::LEDGER;
use crate::custody::{account, subject};
use crate::event::mass::Mass;
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{AccountKind, LotState, PermitRegistered, Subject};

/// What it comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Points {
    /// What follows from the file and the verifier key.
    pub proven: Vec<String>,
    /// What somebody says, and who.
    pub attested: Vec<String>,
    /// What is not shown.
    pub not_shown: Vec<String>,
}

/// What was seen of evidence that holds.
pub(super) struct Seen<'a> {
    pub(super) records: &'a BTreeMap<u64, &'a OpenRecord>,
    /// The lot's own, in order.
    pub(super) chain: &'a [u64],
    pub(super) permits: &'a Permits,
    pub(super) handoffs: &'a [Handoff],
    pub(super) with_policy: bool,
    /// Whether the key given is one that the records name as the ledger's.
    pub(super) key_named: bool,
}

/// Of evidence that holds.
pub(super) fn points(checked: &Checked, seen: &Seen<'_>) -> Points {
    let mut points = Points::default();
    tree(&mut points, checked, seen);
    signatures(&mut points, seen.records);
    custody(&mut points, checked, seen.chain);
    hands(&mut points, seen.handoffs);
    after(&mut points, checked);
    drawn(&mut points, seen.records, seen.permits);
    documents(&mut points, checked);
    edge(&mut points, checked);
    withheld(&mut points, seen.records);
    own_withheld(&mut points, checked, seen);
    let lists = [
        &mut points.proven,
        &mut points.attested,
        &mut points.not_shown,
    ];
    for point in lists.into_iter().flatten() {
        *point = plain(point);
    }
    points
}

/// Others' text as it can be shown to people: characters that make a terminal do
/// something, begin a line of their own, or turn the direction of writing, are
/// spelt out. An honest ledger records none; a label could else say what this
/// program has not found.
pub fn plain(text: &str) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Handoffs told one by one, at most.
const MAX_HANDOFFS: usize = 100;

fn hands(points: &mut Points, handoffs: &[Handoff]) {
    for handoff in handoffs.iter().take(MAX_HANDOFFS) {
        let Handoff {
            giver,
            taker,
            offered_to,
            offered_at,
            accepted_at,
        } = handoff;
        match (offered_at, offered_to) {
            (Some(offered_at), Some(to)) => {
                let to = if to == taker {
                    String::new()
                } else {
                    format!(" to {to}")
                };
                points.proven.push(format!(
                    "In record {accepted_at} {taker} took what {giver} had offered{to} in record \
                     {offered_at}: it names the very event that {giver} signed."
                ));
            }
            (Some(offered_at), None) => points.attested.push(format!(
                "By {taker}, in record {accepted_at}: that {giver} had offered what it took, by \
                 an event of record {offered_at} that is withheld here."
            )),
            (None, _) => points.attested.push(format!(
                "By {taker}, in record {accepted_at}: that {giver} had offered what it took; the \
                 offer is not among these records."
            )),
        }
    }
    if let Some(more) = handoffs
        .len()
        .checked_sub(MAX_HANDOFFS)
        .filter(|more| *more > 0)
    {
        points.not_shown.push(format!(
            "{more} more handoffs, one by one; they hold as well."
        ));
    }
}

fn tree(points: &mut Points, checked: &Checked, seen: &Seen<'_>) {
    let (checkpoint, records) = (&checked.checkpoint, seen.records.len());
    points.proven.push(format!(
        "The checkpoint of {} records, root {}, is signed by the key given; the ledger is {} with \
         genesis {}.",
        checkpoint.size, checkpoint.root, checkpoint.origin, checked.genesis_hash
    ));
    points.proven.push(format!(
        "The {records} records shown here are in that tree, and every part shown is the one that \
         its record commits to."
    ));
    if !seen.key_named {
        points.not_shown.push(
            "How the key given came to be the ledger's: none of these records names it.".into(),
        );
    }
    if seen.with_policy {
        let names: Vec<&str> = checked.cosigned.iter().map(|c| c.name.as_str()).collect();
        points.proven.push(format!(
            "The checkpoint satisfies the policy; cosigned by: {}.",
            list(&names)
        ));
    }
    if checked.cosigned.is_empty() {
        let why = if seen.with_policy {
            "the policy asks for no witness, and none that it knows has cosigned"
        } else {
            "no policy was given"
        };
        points.not_shown.push(format!(
            "That anybody but the ledger has seen this checkpoint: {why}."
        ));
    }
    points.not_shown.push(format!(
        "Anything recorded from position {} on, after this checkpoint.",
        checkpoint.size
    ));
}

fn signatures(points: &mut Points, records: &BTreeMap<u64, &OpenRecord>) {
    let signatures = records.values().flat_map(|r| &r.head.signatures);
    let keys: BTreeSet<&[u8]> = signatures.map(|s| s.key_id.as_ref()).collect();
    points.proven.push(format!(
        "Every record is signed as it says, by {} keys in all; each was registered before by the \
         authorities that record 0 names, was within its dates and, up to the change of it that \
         the record links to, not revoked.",
        keys.len()
    ));
    points.attested.push(
        "By those who signed: what they measured, what they saw and when it happened. By the \
         ledger: when it was recorded."
            .into(),
    );
    points.attested.push(
        "By the ledger: that outcomes, links and maps follow from what was signed, so that no \
         link passes over a revocation. Whoever verifies the whole ledger would find one that \
         does not."
            .into(),
    );
    points.not_shown.push(
        "The registrations of parties, sites and places that are not among these records, and \
         whether they were changed: that a party which signed had not been closed or succeeded, \
         the ledger says by recording it."
            .into(),
    );
}

fn custody(points: &mut Points, checked: &Checked, chain: &[u64]) {
    let (first, last) = (chain.first(), chain.last());
    if let (Some(first), Some(last)) = (first, last) {
        points.proven.push(format!(
            "The chain of lot {} is whole from its birth in record {first}, whose signer it is named \
             after, to record {last}: {} records, each linked to the one before.",
            checked.lot,
            chain.len()
        ));
    }
    points.proven.push(format!(
        "Its postings sum to zero in each record, no holding goes below zero, and the balances \
         that follow are: {}.",
        balances(&checked.state)
    ));
    if !checked.ancestors.is_empty() {
        let named: Vec<String> = checked.ancestors.iter().map(named).collect();
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        points.proven.push(format!(
            "It was made of {} lots, each shown from its birth to what it gave, as far as records \
             name them: {}.",
            named.len(),
            list(&named)
        ));
    }
}

fn named((id, state): &(crate::event::LotId, LotState)) -> String {
    let label = state.born.as_ref().map_or("", |born| born.label.as_str());
    format!("{label} ({id})")
}

fn balances(state: &LotState) -> String {
    let balances = state.balances.iter().map(|balance| {
        let account = balance.account.clone().unwrap_or_default();
        format!("{} {}", account::show(&account), Mass::mg(balance.gross_mg))
    });
    let balances: Vec<String> = balances.collect();
    let balances: Vec<&str> = balances.iter().map(String::as_str).collect();
    list(&balances)
}

fn after(points: &mut Points, checked: &Checked) {
    let after = &checked.after;
    if after.state_records > 0 {
        points.proven.push(format!(
            "No record after {} and before {} is about the lot: of the maps of touched subjects \
             of the {} state records there the first names that record as its latest, and it is \
             absent from the others.",
            after.last, after.proven_before, after.state_records
        ));
    }
    match after.attested_before {
        Some(size) if after.proven_before < size => points.attested.push(format!(
            "By the ledger, signed: no record from {} up to the checkpoint is about the lot. No \
             state record follows yet that would prove it.",
            after.proven_before
        )),
        Some(_) => points.attested.push(
            "By the ledger, signed: the same up to the checkpoint, which is proven already.".into(),
        ),
        None => {}
    }
}

fn drawn(points: &mut Points, records: &BTreeMap<u64, &OpenRecord>, permits: &Permits) {
    for (permit, shown) in permits.all() {
        let line = permit_line(permit, shown);
        match &shown.said_by {
            None => points.proven.push(line),
            Some((party, position)) => points.attested.push(format!(
                "By {party}, in record {position}, which is no authority that record 0 names: \
                 {line} Whether it was for {party} to say is not shown."
            )),
        }
        if !shown.partly.is_empty() {
            points.not_shown.push(format!(
                "Other events of the records {}, which entered or changed {}: one of them may \
                 have changed it too.",
                positions(&shown.partly),
                subject::show(permit)
            ));
        }
    }
    let shown: BTreeSet<&Subject> = permits.all().map(|(permit, _)| permit).collect();
    let events = records.iter().flat_map(|(position, record)| {
        let events = record.events.iter().flatten();
        events.map(move |event| (position, event))
    });
    for (position, event) in events {
        let named = match &event.body {
            Some(Body::Traded(e)) => (&e.buyer, &e.permit),
            Some(Body::Offered(e)) => {
                let consignee = e.carriage.as_ref().map(|carriage| &carriage.consignee);
                (consignee.unwrap_or(&e.taker), &e.permit)
            }
            _ => continue,
        };
        let (holder, number) = named;
        if !number.is_empty() && !shown.contains(&subject::permit(holder, number)) {
            points.not_shown.push(format!(
                "Permit {number} of {holder}, which record {position} names: nothing of its \
                 quantity is shown as claimed or drawn there."
            ));
        }
    }
}

fn permit_line(permit: &Subject, shown: &Permit) -> String {
    let state = &shown.state;
    let registered = state.registered.clone().unwrap_or_default();
    let PermitRegistered { quantity_mg, .. } = registered;
    let status = registered.status().as_str_name();
    let status = status.strip_prefix("PERMIT_STATUS_").unwrap_or(status);
    format!(
        "{} stood at {} with {} drawn of {} after record {}, by its chain from its registration.",
        subject::show(permit),
        status.to_ascii_lowercase(),
        Mass::mg(state.drawn_mg),
        Mass::mg(quantity_mg),
        state.last
    )
}

fn documents(points: &mut Points, checked: &Checked) {
    let (enclosed, named): (Vec<_>, Vec<_>) = checked
        .documents
        .iter()
        .partition(|(_, enclosed)| *enclosed);
    if !enclosed.is_empty() {
        points.proven.push(format!(
            "The {} documents enclosed are those that the events name by hash.",
            enclosed.len()
        ));
    }
    if !named.is_empty() {
        points.not_shown.push(format!(
            "The content of {} documents: they are named by hash only.",
            named.len()
        ));
    }
}

/// What entered on one side's word.
fn edge(points: &mut Points, checked: &Checked) {
    let own = (checked.lot, checked.state.clone());
    for lot in std::iter::once(&own).chain(&checked.ancestors) {
        let Some(born) = &lot.1.born else { continue };
        let how = match born.source() {
            AccountKind::Inbound => "arrived from outside the ledger",
            AccountKind::Opening => "was there when its holder joined",
            AccountKind::Imported => "was imported",
            AccountKind::Produced => "was produced",
            AccountKind::Found => "was found",
            _ => continue,
        };
        points.attested.push(format!(
            "By {}: that lot {} {how}, with what it says of it.",
            born.declarer,
            named(lot)
        ));
    }
}

fn withheld(points: &mut Points, records: &BTreeMap<u64, &OpenRecord>) {
    let all = || records.values();
    let gone = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let events = all()
        .flat_map(|r| &r.events)
        .filter(|e| e.is_none())
        .count();
    let links = all().flat_map(|r| &r.links).filter(|l| l.is_none()).count();
    let outcomes = all().flat_map(|r| &r.outcomes).filter(|o| o.is_none());
    let findings = all().flat_map(|r| &r.findings).filter(|f| f.is_none());
    let counts = [
        gone(events, "events"),
        gone(links, "links"),
        gone(outcomes.count(), "outcomes"),
        gone(findings.count(), "findings"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    if !counts.is_empty() {
        points.not_shown.push(format!(
            "Parts of these records, withheld by whoever made the file as what concerns others: \
             {}.",
            counts.join(", ")
        ));
    }
    if all().any(|record| parts::is_partial(record)) {
        points.not_shown.push(
            "That transformations conserve mass as a whole, where other inputs or outputs are \
             withheld."
                .into(),
        );
    }
}

/// What of the lot's own records may be about it and is withheld: events that
/// its outcomes name as their causes, and findings, which say whom they are about
/// only inside.
fn own_withheld(points: &mut Points, checked: &Checked, seen: &Seen<'_>) {
    let lot = subject::lot(checked.lot);
    let own = || seen.chain.iter().filter_map(|at| seen.records.get(at));
    let unseen = own().filter(|record| record.payload.party != LEDGER && hides_cause(record, &lot));
    let unseen: Vec<u64> = unseen.map(|record| record.position()).collect();
    if !unseen.is_empty() {
        points.not_shown.push(format!(
            "Events that changed the lot, in {} of its own records: {}. What came of them there \
             is the ledger's word alone.",
            unseen.len(),
            positions(&unseen)
        ));
    }
    let findings = own().flat_map(|record| &record.findings);
    let findings = findings.filter(|finding| finding.is_none()).count();
    if findings > 0 {
        points.not_shown.push(format!(
            "Whether any of the {findings} findings that are withheld in the lot's own records is \
             about it."
        ));
    }
}

/// Whether a record withholds an event that its outcome for a lot came of.
fn hides_cause(record: &OpenRecord, lot: &Subject) -> bool {
    let own = parts::causes(record, lot).filter(|(position, _)| *position == record.position());
    own.into_iter()
        .any(|(_, at)| !matches!(record.events.get(at), Some(Some(_))))
}

fn positions(all: &[u64]) -> String {
    let all: Vec<String> = all.iter().map(u64::to_string).collect();
    list(&all.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Texts one after another, at most so many.
const MAX_LISTED: usize = 20;

fn list(all: &[&str]) -> String {
    if all.is_empty() {
        return "none".into();
    }
    let (shown, more) = all.split_at(all.len().min(MAX_LISTED));
    let text = shown.join(", ");
    match more.len() {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
