//! Entries as tables.

use clap::{Args, ValueEnum};

use crate::cli::client::{Client, ServerArgs, block_on};
use crate::cli::error::{CliError, Outcome};
use crate::cli::output::{Format, Out};
use crate::cli::{time, words};
use crate::custody::Item;
use crate::custody::permit;
use crate::event::digest::to_hex;
use crate::pb::{
    self, DangerState, ListEntriesRequest, ListEntriesResponse, PermitState, PersonRegistered,
    StockLine, StockState, Subject, SubjectKind, VehicleRegistered,
};

/// Entries asked for at a time.
const PAGE: u32 = 1_000;

const WHAT: &str = "list entries (ListEntries)";

/// Which entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Permits,
    Vehicles,
    Persons,
    Products,
    Parks,
    Stock,
    Dangers,
}

impl Which {
    fn kind(self) -> SubjectKind {
        match self {
            Which::Permits => SubjectKind::Permit,
            Which::Vehicles => SubjectKind::Vehicle,
            Which::Persons => SubjectKind::Person,
            Which::Products => SubjectKind::Product,
            Which::Parks => SubjectKind::Park,
            Which::Stock => SubjectKind::Stock,
            Which::Dangers => SubjectKind::Danger,
        }
    }

    fn headings(self) -> &'static [&'static str] {
        match self {
            Which::Permits => &[
                "Holder 持有单位",
                "Number 编号",
                "Kind 种类",
                "Status 状态",
                "Until 至",
                "Quantity 数量 (kg)",
                "Drawn 已用 (kg)",
                "Left 剩余 (kg)",
            ],
            Which::Vehicles => &[
                "Operator 单位",
                "Vehicle 车号",
                "Kind 种类",
                "Certificate until 运输证至",
                "Tank 罐体",
                "Inspected until 检验至",
                "Media 介质",
            ],
            Which::Persons => &["Party 单位", "Person 人员", "Qualifications 资格"],
            Which::Products => &["Party 单位", "Registration 登记号", "Form 品种", "Until 至"],
            Which::Parks => &[
                "Park 园区",
                "Name 名称",
                "Region 行政区划",
                "Assessed until 评价至",
            ],
            Which::Stock => &[
                "Party 单位",
                "Where 位置",
                "Form 品种",
                "Gross 毛重 (kg)",
                "Contained 折纯 (kg)",
            ],
            Which::Dangers => &[
                "Party 单位",
                "Site 场所",
                "Item 检查项",
                "What 隐患",
                "Status 状态",
                "Due 期限",
                "Danger 隐患编号",
            ],
        }
    }
}

/// List permits, vehicles, persons, products, parks, stock or hidden dangers.
#[derive(Debug, Args)]
#[command(after_help = "\
--format json prints one entry a line, as the service gives it. Stock is what
stands in each place, in each unit and with each party, form by form.

Example:
  hazledger registry list vehicles --party 91150400MADEM0046K
  hazledger registry list stock --party 91150400MADEM0046K
  hazledger registry list permits --format json")]
pub(super) struct ListArgs {
    #[arg(value_enum)]
    which: Which,
    #[command(flatten)]
    server: ServerArgs,
    /// Only this party's.
    #[arg(long, value_name = "CODE")]
    party: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &ListArgs) -> Result<Outcome, CliError> {
    let mut request = ListEntriesRequest {
        kind: args.which.kind().into(),
        party: args.party.clone().unwrap_or_default(),
        page_size: PAGE,
        ..ListEntriesRequest::default()
    };
    block_on(async {
        let mut client = Client::connect(&args.server).await?;
        let mut out = Out::new();
        let mut rows = Vec::new();
        loop {
            let answer = page(&client, &request).await?;
            for (entry, subject) in answer.items.iter().zip(&answer.subjects) {
                match args.format {
                    Format::Json => out.message(WHAT, "Item", entry)?,
                    Format::Table => rows.extend(rows_of(&mut client, entry, subject).await),
                }
            }
            if answer.next.is_empty() {
                break;
            }
            request.after = answer.next;
        }
        match args.format {
            Format::Json => {}
            Format::Table if rows.is_empty() => out.line("none 无")?,
            Format::Table => out.table(args.which.headings(), &[], rows)?,
        }
        Ok(Outcome::Done)
    })
}

async fn page(
    client: &Client,
    request: &ListEntriesRequest,
) -> Result<ListEntriesResponse, CliError> {
    let answer = client.registry().list_entries(request.clone()).await;
    Ok(answer.map_err(CliError::server(WHAT))?.into_inner())
}

/// A day, or nothing for none.
fn day(ms: i64) -> String {
    match ms {
        0 => String::new(),
        ms => time::shown(ms).chars().take(10).collect(),
    }
}

/// One line an entry; of stock one a form.
async fn rows_of(client: &mut Client, entry: &pb::Item, subject: &Subject) -> Vec<Vec<String>> {
    match &entry.item {
        Some(Item::Danger(danger)) => danger_row(client, danger, subject)
            .await
            .into_iter()
            .collect(),
        Some(Item::Stock(stock)) => stock_rows(&client.party_name(&stock.party).await, stock),
        _ => row(client, entry).await.into_iter().collect(),
    }
}

async fn row(client: &mut Client, entry: &pb::Item) -> Option<Vec<String>> {
    Some(match entry.item.as_ref()? {
        Item::Permit(state) => {
            let holder = state.registered.as_ref()?.party.clone();
            permit_row(client.party_name(&holder).await, state)
        }
        Item::Vehicle(state) => {
            let e = state.registered.as_ref()?;
            vehicle_row(client.party_name(&e.party).await, e)
        }
        Item::Person(state) => {
            let e = state.registered.as_ref()?;
            person_row(client.party_name(&e.party).await, e)
        }
        Item::Product(state) => {
            let e = state.registered.as_ref()?;
            let name = client.party_name(&e.party).await;
            vec![
                name,
                e.registration.clone(),
                e.form.clone(),
                day(e.until_ms),
            ]
        }
        Item::Park(state) => {
            let e = state.registered.as_ref()?;
            let until = day(e.assessment_until_ms);
            vec![e.park.clone(), e.name_zh.clone(), e.region.clone(), until]
        }
        _ => return None,
    })
}

/// Kilograms as people write them.
fn kilograms(mg: i64) -> String {
    words::signed_kg(mg).trim_start_matches('+').to_owned()
}

fn permit_row(holder: String, state: &PermitState) -> Vec<String> {
    let e = state.registered.clone().unwrap_or_default();
    let (quantity, left) = match permit::remainder(state) {
        None => (String::new(), String::new()),
        Some(left) => (kilograms(e.quantity_mg), words::signed_kg(left)),
    };
    vec![
        holder,
        e.number.clone(),
        words::permit_kind(e.kind()).to_owned(),
        words::permit_status(e.status()).to_owned(),
        day(e.until_ms),
        quantity,
        kilograms(state.drawn_mg),
        left,
    ]
}

/// Its id is what `rectified`, `verified` and `looked_back` name.
async fn danger_row(
    client: &mut Client,
    state: &DangerState,
    subject: &Subject,
) -> Option<Vec<String>> {
    let e = state.opened.as_ref()?;
    Some(vec![
        client.party_name(&e.party).await,
        e.site.clone(),
        e.item.clone(),
        e.what.clone(),
        words::danger_status(state.status()).to_owned(),
        day(state.due_ms),
        to_hex(&subject.id),
    ])
}

fn stock_rows(party: &str, stock: &StockState) -> Vec<Vec<String>> {
    let at = match (stock.place.as_str(), stock.unit.as_str()) {
        ("", "") => "all 合计".to_owned(),
        ("", unit) => format!("unit 单元 {unit}"),
        (place, _) => format!("place 储位 {place}"),
    };
    let line = |line: &StockLine| {
        vec![
            party.to_owned(),
            at.clone(),
            line.form.clone(),
            kilograms(line.gross_mg),
            kilograms(line.contained_mg),
        ]
    };
    stock.lines.iter().map(line).collect()
}

fn vehicle_row(operator: String, e: &VehicleRegistered) -> Vec<String> {
    vec![
        operator,
        e.vehicle.clone(),
        words::vehicle_kind(e.kind()).to_owned(),
        day(e.certificate_until_ms),
        e.tank.clone(),
        day(e.inspection_until_ms),
        e.media.join(" "),
    ]
}

fn person_row(party: String, e: &PersonRegistered) -> Vec<String> {
    let each = e.qualifications.iter().map(|q| {
        let kind = words::qualification(q.kind());
        let withdrawn = if q.withdrawn {
            " withdrawn 已撤销"
        } else {
            ""
        };
        format!("{kind} → {}{withdrawn}", day(q.until_ms))
    });
    vec![
        party,
        to_hex(&e.person),
        each.collect::<Vec<_>>().join("; "),
    ]
}
