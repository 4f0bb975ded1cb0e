//! Which key signs which line. `--key PARTY=FILE` says whose a key is; for
//! `--key FILE` the server's registry is asked, once, before anything is
//! sent. A line is signed with the first given key of its party. A single
//! `--key FILE` that the registry does not know signs every line: whether it
//! may is the ledger's to say.

use std::path::PathBuf;

use crate::catalog::Uscc;
use crate::cli::client::Client;
use crate::cli::error::CliError;
use crate::cli::passphrase::PassphraseArgs;
use crate::event::signing::SecretKey;
use crate::pb::GetKeyRequest;

use super::line::Line;

/// Keys given, at most.
const MAX_KEYS: usize = 64;

/// Keys by the party they belong to, as far as that is known.
pub struct Keyring {
    keys: Vec<(Option<String>, SecretKey)>,
    cosigners: Vec<(Option<String>, SecretKey)>,
}

impl Keyring {
    /// Opens the files, asking for passphrases, and the registry for parties.
    pub async fn open(
        keys: &[String],
        cosigners: &[String],
        passphrase: &PassphraseArgs,
        client: &Client,
    ) -> Result<Keyring, CliError> {
        if keys.len().saturating_add(cosigners.len()) > MAX_KEYS {
            return Err(CliError::argument(
                "--key",
                format!("at most {MAX_KEYS} keys"),
            ));
        }
        Ok(Keyring {
            keys: open_all(keys, passphrase, client).await?,
            cosigners: open_all(cosigners, passphrase, client).await?,
        })
    }

    /// The key that signs a line, and those that sign it as well.
    pub fn signers(&self, line: &Line) -> Result<(&SecretKey, Vec<&SecretKey>), String> {
        let key = match self.keys.as_slice() {
            [(None, only)] => only,
            keys => find(keys, &line.party).ok_or_else(|| {
                format!(
                    "no --key belongs to party {}; give --key {0}=FILE",
                    line.party
                )
            })?,
        };
        let Some(named) = &line.cosigners else {
            return Ok((key, self.cosigners.iter().map(|(_, key)| key).collect()));
        };
        let cosigners = named
            .iter()
            .map(|party| {
                find(&self.cosigners, party)
                    .or_else(|| find(&self.keys, party))
                    .ok_or_else(|| {
                        format!("no key belongs to co-signer {party}; give --cosign {party}=FILE")
                    })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok((key, cosigners))
    }
}

fn find<'a>(keys: &'a [(Option<String>, SecretKey)], party: &str) -> Option<&'a SecretKey> {
    keys.iter()
        .find(|(owner, _)| owner.as_deref() == Some(party))
        .map(|(_, key)| key)
}

async fn open_all(
    given: &[String],
    passphrase: &PassphraseArgs,
    client: &Client,
) -> Result<Vec<(Option<String>, SecretKey)>, CliError> {
    let mut opened = Vec::with_capacity(given.len());
    for argument in given {
        let (party, file) = split(argument);
        let key = passphrase.open(&file)?;
        let party = match party {
            Some(party) => Some(party),
            None => owner(&key, client).await?,
        };
        opened.push((party, key));
    }
    Ok(opened)
}

/// `PARTY=FILE` if what stands before the first `=` is a social credit code.
fn split(argument: &str) -> (Option<String>, PathBuf) {
    match argument.split_once('=') {
        Some((party, file)) if party.parse::<Uscc>().is_ok() => {
            (Some(party.to_owned()), file.into())
        }
        _ => (None, argument.into()),
    }
}

async fn owner(key: &SecretKey, client: &Client) -> Result<Option<String>, CliError> {
    let request = GetKeyRequest {
        key_id: key.id().to_bytes(),
        min_position: 0,
    };
    match client.registry().get_key(request).await {
        Ok(answer) => {
            let registered = answer.into_inner().key.and_then(|key| key.registered);
            Ok(registered
                .map(|r| r.party)
                .filter(|party| !party.is_empty()))
        }
        Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
        Err(status) => Err(CliError::server("say whose a key is (GetKey)")(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_is_split_off_only_if_it_is_one() {
        let party = "91150200MA00000072";
        assert_eq!(
            split(&format!("{party}=a=b.key")),
            (Some(party.to_owned()), "a=b.key".into())
        );
        assert_eq!(split("keys=old/a.key"), (None, "keys=old/a.key".into()));
        assert_eq!(split("a.key"), (None, "a.key".into()));
    }
}
