//! A ledger of small segments in a folder of its own, grown by a seeded world
//! in this process, and the real binary run on its files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hazledger::cli::key_file;
use hazledger::custody::rotation::sworn;
use hazledger::event::StatementId;
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::Draft;
use hazledger::journal::JournalOptions;
use hazledger::ledger::{Answer, Clock, Ledger, Options};
use hazledger::pb::event::Body;
use hazledger::pb::{
    Acknowledgement, Event, LedgerKeyRotated, PackPublished, RuleKind, RuleLine, RuleMode,
};
use hazledger::sim::{Span, World};
use serde_json::Value;
use tempfile::TempDir;

/// Bytes of a segment: some ten records.
pub const SEGMENT_BYTES: u32 = 24 * 1024;

/// Some weeks that have been over for a while.
const SPAN: Span = Span {
    from_ms: 1_772_000_000_000,
    until_ms: 1_773_700_000_000,
    events: 4_000,
};

/// The world's last moment, and what has passed since.
struct Since(Arc<AtomicI64>);

impl Clock for Since {
    fn now_ms(&self) -> i64 {
        SPAN.until_ms + self.0.load(Ordering::SeqCst)
    }
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub struct Ground {
    pub folder: TempDir,
    pub world: World,
    key: SecretKey,
    pub acks: Vec<Acknowledgement>,
    pub runtime: tokio::runtime::Runtime,
    since_ms: Arc<AtomicI64>,
    packs: u64,
}

impl Ground {
    /// A ledger with record 0, its key beside it in plain text.
    pub fn new(seed: u64) -> Ground {
        let folder = tempfile::tempdir().unwrap();
        let key = SecretKey::from_seed(&[1; 32]);
        let mut world = World::new(seed, SPAN).unwrap().without_rule_book();
        let genesis = world.genesis("hazledger.test/backup", &key);
        let dir = folder.path().join("ledger");
        Ledger::create(&dir, genesis, &key, &options(), &Since(Arc::default())).unwrap();
        let text = key_file::render(&key, None).unwrap();
        key_file::write(&dir.join("ledger.key"), &text).unwrap();
        let mut ground = Ground {
            folder,
            world,
            key,
            acks: Vec::new(),
            runtime: tokio::runtime::Runtime::new().unwrap(),
            since_ms: Arc::default(),
            packs: 0,
        };
        let ledger = ground.open();
        ground.world.join(ledger.status().origin);
        ground.close(ledger);
        ground
    }

    /// The same with so many more statements.
    pub fn grown(seed: u64, statements: usize) -> Ground {
        let mut ground = Ground::new(seed);
        ground.grow(statements);
        ground
    }

    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    /// A file or folder beside the ledger, as an argument.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn open(&self) -> Ledger {
        self.open_at(&self.dir())
    }

    /// The same of another folder.
    pub fn open_at(&self, dir: &Path) -> Ledger {
        let clock = Arc::new(Since(Arc::clone(&self.since_ms)));
        Ledger::open(dir, self.key.clone(), options(), clock)
            .unwrap()
            .0
    }

    pub fn close(&self, ledger: Ledger) {
        self.runtime.block_on(ledger.close()).unwrap();
    }

    /// Submits the world's next statements, one after the other.
    pub fn submit(&mut self, ledger: &Ledger, statements: usize) {
        for _ in 0..statements {
            let issued = self.world.next_statement();
            let answer = self.runtime.block_on(ledger.submit(issued.signed));
            if let Answer::Acknowledged {
                acknowledgement, ..
            } = answer.unwrap()
            {
                self.acks.push(acknowledgement);
            }
        }
    }

    /// Opens, submits and closes.
    pub fn grow(&mut self, statements: usize) {
        let ledger = self.open();
        self.submit(&ledger, statements);
        self.close(ledger);
    }

    /// Lets so many days pass.
    pub fn pass(&mut self, days: i64) {
        self.since_ms.fetch_add(days * DAY_MS, Ordering::SeqCst);
    }

    /// A region's authority publishes that everything is kept so many months.
    pub fn publish_retention(&mut self, months: i64) {
        let ledger = self.open();
        self.publish(&ledger, RuleKind::Retention, months);
        self.close(ledger);
    }

    /// Puts another key in the place of the ledger's; the file beside it too.
    pub fn rotate(&mut self, seed: u8) {
        let new = SecretKey::from_seed(&[seed; 32]);
        let ledger = self.open();
        self.packs += 1;
        let now = Since(Arc::clone(&self.since_ms)).now_ms();
        let origin = ledger.status().origin;
        let rotated = LedgerKeyRotated {
            reason: "the yearly one".to_owned(),
            ..sworn(&origin.genesis_hash, self.key.id(), &new)
        };
        let authorities: Vec<_> = self.world.cast().authorities.iter().collect();
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.packs.to_be_bytes());
        let draft = Draft {
            origin,
            id: StatementId::v7(now, random).unwrap(),
            party: authorities[0].code.clone(),
            happened_at_ms: now,
            expires_at_ms: now + DAY_MS,
            events: vec![Event {
                body: Some(Body::LedgerKeyRotated(rotated)),
                ..Event::default()
            }],
        };
        let others: Vec<&SecretKey> = authorities[1..].iter().map(|who| &who.first).collect();
        let signed = draft.sign(&authorities[0].first, &others);
        let answer = self.runtime.block_on(ledger.submit(signed)).unwrap();
        assert!(matches!(answer, Answer::Acknowledged { .. }), "{answer:?}");
        self.close(ledger);
        let text = key_file::render(&new, None).unwrap();
        fs::remove_file(self.dir().join("ledger.key")).unwrap();
        key_file::write(&self.dir().join("ledger.key"), &text).unwrap();
        self.key = new;
    }

    /// So many records later than all before: packs that say nothing.
    pub fn grow_later(&mut self, records: usize) {
        let ledger = self.open();
        for _ in 0..records {
            self.publish(&ledger, RuleKind::Filing, 0);
        }
        self.close(ledger);
    }

    fn publish(&mut self, ledger: &Ledger, rule: RuleKind, limit: i64) {
        self.packs += 1;
        let now = Since(Arc::clone(&self.since_ms)).now_ms();
        let mode = if limit == 0 {
            RuleMode::Off
        } else {
            RuleMode::Find
        };
        let line = RuleLine {
            rule: rule.into(),
            mode: mode.into(),
            limit,
            ..RuleLine::default()
        };
        let pack = PackPublished {
            pack: format!("pack-{}", self.packs),
            name_zh: "规则".to_owned(),
            name_en: "rules".to_owned(),
            region: "150000".to_owned(),
            from_ms: now,
            lines: vec![line],
            ..PackPublished::default()
        };
        let who = self.world.cast().authorities.first();
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.packs.to_be_bytes());
        let draft = Draft {
            origin: ledger.status().origin,
            id: StatementId::v7(now, random).unwrap(),
            party: who.code.clone(),
            happened_at_ms: now,
            expires_at_ms: now + DAY_MS,
            events: vec![Event {
                body: Some(Body::PackPublished(pack)),
                ..Event::default()
            }],
        };
        let answer = self
            .runtime
            .block_on(ledger.submit(draft.sign(&who.first, &[])));
        let answer = answer.unwrap();
        assert!(matches!(answer, Answer::Acknowledged { .. }), "{answer:?}");
    }

    /// Backs it up with the real binary, and returns what that said.
    pub fn backup(&self, to: &str, more: &[&str]) -> Ran {
        let (dir, to) = (self.path("ledger"), self.path(to));
        let mut args = vec!["backup", &dir, "--to", &to, "--format", "json"];
        args.extend(more);
        cli(&args)
    }

    /// Restores with the real binary.
    pub fn restore(&self, from: &str, to: &str) -> Ran {
        let (from, to) = (self.path(from), self.path(to));
        cli(&["restore", &from, &to, "--format", "json"])
    }
}

pub fn options() -> Options {
    Options {
        prepare_threads: 1,
        max_batch_records: 4,
        journal: JournalOptions {
            segment_bytes: SEGMENT_BYTES,
        },
        ..Options::default()
    }
}

/// How a run of the binary came out.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    #[track_caller]
    pub fn exits(self, status: i32) -> Ran {
        assert_eq!(self.status, status, "{}\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn says(&self, what: &str) {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        assert!(all.contains(what), "nothing about {what:?} in:\n{all}");
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

pub fn cli(args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_hazledger"))
        .args(args)
        .env_remove("HAZLEDGER_PASSPHRASE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The real server on a data directory, on a free port; killed when dropped.
pub struct Server {
    child: std::process::Child,
    pub url: String,
}

impl Server {
    pub fn start(dir: &str, more: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hazledger"))
            .args(["serve", dir, "--listen", "127.0.0.1:0", "--format", "json"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = ready["address"].as_str().unwrap().to_owned();
        Server { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files of a folder with their inodes and lengths: a file that was written
/// anew is another one.
pub fn files(folder: &str) -> BTreeMap<String, (u64, u64)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let file = |entry: fs::DirEntry| {
        let about = entry.metadata().unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, (about.ino(), about.len()))
    };
    entries.map(file).collect()
}

/// Flips a bit of one byte of a file.
pub fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    let mut permissions = fs::metadata(path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    fs::write(path, bytes).unwrap();
}

/// Copies a folder with what is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
