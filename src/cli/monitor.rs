//! `hazledger monitor`: a ledger kept an eye on from outside. What is checked
//! is in `audit::monitor`; this asks the servers, keeps what was seen in a
//! folder, and tells whoever wants to know.

use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::authorities;
use super::client::block_on;
use super::error::{CliError, Outcome};
use super::kept::read_policy;
use super::key_file::from_hex;
use super::limits::duration;
use super::monitored::StateDir;
use super::output::{Format, Out, plain};
use super::remote::Remote;
use super::serve::stop_signal;
use super::{time, webhook};
use crate::audit::{Alarm, AlarmKind, Monitor, Rules};
use crate::event::Hash;
use crate::proof::{Expect, Verifier, VerifierKey};
use crate::witness::authorities::Authorities;

/// How long a server may be silent before somebody is told.
const UNREACHABLE_AFTER: Duration = Duration::from_mins(1);

/// How long one server is read from before the others have their turn.
const LOOK_FOR: Duration = Duration::from_mins(10);

/// How often the whole verification is saved, at most: it may be large.
const SAVE_EVERY: Duration = Duration::from_mins(1);

/// Keep verifying what a ledger's servers show, and raise the alarm.
#[derive(Debug, Args)]
#[command(after_help = "\
Everything new is verified as 'hazledger verify URL' does, and held against what
was shown before; of several servers of one ledger, against each other. What was
verified is kept in the folder, so that the next run goes on from there: keep it
where nobody else writes.

An alarm is a line on standard error, a line in alarms.jsonl of the folder, and a
JSON POST to the webhook. These end it with exit status 1: fork, smaller-tree,
two-roots, broken-rule, not-signed, withheld. These are told once each time, and
it goes on: late-checkpoint, not-cosigned, unreachable. With --once every server
is looked at once; then the first two too give exit status 1, the last one 2.
SIGINT (Ctrl-C) and SIGTERM end it once what was verified is kept, with exit
status 0.

Example:
  hazledger monitor http://127.0.0.1:7474 --state watch --genesis 3b1f…
  hazledger monitor http://a:7474 http://b:7474 --state watch --key 'example/try+1a2b3c4d+AQ…' \\
    --policy witnesses.policy --webhook https://duty.example/alarm")]
pub struct MonitorArgs {
    /// The addresses of the ledger's servers.
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// The folder that remembers what was verified; it is made if there is none.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The ledger's verifier key (C2SP signed-note), as known from elsewhere.
    #[arg(long, value_name = "VKEY", required_unless_present = "genesis")]
    key: Option<String>,
    /// The ledger's genesis hash (64 hexadecimal digits), as known from
    /// elsewhere.
    #[arg(long, value_name = "HASH")]
    genesis: Option<String>,
    /// Whose cosignatures must be on its checkpoints: a policy (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Where alarms are posted as JSON.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Post to an https address only if an authority in this file (PEM) has
    /// certified it, and no other [default: the public ones of the web].
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_ca: Option<PathBuf>,
    /// How long to wait between two looks.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    every: Duration,
    /// How long a record may wait for a checkpoint that covers it.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    late: Duration,
    /// Look once, and end.
    #[arg(long)]
    once: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &MonitorArgs) -> Result<Outcome, CliError> {
    let vkey = args.key.as_deref().map(verifier_key).transpose()?;
    let genesis_hash = args.genesis.as_deref().map(genesis).transpose()?;
    let expect = Expect {
        genesis_hash,
        // The key is held against all that the ledger has had: it may be
        // rotated while this runs.
        ..Expect::default()
    };
    let rules = Rules {
        vkey,
        policy: args.policy.as_deref().map(read_policy).transpose()?,
        late_ms: i64::try_from(args.late.as_millis()).unwrap_or(i64::MAX),
    };
    let authorities = authorities::read("--webhook-ca", args.webhook_ca.as_deref())?;
    let dir = StateDir::open(&args.state)?;
    let verifier = match dir.verified(&expect) {
        Ok(saved) => saved.unwrap_or_else(|| Verifier::new(expect)),
        Err(why) => {
            eprintln!("hazledger: {why}. All is verified from the beginning");
            Verifier::new(expect)
        }
    };
    let seen = dir.seen()?;
    let saved = verifier.position().0;
    let monitor = Monitor::new(rules, verifier, &args.urls, seen.as_ref());
    let watch = Watch {
        args,
        authorities,
        dir,
        monitor,
        saved,
        saved_at: Instant::now(),
        silent: vec![Silence::default(); args.urls.len()],
        said_no: false,
        unreachable: false,
    };
    block_on(watch.run())
}

fn verifier_key(text: &str) -> Result<VerifierKey, CliError> {
    VerifierKey::parse(text)
        .map_err(|bad| CliError::argument(format!("--key {text}"), bad.to_string()))
}

/// A genesis hash as an argument.
pub fn genesis(text: &str) -> Result<Hash, CliError> {
    let hash = from_hex(text).and_then(|bytes| Hash::from_slice(&bytes));
    hash.ok_or_else(|| {
        let why =
            "not a genesis hash: give its 64 hexadecimal digits, as 'hazledger verify' prints them";
        CliError::argument(format!("--genesis {text}"), why)
    })
}

/// Since when a server has not answered.
#[derive(Clone, Copy, Default)]
struct Silence {
    since: Option<Instant>,
    told: bool,
}

/// What a look at a server came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looked {
    /// To be gone on with.
    Over,
    /// An alarm that ends everything.
    Ended,
    /// Told to stop in the middle of it.
    Stopped,
}

/// SIGINT or SIGTERM, to be waited for.
type Stop<'a> = Pin<&'a mut dyn Future<Output = ()>>;

struct Watch<'a> {
    args: &'a MonitorArgs,
    /// Of the webhook.
    authorities: Authorities,
    dir: StateDir,
    monitor: Monitor,
    /// Records under what was saved last, and when that was.
    saved: u64,
    saved_at: Instant,
    silent: Vec<Silence>,
    said_no: bool,
    unreachable: bool,
}

/// Why a look at a server did not end well.
enum Trouble {
    Alarm(Alarm),
    Silent(CliError),
}

impl From<Alarm> for Trouble {
    fn from(alarm: Alarm) -> Trouble {
        Trouble::Alarm(alarm)
    }
}

impl From<CliError> for Trouble {
    fn from(error: CliError) -> Trouble {
        Trouble::Silent(error)
    }
}

impl Watch<'_> {
    async fn run(mut self) -> Result<Outcome, CliError> {
        let mut stop = pin!(stop_signal()?);
        loop {
            let before = self.monitor.verifier().position().0;
            for server in 0..self.monitor.servers() {
                match self.look(server, stop.as_mut()).await {
                    Looked::Over => {}
                    Looked::Ended => return Ok(Outcome::SaidNo),
                    Looked::Stopped => return self.stopped(server).await,
                }
            }
            if let Err(alarm) = self.monitor.round_over() {
                self.raise(&alarm).await;
                return Ok(Outcome::SaidNo);
            }
            let end = self.args.once;
            self.keep(end)?;
            if end || self.monitor.verifier().position().0 != before {
                self.print()?;
            }
            if end {
                return self.outcome();
            }
            tokio::select! {
                () = sleep(self.args.every) => {}
                () = &mut stop => {
                    self.keep(true)?;
                    return self.outcome();
                }
            }
        }
    }

    /// Told to stop in the middle of a look: what came of it so far is kept,
    /// unless it is an alarm.
    async fn stopped(mut self, server: usize) -> Result<Outcome, CliError> {
        if let Err(alarm) = self.monitor.settle(server) {
            self.raise(&alarm).await;
            return Ok(Outcome::SaidNo);
        }
        self.keep(true)?;
        self.outcome()
    }

    fn outcome(&self) -> Result<Outcome, CliError> {
        match (self.said_no, self.unreachable) {
            (true, _) => Ok(Outcome::SaidNo),
            (false, true) if self.args.once => Err(CliError::Server {
                what: "be looked at",
                why: "see above".to_owned(),
            }),
            _ => Ok(Outcome::Done),
        }
    }

    /// Looks at a server. An alarm that was found is told before anything
    /// ends.
    async fn look(&mut self, server: usize, stop: Stop<'_>) -> Looked {
        let asked = tokio::select! {
            asked = self.ask(server) => asked,
            () = stop => return Looked::Stopped,
        };
        match asked {
            Ok(()) => {
                self.heard(server);
                Looked::Over
            }
            Err(Trouble::Alarm(alarm)) => {
                self.heard(server);
                let ends = alarm.kind.is_final();
                self.said_no |= ends || self.args.once;
                self.raise(&alarm).await;
                if ends { Looked::Ended } else { Looked::Over }
            }
            Err(Trouble::Silent(error)) => {
                self.silent(server, &error).await;
                Looked::Over
            }
        }
    }

    async fn ask(&mut self, server: usize) -> Result<(), Trouble> {
        let url = self.args.urls.get(server).cloned().unwrap_or_default();
        let remote = Remote::connect(&url).await?;
        // First, so that the records are read at least as far.
        let note = remote.checkpoint().await?;
        let told = remote.status().await?;
        self.monitor.told(server, told.records, note.as_deref())?;
        let read = self.read(server, &remote).await;
        // Also of a server that fell silent halfway.
        self.monitor.settle(server)?;
        read?;
        self.monitor.flush(server)?;
        if let Some(note) = &note {
            self.monitor.checkpoint(server, note)?;
        }
        self.monitor.late(server, time::now_ms())?;
        Ok(())
    }

    /// Reads what a server has that is new, and no more than it says it has.
    async fn read(&mut self, server: usize, remote: &Remote) -> Result<(), Trouble> {
        let began = Instant::now();
        let mut batches = remote.batches(self.monitor.from(server), true).await?;
        while !self.monitor.has_shown_all(server)
            && let Some(batch) = batches.next().await?
        {
            self.monitor.batch(server, &batch)?;
            if !self.args.once && began.elapsed() > LOOK_FOR {
                let records = self.monitor.verifier().position().0;
                let why = format!("{records} are verified, and it has more than could be read");
                let what = "send its journal in one turn";
                return Err(CliError::Server { what, why }.into());
            }
        }
        Ok(())
    }

    fn heard(&mut self, server: usize) {
        if let Some(silence) = self.silent.get_mut(server) {
            *silence = Silence::default();
        }
    }

    async fn silent(&mut self, server: usize, error: &CliError) {
        self.unreachable = true;
        let once = self.args.once;
        let Some(silence) = self.silent.get_mut(server) else {
            return;
        };
        let since = *silence.since.get_or_insert_with(Instant::now);
        if silence.told || !once && since.elapsed() < UNREACHABLE_AFTER {
            return;
        }
        silence.told = true;
        let alarm = Alarm {
            kind: AlarmKind::Unreachable,
            server: self.args.urls.get(server).cloned().unwrap_or_default(),
            what: error.to_string(),
            notes: Vec::new(),
        };
        self.raise(&alarm).await;
    }

    /// Tells everybody. That a webhook does not take it, or that it cannot be
    /// written down, is said, and no more: it is an alarm all the same.
    async fn raise(&self, alarm: &Alarm) {
        eprintln!("hazledger: ALARM 警报 {}", plain(&alarm.to_string()));
        let value = self.alarm_value(alarm);
        if let Err(error) = self.dir.add_alarm(&value) {
            eprintln!("hazledger: the alarm is not written down: {error}");
        }
        let Some(url) = self.args.webhook.clone() else {
            return;
        };
        let authorities = self.authorities.clone();
        let post = move || webhook::post(&url, &value, &authorities);
        if let Ok(Err(why)) = tokio::task::spawn_blocking(post).await {
            eprintln!("hazledger: the webhook did not take the alarm: {why}");
        }
    }

    fn alarm_value(&self, alarm: &Alarm) -> Value {
        let seen = self.monitor.seen();
        json!({
            "alarm": alarm.kind.word(),
            "what": alarm.what,
            "server": alarm.server,
            "at": time::shown(time::now_ms()),
            "records": seen.records,
            "lastHead": seen.head.to_string(),
            "treeRoot": seen.root.to_base64(),
            "notes": alarm.notes,
        })
    }

    /// Keeps what was seen, and at times the whole verification.
    fn keep(&mut self, ending: bool) -> Result<(), CliError> {
        let position = self.monitor.verifier().position().0;
        self.dir.keep_seen(&self.monitor.seen())?;
        let due = ending || self.saved_at.elapsed() >= SAVE_EVERY;
        if due && position > self.saved {
            self.dir.keep_verified(self.monitor.verifier())?;
            (self.saved, self.saved_at) = (position, Instant::now());
        }
        Ok(())
    }

    fn print(&self) -> Result<(), CliError> {
        let seen = self.monitor.seen();
        let mut out = Out::new();
        match self.args.format {
            Format::Json => out.json(&json!({
                "at": time::shown(time::now_ms()),
                "records": seen.records,
                "lastHead": seen.head.to_string(),
                "treeRoot": seen.root.to_base64(),
            })),
            Format::Table => out.line(&format!(
                "{} verified 已验证 {} records 条, root 树根 {}",
                time::shown(time::now_ms()),
                seen.records,
                seen.root.to_base64()
            )),
        }
    }
}
