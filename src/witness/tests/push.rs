//! Asking witnesses: real ones over HTTP, for a log in memory.

mod restored;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;

use super::super::authorities::Authorities;
use super::super::memory::Answer;
use super::super::metrics::Metrics;
use super::super::push::{Begin, Log, Plan, PushError, Pushing};
use super::http::House;
use super::*;
use crate::proof::tree::check_consistency;
use crate::proof::{Policy, open_checkpoint};

/// What anything may take before its test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the log was asked to do, or told.
#[derive(Debug, PartialEq)]
enum Told {
    Proof(u64, u64),
    Published(String),
    HeldAgainst(u64),
    Confirmed(u64),
}

/// A log that says what is done to it.
struct Pushed {
    log: TestLog,
    told: SyncSender<Told>,
}

impl Log for Pushed {
    fn consistency(&self, old: u64, new: u64) -> Result<Vec<TreeHash>, String> {
        let _ = self.told.try_send(Told::Proof(old, new));
        Ok(self.log.request(old, new).proof)
    }

    fn publish(&self, note: &str) -> Result<(), String> {
        let _ = self.told.try_send(Told::Published(note.to_owned()));
        Ok(())
    }

    fn hold_against(&self, note: &str) -> Result<(), String> {
        let (checkpoint, _) = open_checkpoint(note, &self.log.vkey()).unwrap();
        let _ = self.told.try_send(Told::HeldAgainst(checkpoint.size));
        let has = self.log.size();
        if checkpoint.size <= has && self.log.root(checkpoint.size) == checkpoint.root {
            return Ok(());
        }
        Err("it is not here".to_owned())
    }

    fn confirm_complete(&self, size: u64) -> Result<(), String> {
        let _ = self.told.try_send(Told::Confirmed(size));
        Ok(())
    }

    fn now_s(&self) -> u64 {
        START_S
    }
}

/// A witness' place: where it is, who it is, and what it keeps.
struct Post {
    number: u8,
    disk: TestDisk,
    address: std::net::SocketAddr,
}

impl Post {
    /// A free address, at which nobody is yet.
    fn new(number: u8) -> Post {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Post {
            number,
            disk: TestDisk::default(),
            address: free.local_addr().unwrap(),
        }
    }

    fn witness(&self, log: &TestLog) -> Witness<TestDisk> {
        let logs = Logs::new([log.vkey()]).unwrap();
        Witness::open(
            signer(self.number),
            logs,
            self.disk.clone(),
            Box::new(|| START_S),
        )
        .unwrap()
    }

    fn open(&self, log: &TestLog) -> House {
        House::open(self.witness(log), self.address)
    }

    /// It has signed the log up to a size.
    fn has_signed(&self, log: &TestLog, size: u64) {
        let answer = self
            .witness(log)
            .add(log.request(0, size).to_string().as_bytes());
        assert!(matches!(answer, Answer::Cosigned { .. }), "{answer:?}");
    }

    fn line(&self) -> String {
        let key = signer(self.number).verifier_key().clone();
        format!("witness w{} {key} http://{}/\n", self.number, self.address)
    }
}

fn policy(log: &TestLog, posts: &[&Post], threshold: &str) -> Policy {
    let lines: String = posts.iter().map(|post| post.line()).collect();
    let names: Vec<String> = posts
        .iter()
        .map(|post| format!("w{}", post.number))
        .collect();
    let names = names.join(" ");
    let text = format!(
        "log {}\n{lines}group g {threshold} {names}\nquorum g\n",
        log.vkey()
    );
    Policy::parse(&text).unwrap()
}

/// A log that is pushed, and what it is told.
struct Bench {
    pushing: Pushing,
    told: Receiver<Told>,
    policy: Policy,
    metrics: Metrics,
}

impl Bench {
    fn start(log: &TestLog, policy: Policy, begin: Begin) -> Bench {
        let (sender, told) = sync_channel(10_000);
        let pushed = Pushed {
            log: log.clone(),
            told: sender,
        };
        let authorities = Authorities::public("--ca");
        let plan = Plan::new(policy.clone(), log.vkey(), authorities).unwrap();
        let metrics = Metrics::default();
        let pushing = Pushing::start(plan, Box::new(pushed), metrics.clone(), begin).unwrap();
        Bench {
            pushing,
            told,
            policy,
            metrics,
        }
    }

    fn offer(&self, log: &TestLog, size: u64) {
        self.pushing.offer(&log.signed(size).to_string());
    }

    #[track_caller]
    fn next(&self) -> Told {
        self.told.recv_timeout(PATIENCE).unwrap()
    }

    /// The next checkpoint that is published: its size, and who cosigned.
    #[track_caller]
    fn published(&self) -> (u64, Vec<String>) {
        loop {
            if let Told::Published(note) = self.next() {
                let note = Note::parse(&note).unwrap();
                let cosigned = self.policy.satisfied_by(&note).unwrap();
                let names = cosigned.into_iter().map(|by| by.name).collect();
                return (Checkpoint::parse(&note.text).unwrap().size, names);
            }
        }
    }

    fn page(&self) -> String {
        let mut registry = Registry::default();
        self.metrics.register(&mut registry);
        let mut page = String::new();
        prometheus_text::encode(&mut page, &registry).unwrap();
        page
    }

    #[track_caller]
    fn shows(&self, line: &str) {
        let page = self.page();
        assert!(page.lines().any(|l| l == line), "no {line} in\n{page}");
    }

    /// Everything that came, once the threads have ended.
    fn stop(self) -> Vec<Told> {
        self.pushing.stop();
        self.told.try_iter().collect()
    }

    /// Nothing more of all that came was published.
    #[track_caller]
    fn stops_unpublished(self, what: &str) {
        let told = self.stop();
        let is_published = |told: &Told| matches!(told, Told::Published(_));
        assert!(!told.iter().any(is_published), "{what}: {told:?}");
    }
}

#[test]
fn a_checkpoint_comes_only_after_all_that_the_policy_needs_and_goes_on_when_they_are_back() {
    let log = TestLog::new(50);
    let (one, two) = (Post::new(11), Post::new(12));
    let bench = Bench::start(&log, policy(&log, &[&one, &two], "all"), Begin::default());
    let house = one.open(&log);
    bench.offer(&log, 7);
    // The second is not there; the first has signed, and nothing comes of it.
    let shown = loop {
        if let Some(shown) = one.disk.read(&file()).unwrap() {
            break shown;
        }
        std::thread::yield_now();
    };
    assert!(shown.contains("\n7\n"));
    let second = two.open(&log);
    assert_eq!(bench.published(), (7, names(&[11, 12])));
    bench.shows("hazledger_cosigned_size 7");
    bench.shows("hazledger_cosigned_behind_records 0");
    bench.shows("hazledger_witness_size{witness=\"w11\"} 7");
    bench.offer(&log, 20);
    assert_eq!(bench.published(), (20, names(&[11, 12])));
    drop(second);
    bench.offer(&log, 30);
    bench.offer(&log, 40);
    // It has forgotten nothing when it is back.
    let second = two.open(&log);
    loop {
        let (size, by) = bench.published();
        assert_eq!(by, names(&[11, 12]));
        if size == 40 {
            break;
        }
        assert_eq!(size, 30);
    }
    drop((house, second));
    bench.stop();
}

fn file() -> String {
    super::super::memory::checkpoint_file(&super::super::memory::origin_hash(ORIGIN))
}

fn names(numbers: &[u8]) -> Vec<String> {
    numbers.iter().map(|number| format!("w{number}")).collect()
}

#[test]
fn a_cosignature_that_comes_late_is_merged_with_those_that_were_enough() {
    let log = TestLog::new(9);
    let (one, two) = (Post::new(11), Post::new(12));
    let first = one.open(&log);
    let bench = Bench::start(&log, policy(&log, &[&one, &two], "any"), Begin::default());
    bench.offer(&log, 9);
    assert_eq!(bench.published(), (9, names(&[11])));
    let second = two.open(&log);
    assert_eq!(bench.published(), (9, names(&[11, 12])));
    drop((first, second));
    bench.stop();
}

#[test]
fn a_witness_that_says_its_size_gets_a_proof_from_there() {
    let log = TestLog::new(33);
    let post = Post::new(11);
    post.has_signed(&log, 13);
    let house = post.open(&log);
    let bench = Bench::start(&log, policy(&log, &[&post], "all"), Begin::default());
    bench.offer(&log, 33);
    assert_eq!(bench.next(), Told::Proof(13, 33));
    assert_eq!(bench.published(), (33, names(&[11])));
    drop(house);
    bench.stop();
}

#[test]
fn what_was_served_before_keeps_its_cosignatures_and_is_not_published_anew() {
    let log = TestLog::new(12);
    let (one, two) = (Post::new(11), Post::new(12));
    let policy = policy(&log, &[&one, &two], "any");
    let houses = (one.open(&log), two.open(&log));
    let bench = Bench::start(&log, policy.clone(), Begin::default());
    bench.offer(&log, 9);
    let served = loop {
        let Told::Published(note) = bench.next() else {
            continue;
        };
        let note = Note::parse(&note).unwrap();
        if policy.satisfied_by(&note).unwrap().len() == 2 {
            break note.to_string();
        }
    };
    bench.stop();
    let begin = Begin {
        served: Some(served),
        ..Begin::default()
    };
    let bench = Bench::start(&log, policy, begin);
    bench.shows("hazledger_cosigned_size 0");
    bench.offer(&log, 9);
    bench.shows("hazledger_cosigned_size 9");
    bench.offer(&log, 12);
    // The first that is published is the next one.
    assert_eq!(bench.published().0, 12);
    drop(houses);
    bench.stop();
}

#[test]
fn a_witness_that_is_ahead_is_an_alarm_with_the_proof_that_it_shows() {
    let log = TestLog::new(20);
    let mut set_back = log.clone();
    set_back.leaves.truncate(10);
    let post = Post::new(11);
    post.has_signed(&log, 20);
    let house = post.open(&log);
    let bench = Bench::start(&set_back, policy(&log, &[&post], "all"), Begin::default());
    bench.offer(&set_back, 10);
    assert_eq!(bench.next(), Told::HeldAgainst(20));
    // Again, after a rest: by then it is counted.
    assert_eq!(bench.next(), Told::HeldAgainst(20));
    bench.shows("hazledger_witness_ahead_records{witness=\"w11\"} 10");
    drop(house);
    bench.stops_unpublished("");
}

#[test]
fn a_forked_log_is_not_signed_for_and_nothing_of_it_is_published() {
    let log = TestLog::new(20);
    let fork = log.forked_at(6, 30);
    let post = Post::new(11);
    post.has_signed(&log, 20);
    let house = post.open(&log);
    let bench = Bench::start(&fork, policy(&log, &[&post], "all"), Begin::default());
    bench.offer(&fork, 30);
    for _ in 0..2 {
        // What it shows, with the log's own signature, is held against the
        // log; and it is asked anew after each refusal.
        assert_eq!(bench.next(), Told::Proof(20, 30));
        assert_eq!(bench.next(), Told::HeldAgainst(20));
    }
    let page = bench.page();
    let refused = "hazledger_witness_failures_total{witness=\"w11\",reason=\"refused\"} ";
    let count = page
        .lines()
        .find_map(|line| line.strip_prefix(refused))
        .unwrap();
    assert!(count.parse::<u64>().unwrap() >= 1, "{page}");
    drop(house);
    bench.stops_unpublished("");
}

#[test]
fn a_policy_that_needs_nobody_is_met_at_once() {
    let log = TestLog::new(5);
    let policy = Policy::parse("quorum none\n").unwrap();
    let bench = Bench::start(&log, policy, Begin::default());
    bench.offer(&log, 5);
    assert_eq!(bench.published(), (5, Vec::new()));
    bench.stop();
}

/// Answers every request with the same bytes, and counts them.
fn impostor(answer: Vec<u8>) -> (std::net::SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, told) = sync_channel(10_000);
    // It ends with the process: nobody tells a listener to stop.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = vec![0; 64 * 1024];
            let read = stream.read(&mut buffer).unwrap();
            if read > 0 && asked.try_send(()).is_ok() {
                // Whoever has heard enough may hang up.
                let _ = stream.write_all(&answer);
            }
        }
    });
    (address, told)
}

#[test]
fn an_answer_that_does_not_hold_is_not_taken_however_it_is_made() {
    let log = TestLog::new(9);
    let answer = |status: &str, kind: &str, body: &str| {
        let length = body.len();
        let head = format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n");
        format!("HTTP/1.1 {status}\r\n{head}Connection: close\r\n\r\n{body}").into_bytes()
    };
    let text = |status: &str, body: &str| answer(status, "text/plain", body);
    let by = |number: u8, name: &str, text: &str, at_s: u64| {
        crate::proof::cosign(&SecretKey::from_seed(&[number; 32]), name, text, at_s).to_string()
    };
    let signed = log.signed(9).text;
    let good = Post::new(12);
    let house = good.open(&log);
    let elsewhere = format!(
        "HTTP/1.1 307 Moved\r\nLocation: http://{}/add-checkpoint\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        good.address
    );
    #[rustfmt::skip]
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing",               Vec::new(),                                            "unreachable"),
        ("noise",                 b"220 mail.example ESMTP\r\n\r\n".to_vec(),            "unreachable"),
        ("an empty 200",          text("200 OK", ""),                                    "useless"),
        ("words",                 text("200 OK", "thank you\n"),                         "useless"),
        ("another's signature",   text("200 OK", &by(13, WITNESS, &signed, 5)),          "useless"),
        ("under another name",    text("200 OK", &by(11, "other", &signed, 5)),          "useless"),
        ("of another checkpoint", text("200 OK", &by(11, WITNESS, &log.signed(8).text, 5)), "useless"),
        ("without a time",        text("200 OK", &by(11, WITNESS, &signed, 0)),          "useless"),
        ("without end",           text("200 OK", &"— x AAAAAAAA\n".repeat(20_000)),      "unreachable"),
        ("a size that is none",   answer("409 Conflict", "text/x.tlog.size", "nine\n"),  "useless"),
        ("always another size",   answer("409 Conflict", "text/x.tlog.size", "4\n"),     "useless"),
        ("409 without its type",  text("409 Conflict", "4\n"),                           "refused"),
        ("503",                   text("503 Busy", "come again\n"),                      "refused"),
        ("a redirection",         elsewhere.into_bytes(),                                "refused"),
    ];
    for (what, answer, reason) in cases {
        let (address, asked) = impostor(answer);
        let bad = Post {
            address,
            ..Post::new(11)
        };
        let bench = Bench::start(&log, policy(&log, &[&bad, &good], "any"), Begin::default());
        bench.offer(&log, 9);
        // The other is not held up, and its word is all that is published.
        assert_eq!(bench.published(), (9, names(&[12])), "{what}");
        let failures =
            format!("hazledger_witness_failures_total{{witness=\"w11\",reason=\"{reason}\"}} 0");
        while bench.page().contains(&failures) {
            asked
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("{what}: {}", bench.page()));
        }
        bench.stops_unpublished(what);
    }
    drop(house);
}

#[test]
fn a_policy_must_be_for_this_ledger_and_say_where_its_witnesses_are() {
    let log = TestLog::new(1);
    let post = Post::new(11);
    let plan = |text: &str| {
        let policy = Policy::parse(text).unwrap();
        Plan::new(policy, log.vkey(), Authorities::public("--ca"))
    };
    let key = signer(11).verifier_key().clone();
    let no_url = plan(&format!("witness a {key}\nquorum a\n"));
    assert!(matches!(no_url, Err(PushError::NoUrl(_))), "{no_url:?}");
    let bad_url = plan(&format!("witness a {key} witness.example\nquorum a\n"));
    assert!(
        matches!(bad_url, Err(PushError::BadUrl { .. })),
        "{bad_url:?}"
    );
    let mut other = log.clone();
    other.key = SecretKey::from_seed(&[50; 32]);
    let other = plan(&format!(
        "log {}\n{}quorum w11\n",
        other.vkey(),
        post.line()
    ));
    assert!(matches!(other, Err(PushError::OtherLog(_))), "{other:?}");
    let fine = plan(&format!("{}quorum w11\n", post.line())).unwrap();
    assert_eq!(fine.names().collect::<Vec<_>>(), ["w11"]);
}

#[test]
fn the_proof_that_is_sent_is_one() {
    let log = TestLog::new(33);
    let request = log.request(13, 33);
    let checked = check_consistency(13, log.root(13), 33, log.root(33), &request.proof);
    assert_eq!(checked, Ok(()));
}
