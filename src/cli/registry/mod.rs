//! `hazledger registry`: who may do what, listed and entered. What a command
//! does not name of an entry stays as it is registered.

mod enter;
mod list;

use clap::{Args, Subcommand};

use super::error::{CliError, Outcome};

/// List and enter permits, vehicles, persons, products and parks.
#[derive(Debug, Args)]
#[command(after_help = "\
Days are those of Asia/Shanghai; 'until' is the first day on which it no longer
holds. An entry that exists is changed where an option says so and stays as it
is otherwise. Other entries (parties, sites, products, parks, agencies) go
by 'hazledger submit'.

Example:
  hazledger registry list permits --party 91150400MADEM0038R
  hazledger registry vehicle 蒙D20731 --party 91150400MADEM0046K \\
    --kind tank-truck --certificate 150400001 --certificate-until 2030-01-01 \\
    --tank TANK-7 --inspection-until 2030-01-01 --media NACN-1689 --key carrier.key
  hazledger registry confirm PURCHASE-1 --party 91150400MADEM0038R \\
    --as 91350100M000100Y43 --key bureau.key")]
pub struct RegistryArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(list::ListArgs),
    Vehicle(enter::VehicleArgs),
    Person(enter::PersonArgs),
    Permit(enter::PermitArgs),
    Confirm(enter::ConfirmArgs),
}

/// Runs it.
pub fn run(args: &RegistryArgs) -> Result<Outcome, CliError> {
    match &args.action {
        Action::List(args) => list::run(args),
        Action::Vehicle(args) => enter::vehicle(args),
        Action::Person(args) => enter::person(args),
        Action::Permit(args) => enter::permit(args),
        Action::Confirm(args) => enter::confirm(args),
    }
}
