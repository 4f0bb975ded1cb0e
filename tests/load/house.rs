//! A ledger in a folder, the real binary serving it, and clients of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use hazledger::cli::key_file;
use hazledger::event::StatementId;
use hazledger::event::statement::Draft;
use hazledger::ledger::{Clock as _, Ledger, Options, SystemClock};
use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::submit_response::Answer;
use hazledger::pb::{Event, Origin, SignedStatement, SubmitRequest, SubmitResponse};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use crate::support::server::{Cast, HOUR_MS, Member, genesis, produced, registration};

/// What anything may take, at most, before its test fails.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// How long the quick forms keep a load up, and the long one.
pub fn load_time() -> Duration {
    let seconds = std::env::var("HAZLEDGER_LOAD_SECONDS");
    Duration::from_secs(seconds.ok().and_then(|s| s.parse().ok()).unwrap_or(4))
}

/// A ledger in a folder, whose cast is registered.
pub struct House {
    folder: TempDir,
    pub cast: Cast,
    pub origin: Origin,
    ids: AtomicU64,
}

impl House {
    pub fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let cast = Cast::new();
        let dir = folder.path().join("ledger");
        let now = SystemClock.now_ms();
        let options = Options::default();
        Ledger::create(
            &dir,
            genesis(&cast, now),
            &cast.ledger,
            &options,
            &SystemClock,
        )
        .unwrap();
        let key = key_file::render(&cast.ledger, None).unwrap();
        key_file::write(&dir.join("ledger.key"), &key).unwrap();
        let (ledger, _) =
            Ledger::open(&dir, cast.ledger.clone(), options, Arc::new(SystemClock)).unwrap();
        let house = House {
            origin: ledger.status().origin,
            folder,
            cast,
            ids: AtomicU64::new(1),
        };
        let mut events = Vec::new();
        for (member, places) in house.cast.members() {
            events.extend(registration(member, places));
        }
        let registered = house.statement(&house.cast.authority, events);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            ledger.submit(registered).await.unwrap();
            ledger.close().await.unwrap();
        });
        house
    }

    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    /// How many records it has, while no server has it open.
    pub fn records(&self) -> u64 {
        let key = self.cast.ledger.clone();
        let opened = Ledger::open(&self.dir(), key, Options::default(), Arc::new(SystemClock));
        opened.unwrap().0.committed()
    }

    /// A party's statement about now, signed.
    pub fn statement(&self, member: &Member, events: Vec<Event>) -> SignedStatement {
        let number = self.ids.fetch_add(1, Ordering::SeqCst);
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        let now = SystemClock.now_ms();
        let draft = Draft {
            origin: self.origin.clone(),
            id: StatementId::v7(now, random).unwrap(),
            party: member.code.clone(),
            happened_at_ms: now,
            expires_at_ms: now + HOUR_MS,
            events,
        };
        draft.sign(&member.key, &[])
    }

    /// The plant makes a lot.
    pub fn made(&self, label: &str) -> SignedStatement {
        self.statement(&self.cast.plant, vec![produced(label, 1_000)])
    }
}

/// The real binary, killed when it is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    metrics: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts it with these options and waits until it is ready.
    pub fn start(house: &House, options: &[&str]) -> Server {
        let log = house.folder.path().join("log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_hazledger"))
            .arg("serve")
            .arg(house.dir())
            .args(["--listen", "127.0.0.1:0", "--format", "json"])
            .args(["--metrics", "127.0.0.1:0"])
            .args(options)
            .env_remove("HAZLEDGER_PASSPHRASE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, ready) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            sender.send(line).unwrap();
        });
        let line = ready.recv_timeout(PATIENCE).unwrap();
        let Ok(ready) = serde_json::from_str::<serde_json::Value>(&line) else {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("not ready: {line:?}\n{}", fs::read_to_string(log).unwrap());
        };
        let address = |name: &str| {
            let url = ready[name].as_str().unwrap();
            let address = url.strip_prefix("http://").unwrap();
            address.trim_end_matches("/metrics").parse().unwrap()
        };
        Server {
            address: address("address"),
            metrics: address("metrics"),
            child,
            log,
        }
    }

    /// A connection of its own.
    pub async fn channel(&self) -> Channel {
        self.endpoint().connect().await.unwrap()
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap()
    }

    pub async fn client(&self) -> LedgerClient<Channel> {
        LedgerClient::new(self.channel().await)
    }

    /// The most memory it has had in use, bytes.
    pub fn peak_memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: usize = line
            .unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap();
        kib * 1024
    }

    /// `/metrics`, as Prometheus gets it.
    pub fn scrape(&self) -> String {
        let mut socket = TcpStream::connect(self.metrics).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(
            head.to_lowercase().contains("text/plain; version=0.0.4"),
            "{head}"
        );
        body.to_owned()
    }

    /// A sample of the metrics, by its name and labels as they are written; 0
    /// if it is not there.
    pub fn sample(&self, name: &str) -> f64 {
        let page = self.scrape();
        let value = page.lines().find_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            (series == name).then(|| value.parse().unwrap())
        });
        value.unwrap_or(0.0)
    }

    /// Waits until a sample is at least so much.
    pub fn wait_for(&self, name: &str, least: f64) {
        self.wait_until(name, |value| value >= least);
    }

    /// Waits until a sample is as it should be.
    pub fn wait_until(&self, name: &str, is_so: impl Fn(f64) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(self.sample(name)) {
            assert!(Instant::now() < until, "{name}:\n{}", self.scrape());
            std::thread::yield_now();
        }
    }

    /// The log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        let kill = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for its end; returns its exit status.
    pub fn end(&mut self) -> i32 {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.log());
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As it is sent.
pub fn request(statement: SignedStatement) -> SubmitRequest {
    SubmitRequest {
        statement: Some(statement),
        ..SubmitRequest::default()
    }
}

/// Whether it is an acknowledgement.
pub fn is_recorded(response: &SubmitResponse) -> bool {
    matches!(response.answer, Some(Answer::Acknowledgement(_)))
}

/// A runtime that a test of the real binary drives its clients with.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let bounded = async { tokio::time::timeout(PATIENCE + load_time(), work).await };
    let done = runtime.block_on(bounded);
    runtime.shutdown_background();
    done.unwrap()
}
