//! `hazledger init`: a new ledger. Genesis is made here, signed by the
//! ledger's new key and by every authority key given.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::RangedI64ValueParser;
use clap::{Args, value_parser};

use super::client::block_on;
use super::error::{CliError, Outcome};
use super::key_file::{self, from_hex};
use super::output::{Format, Out};
use super::passphrase::PassphraseArgs;
use super::{data, random, time};
use crate::catalog::Uscc;
use crate::event::digest::to_hex;
use crate::event::mass::PPM;
use crate::event::signing::SecretKey;
use crate::event::statement::{Draft, MAX_SIGNATURES};
use crate::event::{Hash, StatementId};
use crate::ledger::{Ledger, OpenError, Options, SystemClock};
use crate::pb::event::Body;
use crate::pb::{Authority, BaseRulePack, Event, Genesis, Origin, SignedStatement};

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long the genesis statement may wait to be recorded.
const GENESIS_VALID_MS: i64 = DAY_MS;

/// Make a new ledger in an empty or absent directory.
#[derive(Debug, Args)]
#[command(after_help = "\
Several authority keys: repeat --authority-key. With one --authority-party they
are all its; with as many parties as keys they belong one to one, in order.

Example:
  hazledger key new bureau.key
  hazledger init ledger --name hazledger.example/nei-mongol \\
    --authority-party 11150000MB0000000C --authority-name-zh 应急管理厅 \\
    --authority-name-en 'Emergency Management' --authority-key bureau.key")]
pub struct InitArgs {
    /// The data directory; made if it does not exist, and must be empty.
    dir: PathBuf,
    /// The ledger's name, which every statement carries; 1 to 64 bytes.
    #[arg(long, value_name = "ORIGIN")]
    name: String,
    /// The authority's unified social credit code. May be repeated.
    #[arg(long, value_name = "USCC", required = true)]
    authority_party: Vec<String>,
    /// Its name in Chinese; one for each party.
    #[arg(long, value_name = "NAME", required = true)]
    authority_name_zh: Vec<String>,
    /// Its name in English; one for each party, or none.
    #[arg(long, value_name = "NAME")]
    authority_name_en: Vec<String>,
    /// A key file of the authority. May be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    authority_key: Vec<PathBuf>,
    /// Who holds the key: a commitment to a person, 64 hexadecimal digits; one
    /// for each key. Left out: a random one, which names nobody.
    #[arg(long, value_name = "HEX")]
    authority_holder: Vec<String>,
    /// How many authority keys must sign a root act, such as registering a key.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threshold: u32,
    /// Where the new ledger key is written [default: DIR/ledger.key].
    #[arg(long, value_name = "FILE")]
    ledger_key: Option<PathBuf>,
    /// Leave the ledger key's secret unencrypted in its file.
    #[arg(long)]
    plain_text_key: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// A record of the whole state's digest stands at every position divisible
    /// by this.
    #[arg(long, value_name = "RECORDS", default_value_t = 65_536, value_parser = value_parser!(u64).range(2..))]
    interval: u64,
    #[command(flatten)]
    rules: RulesArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The base rule pack.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Base rules")]
struct RulesArgs {
    /// Differences at a handoff up to this part of what was offered are the
    /// scales'; more is a dispute. Parts per million; 3000 is 0.3 %.
    #[arg(long, value_name = "PPM", default_value_t = 3000, value_parser = parts_per_million())]
    measure_tolerance_ppm: u32,
    /// How many hours a dispute may stay open.
    #[arg(long, value_name = "HOURS", default_value_t = 72, value_parser = value_parser!(u32).range(1..=87_600))]
    dispute_deadline_hours: u32,
    /// A statement about something further back than this is a finding.
    #[arg(long, value_name = "DAYS", default_value_t = 3, value_parser = value_parser!(u32).range(..=3650))]
    back_dating_limit_days: u32,
    /// Differences at a stock-take up to this part of what is booked are no
    /// finding. Parts per million.
    #[arg(long, value_name = "PPM", default_value_t = 0, value_parser = parts_per_million())]
    count_tolerance_ppm: u32,
    /// How many days an assay stands of matter whose form depends on it, such as
    /// wetted nitrocellulose; what is done with it later is a finding. 0: for
    /// ever.
    #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = value_parser!(u32).range(..=3650))]
    assay_due_days: u32,
}

fn parts_per_million() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(..=i64::from(PPM))
}

impl RulesArgs {
    fn pack(&self) -> BaseRulePack {
        BaseRulePack {
            measure_tolerance_ppm: self.measure_tolerance_ppm,
            dispute_deadline_ms: i64::from(self.dispute_deadline_hours) * HOUR_MS,
            back_dating_limit_ms: i64::from(self.back_dating_limit_days) * DAY_MS,
            count_tolerance_ppm: self.count_tolerance_ppm,
            assay_due_ms: i64::from(self.assay_due_days) * DAY_MS,
        }
    }
}

/// Runs it.
pub fn run(args: &InitArgs) -> Result<Outcome, CliError> {
    check_arguments(args)?;
    let keys = args
        .authority_key
        .iter()
        .map(|file| args.passphrase.open(file));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let ledger_key = random::signing_key()?;
    let now = time::now_ms();
    let id = StatementId::v7(now, random::bytes()?);
    let id = id.ok_or_else(|| CliError::System {
        what: "time after 1970",
        why: now.to_string(),
    })?;
    let genesis = Genesis {
        ledger_public_key: ledger_key.public().as_bytes().to_vec().into(),
        authorities: authorities(args, &keys)?,
        root_threshold: args.threshold,
        state_record_interval: args.interval,
        base_rules: Some(args.rules.pack()),
    };
    let statement = sign(args, genesis, id, now, &keys, &ledger_key)?;
    let key_file = data::ledger_key_file(&args.dir, args.ledger_key.as_deref());
    let key_text = args
        .passphrase
        .seal(&key_file, &ledger_key, args.plain_text_key)?;
    // The ledger first, then its key: should the second fail, there is a
    // directory with nothing but genesis in it, which may be thrown away.
    let failed = |e: OpenError| CliError::data_directory(&args.dir, e);
    Ledger::create(
        &args.dir,
        statement,
        &ledger_key,
        &Options::default(),
        &SystemClock,
    )
    .map_err(failed)?;
    key_file::write(&key_file, &key_text)?;
    let (ledger, _) = Ledger::open(
        &args.dir,
        ledger_key.clone(),
        Options::default(),
        Arc::new(SystemClock),
    )
    .map_err(failed)?;
    let origin = ledger.status().origin;
    block_on(async {
        ledger
            .close()
            .await
            .map_err(|e| CliError::data_directory(&args.dir, e))
    })?;
    print(args, &origin, &ledger_key, &key_file)
}

fn check_arguments(args: &InitArgs) -> Result<(), CliError> {
    let (keys, parties) = (args.authority_key.len(), args.authority_party.len());
    for party in &args.authority_party {
        party
            .parse::<Uscc>()
            .map_err(|e| CliError::argument("--authority-party", e.to_string()))?;
    }
    if parties != 1 && parties != keys {
        let why = format!("{parties} parties for {keys} keys; give one party, or one for each key");
        return Err(CliError::argument("--authority-party", why));
    }
    let one_each = |name: &str, given: usize, wanted: usize, may_lack: bool| {
        if given == wanted || (may_lack && given == 0) {
            return Ok(());
        }
        Err(CliError::argument(
            name,
            format!("given {given} times; {wanted} are wanted"),
        ))
    };
    one_each(
        "--authority-name-zh",
        args.authority_name_zh.len(),
        parties,
        false,
    )?;
    one_each(
        "--authority-name-en",
        args.authority_name_en.len(),
        parties,
        true,
    )?;
    one_each(
        "--authority-holder",
        args.authority_holder.len(),
        keys,
        true,
    )?;
    let threshold = usize::try_from(args.threshold).unwrap_or(usize::MAX);
    if threshold == 0 || threshold > keys || threshold >= MAX_SIGNATURES {
        let most = keys.min(MAX_SIGNATURES - 1);
        let why = format!("there are {keys} authority keys; 1 to {most} of them can be asked for");
        return Err(CliError::argument(
            format!("--threshold {}", args.threshold),
            why,
        ));
    }
    Ok(())
}

fn authorities(args: &InitArgs, keys: &[SecretKey]) -> Result<Vec<Authority>, CliError> {
    let for_key = |list: &[String], index: usize| {
        let own = if list.len() == 1 {
            list.first()
        } else {
            list.get(index)
        };
        own.cloned().unwrap_or_default()
    };
    let holder = |index: usize| match args.authority_holder.get(index) {
        None => random::bytes().map(Hash),
        Some(text) => from_hex(text)
            .as_deref()
            .and_then(Hash::from_slice)
            .ok_or_else(|| {
                CliError::argument(
                    format!("--authority-holder {text}"),
                    "64 hexadecimal digits are wanted",
                )
            }),
    };
    let authority = |(index, key): (usize, &SecretKey)| {
        Ok(Authority {
            party: for_key(&args.authority_party, index),
            name_zh: for_key(&args.authority_name_zh, index),
            name_en: for_key(&args.authority_name_en, index),
            public_key: key.public().as_bytes().to_vec().into(),
            holder_commitment: holder(index)?.to_bytes(),
        })
    };
    keys.iter().enumerate().map(authority).collect()
}

/// Signed by the ledger's key and by every authority key, or, where there are
/// more than a statement can carry, by as many as root acts need.
fn sign(
    args: &InitArgs,
    genesis: Genesis,
    id: StatementId,
    now: i64,
    keys: &[SecretKey],
    ledger_key: &SecretKey,
) -> Result<SignedStatement, CliError> {
    let none = || CliError::argument("--authority-key", "at least one is wanted");
    let (first, others) = keys.split_first().ok_or_else(none)?;
    let enough = if keys.len() < MAX_SIGNATURES {
        others.len()
    } else {
        MAX_SIGNATURES - 2
    };
    let draft = Draft {
        origin: Origin {
            name: args.name.clone(),
            genesis_hash: Hash::ZERO.to_bytes(),
        },
        id,
        party: args.authority_party.first().cloned().ok_or_else(none)?,
        happened_at_ms: now,
        expires_at_ms: now.saturating_add(GENESIS_VALID_MS),
        events: vec![Event {
            external_refs: Vec::new(),
            body: Some(Body::Genesis(genesis)),
        }],
    };
    let cosigners: Vec<&SecretKey> = others
        .iter()
        .take(enough)
        .chain(std::iter::once(ledger_key))
        .collect();
    Ok(draft.sign(first, &cosigners))
}

fn print(
    args: &InitArgs,
    origin: &Origin,
    ledger_key: &SecretKey,
    key_file: &Path,
) -> Result<Outcome, CliError> {
    let genesis_hash = to_hex(&origin.genesis_hash);
    let (id, public) = (
        ledger_key.id().to_string(),
        to_hex(ledger_key.public().as_bytes()),
    );
    let key_file = key_file.display().to_string();
    let mut out = Out::new();
    match args.format {
        Format::Json => out.json(&serde_json::json!({
            "origin": origin.name,
            "genesisHash": genesis_hash,
            "ledgerKeyId": id,
            "ledgerPublicKey": public,
            "ledgerKeyFile": key_file,
        }))?,
        Format::Table => out.fields(&[
            ("Origin 账本", origin.name.clone()),
            ("Genesis hash 创始哈希", genesis_hash),
            ("Ledger key id 账本密钥编号", id),
            ("Ledger public key 账本公钥", public),
            ("Ledger key file 账本密钥文件", key_file),
        ])?,
    }
    Ok(Outcome::Done)
}
