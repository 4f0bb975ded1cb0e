//! A word to somebody's web server: a JSON POST, with a bound on each try and
//! on their number.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::witness::authorities::Authorities;

/// How long one try may take, its answer included.
const TRY_FOR: Duration = Duration::from_secs(10);

/// Tries, at most.
const TRIES: u32 = 4;

/// How long to wait after the first that failed; twice as long after each.
const WAIT: Duration = Duration::from_secs(1);

/// Posts it, over HTTPS only to whom these authorities know; blocks for under a
/// minute at most.
///
/// # Errors
/// What the last try came to.
pub fn post(url: &str, value: &Value, authorities: &Authorities) -> Result<(), String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TRY_FOR))
        .tls_config(authorities.tls())
        .build()
        .into();
    let body = value.to_string();
    let mut wait = WAIT;
    let mut tries = 1;
    loop {
        let sent = agent
            .post(url)
            .header("content-type", "application/json")
            .send(&body);
        match sent {
            Ok(_) => return Ok(()),
            Err(error) if tries == TRIES || authorities.refuse(&error) => {
                let why = authorities.explain(&error);
                return Err(format!("{why}, after {tries} tries"));
            }
            Err(_) => {}
        }
        tries += 1;
        thread::sleep(wait);
        wait = wait.saturating_mul(2);
    }
}
