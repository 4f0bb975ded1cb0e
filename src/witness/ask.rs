//! One request to somebody's witness, over HTTP, with a bound on everything:
//! time, bytes, redirects (none). Not here: when to ask, and what to make of
//! the answer (`push`, `complete`).

use std::time::Duration;

use ureq::Agent;
use ureq::http::{Response, header};

use super::authorities::Authorities;
use super::memory::origin_hash;
use super::request::{AddCheckpoint, MAX_ANSWER, SIZE_TYPE, read_size};
use crate::proof::{
    Checkpoint, Note, NoteSignature, VerifierKey, check_cosignature, open_checkpoint,
};

/// How long connecting may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one request may take in all.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that is not used is kept for the next request: less
/// than witnesses of our kind keep it open.
const IDLE_AGE: Duration = Duration::from_secs(5);

/// Characters of a witness' own words that are passed on.
const MAX_WORDS: usize = 300;

/// A witness that can be asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its name in the policy.
    pub name: String,
    /// What its cosignatures are verified with.
    pub key: VerifierKey,
    /// Where: the submission prefix of C2SP tlog-witness.
    pub url: String,
}

/// What a witness answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Its cosignature, which holds.
    Cosigned {
        /// That.
        signature: NoteSignature,
        /// When it says it was made, Unix seconds; never 0.
        at_s: u64,
    },
    /// It has signed a checkpoint of this size, and wants a proof from there.
    Has(u64),
    /// Something else.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its own words, shortened.
        words: String,
    },
}

/// Why there is no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Not reached, or not in time.
    #[error("no answer from {url}: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// What came of it.
        why: String,
    },
    /// An answer that says nothing that holds.
    #[error("the answer from {url} is of no use: {why}")]
    Useless {
        /// Where.
        url: String,
        /// What is wrong.
        why: String,
    },
}

/// Asks one witness. It keeps its connection.
#[derive(Debug)]
pub struct Asker {
    asked: Asked,
    agent: Agent,
    authorities: Authorities,
}

impl Asker {
    /// For a witness, which over HTTPS must be who these say it is.
    pub fn new(asked: Asked, authorities: Authorities) -> Asker {
        Asker::within(asked, authorities, REQUEST_TIMEOUT)
    }

    /// The same with another bound on the time that one request takes in all.
    pub(super) fn within(asked: Asked, authorities: Authorities, time: Duration) -> Asker {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(time))
            // A witness that has moved is for the policy to say.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // Where a policy says, and nowhere else.
            .proxy(None)
            .max_idle_connections(1)
            .max_idle_age(IDLE_AGE)
            .tls_config(authorities.tls())
            .user_agent(concat!("hazledger/", env!("CARGO_PKG_VERSION")))
            .build();
        Asker {
            asked,
            agent: config.new_agent(),
            authorities,
        }
    }

    /// Whom it asks.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Sends a checkpoint; blocks for [`REQUEST_TIMEOUT`] at most.
    pub fn add(&self, request: &AddCheckpoint) -> Result<Said, NoAnswer> {
        let url = self.url("add-checkpoint");
        let sent = self.agent.post(&url).send(request.to_string());
        let (status, kind, body) = self.read(&url, sent)?;
        match status {
            200 => self
                .cosignature(&request.note, &body)
                .map(|(signature, at_s)| Said::Cosigned { signature, at_s })
                .map_err(|why| NoAnswer::Useless { url, why }),
            409 if is_type(&kind, SIZE_TYPE) => {
                read_size(&body)
                    .map(Said::Has)
                    .ok_or_else(|| NoAnswer::Useless {
                        url,
                        why: "it says 409 and no size".to_owned(),
                    })
            }
            status => Ok(Said::Refused {
                status,
                words: words(&body),
            }),
        }
    }

    /// The checkpoint of a log that the witness shows, if the log has signed
    /// it, with the log's signatures and nobody else's; `None` if it shows none.
    /// A witness may show it elsewhere, or not.
    pub fn latest(&self, log: &VerifierKey) -> Result<Option<(Checkpoint, String)>, NoAnswer> {
        let url = self.url(&format!("{}/checkpoint", origin_hash(log.name())));
        let sent = self.agent.get(&url).call();
        let (status, _, body) = self.read(&url, sent)?;
        if status != 200 {
            return Ok(None);
        }
        match open_checkpoint(&body, log) {
            Ok((checkpoint, shown)) => {
                // What is told and kept of it is the log's own word.
                let signatures = log.signatures_in(&shown).cloned().collect();
                let text = shown.text;
                Ok(Some((checkpoint, Note { text, signatures }.to_string())))
            }
            Err(why) => Err(NoAnswer::Useless {
                url,
                why: why.to_string(),
            }),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.asked.url.trim_end_matches('/'))
    }

    /// The witness' signature in an answer, held against its key, and the time
    /// of its latest. Signatures of others are passed over.
    fn cosignature(&self, note: &Note, lines: &str) -> Result<(NoteSignature, u64), String> {
        // Of the answer alone: what the note came with is not the answer.
        let answered = Note::parse(&format!("{}\n{lines}", note.text));
        let answered = answered.map_err(|why| why.to_string())?;
        let at_s = check_cosignature(&answered, &self.asked.key).map_err(|why| why.to_string())?;
        if at_s == 0 {
            return Err("its cosignature has no time".to_owned());
        }
        let key = &self.asked.key;
        let ours = key.signatures_in(&answered).next();
        let ours = ours
            .cloned()
            .ok_or_else(|| "it has not signed".to_owned())?;
        Ok((ours, at_s))
    }

    /// Status, content type and body.
    fn read(
        &self,
        url: &str,
        sent: Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<(u16, String, String), NoAnswer> {
        let unreachable = |why: ureq::Error| NoAnswer::Unreachable {
            url: url.to_owned(),
            why: self.authorities.explain(&why),
        };
        let mut response = sent.map_err(unreachable)?;
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        let body = response
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER as u64)
            .read_to_string()
            .map_err(unreachable)?;
        Ok((response.status().as_u16(), kind, body))
    }
}

/// Whether a content type is this one: in any case, parameters or not.
fn is_type(kind: &str, wanted: &str) -> bool {
    let (name, _) = kind.split_once(';').unwrap_or((kind, ""));
    name.trim().eq_ignore_ascii_case(wanted)
}

/// A body's first line, shortened and without what a log cannot hold.
fn words(body: &str) -> String {
    let line = body.lines().next().unwrap_or_default();
    let printable = line.chars().filter(|c| !c.is_control());
    printable.take(MAX_WORDS).collect()
}
