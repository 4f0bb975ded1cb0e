//! `hazledger follow`: records as they come, one a line.

use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::json::to_json;
use super::output::{Format, Out};
use super::submit::uuid_text;
use super::{time, words};
use crate::event::record::OpenRecord;
use crate::event::statement::{kind_name, kind_of};
use crate::event::{LotId, StatementId};
use crate::pb::{Event, EventKind, FollowRequest, FollowResponse};

/// Print records as they are committed, one a line.
#[derive(Debug, Args)]
#[command(after_help = "\
Several of one option: any of them. Several options: all of them.
With --format json each line has position, hash, recordedAt, happenedAt, party,
id, and the record's events, outcomes and findings in the proto3 JSON mapping.

Example:
  hazledger follow
  hazledger follow --from 1000 --catch-up --format json
  hazledger follow --kind accepted --kind declined --party 91150200MA00000072")]
pub struct FollowArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// The first position wanted.
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    from: u64,
    /// Only records about this lot (32 hexadecimal digits). May be repeated.
    #[arg(long, value_name = "HEX")]
    lot: Vec<LotId>,
    /// Only records about or by this party. May be repeated.
    #[arg(long, value_name = "USCC")]
    party: Vec<String>,
    /// Only records with an event of this kind, for example `offered`. May be
    /// repeated.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Vec<EventKind>,
    /// End when caught up with what was committed at the start.
    #[arg(long)]
    catch_up: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A kind by its name in lower case.
fn kind(text: &str) -> Result<EventKind, String> {
    let name = format!("EVENT_KIND_{}", text.to_ascii_uppercase().replace('-', "_"));
    EventKind::from_str_name(&name)
        .filter(|kind| *kind != EventKind::Unspecified)
        .ok_or_else(|| {
            "no such kind of event; for example offered, accepted, key_registered".to_owned()
        })
}

/// Runs it.
pub fn run(args: &FollowArgs) -> Result<Outcome, CliError> {
    let request = FollowRequest {
        from: args.from,
        lots: args.lot.iter().map(|lot| lot.to_bytes()).collect(),
        parties: args.party.clone(),
        kinds: args.kind.iter().map(|kind| i32::from(*kind)).collect(),
        catch_up_only: args.catch_up,
    };
    block_on(async {
        let mut client = Client::connect(&args.server).await?;
        let failed = CliError::server("go on sending records (Follow)");
        let answers = client.ledger().follow(request).await;
        let mut answers = answers.map_err(&failed)?.into_inner();
        while let Some(next) = answers.message().await.map_err(&failed)? {
            show(args.format, &mut client, next).await?;
        }
        Ok(Outcome::Done)
    })
}

async fn show(format: Format, client: &mut Client, next: FollowResponse) -> Result<(), CliError> {
    let record = OpenRecord::from_parts(next.record.unwrap_or_default()).map_err(|e| {
        CliError::Untrustworthy(format!(
            "its record at position {} does not hold: {e}",
            next.position
        ))
    })?;
    let mut out = Out::new();
    match format {
        Format::Json => out.json(&to_value(&record)),
        Format::Table => {
            let party = client.party_name(&record.payload.party).await;
            let name = |event: &Option<Event>| {
                event
                    .as_ref()
                    .map_or_else(|| "withheld 不公开".to_owned(), |e| words::kind(kind_of(e)))
            };
            let events: Vec<String> = record.events.iter().map(name).collect();
            let findings: Vec<String> = record
                .findings
                .iter()
                .flatten()
                .map(|f| format!(" {}", words::finding(f)))
                .collect();
            out.line(&format!(
                "{} {} {party}: {}{}",
                record.position(),
                time::in_seconds(record.head.recorded_at_ms),
                events.join(", "),
                findings.concat(),
            ))
        }
    }
}

/// A record as one JSON object; a withheld part is null.
fn to_value(record: &OpenRecord) -> Value {
    fn all<M: prost::Message>(name: &str, parts: &[Option<M>]) -> Vec<Value> {
        let one = |part: &Option<M>| part.as_ref().and_then(|p| to_json(name, p).ok());
        parts
            .iter()
            .map(|part| one(part).unwrap_or_default())
            .collect()
    }
    let kinds = record
        .events
        .iter()
        .map(|e| e.as_ref().map(|e| kind_name(kind_of(e))));
    json!({
        "position": record.position(),
        "hash": record.hash.to_string(),
        "recordedAt": time::shown(record.head.recorded_at_ms),
        "happenedAt": time::shown(record.payload.happened_at_ms),
        "party": record.payload.party,
        "id": StatementId::parse(&record.payload.id).map(uuid_text),
        "kinds": kinds.collect::<Vec<_>>(),
        "events": all("Event", &record.events),
        "outcomes": all("Outcome", &record.outcomes),
        "findings": all("Finding", &record.findings),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_go_by_their_names() {
        assert_eq!(kind("offered"), Ok(EventKind::Offered));
        assert_eq!(kind("Key-Registered"), Ok(EventKind::KeyRegistered));
        assert!(kind("unspecified").is_err());
        assert!(kind("stolen").is_err());
    }
}
