//! Running the binary with a bound on time, serving, and the small world that
//! the tests speak of: a bureau, a plant and a mine.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// What anything may take, at most, before its test fails.
pub const PATIENCE: Duration = Duration::from_mins(2);

pub const PASSPHRASE: &str = "three locks, one door";

/// The binary, without the caller's environment of passphrases.
pub fn hazledger() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hazledger"));
    command
        .env_remove("HAZLEDGER_PASSPHRASE")
        .stdin(Stdio::null());
    command
}

/// How a run came out.
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

    /// The lines of standard output, JSON each.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[track_caller]
    pub fn says(&self, what: &str) {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        assert!(all.contains(what), "nothing about {what:?} in:\n{all}");
    }
}

/// Runs a command to its end, or kills it when patience is over.
pub fn run(command: &mut Command) -> Ran {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = drain(child.stdout.take().unwrap());
    let stderr = drain(child.stderr.take().unwrap());
    let (Ok(stdout), Ok(stderr)) = (stdout.recv_timeout(PATIENCE), stderr.recv_timeout(PATIENCE))
    else {
        child.kill().unwrap();
        panic!("{command:?} did not end");
    };
    let status = child.wait().unwrap().code().unwrap_or(-1);
    Ran {
        status,
        stdout,
        stderr,
    }
}

/// Runs the binary with these arguments.
pub fn cli<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    run(hazledger().args(args))
}

fn drain(mut from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        sender.send(text)
    });
    receiver
}

/// A server on a free port, killed when it is dropped.
pub struct Server {
    child: Child,
    stderr: mpsc::Receiver<String>,
    pub url: String,
    pub ready: Value,
}

/// A server that has not said yet that it is ready.
pub struct Starting {
    child: Child,
    stdout: Lines,
    stderr: mpsc::Receiver<String>,
}

impl Starting {
    /// Starts it.
    pub fn begin(dir: &Path) -> Starting {
        Starting::begin_with(dir, &[])
    }

    /// The same with more arguments.
    pub fn begin_with(dir: &Path, more: &[&str]) -> Starting {
        let mut child = hazledger()
            .arg("serve")
            .arg(dir)
            .args(["--listen", "127.0.0.1:0", "--format", "json"])
            .args(more)
            .env("HAZLEDGER_PASSPHRASE", PASSPHRASE)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Starting {
            stdout: Lines::of(child.stdout.take().unwrap()),
            stderr: drain(child.stderr.take().unwrap()),
            child,
        }
    }

    /// Waits for the line that says it is ready.
    #[track_caller]
    pub fn ready(mut self) -> Server {
        let Some(line) = self.stdout.next() else {
            self.child.kill().unwrap();
            let status = self.child.wait();
            panic!(
                "the server is not ready: {status:?}, {:?}",
                self.stderr.recv()
            );
        };
        self.serving(&line)
    }

    /// Powers it off after this time, if it is not ready before; returns it
    /// if it was.
    pub fn ready_within(mut self, time: Duration) -> Option<Server> {
        if let Ok(line) = self.stdout.0.recv_timeout(time) {
            return Some(self.serving(&line));
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        None
    }

    fn serving(self, line: &str) -> Server {
        let ready: Value = serde_json::from_str(line).unwrap();
        Server {
            child: self.child,
            stderr: self.stderr,
            url: ready["address"].as_str().unwrap().to_owned(),
            ready,
        }
    }
}

impl Server {
    /// Starts it and waits for the line that says it is ready.
    #[track_caller]
    pub fn start(dir: &Path) -> Server {
        Starting::begin(dir).ready()
    }

    /// The same with more arguments.
    #[track_caller]
    pub fn start_with(dir: &Path, more: &[&str]) -> Server {
        Starting::begin_with(dir, more).ready()
    }

    /// Power off: SIGKILL. Returns what it had said to standard error.
    pub fn kill(&mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.stderr.recv_timeout(PATIENCE).unwrap()
    }

    /// Asks it to stop (SIGTERM) and returns its exit status.
    pub fn stop(self) -> i32 {
        self.stop_saying().0
    }

    /// The same with what it had said to standard error.
    pub fn stop_saying(mut self) -> (i32, String) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = self.child.wait().unwrap().code().unwrap_or(-1);
        (status, self.stderr.recv_timeout(PATIENCE).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines of a child's standard output, with a bound on waiting.
pub struct Lines(mpsc::Receiver<String>);

impl Lines {
    pub fn of(stdout: ChildStdout) -> Lines {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Lines(receiver)
    }

    /// The next line; `None` at the end.
    pub fn next(&self) -> Option<String> {
        match self.0.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("no line came"),
        }
    }
}

/// A social credit code that begins so: the check characters are tried out.
pub fn uscc(first_16: &str) -> String {
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    let pairs = ALPHABET
        .chars()
        .flat_map(|a| ALPHABET.chars().map(move |b| (a, b)));
    pairs
        .map(|(a, b)| format!("{first_16}{a}{b}"))
        .find(|code| code.parse::<hazledger::catalog::Uscc>().is_ok())
        .unwrap()
}

/// Base64 as the JSON mapping wants it (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for index in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * index)) as usize & 63];
            text.push(if index > chunk.len() {
                '='
            } else {
                char::from(digit)
            });
        }
    }
    text
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

/// A bureau, a plant and a mine, with their keys, and a new ledger.
pub struct World {
    pub folder: TempDir,
    pub bureau: String,
    pub plant: String,
    pub mine: String,
    pub init: Value,
}

impl World {
    /// Keys and a ledger; nobody is registered yet.
    pub fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World {
            folder,
            bureau: uscc("11150000MB000000"),
            plant: uscc("91150200MA000000"),
            mine: uscc("91150400MA000001"),
            init: Value::Null,
        };
        for name in ["bureau", "plant", "mine"] {
            cli([
                "key",
                "new",
                &world.path(&format!("{name}.key")),
                "--plain-text-key",
            ])
            .exits(0);
        }
        world.init = cli([
            "init",
            &world.path("ledger"),
            "--name",
            "hazledger.example/test",
            "--authority-party",
            &world.bureau,
            "--authority-name-zh",
            "应急管理局",
            "--authority-name-en",
            "Emergency Management Bureau",
            "--authority-key",
            &world.path("bureau.key"),
            "--plain-text-key",
            "--interval",
            "16",
            "--format",
            "json",
        ])
        .exits(0)
        .lines()
        .remove(0);
        world
    }

    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    /// A file of the world, as an argument.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes lines into a file, stamps them, and returns the stamped file.
    pub fn stamped(&self, name: &str, lines: &[Value]) -> String {
        let (bare, stamped) = (self.path(name), self.path(&format!("stamped-{name}")));
        let mut file = std::fs::File::create(&bare).unwrap();
        for line in lines {
            writeln!(file, "{line}").unwrap();
        }
        let ran = cli(["submit", &bare, "--stamp"]).exits(0);
        std::fs::write(&stamped, ran.stdout).unwrap();
        stamped
    }

    /// Submits a stamped file with every key there is.
    pub fn submit(&self, server: &Server, file: &str, more: &[&str]) -> Ran {
        let key = |party: &str, name: &str| format!("{party}={}", self.path(name));
        let mut args = vec!["submit".to_owned(), file.to_owned()];
        for (party, name) in [
            (&self.bureau, "bureau.key"),
            (&self.plant, "plant.key"),
            (&self.mine, "mine.key"),
        ] {
            args.extend(["--key".to_owned(), key(party, name)]);
        }
        args.extend(["--server", &server.url, "--format", "json"].map(str::to_owned));
        args.extend(more.iter().map(|&s| s.to_owned()));
        cli(args)
    }

    /// Registers plant and mine, a place each, and their keys.
    pub fn register(&self, server: &Server, more: &[&str]) -> Ran {
        let mut events = Vec::new();
        for (party, name, zh) in [
            (&self.plant, "plant", "氰化钠厂"),
            (&self.mine, "mine", "金矿"),
        ] {
            let shown = cli([
                "key",
                "show",
                &self.path(&format!("{name}.key")),
                "--format",
                "json",
            ]);
            let public = unhex(shown.exits(0).lines()[0]["publicKey"].as_str().unwrap());
            events.extend([
                json!({"partyRegistered": {"party": party, "nameZh": zh, "nameEn": name,
                    "stages": ["STAGE_PRODUCTION", "STAGE_USE"], "status": "PARTY_STATUS_ACTIVE",
                    "region": "150200"}}),
                json!({"siteRegistered": {"party": party, "site": "S1", "nameZh": zh,
                    "nameEn": name, "kind": "plant", "region": "150200"}}),
                json!({"placeRegistered": {"party": party, "place": "T1", "site": "S1",
                    "nameZh": "一号罐", "nameEn": "tank 1", "kind": "tank"}}),
                json!({"keyRegistered": {"party": party, "algorithm": "SIGNATURE_ALGORITHM_ED25519",
                    "publicKey": base64(&public), "holder": "KEY_HOLDER_PERSON",
                    "holderCommitment": base64(&[7; 32]), "validFromMs": "0",
                    "validUntilMs": "4102444800000"}}),
            ]);
        }
        let line = json!({"party": self.bureau, "events": events});
        let file = self.stamped("registry.jsonl", &[line]);
        self.submit(server, &file, more)
    }

    /// The plant makes a lot at its tank.
    pub fn produced(&self, label: &str, gross_mg: &str) -> Value {
        json!({"party": self.plant, "events": [{"produced": {"lot": {
            "label": label, "form": "NACN-1689", "quantity": {"grossMg": gross_mg},
            "contentPpm": 980_000, "place": "T1", "dataSheetHash": base64(&[1; 32]),
            "labelHash": base64(&[2; 32])}}}]})
    }
}
