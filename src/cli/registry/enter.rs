//! Entering vehicles, persons and permits, and stating a permit's status.

use clap::Args;

use crate::cli::client::{Client, block_on};
use crate::cli::error::{CliError, Outcome};
use crate::cli::key_file::from_hex;
use crate::cli::submit::one::{self, SignArgs};
use crate::cli::time;
use crate::custody::Item;
use crate::custody::subject;
use crate::event::Mass;
use crate::pb::event::Body;
use crate::pb::{
    GetEntryRequest, MassBasis, MeasureUnit, PermitKind, PermitRegistered, PermitStated,
    PermitStatus, PersonRegistered, Qualification, QualificationKind, Subject, VehicleKind,
    VehicleRegistered,
};

/// A name of an enumeration as people write it: `tank-truck`.
fn named<T>(
    prefix: &str,
    text: &str,
    option: &str,
    find: impl Fn(&str) -> Option<T>,
) -> Result<T, CliError> {
    let name = format!("{prefix}{}", text.to_ascii_uppercase().replace('-', "_"));
    find(&name).ok_or_else(|| {
        CliError::argument(
            format!("{option} {text}"),
            format!("the schema has no {name}; write it as there, in small letters"),
        )
    })
}

fn day(option: &str, text: Option<&String>, before: i64) -> Result<i64, CliError> {
    text.map_or(Ok(before), |text| time::argument(option, text))
}

fn hash(option: &str, text: &str) -> Result<bytes::Bytes, CliError> {
    from_hex(text)
        .filter(|bytes| bytes.len() == 32)
        .map(Into::into)
        .ok_or_else(|| CliError::argument(format!("{option} {text}"), "64 hexadecimal digits"))
}

/// An entry as it is registered, if it is.
async fn registered(client: &Client, subject: Subject) -> Result<Option<Item>, CliError> {
    let request = GetEntryRequest {
        subject: Some(subject),
        min_position: 0,
    };
    let answer = client.registry().get_entry(request).await;
    let answer = answer.map_err(CliError::server("find an entry (GetEntry)"))?;
    Ok(answer.into_inner().item.and_then(|entry| entry.item))
}

/// Enter a vehicle, wagon, tank or container, or change what is registered.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  hazledger registry vehicle 蒙D20731 --inspection-until 2030-01-01 --key carrier.key")]
pub(super) struct VehicleArgs {
    /// The plate or number, as a waybill names it.
    vehicle: String,
    /// Who operates it.
    #[arg(long, value_name = "CODE")]
    party: Option<String>,
    /// truck, tank-truck, tractor, trailer, tank-trailer, wagon, tank-wagon,
    /// tank-container, container.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    #[arg(long, value_name = "TEXT")]
    plate_colour: Option<String>,
    /// The operating certificate 道路运输证.
    #[arg(long, value_name = "NUMBER")]
    certificate: Option<String>,
    #[arg(long, value_name = "DAY")]
    certificate_until: Option<String>,
    /// The tank's number.
    #[arg(long, value_name = "NUMBER")]
    tank: Option<String>,
    /// Until when the tank's inspection is valid.
    #[arg(long, value_name = "DAY")]
    inspection_until: Option<String>,
    /// A form that the tank may hold. May be repeated; replaces those
    /// registered.
    #[arg(long, value_name = "FORM")]
    media: Vec<String>,
    #[command(flatten)]
    sign: SignArgs,
}

pub(super) fn vehicle(args: &VehicleArgs) -> Result<Outcome, CliError> {
    block_on(async {
        let client = Client::connect(&args.sign.server).await?;
        let known = registered(&client, subject::vehicle(&args.vehicle)).await?;
        let mut e = match known {
            Some(Item::Vehicle(state)) => state.registered.unwrap_or_default(),
            _ => VehicleRegistered::default(),
        };
        args.vehicle.clone_into(&mut e.vehicle);
        change(&mut e.party, args.party.as_ref());
        change(&mut e.plate_colour, args.plate_colour.as_ref());
        change(&mut e.operating_certificate, args.certificate.as_ref());
        change(&mut e.tank, args.tank.as_ref());
        if let Some(kind) = &args.kind {
            let find = VehicleKind::from_str_name;
            e.kind = named("VEHICLE_KIND_", kind, "--kind", find)?.into();
        }
        let until = args.certificate_until.as_ref();
        e.certificate_until_ms = day("--certificate-until", until, e.certificate_until_ms)?;
        let until = args.inspection_until.as_ref();
        e.inspection_until_ms = day("--inspection-until", until, e.inspection_until_ms)?;
        if !args.media.is_empty() {
            e.media.clone_from(&args.media);
        }
        let party = whose(&e.party)?;
        one::say(
            &client,
            &args.sign,
            &party,
            vec![Body::VehicleRegistered(e)],
        )
        .await
    })
}

fn change(field: &mut String, given: Option<&String>) {
    if let Some(given) = given {
        given.clone_into(field);
    }
}

fn whose(party: &str) -> Result<String, CliError> {
    if party.is_empty() {
        return Err(CliError::argument(
            "--party",
            "it is not registered yet: say whose it is",
        ));
    }
    Ok(party.to_owned())
}

/// Enter a person's qualification, by commitment.
#[derive(Debug, Args)]
#[command(after_help = "\
A qualification of the same kind is replaced, others stay.

Example:
  hazledger registry person 3f…9a --party 91150400MADEM0046K \\
    --qualification driver --from 2024-05-01 --until 2030-05-01 --key carrier.key")]
pub(super) struct PersonArgs {
    /// The person's commitment: 64 hexadecimal digits.
    person: String,
    /// The employer.
    #[arg(long, value_name = "CODE")]
    party: Option<String>,
    /// driver, escort, loader, declarer, safety-manager, safety-engineer,
    /// store-keeper, blaster.
    #[arg(long, value_name = "KIND")]
    qualification: String,
    #[arg(long, value_name = "DAY")]
    from: String,
    #[arg(long, value_name = "DAY")]
    until: String,
    /// It has been withdrawn.
    #[arg(long)]
    withdrawn: bool,
    #[command(flatten)]
    sign: SignArgs,
}

pub(super) fn person(args: &PersonArgs) -> Result<Outcome, CliError> {
    let person = hash("PERSON", &args.person)?;
    let find = QualificationKind::from_str_name;
    let kind = named(
        "QUALIFICATION_KIND_",
        &args.qualification,
        "--qualification",
        find,
    )?;
    let qualification = Qualification {
        kind: kind.into(),
        from_ms: time::argument("--from", &args.from)?,
        until_ms: time::argument("--until", &args.until)?,
        withdrawn: args.withdrawn,
    };
    block_on(async {
        let client = Client::connect(&args.sign.server).await?;
        let known = registered(&client, subject::person(&person)).await?;
        let mut e = match known {
            Some(Item::Person(state)) => state.registered.unwrap_or_default(),
            _ => PersonRegistered::default(),
        };
        e.person = person.clone();
        change(&mut e.party, args.party.as_ref());
        e.qualifications.retain(|q| q.kind() != kind);
        e.qualifications.push(qualification);
        let party = whose(&e.party)?;
        one::say(&client, &args.sign, &party, vec![Body::PersonRegistered(e)]).await
    })
}

/// Enter a permit: unconfirmed from its photograph, or as its issuer.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  hazledger registry permit PURCHASE-1 --party 91150400MADEM0038R \\
    --kind highly-toxic-purchase --issuer 赤峰市公安局 --substance NACN \\
    --quantity-kg 5000 --from 2026-11-01 --until 2027-11-01 \\
    --photograph 3f…9a --key seller.key --as 91150400MADEM0011K")]
pub(super) struct PermitArgs {
    /// As printed on it.
    number: String,
    /// The holder.
    #[arg(long, value_name = "CODE")]
    party: String,
    /// As in the schema: safe-production, trade, highly-toxic-purchase,
    /// highly-toxic-road-pass, road-transport, waste-operation, …
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Who issued it.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// unconfirmed, granted, suspended, revoked.
    #[arg(long, value_name = "STATUS", default_value = "unconfirmed")]
    status: String,
    /// A substance that it is for. May be repeated; none: all.
    #[arg(long = "substance", value_name = "CODE")]
    substances: Vec<String>,
    /// How much may be bought, in kilograms of gross.
    #[arg(long, value_name = "KG")]
    quantity_kg: Option<String>,
    /// The quantity is of contained mass.
    #[arg(long)]
    contained: bool,
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// BLAKE3 of a photograph: 64 hexadecimal digits.
    #[arg(long, value_name = "HEX")]
    photograph: Option<String>,
    #[command(flatten)]
    sign: SignArgs,
}

pub(super) fn permit(args: &PermitArgs) -> Result<Outcome, CliError> {
    block_on(async {
        let client = Client::connect(&args.sign.server).await?;
        let known = registered(&client, subject::permit(&args.party, &args.number)).await?;
        let before = match known {
            Some(Item::Permit(state)) => state.registered.unwrap_or_default(),
            _ => PermitRegistered::default(),
        };
        let e = permit_of(args, before)?;
        one::say(
            &client,
            &args.sign,
            &args.party,
            vec![Body::PermitRegistered(e)],
        )
        .await
    })
}

fn permit_of(args: &PermitArgs, before: PermitRegistered) -> Result<PermitRegistered, CliError> {
    let mut e = before;
    args.party.clone_into(&mut e.party);
    args.number.clone_into(&mut e.number);
    if let Some(kind) = &args.kind {
        let find = PermitKind::from_str_name;
        e.kind = named("PERMIT_KIND_", kind, "--kind", find)?.into();
    }
    change(&mut e.issuer, args.issuer.as_ref());
    let find = PermitStatus::from_str_name;
    e.status = named("PERMIT_STATUS_", &args.status, "--status", find)?.into();
    if !args.substances.is_empty() {
        e.substances.clone_from(&args.substances);
    }
    if let Some(kg) = &args.quantity_kg {
        let mass = Mass::parse(kg, MeasureUnit::Kg)
            .map_err(|why| CliError::argument(format!("--quantity-kg {kg}"), why.to_string()))?;
        e.quantity_mg = mass.as_mg();
        let basis = if args.contained {
            MassBasis::Contained
        } else {
            MassBasis::Gross
        };
        e.basis = basis.into();
    }
    e.from_ms = day("--from", args.from.as_ref(), e.from_ms)?;
    e.until_ms = day("--until", args.until.as_ref(), e.until_ms)?;
    if let Some(photograph) = &args.photograph {
        e.photograph_hash = hash("--photograph", photograph)?;
    }
    Ok(e)
}

/// Confirm, suspend or revoke a permit, in one act, as an authority.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  hazledger registry confirm PURCHASE-1 --party 91150400MADEM0038R \\
    --as 91350100M000100Y43 --key bureau.key
  hazledger registry confirm PURCHASE-1 --party 91150400MADEM0038R \\
    --status suspended --reason 'under review' --as 91350100M000100Y43 --key bureau.key")]
pub(super) struct ConfirmArgs {
    /// The permit's number.
    number: String,
    /// Its holder.
    #[arg(long, value_name = "CODE")]
    party: String,
    /// granted, suspended, revoked.
    #[arg(long, value_name = "STATUS", default_value = "granted")]
    status: String,
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    sign: SignArgs,
}

pub(super) fn confirm(args: &ConfirmArgs) -> Result<Outcome, CliError> {
    let find = PermitStatus::from_str_name;
    let stated = PermitStated {
        party: args.party.clone(),
        number: args.number.clone(),
        status: named("PERMIT_STATUS_", &args.status, "--status", find)?.into(),
        reason: args.reason.clone(),
    };
    block_on(async {
        let client = Client::connect(&args.sign.server).await?;
        one::say(
            &client,
            &args.sign,
            &args.party,
            vec![Body::PermitStated(stated)],
        )
        .await
    })
}
