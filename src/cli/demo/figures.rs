//! What the server says of itself when all has been sent: the mass balance,
//! the drum's life, disputes.

use std::collections::{BTreeMap, BTreeSet};

use super::drive::Driven;
use super::life::{self, LifeStep};
use crate::cli::client::Client;
use crate::cli::error::CliError;
use crate::pb::{AccountKind, BalanceRequest, ListDisputesRequest};
use crate::sim::Cast;

/// Gross and contained, milligrams; sums may pass 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) gross: i128,
    pub(super) contained: i128,
}

/// What the server told.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) lots: u64,
    /// By account kind, then substance.
    pub(super) balance: BTreeMap<AccountKind, BTreeMap<String, Sum>>,
    /// Whether the server says that every substance sums to zero.
    pub(super) said_balanced: bool,
    /// Open disputes, up to a page of them.
    pub(super) disputes: usize,
    pub(super) life: Vec<LifeStep>,
    /// Parties that took part, the agencies included: codes and names.
    pub(super) parties: BTreeMap<String, String>,
}

/// Disputes asked for, at most.
const PAGE: u32 = 1_000;

impl Figures {
    /// Asks, of the state after everything that was acknowledged.
    pub(super) async fn ask(
        client: &Client,
        driven: &Driven,
        cast: &Cast,
    ) -> Result<Figures, CliError> {
        let min_position = driven.last.saturating_add(1);
        let what = "add up the balance (Balance)";
        let request = BalanceRequest { min_position };
        let answer = client
            .trace()
            .balance(request)
            .await
            .map_err(CliError::server(what))?;
        let answer = answer.into_inner();
        let mut balance: BTreeMap<AccountKind, BTreeMap<String, Sum>> = BTreeMap::new();
        for row in &answer.rows {
            let number = |text: &str| {
                let why = format!("'{text}' is no number of milligrams");
                text.parse::<i128>()
                    .map_err(|_| CliError::Server { what, why })
            };
            let sum = Sum {
                gross: number(&row.gross_mg)?,
                contained: number(&row.contained_mg)?,
            };
            balance
                .entry(row.account())
                .or_default()
                .insert(row.substance.clone(), sum);
        }
        let request = ListDisputesRequest {
            min_position,
            page_size: PAGE,
            after: bytes::Bytes::new(),
            ..ListDisputesRequest::default()
        };
        let what = "list disputes (ListDisputes)";
        let disputes = client
            .trace()
            .list_disputes(request)
            .await
            .map_err(CliError::server(what))?;
        Ok(Figures {
            lots: answer.lots,
            balance,
            said_balanced: answer.balanced,
            disputes: disputes.into_inner().disputes.len(),
            life: life::ask(client, driven, cast).await?,
            parties: cast
                .registered()
                .map(|w| (w.code.clone(), format!("{} {}", w.name_zh, w.name_en)))
                .collect(),
        })
    }

    /// A party by its names.
    pub(super) fn name(&self, code: &str) -> String {
        let name = self.parties.get(code).cloned();
        name.unwrap_or_else(|| code.to_owned())
    }

    /// Substance codes, in order.
    pub(super) fn substances(&self) -> BTreeSet<&str> {
        self.balance
            .values()
            .flat_map(|by| by.keys().map(String::as_str))
            .collect()
    }

    /// All accounts of a substance together: nothing, if the books are right.
    pub(super) fn total(&self, substance: &str) -> Sum {
        self.balance
            .values()
            .filter_map(|by| by.get(substance))
            .fold(Sum::default(), |sum, row| Sum {
                gross: sum.gross.saturating_add(row.gross),
                contained: sum.contained.saturating_add(row.contained),
            })
    }

    /// Whether the server says so and adding up its rows says the same.
    pub(super) fn balanced(&self) -> bool {
        let zero = |substance: &str| self.total(substance) == Sum::default();
        self.said_balanced && self.substances().into_iter().all(zero)
    }
}
