//! A ledger verified over the network, and kept an eye on: what its server
//! shows now against what it showed before, and what another one shows.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use hazledger::event::signing::SecretKey;
use hazledger::proof::{NoteKeyKind, VerifierKey};
use serde_json::Value;

use crate::support::{Lines, PATIENCE, Ran, Server, World, cli, hazledger};
use crate::tls;

/// A copy of a data directory that nobody has open.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let at = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &at);
        } else {
            fs::copy(entry.path(), at).unwrap();
        }
    }
}

/// A ledger with its parties, served once and closed.
fn registered() -> World {
    let world = World::new();
    let server = Server::start(&world.dir());
    world.register(&server, &[]).exits(0);
    assert_eq!(server.stop(), 0);
    world
}

/// Takes a lot in, and waits until a checkpoint covers it.
fn produce(world: &World, server: &Server, label: &str) {
    let file = world.stamped(
        &format!("{label}.jsonl"),
        &[world.produced(label, "5000000")],
    );
    world.submit(server, &file, &[]).exits(0);
    covered(server);
}

/// Waits until the server's checkpoint covers all its records.
fn covered(server: &Server) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use hazledger::pb::ledger_client::LedgerClient;
        let mut ledger = LedgerClient::connect(server.url.clone()).await.unwrap();
        let status = ledger.get_status(hazledger::pb::GetStatusRequest {}).await;
        let min_size = status.unwrap().into_inner().as_of;
        let request = hazledger::pb::GetCheckpointRequest { min_size };
        let answer = ledger.get_checkpoint(request).await.unwrap().into_inner();
        assert!(!answer.checkpoint.is_empty(), "{}", answer.not_signing);
    });
}

fn genesis(world: &World) -> String {
    world.init["genesisHash"].as_str().unwrap().to_owned()
}

fn monitor(world: &World, urls: &[&str], more: &[&str]) -> Ran {
    let (state, genesis) = (world.path("watch"), genesis(world));
    let mut args = vec!["monitor"];
    args.extend(urls);
    args.extend(["--state", &state, "--genesis", &genesis]);
    args.extend(["--once", "--format", "json"]);
    args.extend(more);
    cli(args)
}

/// A monitor that goes on until it is told to stop; killed when it is dropped.
struct Watching {
    child: Child,
    rounds: Lines,
}

impl Watching {
    fn start(world: &World, urls: &[&str], more: &[&str]) -> Watching {
        let mut child = hazledger()
            .arg("monitor")
            .args(urls)
            .args(["--state", &world.path("watch"), "--genesis"])
            .args([&genesis(world), "--format", "json"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Watching {
            rounds: Lines::of(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Waits until it has looked at something new.
    #[track_caller]
    fn looked(&self) -> Value {
        serde_json::from_str(&self.rounds.next().unwrap()).unwrap()
    }

    /// Sends it a signal and returns its exit status; -1 if the signal ended it.
    fn stop(mut self, signal: &str) -> i32 {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args([signal, &pid]).status();
        assert!(told.unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A web server that takes one request and tells its body.
fn webhook() -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/alarm", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let mut stream = &stream;
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .unwrap();
        sender.send(serde_json::from_slice(&body).unwrap())
    });
    (url, receiver)
}

#[test]
fn a_server_is_verified_over_the_network_and_gone_on_from_later() {
    let world = registered();
    let server = Server::start(&world.dir());
    produce(&world, &server, "NC-1");
    let saved = world.path("saved");
    let verify = |more: &[&str]| {
        let mut args = vec!["verify", &server.url, "--format", "json"];
        args.extend(more);
        cli(args).exits(0).lines().remove(0)
    };
    let whole = verify(&["--resume", &saved]);
    assert_eq!(whole["verified"], true);
    assert_eq!(whole["resumedAfter"], Value::Null);
    assert_eq!(whole["checkpoints"]["agree"], 1);
    assert!(whole["speed"]["strictPerSecond"].as_u64() > Some(0));
    assert!(whole["speed"]["recordsPerSecond"].as_u64() > Some(0));
    produce(&world, &server, "NC-2");
    let resumed = verify(&["--resume", &saved]);
    assert_eq!(resumed["resumedAfter"], whole["records"]);
    let fresh = verify(&[]);
    assert_eq!(resumed["journal"], fresh["journal"]);
    assert_ne!(fresh["records"], whole["records"]);
    let chain = verify(&["--chain-only"]);
    assert_eq!(chain["journal"]["treeRoot"], fresh["journal"]["treeRoot"]);

    // The directory says the same, with its checkpoints beside it.
    assert_eq!(server.stop(), 0);
    let dir = world.path("ledger");
    let of_dir = ["verify", &dir, "--resume", &saved, "--format", "json"];
    let of_dir = cli(of_dir).exits(0).lines().remove(0);
    assert_eq!(of_dir["resumedAfter"], resumed["records"]);
    assert_eq!(of_dir["checkpoints"]["agree"], 1);
    let table = cli(["verify", &dir]).exits(0);
    table.says("Speed");
    table.says("This machine");
}

#[test]
fn a_saved_position_of_another_time_or_of_no_use_is_said_to_be_so() {
    let world = registered();
    let (dir, saved) = (world.path("ledger"), world.path("saved"));
    let old = world.folder.path().join("old");
    copy(&world.dir(), &old);
    let server = Server::start(&world.dir());
    produce(&world, &server, "NC-1");
    assert_eq!(server.stop(), 0);
    cli(["verify", &dir, "--resume", &saved]).exits(0);

    // The older copy agrees with itself; the saved position says what it lacks,
    // and stays, so that it says so the next time too.
    let was = fs::read(&saved).unwrap();
    let old = old.to_str().unwrap();
    let ran = cli(["verify", old, "--resume", &saved]).exits(1);
    ran.says("was it cut");
    let server = Server::start(Path::new(old));
    let ran = cli(["verify", &server.url, "--resume", &saved]).exits(1);
    ran.says("was its ledger cut");
    assert!(fs::read(&saved).unwrap() == was);
    // The newer one's checkpoint shows it to anybody.
    let kept = world.dir().join("checkpoints/signed");
    let kept = kept.to_str().unwrap();
    let ran = cli(["verify", &server.url, "--checkpoint", kept]).exits(1);
    ran.says("records that the ledger signed for are gone");
    drop(server);

    fs::write(&saved, b"HZLVERI1 and nothing else").unwrap();
    let ran = cli(["verify", &dir, "--resume", &saved]).exits(0);
    ran.says("is not gone on from");
    let ran = cli(["verify", &dir, "--resume", &saved]).exits(0);
    ran.says("Went on after");
}

#[test]
fn an_honest_ledger_that_grows_and_moves_raises_no_alarm() {
    let world = registered();
    for label in ["NC-1", "NC-2"] {
        let server = Server::start(&world.dir());
        produce(&world, &server, label);
        let ran = monitor(&world, &[&server.url], &["--late", "10m"]).exits(0);
        assert!(ran.lines()[0]["records"].as_u64() > Some(1));
        assert_eq!(server.stop(), 0);
    }
    assert!(!Path::new(&world.path("watch/alarms.jsonl")).exists());
}

#[test]
fn a_ledger_rolled_back_is_a_smaller_tree_and_the_webhook_hears_of_it() {
    let world = registered();
    let old = world.folder.path().join("old");
    copy(&world.dir(), &old);
    let server = Server::start(&world.dir());
    produce(&world, &server, "NC-1");
    monitor(&world, &[&server.url], &["--late", "10m"]).exits(0);
    assert_eq!(server.stop(), 0);

    let server = Server::start(&old);
    let (hook, heard) = webhook();
    let ran = monitor(&world, &[&server.url], &["--webhook", &hook]).exits(1);
    ran.says("ALARM");
    ran.says("smaller-tree");
    let posted = heard.recv_timeout(PATIENCE).unwrap();
    assert_eq!(posted["alarm"], "smaller-tree");
    assert_eq!(posted["server"], server.url);
    let kept = fs::read_to_string(world.path("watch/alarms.jsonl")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), posted);
}

#[test]
fn a_forked_ledger_is_caught_later_and_at_once_when_both_are_watched() {
    let world = registered();
    let other = world.folder.path().join("other");
    copy(&world.dir(), &other);
    let server = Server::start(&world.dir());
    produce(&world, &server, "NC-1");
    monitor(&world, &[&server.url], &["--late", "10m"]).exits(0);

    // The same ledger tells others another story, with the same key.
    let forked = Server::start(&other);
    produce(&world, &forked, "NC-X");
    let watched = world.path("watch");
    let both = world.path("both");
    copy(Path::new(&watched), Path::new(&both));
    let alarm = |ran: Ran| {
        let kept = fs::read_to_string(world.path("watch/alarms.jsonl")).unwrap();
        let last = kept.lines().last().unwrap();
        let alarm: Value = serde_json::from_str(last).unwrap();
        ran.says(alarm["alarm"].as_str().unwrap());
        alarm
    };
    // As many records, and a checkpoint of each: two roots for one size.
    let ran = monitor(&world, &[&forked.url], &[]).exits(1);
    let shown = alarm(ran);
    assert_eq!(shown["alarm"], "two-roots");
    assert_eq!(shown["notes"].as_array().unwrap().len(), 2);
    // More records: no checkpoint of the size that was seen.
    produce(&world, &forked, "NC-Y");
    let ran = monitor(&world, &[&forked.url], &[]).exits(1);
    assert_eq!(alarm(ran)["alarm"], "fork");
    // Both at once, by somebody who has seen neither.
    fs::remove_dir_all(&watched).unwrap();
    let ran = monitor(&world, &[&server.url, &forked.url], &["--late", "10m"]).exits(1);
    assert_eq!(alarm(ran)["alarm"], "fork");
}

#[test]
fn another_ledger_and_a_silent_server_have_their_words() {
    let world = registered();
    let server = Server::start(&world.dir());
    produce(&world, &server, "NC-1");
    let other = "0".repeat(64);
    let state = world.path("elsewhere");
    let args = [
        "monitor",
        &server.url,
        "--state",
        &state,
        "--genesis",
        &other,
        "--once",
    ];
    cli(args).exits(1).says("broken-rule");
    // Also if there is no place to write it down.
    let kept = Path::new(&state).join("alarms.jsonl");
    fs::remove_file(&kept).unwrap();
    fs::create_dir(&kept).unwrap();
    let (hook, heard) = webhook();
    let ran = cli(args.into_iter().chain(["--webhook", &hook])).exits(1);
    ran.says("broken-rule");
    ran.says("alarms.jsonl");
    assert_eq!(
        heard.recv_timeout(PATIENCE).unwrap()["alarm"],
        "broken-rule"
    );

    let ran = monitor(&world, &["http://127.0.0.1:1"], &[]).exits(2);
    ran.says("unreachable");
}

#[test]
fn told_to_stop_a_monitor_keeps_what_it_has_verified() {
    let world = registered();
    let server = Server::start(&world.dir());
    produce(&world, &server, "NC-1");
    let verified = world.path("watch/verified");
    // Ctrl-C, and what a service manager sends.
    for signal in ["-INT", "-TERM"] {
        let watching = Watching::start(&world, &[&server.url], &["--late", "10m"]);
        let looked = watching.looked();
        assert_eq!(watching.stop(signal), 0, "{signal}");
        let kept = fs::read(&verified).unwrap_or_else(|e| panic!("{signal}: {e}"));
        assert!(!kept.is_empty());
        let again = monitor(&world, &[&server.url], &["--late", "10m"]).exits(0);
        assert_eq!(again.lines()[0]["records"], looked["records"]);
        assert!(!again.stderr.contains("from the beginning"));
        fs::remove_file(&verified).unwrap();
    }
}

#[test]
fn told_to_stop_while_a_server_is_silent_a_monitor_keeps_what_others_showed_at_once() {
    let world = registered();
    let server = Server::start(&world.dir());
    produce(&world, &server, "NC-1");
    // It takes the connection, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let urls = [server.url.as_str(), &silent_url];
    let watching = Watching::start(&world, &urls, &["--late", "10m"]);
    let connection = silent.accept().unwrap();
    let told = Instant::now();
    assert_eq!(watching.stop("-TERM"), 0);
    // Less than the minute for which a server's answer is waited for.
    assert!(told.elapsed() < Duration::from_secs(30));
    assert!(Path::new(&world.path("watch/verified")).exists());
    drop(connection);
    monitor(&world, &[&server.url], &["--late", "10m"]).exits(0);
}

/// A server whose checkpoint stands still: it waits for a witness that is
/// nowhere.
fn standing_still(world: &World) -> Server {
    let key = SecretKey::from_seed(&[7; 32]).public().clone();
    let vkey = VerifierKey::new("witness.example/gone", NoteKeyKind::Cosignature, key).unwrap();
    let policy = world.path("witnesses.policy");
    let text = format!("witness gone {vkey} http://127.0.0.1:1\nquorum gone\n");
    fs::write(&policy, text).unwrap();
    Server::start_with(&world.dir(), &["--witness-policy", &policy])
}

/// Takes a lot in, and does not wait for a checkpoint.
fn produce_uncovered(world: &World, server: &Server, label: &str) {
    let line = world.produced(label, "5000000");
    let file = world.stamped(&format!("{label}.jsonl"), &[line]);
    world.submit(server, &file, &[]).exits(0);
}

fn alarms(world: &World) -> Vec<Value> {
    let kept = fs::read_to_string(world.path("watch/alarms.jsonl")).unwrap();
    let lines = kept.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_late_checkpoint_is_told_by_exit_status_file_and_webhook() {
    let world = registered();
    let server = standing_still(&world);
    produce_uncovered(&world, &server, "NC-1");
    monitor(&world, &[&server.url], &["--late", "10m"]).exits(0);
    assert!(!Path::new(&world.path("watch/alarms.jsonl")).exists());
    let (hook, heard) = webhook();
    let late = ["--late", "1ms", "--webhook", &hook];
    let ran = monitor(&world, &[&server.url], &late).exits(1);
    ran.says("ALARM");
    ran.says("late-checkpoint");
    let posted = heard.recv_timeout(PATIENCE).unwrap();
    assert_eq!(posted["alarm"], "late-checkpoint");
    assert_eq!(posted["server"], server.url);
    assert_eq!(alarms(&world), [posted]);
}

#[test]
fn a_monitor_goes_on_after_a_late_checkpoint_and_tells_it_once() {
    let world = registered();
    let server = standing_still(&world);
    produce_uncovered(&world, &server, "NC-1");
    let (hook, heard) = webhook();
    let more = ["--late", "1ms", "--every", "100ms", "--webhook", &hook];
    let watching = Watching::start(&world, &[&server.url], &more);
    let before = watching.looked();
    let posted = heard.recv_timeout(PATIENCE).unwrap();
    assert_eq!(posted["alarm"], "late-checkpoint");
    produce_uncovered(&world, &server, "NC-2");
    let after = watching.looked();
    assert!(after["records"].as_u64() > before["records"].as_u64());
    assert_eq!(watching.stop("-TERM"), 0);
    assert_eq!(alarms(&world), [posted]);
}

#[test]
fn a_webhook_behind_tls_is_believed_by_the_authority_that_is_given_and_by_no_other() {
    let world = registered();
    let server = standing_still(&world);
    let (hook, heard) = webhook();
    let behind = hook.strip_prefix("http://").unwrap();
    let behind = behind.strip_suffix("/alarm").unwrap().parse().unwrap();
    let hook = format!("https://127.0.0.1:{}/alarm", tls::before(behind));
    let raised = |ca: &[&str]| {
        let more = [&["--late", "1ms", "--webhook", &hook], ca].concat();
        monitor(&world, &[&server.url], &more).exits(1)
    };
    let unsure = raised(&[]);
    unsure.says("the webhook did not take the alarm: io: invalid peer certificate");
    unsure.says("--webhook-ca FILE");
    raised(&["--webhook-ca", &tls::file("stranger.pem")]).says("stranger.pem (--webhook-ca)");
    assert!(heard.try_recv().is_err());
    raised(&["--webhook-ca", &tls::file("agency.pem")]);
    let posted = heard.recv_timeout(PATIENCE).unwrap();
    assert_eq!(posted["alarm"], "late-checkpoint");
    let none = ["--webhook", &hook, "--webhook-ca", &tls::file("server.key")];
    let none = monitor(&world, &[&server.url], &none).exits(2);
    none.says("holds no certificate");
}

#[test]
fn a_server_is_not_asked_over_tls_and_that_is_said() {
    let args = ["verify", "https://127.0.0.1:7474"];
    cli(args).exits(2).says("make a tunnel");
}
