//! The connection to a ledger's server, its identity, and the names of the
//! parties that it knows.

use std::collections::BTreeMap;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use super::error::CliError;
use super::key_file::from_hex;
use crate::event::Hash;
use crate::event::signing::PublicKey;
use crate::pb::ledger_client::LedgerClient;
use crate::pb::registry_client::RegistryClient;
use crate::pb::trace_client::TraceClient;
use crate::pb::{GetPartyRequest, GetStatusRequest, Origin};
use crate::proof::LedgerKeys;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of one answer, at most: a long trace, for example.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Names of parties kept, at most; beyond it they are shown by their code.
const MAX_NAMES: usize = 10_000;

/// What to do about an address that is reached over TLS.
const NO_TLS: &str = "no TLS is spoken to a ledger, whose door is on its machine's loopback: make \
    a tunnel to it, for example with 'ssh -L 7474:127.0.0.1:7474 HOST', and give \
    http://127.0.0.1:7474";

/// The option that names the server.
#[derive(Clone, Debug, clap::Args)]
pub struct ServerArgs {
    /// The ledger's address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7474")]
    pub server: String,
}

/// An open connection.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    names: BTreeMap<String, String>,
}

/// Who the ledger is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// As statements name it.
    pub origin: Origin,
    /// The same hash, checked to be one.
    pub genesis_hash: Hash,
    /// What its commits and refusals are signed with now.
    pub ledger_key: PublicKey,
    /// All keys that it has had: an answer given before is signed with an
    /// earlier one.
    pub ledger_keys: LedgerKeys,
}

/// A runtime of one thread: a subcommand waits for one server.
pub fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::System {
            what: "event loop",
            why: e.to_string(),
        })?
        .block_on(work)
}

impl Client {
    /// Connects; `http://` may be left out.
    pub async fn connect(args: &ServerArgs) -> Result<Client, CliError> {
        let given = args.server.trim_end_matches('/');
        let url = if given.contains("://") {
            given.to_owned()
        } else {
            format!("http://{given}")
        };
        if url.to_ascii_lowercase().starts_with("https:") {
            return Err(CliError::argument(url, NO_TLS));
        }
        let unreachable = |why: String| CliError::Unreachable {
            url: url.clone(),
            why,
        };
        let endpoint = Endpoint::from_shared(url.clone())
            .map_err(|e| unreachable(chain(&e)))?
            .connect_timeout(CONNECT_TIMEOUT);
        let channel = endpoint
            .connect()
            .await
            .map_err(|e| unreachable(chain(&e)))?;
        Ok(Client {
            channel,
            names: BTreeMap::new(),
        })
    }

    /// The ledger service.
    pub fn ledger(&self) -> LedgerClient<Channel> {
        LedgerClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// The trace service.
    pub fn trace(&self) -> TraceClient<Channel> {
        TraceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// The registry service.
    pub fn registry(&self) -> RegistryClient<Channel> {
        RegistryClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Asks the ledger who it is. With a key given, any other is an error.
    pub async fn identity(&self, pinned: Option<&PublicKey>) -> Result<Identity, CliError> {
        let what = "say who it is (GetStatus)";
        let answer = self.ledger().get_status(GetStatusRequest {}).await;
        let status = answer.map_err(CliError::server(what))?.into_inner();
        let incomplete = |why: &str| CliError::Server {
            what,
            why: why.to_owned(),
        };
        let origin = status
            .origin
            .ok_or_else(|| incomplete("it named no origin"))?;
        let genesis_hash = Hash::from_slice(&origin.genesis_hash)
            .ok_or_else(|| incomplete("its genesis hash is not 32 bytes"))?;
        let ledger_key = PublicKey::parse(&status.ledger_public_key)
            .map_err(|e| incomplete(&format!("its ledger key is {e}")))?;
        if let Some(pinned) = pinned.filter(|pinned| **pinned != ledger_key) {
            return Err(CliError::Untrustworthy(format!(
                "its ledger key is {}, you named {}; check the address and the key",
                ledger_key.id(),
                pinned.id()
            )));
        }
        let ledger_keys = LedgerKeys::listed(&status.ledger_keys)
            .map_err(|e| incomplete(&format!("among its keys is {e}")))?;
        Ok(Identity {
            origin,
            genesis_hash,
            ledger_key,
            ledger_keys,
        })
    }

    /// A party's name in Chinese, or its code if the registry has none. Names
    /// are for reading only, so a registry that does not answer is no error.
    pub async fn party_name(&mut self, code: &str) -> String {
        if let Some(name) = self.names.get(code) {
            return name.clone();
        }
        let request = GetPartyRequest {
            party: code.to_owned(),
            min_position: 0,
        };
        let answer = self.registry().get_party(request).await;
        let registered = answer
            .ok()
            .and_then(|a| a.into_inner().party)
            .and_then(|p| p.registered);
        let name = match registered {
            Some(r) if !r.name_zh.is_empty() => r.name_zh,
            _ => code.to_owned(),
        };
        if self.names.len() < MAX_NAMES {
            self.names.insert(code.to_owned(), name.clone());
        }
        name
    }
}

/// A ledger's public key as an argument: 64 hexadecimal digits.
pub fn public_key_argument(name: &str, text: &str) -> Result<PublicKey, CliError> {
    from_hex(text).and_then(|bytes| PublicKey::parse(&bytes).ok()).ok_or_else(|| {
        let why = "not an Ed25519 public key: give its 64 hexadecimal digits, as 'hazledger key show' prints them";
        CliError::argument(format!("{name} {text}"), why)
    })
}

/// A gRPC status in words: the server's say what was at fault and what to do.
pub fn status_text(status: &tonic::Status) -> String {
    match status.message() {
        "" => status.code().description().to_owned(),
        message => message.to_owned(),
    }
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
