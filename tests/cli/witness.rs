//! Witnesses and the ledgers that they watch, as real processes: what is shown
//! only with their signatures, what they refuse, and what they know after a
//! restore.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use hazledger::event::signing::SecretKey;
use hazledger::proof::tree::leaf_hash;
use hazledger::proof::{Checkpoint, Note, NoteKeyKind, Policy, VerifierKey, sign_checkpoint};
use hazledger::witness::memory::{checkpoint_file, fork_file, origin_hash};
use hazledger::witness::request::AddCheckpoint;
use serde_json::Value;

use crate::support::{Lines, PATIENCE, Server, World, cli, hazledger};
use crate::tls;

const ORIGIN: &str = "hazledger.example/test";

/// A witness' process, killed when it is dropped.
struct Witness {
    child: Child,
    stderr: mpsc::Receiver<String>,
    ready: Value,
}

impl Witness {
    fn start(house: &House, name: &str, more: &[&str]) -> Witness {
        let mut child = hazledger()
            .arg("witness")
            .arg(house.world.path(name))
            .args(["--key", &house.world.path(&format!("{name}.key"))])
            .args(["--name", &format!("witness.example/{name}")])
            .args(["--watch", &house.vkey, "--format", "json"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut stderr, &mut text).unwrap();
            // Nobody needs it any more if this fails.
            let _ = sender.send(text);
        });
        let line = Lines::of(child.stdout.take().unwrap()).next().unwrap();
        Witness {
            child,
            stderr: receiver,
            ready: serde_json::from_str(&line).unwrap(),
        }
    }

    fn url(&self) -> &str {
        self.ready["address"].as_str().unwrap()
    }

    /// Asks it to stop; returns its exit status and what it had said.
    fn stop(mut self) -> (i32, String) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(told.unwrap().success());
        let status = self.child.wait().unwrap().code().unwrap_or(-1);
        (status, self.stderr.recv_timeout(PATIENCE).unwrap())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A world whose ledger is watched by two witnesses, both of which are needed.
struct House {
    world: World,
    vkey: String,
}

impl House {
    fn new() -> House {
        let world = World::new();
        for name in ["w1", "w2"] {
            let key = world.path(&format!("{name}.key"));
            cli(["key", "new", &key, "--plain-text-key"]).exits(0);
        }
        let ledger_key = world.path("ledger/ledger.key");
        let vkey = cli(["key", "vkey", &ledger_key, "--name", ORIGIN])
            .exits(0)
            .stdout;
        House {
            world,
            vkey: vkey.trim().to_owned(),
        }
    }

    /// Both for the first time, and the policy that needs them.
    fn witnesses(&self) -> (Witness, Witness) {
        let new = |name| Witness::start(self, name, &["--new", "--listen", "127.0.0.1:0"]);
        let (one, two) = (new("w1"), new("w2"));
        let line = |name, witness: &Witness| {
            let key = witness.ready["verifierKey"].as_str().unwrap();
            format!("witness {name} {key} {}\n", witness.url())
        };
        let (first, second) = (line("w1", &one), line("w2", &two));
        let text = format!(
            "log {}\n{first}{second}group both all w1 w2\nquorum both\n",
            self.vkey
        );
        fs::write(self.policy_file(), text).unwrap();
        (one, two)
    }

    fn policy_file(&self) -> String {
        self.world.path("witnesses.policy")
    }

    fn policy(&self) -> Policy {
        Policy::parse(&fs::read_to_string(self.policy_file()).unwrap()).unwrap()
    }

    fn serve(&self, dir: &Path) -> Server {
        self.serve_with(dir, &[])
    }

    fn serve_with(&self, dir: &Path, more: &[&str]) -> Server {
        let policy = self.policy_file();
        let with = ["--witness-policy", &policy, "--metrics", "127.0.0.1:0"];
        Server::start_with(dir, &[&with[..], more].concat())
    }

    /// The receipt of a record, when it comes, holds under the policy.
    fn receipt(&self, server: &Server, position: u64) {
        let file = self.world.path(&format!("{position}.receipt"));
        let position = position.to_string();
        let key = ["--key", &self.vkey];
        let get = [
            "receipt",
            "get",
            &position,
            "-o",
            &file,
            "--server",
            &server.url,
        ];
        cli(get.iter().chain(&key)).exits(0);
        let policy = ["--policy", &self.policy_file()].map(str::to_owned);
        let verify = ["receipt", "verify", &file].map(str::to_owned);
        let key = key.map(str::to_owned);
        cli(verify.iter().chain(&key).chain(&policy)).exits(0);
    }

    fn produce(&self, server: &Server, label: &str) {
        let file = self.world.stamped(
            &format!("{label}.jsonl"),
            &[self.world.produced(label, "5000")],
        );
        self.world.submit(server, &file, &[]).exits(0);
    }

    /// A copy of the ledger's directory as it is now.
    fn copy(&self, name: &str) -> std::path::PathBuf {
        let copy = self.world.folder.path().join(name);
        copy_folder(&self.world.dir(), &copy);
        copy
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .new_agent()
}

/// A page, if it is there.
fn page(url: &str) -> Option<String> {
    let mut response = agent().get(url).call().unwrap();
    let body = response.body_mut().read_to_string().unwrap();
    (response.status() == 200).then_some(body)
}

/// A log of one leaf, whose key is the test's own.
struct SmallLog(SecretKey);

impl SmallLog {
    const ORIGIN: &str = "log.example/small";

    fn new() -> SmallLog {
        SmallLog(SecretKey::from_seed(&[3; 32]))
    }

    fn vkey(&self) -> String {
        let key = self.0.public().clone();
        let vkey = VerifierKey::new(SmallLog::ORIGIN, NoteKeyKind::Ed25519, key).unwrap();
        vkey.to_string()
    }

    /// Asks a witness to sign its one leaf: status and body.
    fn ask(&self, witness: &Witness, old: u64) -> (u16, String) {
        self.ask_for(witness, old, b"x")
    }

    /// The same for another leaf.
    fn ask_for(&self, witness: &Witness, old: u64, leaf: &[u8]) -> (u16, String) {
        let checkpoint = Checkpoint::new(SmallLog::ORIGIN, 1, leaf_hash(leaf)).unwrap();
        let request = AddCheckpoint {
            old,
            proof: Vec::new(),
            note: sign_checkpoint(&self.0, &checkpoint),
        };
        let url = format!("{}/add-checkpoint", witness.url());
        let mut answer = agent().post(url).send(request.to_string()).unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), body)
    }
}

#[test]
fn a_witness_that_cannot_keep_signs_nothing_says_so_and_goes_on_when_it_can() {
    let house = House::new();
    let log = SmallLog::new();
    let new = ["--new", "--listen", "127.0.0.1:0", "--watch", &log.vkey()];
    let witness = Witness::start(&house, "w1", &new);
    let hash = origin_hash(SmallLog::ORIGIN);
    // Where it writes next stands a folder, which it does not remove.
    let unfinished = house.world.path("w1/HASH.new");
    let unfinished = unfinished.replace("HASH", &checkpoint_file(&hash));
    fs::create_dir(&unfinished).unwrap();
    let began = Instant::now();
    for _ in 0..20 {
        let (status, body) = log.ask(&witness, 0);
        assert_eq!(status, 500, "{body}");
        assert!(body.contains("signed nothing"), "{body}");
    }
    let lines_at_most = began.elapsed().as_secs() + 1;
    assert_eq!(
        page(&format!("{}/{hash}/checkpoint", witness.url())),
        None,
        "it shows what it has not kept"
    );
    fs::remove_dir(unfinished).unwrap();
    assert_eq!(log.ask(&witness, 0).0, 200);
    for _ in 0..20 {
        assert_eq!(log.ask(&witness, 1).0, 200);
    }
    let (status, said) = witness.stop();
    assert_eq!(status, 0, "{said}");
    // Whoever sends the same again and again does not fill its log.
    let failed = said.matches("Is a directory").count() as u64;
    assert!((1..=lines_at_most).contains(&failed), "{said}");
    assert_eq!(said.matches("cosigned 已联署").count(), 1, "{said}");
}

fn checkpoint_of(server: &Server) -> Option<String> {
    page(&format!(
        "{}/checkpoint",
        server.ready["tiles"].as_str().unwrap()
    ))
}

fn size_of(note: &str) -> u64 {
    Checkpoint::parse(&Note::parse(note).unwrap().text)
        .unwrap()
        .size
}

/// Waits until something is there, and gives the rest of the machine a turn.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let patience = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < patience, "{what} did not come");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Waits until a metric of a server's is what is wanted.
fn wait_for_metric(server: &Server, metric: &str, is_it: impl Fn(u64) -> bool) {
    let url = server.ready["metrics"].as_str().unwrap();
    wait_for(metric, || {
        let page = page(url)?;
        let value = page.lines().find_map(|line| line.strip_prefix(metric))?;
        is_it(value.trim().parse().unwrap()).then_some(())
    });
}

#[test]
fn a_checkpoint_is_shown_only_with_the_signatures_of_both_witnesses() {
    let house = House::new();
    let (one, two) = house.witnesses();
    assert_eq!(one.ready["logs"][0]["size"], 0);
    let second_at = two.url().strip_prefix("http://").unwrap().to_owned();
    let (status, said) = two.stop();
    assert_eq!(status, 0, "{said}");

    let server = house.serve(&house.world.dir());
    house.world.register(&server, &[]).exits(0);
    let known = format!("{}/{}/checkpoint", one.url(), origin_hash(ORIGIN));
    let first = wait_for("the first's signature", || {
        page(&known).filter(|note| size_of(note) >= 1)
    });
    assert!(
        house
            .policy()
            .satisfied_by(&Note::parse(&first).unwrap())
            .is_err()
    );
    wait_for_metric(
        &server,
        "hazledger_witness_failures_total{witness=\"w2\",reason=\"unreachable\"} ",
        |count| count >= 2,
    );
    assert_eq!(checkpoint_of(&server), None, "one of two is not enough");

    let two = Witness::start(&house, "w2", &["--listen", &second_at]);
    house.receipt(&server, 1);
    let shown = checkpoint_of(&server).unwrap();
    let cosigned = house
        .policy()
        .satisfied_by(&Note::parse(&shown).unwrap())
        .unwrap();
    assert_eq!((size_of(&shown), cosigned.len()), (2, 2));

    // It goes on, and a start goes on from where it was.
    house.produce(&server, "A");
    house.receipt(&server, 2);
    assert_eq!(server.stop(), 0);
    let server = house.serve(&house.world.dir());
    let shown = checkpoint_of(&server).unwrap();
    assert!(
        house
            .policy()
            .satisfied_by(&Note::parse(&shown).unwrap())
            .is_ok()
    );
    house.produce(&server, "B");
    house.receipt(&server, 3);
    assert_eq!(server.stop(), 0);
    assert_eq!(one.stop().0, 0);
    assert_eq!(two.stop().0, 0);
}

#[test]
fn a_copy_of_a_ledger_that_goes_its_own_way_is_refused_and_the_proof_of_it_kept() {
    let house = House::new();
    let (one, two) = house.witnesses();
    let server = house.serve(&house.world.dir());
    house.world.register(&server, &[]).exits(0);
    house.receipt(&server, 1);
    assert_eq!(server.stop(), 0);
    let copies = [house.copy("copy"), house.copy("second")];
    let server = house.serve(&house.world.dir());
    house.produce(&server, "A");
    house.receipt(&server, 2);
    assert_eq!(server.stop(), 0);

    // One that hears of the witnesses first accepts nothing.
    let server = house.serve(&copies[0]);
    wait_for_metric(&server, "hazledger_accepting ", |accepting| accepting == 0);
    let (_, said) = server.stop_saying();
    assert!(
        said.contains("WITNESS AHEAD") && said.contains("1 of its records are lost"),
        "{said}"
    );

    // One that goes on while they are away is refused when they are back.
    let at = [&one, &two].map(|witness| witness.url().strip_prefix("http://").unwrap().to_owned());
    assert_eq!((one.stop().0, two.stop().0), (0, 0));
    let server = house.serve(&copies[1]);
    house.produce(&server, "OTHER");
    wait_for_metric(&server, "hazledger_cosigned_behind_records ", |records| {
        records == 1
    });
    let one = Witness::start(&house, "w1", &["--listen", &at[0]]);
    let two = Witness::start(&house, "w2", &["--listen", &at[1]]);
    let refused = "hazledger_witness_failures_total{witness=\"w1\",reason=\"refused\"} ";
    wait_for_metric(&server, refused, |count| count >= 1);
    wait_for_metric(&server, "hazledger_accepting ", |accepting| accepting == 0);
    // What it shows is what both have in common.
    assert_eq!(checkpoint_of(&server).as_deref().map(size_of), Some(2));
    let (status, said) = server.stop_saying();
    assert_eq!(status, 0);
    for words in [
        "it says 422",
        "shows two trees",
        "are not those that were signed",
    ] {
        assert!(said.contains(words), "no {words} in {said}");
    }
    let (_, said) = one.stop();
    assert!(said.contains("LOG FORK"), "{said}");
    let proof = house
        .world
        .folder
        .path()
        .join("w1")
        .join(fork_file(&origin_hash(ORIGIN)));
    let proof = fs::read_to_string(proof).unwrap();
    assert_eq!(
        proof.matches(&format!("{ORIGIN}\n3\n")).count(),
        2,
        "{proof}"
    );
    drop(two);
}

#[test]
fn a_restored_ledger_asks_its_witnesses_whether_anything_was_lost() {
    let house = House::new();
    let (one, two) = house.witnesses();
    let server = house.serve(&house.world.dir());
    house.world.register(&server, &[]).exits(0);
    house.receipt(&server, 1);
    assert_eq!(server.stop(), 0);
    let old = house.copy("old");
    let server = house.serve(&house.world.dir());
    house.produce(&server, "A");
    house.receipt(&server, 2);
    assert_eq!(server.stop(), 0);
    let whole = house.copy("whole");
    for dir in [&old, &whole] {
        fs::write(dir.join("RESTORED"), "").unwrap();
    }

    // The old one lacks what was recorded since, and the witnesses show it.
    let server = house.serve(&old);
    wait_for_metric(
        &server,
        "hazledger_witness_ahead_records{witness=\"w1\"} ",
        |by| by == 1,
    );
    let file = house
        .world
        .stamped("more.jsonl", &[house.world.produced("X", "5000")]);
    let ran = house.world.submit(&server, &file, &[]);
    assert_ne!(ran.status, 0);
    ran.says("1 of its records are lost");
    let (_, said) = server.stop_saying();
    assert!(said.contains("WITNESS AHEAD"), "{said}");
    assert!(old.join("RESTORED").exists());

    // Of the whole one they know of nothing beyond.
    let server = house.serve(&whole);
    wait_for("the end of the wait", || {
        (!whole.join("RESTORED").exists()).then_some(())
    });
    wait_for_metric(&server, "hazledger_accepting ", |accepting| accepting == 1);
    house.produce(&server, "B");
    house.receipt(&server, 3);
    let (status, said) = server.stop_saying();
    assert_eq!(status, 0);
    assert!(said.contains("accepting again"), "{said}");
    drop((one, two));
}

#[test]
fn an_operator_has_the_key_before_the_witness_runs_and_sees_how_it_does() {
    let house = House::new();
    let log = SmallLog::new();
    let key = house.world.path("w1.key");
    let name = "witness.example/w1";
    let vkey = cli(["key", "vkey", &key, "--name", name, "--witness"]).exits(0);
    let mut more = vec!["--new", "--listen", "127.0.0.1:0"];
    let watch = log.vkey();
    more.extend(["--metrics", "127.0.0.1:0", "--watch", &watch]);
    let witness = Witness::start(&house, "w1", &more);
    assert_eq!(witness.ready["verifierKey"], vkey.stdout.trim());
    let metrics = || page(witness.ready["metrics"].as_str().unwrap()).unwrap();
    let shows = |line: &str| {
        let page = metrics();
        assert!(page.lines().any(|l| l == line), "no {line} in\n{page}");
    };
    shows("hazledger_witness_log_size{log=\"log.example/small\"} 0");
    assert_eq!(log.ask(&witness, 0).0, 200);
    assert_eq!(log.ask(&witness, 0).0, 409);
    shows("hazledger_witness_log_forked{log=\"log.example/small\"} 0");
    assert_eq!(log.ask_for(&witness, 1, b"y").0, 422);
    for line in [
        "hazledger_witness_log_size{log=\"log.example/small\"} 1",
        "hazledger_witness_log_size{log=\"hazledger.example/test\"} 0",
        "hazledger_witness_log_forked{log=\"log.example/small\"} 1",
        "hazledger_witness_log_in_doubt{log=\"log.example/small\"} 0",
        "hazledger_witness_log_cosigned_at_seconds{log=\"hazledger.example/test\"} 0",
        "hazledger_witness_answers_total{status=\"200\"} 1",
        "hazledger_witness_answers_total{status=\"409\"} 1",
        "hazledger_witness_answers_total{status=\"422\"} 1",
    ] {
        shows(line);
    }
    // Not at the door that the world is let in to.
    assert_eq!(page(&format!("{}/metrics", witness.url())), None);
    assert_eq!(witness.stop().0, 0);
}

/// The policy with a witness at another address.
fn move_to(house: &House, witness: &Witness, url: &str) {
    let policy = fs::read_to_string(house.policy_file()).unwrap();
    assert!(policy.contains(witness.url()));
    fs::write(house.policy_file(), policy.replace(witness.url(), url)).unwrap();
}

#[test]
fn a_witness_behind_tls_is_believed_by_the_authority_that_is_given_and_by_no_other() {
    let house = House::new();
    let (one, two) = house.witnesses();
    let address = |witness: &Witness| witness.url().strip_prefix("http://").unwrap().parse();
    for (witness, host) in [(&one, "127.0.0.1"), (&two, "localhost")] {
        let port = tls::before(address(witness).unwrap());
        move_to(&house, witness, &format!("https://{host}:{port}/"));
    }
    let unreachable = "hazledger_witness_failures_total{witness=\"w1\",reason=\"unreachable\"} ";
    let stranger = tls::file("stranger.pem");
    let refused = [
        (vec![], "with --witness-ca FILE"),
        (
            vec!["--witness-ca", &stranger],
            "stranger.pem (--witness-ca)",
        ),
    ];
    for (with, who) in refused {
        let server = house.serve_with(&house.world.dir(), &with);
        wait_for_metric(&server, unreachable, |count| count >= 1);
        assert_eq!(checkpoint_of(&server), None);
        let (status, said) = server.stop_saying();
        assert_eq!(status, 0);
        for words in ["https://127.0.0.1:", "invalid peer certificate", who] {
            assert!(said.contains(words), "no {words} in {said}");
        }
    }
    let agency = tls::file("agency.pem");
    let server = house.serve_with(&house.world.dir(), &["--witness-ca", &agency]);
    house.world.register(&server, &[]).exits(0);
    house.receipt(&server, 1);
    let shown = Note::parse(&checkpoint_of(&server).unwrap()).unwrap();
    assert_eq!(house.policy().satisfied_by(&shown).unwrap().len(), 2);
    assert_eq!(server.stop(), 0);
    drop((one, two));
}

#[test]
fn what_a_witness_or_a_policy_cannot_be_is_said_at_the_start() {
    let house = House::new();
    let world = &house.world;
    let witness = |more: &[&str]| {
        let key = world.path("w1.key");
        let dir = world.path("w1");
        let start = ["witness", &dir, "--key", &key];
        let ran = cli(start.iter().chain(more)).exits(2);
        assert!(!Path::new(&dir).exists(), "it left a directory");
        ran
    };
    let named = ["--name", "witness.example/w1"];
    let watch = ["--watch", house.vkey.as_str()];
    let all = |more: &[&'static str]| [&named[..], &watch[..], more].concat();
    witness(&all(&["--listen", "127.0.0.1:0"])).says("--new");
    witness(&[&named[..], &["--watch", "noise"]].concat()).says("--watch noise");
    witness(&[&["--name", "two words", "--new"], &watch[..]].concat()).says("--name two words");
    witness(&all(&["--new", "--listen", "0.0.0.0:0"])).says("loopback");
    let elsewhere = cli([
        "witness",
        &world.path("ledger"),
        "--new",
        "--key",
        &world.path("w1.key"),
        "--name",
        "w",
        "--watch",
        &house.vkey,
        "--listen",
        "127.0.0.1:0",
    ]);
    elsewhere.exits(2).says("not empty");
    let serve = |policy: &str| {
        let file = world.path("bad.policy");
        fs::write(&file, policy).unwrap();
        let ran = cli([
            "serve",
            &world.path("ledger"),
            "--listen",
            "127.0.0.1:0",
            "--witness-policy",
            &file,
        ]);
        ran.exits(2)
    };
    serve("quorum nobody\n").says("line 1");
    let plant = world.path("plant.key");
    let other = cli(["key", "vkey", &plant, "--name", ORIGIN])
        .exits(0)
        .stdout;
    serve(&format!("log {}\nquorum none\n", other.trim())).says("not for this ledger");
    let file = world.path("bad.policy");
    fs::write(&file, "quorum none\n").unwrap();
    let serve = |ca: &str| {
        let start = ["serve", &world.path("ledger"), "--listen", "127.0.0.1:0"];
        let more = ["--witness-policy", &file, "--witness-ca", ca];
        cli(start.iter().chain(&more)).exits(2)
    };
    serve(&file).says("--witness-ca");
    serve(&file).says("holds no certificate");
    serve(&world.path("nowhere.pem")).says("nowhere.pem");
}
