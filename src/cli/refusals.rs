//! `hazledger refusals`: what the ledger has refused and kept, whose
//! statements they were, and why; and what it has only counted.

use clap::Args;

use super::client::{Client, Identity, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::{json, time, words};
use crate::event::StatementId;
use crate::event::codes;
use crate::event::digest::to_hex;
use crate::pb::{
    ListRefusalsRequest, ListRefusalsResponse, ListedRefusal, RefusalCode, RefusalCounts,
};
use crate::proof::kept_hash;

/// Refusals asked for at a time.
const PAGE: u32 = 1_000;

const WHAT: &str = "list the refusals it keeps (ListRefusals)";

/// Show refused statements that the ledger keeps, and what it has counted.
#[derive(Debug, Args)]
#[command(after_help = "\
Only statements whose own signatures verified have a refusal to their party's
name. Others are counted against the address that they came from, since the
ledger was started. Each refusal's signature is checked; one that does not hold
is marked, and the exit status is 1. --format json prints one refusal a line,
then the counts.

Example:
  hazledger refusals
  hazledger refusals --party 91150400MADEM0038R --since 2026-11-01
  hazledger refusals --code INSUFFICIENT --code OFFER_CLOSED --format json")]
pub struct RefusalsArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Only those of this party.
    #[arg(long, value_name = "CODE")]
    party: Option<String>,
    /// Only those with this code, by name or number. May be repeated.
    #[arg(long, value_name = "REFUSAL")]
    code: Vec<String>,
    /// Only those from this time on (RFC 3339, or a day).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &RefusalsArgs) -> Result<Outcome, CliError> {
    let mut request = request(args)?;
    block_on(async {
        let mut client = Client::connect(&args.server).await?;
        let identity = client.identity(None).await?;
        let mut out = Out::new();
        let mut shown = Shown::default();
        let counts = loop {
            let answer = page(&client, &request).await?;
            for listed in &answer.refusals {
                let holds = holds(&identity, listed);
                shown.doubtful |= !holds;
                match args.format {
                    Format::Json => print(&mut out, listed, holds)?,
                    Format::Table => shown.rows.push(row(&mut client, listed, holds).await),
                }
            }
            request.from = answer.next;
            if answer.next == 0 {
                break answer.counts.unwrap_or_default();
            }
        };
        match args.format {
            Format::Json => print_counts(&mut out, &counts)?,
            Format::Table => table(&mut out, shown.rows, &counts)?,
        }
        Ok(if shown.doubtful {
            Outcome::SaidNo
        } else {
            Outcome::Done
        })
    })
}

#[derive(Default)]
struct Shown {
    rows: Vec<Vec<String>>,
    /// One of them is not the ledger's word.
    doubtful: bool,
}

fn request(args: &RefusalsArgs) -> Result<ListRefusalsRequest, CliError> {
    let at = |name: &str, text: &Option<String>| match text {
        Some(text) => time::argument(name, text),
        None => Ok(0),
    };
    let codes = args.code.iter().map(|text| code(text));
    Ok(ListRefusalsRequest {
        party: args.party.clone().unwrap_or_default(),
        codes: codes.collect::<Result<Vec<i32>, CliError>>()?,
        since_ms: at("--since", &args.since)?,
        until_ms: at("--until", &args.until)?,
        page_size: PAGE,
        ..ListRefusalsRequest::default()
    })
}

/// A code by its name or number.
fn code(text: &str) -> Result<i32, CliError> {
    let name = format!("REFUSAL_CODE_{}", text.to_uppercase());
    let number = || RefusalCode::try_from(text.parse::<i32>().ok()?).ok();
    let code = RefusalCode::from_str_name(&name).or_else(number);
    code.map(i32::from).ok_or_else(|| {
        let why = format!("{text:?} is no refusal's name or number; INSUFFICIENT is one");
        CliError::argument("--code", why)
    })
}

async fn page(
    client: &Client,
    request: &ListRefusalsRequest,
) -> Result<ListRefusalsResponse, CliError> {
    let answer = client.ledger().list_refusals(request.clone()).await;
    Ok(answer.map_err(CliError::server(WHAT))?.into_inner())
}

/// Whether it is the ledger's word, and the bytes are those of its hash.
fn holds(identity: &Identity, listed: &ListedRefusal) -> bool {
    let kept = listed.refusal.clone().unwrap_or_default();
    let signed = kept.refusal.unwrap_or_default();
    let keys = &identity.ledger_keys;
    keys.check_refusal(identity.genesis_hash, &signed).is_ok()
        && kept_hash(&listed.kept).0 == listed.hash.as_ref()
}

fn print(out: &mut Out, listed: &ListedRefusal, holds: bool) -> Result<(), CliError> {
    let failed = |why| CliError::Server { what: WHAT, why };
    let mut value = json::to_json("ListedRefusal", listed).map_err(failed)?;
    if let Some(fields) = value.as_object_mut() {
        let signed = listed
            .refusal
            .as_ref()
            .and_then(|kept| kept.refusal.as_ref());
        let code = signed.map(|signed| codes::name(signed.code()));
        fields.insert("code".to_owned(), code.into());
        fields.insert("verified".to_owned(), holds.into());
    }
    out.json(&value)
}

fn print_counts(out: &mut Out, counts: &RefusalCounts) -> Result<(), CliError> {
    let value = json::to_json("RefusalCounts", counts)
        .map_err(|why| CliError::Server { what: WHAT, why })?;
    out.json(&serde_json::json!({ "counts": value }))
}

async fn row(client: &mut Client, listed: &ListedRefusal, holds: bool) -> Vec<String> {
    let kept = listed.refusal.clone().unwrap_or_default();
    let signed = kept.refusal.unwrap_or_default();
    let refusal = <crate::pb::Refusal as prost::Message>::decode(signed.refusal.clone());
    let refusal = refusal.unwrap_or_default();
    let id = StatementId::parse(&kept.statement_id);
    let code = words::refusal_name(signed.code());
    let why = match (signed.field.as_str(), signed.detail.as_str()) {
        ("", detail) => detail.to_owned(),
        (field, "") => field.to_owned(),
        (field, detail) => format!("{field}: {detail}"),
    };
    vec![
        kept.number.to_string(),
        time::in_seconds(refusal.at_ms),
        client.party_name(&kept.party).await,
        to_hex(&kept.key_id),
        id.map_or_else(|| to_hex(&kept.statement_id), |id| id.to_string()),
        if holds {
            code
        } else {
            format!("! {code} NOT THE LEDGER'S WORD 签名不符")
        },
        why,
        refusal.judged_at.to_string(),
    ]
}

fn table(out: &mut Out, rows: Vec<Vec<String>>, counts: &RefusalCounts) -> Result<(), CliError> {
    counts_table(out, counts)?;
    if rows.is_empty() {
        return out.line("none 无");
    }
    let headings = [
        "No. 序号",
        "Refused 拒绝时间",
        "Party 单位",
        "Key 密钥",
        "Statement 申报",
        "Code 拒绝代码",
        "Why 原因",
        "Judged at 判定位置",
    ];
    out.table(&headings, &[0, 7], rows)
}

/// What is counted, the addresses of what did not verify among it.
fn counts_table(out: &mut Out, counts: &RefusalCounts) -> Result<(), CliError> {
    let anchored = counts.anchored.as_ref().map_or(0, |word| word.count);
    let kept = format!(
        "{}, from number 自序号 {}, {anchored} anchored 已锚定",
        counts.kept, counts.kept_from
    );
    let mut fields = vec![
        ("Kept 留存", kept),
        ("Counted only 仅计数", counts.not_kept.to_string()),
        ("Not verified 签名未通过", counts.unverified.to_string()),
    ];
    for from in &counts.addresses {
        let text = format!(
            "{} of them {}, bad signatures 签名错误 {}",
            from.unverified, from.address, from.bad_signatures
        );
        fields.push(("  from 来自", text));
    }
    if counts.other_addresses > 0 {
        fields.push(("  from elsewhere 其他", counts.other_addresses.to_string()));
    }
    if !counts.failed.is_empty() {
        fields.push(("None kept now 暂停留存", counts.failed.clone()));
    }
    out.fields(&fields)
}
