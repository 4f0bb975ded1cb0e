//! `hazledger verify FILE --key VKEY`: a file of evidence checked offline, its
//! chain of custody, and what is proven, what somebody says and what is not
//! shown. The checks are in `proof`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use serde_json::json;

use super::client::block_on;
use super::error::{CliError, Outcome};
use super::evidence::verifier_key;
use super::kept::KeptFiles;
use super::names::Names;
use super::output::{Format, Out};
use super::{json as mapping, trace};
use crate::audit::hold_evidence;
use crate::event::record::OpenRecord;
use crate::pb::TraceLotResponse;
use crate::pb::event::Body;
use crate::projection::trace::{Ask, ReadError, RecordSource};
use crate::proof::evidence::{
    Checked, MAX_EVIDENCE_FILE, Point, check_evidence, plain, read_evidence,
};

/// The records that evidence shows.
struct Shown<'a>(&'a BTreeMap<u64, OpenRecord>);

impl RecordSource for Shown<'_> {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        Ok(self.0.get(&position).cloned())
    }
}

/// Checks a file of evidence with a verifier key and, if one is given, a
/// policy, and holds what was kept of the lot's records against it.
pub fn run(
    file: &Path,
    key: Option<&str>,
    kept: &KeptFiles,
    format: Format,
) -> Result<Outcome, CliError> {
    let missing = "evidence is checked with the ledger's verifier key, from elsewhere: --key VKEY";
    let key = key.ok_or_else(|| CliError::argument(file.display().to_string(), missing))?;
    let key = verifier_key(key)?;
    let bytes = read(file, MAX_EVIDENCE_FILE)?;
    let checked = read_evidence(bytes.into())
        .and_then(|evidence| check_evidence(&evidence, &key, kept.policy.as_ref()));
    let mut out = Out::new();
    let checked = match checked {
        Ok(checked) => checked,
        Err(bad) => {
            say_no(&mut out, &[bad.to_string()], format)?;
            return Ok(Outcome::SaidNo);
        }
    };
    let (agree, problems) = hold_evidence(&checked, &key, &kept.proofs());
    if !problems.is_empty() {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        say_no(&mut out, &problems, format)?;
        return Ok(Outcome::SaidNo);
    }
    let told = match told(&checked) {
        Ok(told) => told,
        Err(why) => {
            say_no(&mut out, &[why], format)?;
            return Ok(Outcome::SaidNo);
        }
    };
    match format {
        Format::Json => print_json(&mut out, &checked, &told, agree)?,
        Format::Table => block_on(print_table(&mut out, &checked, &told, agree))?,
    }
    Ok(Outcome::Done)
}

/// The chain of custody, as the trace tells it from these records.
fn told(checked: &Checked) -> Result<TraceLotResponse, String> {
    let ask = Ask {
        lot: checked.lot,
        serial: None,
        before: checked.checkpoint.size,
        known_at_ms: None,
        true_at_ms: None,
    };
    let records = Shown(&checked.records);
    let traced = crate::projection::trace::trace(&records, &checked.state, &ask);
    let traced = traced.map_err(|error| error.to_string())?;
    Ok(TraceLotResponse {
        as_of: checked.checkpoint.size,
        lot: checked.lot.to_bytes(),
        born: traced.born,
        steps: traced.steps,
        holdings: traced.holdings,
        below_zero: traced.below_zero,
        state: Some(checked.state.clone()),
    })
}

fn say_no(out: &mut Out, why: &[String], format: Format) -> Result<(), CliError> {
    match format {
        Format::Json => out.json(&json!({ "verified": false, "why": why.join("; ") })),
        Format::Table => {
            for why in why {
                out.line(&format!("! {}", plain(why)))?;
            }
            out.line("Verdict 结论  NOT VERIFIED 未通过验证")
        }
    }
}

fn print_json(
    out: &mut Out,
    checked: &Checked,
    told: &TraceLotResponse,
    agree: usize,
) -> Result<(), CliError> {
    let what = "tell the lot's chain of custody";
    let chain = mapping::to_json("TraceLotResponse", told);
    let chain = chain.map_err(|why| CliError::Server { what, why })?;
    let documents = checked.documents.iter().map(|(document, enclosed)| {
        json!({
            "kind": document.kind,
            "hash": document.hash.to_string(),
            "enclosed": enclosed,
        })
    });
    let cosigned = checked.cosigned.iter();
    let cosigned = cosigned.map(|one| json!({ "name": one.name, "atSeconds": one.at_s }));
    out.json(&json!({
        "verified": true,
        "lot": checked.lot.to_string(),
        "genesisHash": checked.genesis_hash.to_string(),
        "checkpoint": {
            "origin": checked.checkpoint.origin,
            "size": checked.checkpoint.size,
            "root": checked.checkpoint.root.to_string(),
        },
        "cosigned": cosigned.collect::<Vec<_>>(),
        "records": checked.records.len(),
        "lastRecord": checked.after.last,
        "provenBefore": checked.after.proven_before,
        "attestedBefore": checked.after.attested_before,
        "proven": sentences(&checked.points.proven),
        "attested": sentences(&checked.points.attested),
        "notShown": sentences(&checked.points.not_shown),
        "documents": documents.collect::<Vec<_>>(),
        "keptThatAgree": agree,
        "chain": chain,
    }))
}

fn sentences(points: &[Point]) -> Vec<serde_json::Value> {
    let both = |point: &Point| json!({ "en": point.en, "zh": point.zh });
    points.iter().map(both).collect()
}

async fn print_table(
    out: &mut Out,
    checked: &Checked,
    told: &TraceLotResponse,
    agree: usize,
) -> Result<(), CliError> {
    let mut names = Names::Known(names(&checked.records));
    trace::table(out, &mut names, told).await?;
    let lists = [
        ("Proven 已证明", &checked.points.proven),
        ("Somebody's word 有人声明", &checked.points.attested),
        ("Not shown 未出示", &checked.points.not_shown),
    ];
    for (heading, points) in lists {
        out.line("")?;
        out.line(heading)?;
        for point in points {
            out.line(&format!("  - {}", point.en))?;
            out.line(&format!("    {}", point.zh))?;
        }
    }
    if !checked.documents.is_empty() {
        let row = |(document, enclosed): &(crate::event::documents::NamedDocument, bool)| {
            let there = if *enclosed { "yes 是" } else { "no 否" };
            vec![
                plain(&document.kind),
                document.hash.to_string(),
                there.to_owned(),
            ]
        };
        let rows = checked.documents.iter().map(row).collect();
        out.line("")?;
        let headings = ["Document 附件", "BLAKE3", "Enclosed 已附"];
        out.table(&headings, &[], rows)?;
    }
    out.line("")?;
    out.fields(&[
        ("Verdict 结论", "verified 已验证".to_owned()),
        ("Kept and in agreement 留存相符", agree.to_string()),
    ])
}

/// Names of parties that the records say.
fn names(records: &BTreeMap<u64, OpenRecord>) -> BTreeMap<String, String> {
    let events = records.values().flat_map(|record| &record.events).flatten();
    let mut names = BTreeMap::new();
    for event in events {
        match &event.body {
            Some(Body::PartyRegistered(e)) if !e.name_zh.is_empty() => {
                names.insert(e.party.clone(), e.name_zh.clone());
            }
            Some(Body::Genesis(e)) => {
                let agencies = e.authorities.iter().filter(|a| !a.name_zh.is_empty());
                names.extend(agencies.map(|a| (a.party.clone(), a.name_zh.clone())));
            }
            _ => {}
        }
    }
    names
}

/// Reads a file that may have so many bytes.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, CliError> {
    let failed = || CliError::file("read", path);
    let length = fs::metadata(path).map_err(failed())?.len();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    if length > most {
        let why = format!("{length} bytes; at most {most} are read");
        return Err(CliError::argument(path.display().to_string(), why));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed())?;
    file.take(most).read_to_end(&mut bytes).map_err(failed())?;
    Ok(bytes)
}
