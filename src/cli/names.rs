//! Names of parties for reading: from a server, or from records that are at
//! hand. Not here: what a party is known by, its code.

use std::collections::BTreeMap;

use super::client::Client;

/// Where names come from.
pub enum Names<'a> {
    /// The server's registry.
    Server(&'a mut Client),
    /// By code; others are shown by their code.
    Known(BTreeMap<String, String>),
}

impl Names<'_> {
    /// A party's name in Chinese, or its code.
    pub async fn party(&mut self, code: &str) -> String {
        match self {
            Names::Server(client) => client.party_name(code).await,
            Names::Known(names) => names.get(code).map_or(code, String::as_str).to_owned(),
        }
    }
}
