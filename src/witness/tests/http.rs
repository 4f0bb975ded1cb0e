//! The witness over real HTTP on loopback: each status as the specification
//! has it, bounds, requests at once, and an answer that was lost.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::counts::Counts;
use super::super::door;
use super::super::files::Folder;
use super::super::memory::origin_hash;
use super::super::request::MAX_REQUEST;
use super::*;
use crate::proof::{check_cosignature, open_checkpoint};

/// What anything may take before its test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// A witness that can be reached, and stops when it is dropped.
pub(super) struct House {
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl House {
    pub(super) fn open<F: Files + 'static>(witness: Witness<F>, address: SocketAddr) -> House {
        let (stop, stopped) = oneshot::channel::<()>();
        let (told, tells) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = door::listen(address).await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                let stop = async {
                    let _ = stopped.await;
                };
                door::serve(listener, Arc::new(witness), Counts::default(), stop).await;
            });
        });
        House {
            address: tells.recv_timeout(PATIENCE).unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(super) fn on_any_port<F: Files + 'static>(witness: Witness<F>) -> House {
        House::open(witness, "127.0.0.1:0".parse().unwrap())
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends bytes as they are and reads what comes until the end.
    fn raw(&self, request: &str) -> Got {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        Got::read(&text)
    }

    fn post(&self, body: &str) -> Got {
        self.raw(&format!(
            "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn get(&self, path: &str) -> Got {
        self.raw(&format!(
            "GET {path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n"
        ))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

#[derive(Debug, PartialEq)]
struct Got {
    status: u16,
    kind: String,
    body: String,
}

impl Got {
    fn read(text: &str) -> Got {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let kind = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-type")
                .then(|| value.to_owned())
        });
        Got {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            kind: kind.unwrap_or_default(),
            body: body.to_owned(),
        }
    }
}

fn house(log: &TestLog, disk: &TestDisk) -> House {
    House::on_any_port(witness_of(log, disk.clone(), &TestClock::new()))
}

#[test]
fn every_answer_has_the_status_the_type_and_the_body_of_the_specification() {
    let log = TestLog::new(40);
    let house = house(&log, &TestDisk::default());
    let latest = format!("/{}/checkpoint", origin_hash(ORIGIN));
    assert_eq!(house.get(&latest).status, 404);
    let got = house.post(&log.request(0, 12).to_string());
    assert_eq!(got.status, 200, "{got:?}");
    // The answer after the text, between them an empty line, is a note.
    let note = Note::parse(&format!("{}\n{}", log.signed(12).text, got.body)).unwrap();
    assert_eq!(note.signatures.len(), 1);
    assert_eq!(
        check_cosignature(&note, signer(9).verifier_key()),
        Ok(START_S)
    );
    let got = house.post(&log.request(0, 20).to_string());
    let size = Got {
        status: 409,
        kind: "text/x.tlog.size".to_owned(),
        body: "12\n".to_owned(),
    };
    assert_eq!(got, size);
    let mut stranger = log.request(12, 20);
    stranger.note.text = stranger.note.text.replacen("test", "rest", 1);
    let mut unsigned = log.request(12, 20);
    unsigned.note.signatures[0].id = [0; 4];
    let mut larger = log.request(12, 20);
    larger.old = 21;
    let mut wrong = log.request(12, 20);
    wrong.proof.pop();
    #[rustfmt::skip]
    let cases = [
        (400, "no request".to_owned()),
        (400, larger.to_string()),
        (403, unsigned.to_string()),
        (404, stranger.to_string()),
        (422, wrong.to_string()),
        (422, log.forked_at(3, 12).request(12, 12).to_string()),
    ];
    for (status, request) in cases {
        let got = house.post(&request);
        assert_eq!(got.status, status, "{got:?}");
        assert!(got.body.len() > 20, "it says why: {got:?}");
    }
    assert_eq!(house.post(&log.request(12, 20).to_string()).status, 200);
    // What it shows of the log has both signatures.
    let shown = house.get(&latest);
    assert_eq!(shown.status, 200);
    let (checkpoint, note) = open_checkpoint(&shown.body, &log.vkey()).unwrap();
    assert_eq!(checkpoint.size, 20);
    check_cosignature(&note, signer(9).verifier_key()).unwrap();
    assert_eq!(house.get("/add-checkpoint").status, 405);
    assert_eq!(house.get("/elsewhere").status, 404);
}

#[test]
fn a_request_beyond_the_bound_is_not_read_and_a_connection_serves_several() {
    let log = TestLog::new(9);
    let house = house(&log, &TestDisk::default());
    let too_long = "x".repeat(MAX_REQUEST + 1);
    assert_eq!(house.post(&too_long).status, 413);
    let mut stream = house.connect();
    for (old, new) in [(0, 3), (3, 5), (5, 9)] {
        let body = log.request(old, new).to_string();
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut got = Vec::new();
        // One signature line ends the answer.
        while !got.ends_with(b"=\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            got.push(byte[0]);
        }
        assert!(
            got.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&got)
        );
    }
}

#[test]
fn of_two_requests_at_once_one_is_signed_and_the_other_is_told_the_size() {
    let log = TestLog::new(60);
    let fork = log.forked_at(20, 60);
    let house = house(&log, &TestDisk::default());
    assert_eq!(house.post(&log.request(0, 20).to_string()).status, 200);
    let mut has = 20;
    for round in 0..10 {
        let new = has + 4;
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let asks = [
                log.request(has, new),
                log.request(has, new - 1),
                fork.request(has, new),
            ];
            let asks = asks.map(|ask| {
                let house = &house;
                scope.spawn(move || house.post(&ask.to_string()).status)
            });
            asks.map(|ask| ask.join().unwrap()).to_vec()
        });
        let signed = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!(signed, 1, "{round}: {statuses:?}");
        let shown = house.get(&format!("/{}/checkpoint", origin_hash(ORIGIN)));
        let (checkpoint, _) = open_checkpoint(&shown.body, &log.vkey()).unwrap();
        has = checkpoint.size;
        if checkpoint.root != log.root(has) {
            // The fork came first: from here on it is the log.
            assert_eq!(checkpoint.root, fork.root(has));
            let refused = house.post(&log.request(has, 60).to_string());
            assert_eq!(refused.status, 422);
            return;
        }
    }
}

#[test]
fn an_answer_that_was_lost_is_made_up_for_with_the_size() {
    let log = TestLog::new(20);
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("memory");
    let ours = signer(9);
    let folder = Folder::create(&dir, ours.verifier_key()).unwrap();
    let witness = witness_of(&log, folder, &TestClock::new());
    // Kept, and the power goes before anything is answered.
    let lost = witness.add(log.request(0, 12).to_string().as_bytes());
    drop((lost, witness));
    let folder = Folder::open(&dir, ours.verifier_key()).unwrap();
    let house = House::on_any_port(witness_of(&log, folder, &TestClock::new()));
    let got = house.post(&log.request(0, 12).to_string());
    assert_eq!((got.status, got.body.as_str()), (409, "12\n"));
    assert_eq!(house.post(&log.request(12, 12).to_string()).status, 200);
    assert_eq!(house.post(&log.request(12, 20).to_string()).status, 200);
}

/// A disk that says when it is asked to write, and does when it is let.
struct SlowDisk {
    disk: TestDisk,
    asked: SyncSender<()>,
    let_go: Mutex<Receiver<()>>,
}

impl Files for SlowDisk {
    fn read(&self, name: &str) -> std::io::Result<Option<String>> {
        self.disk.read(name)
    }

    fn replace(&self, name: &str, text: &str) -> Result<(), crate::storage::NotReplaced> {
        let _ = self.asked.send(());
        let _ = self.let_go.lock().unwrap().recv();
        self.disk.replace(name, text)
    }
}

#[test]
fn while_the_disk_hangs_what_is_kept_is_still_shown() {
    let log = TestLog::new(20);
    let disk = TestDisk::default();
    let before = witness_of(&log, disk.clone(), &TestClock::new());
    before.add(log.request(0, 12).to_string().as_bytes());
    let (asked, asks) = sync_channel(1);
    let (go, let_go) = sync_channel(1);
    let slow = SlowDisk {
        disk,
        asked,
        let_go: Mutex::new(let_go),
    };
    let house = House::on_any_port(witness_of(&log, slow, &TestClock::new()));
    let latest = format!("/{}/checkpoint", origin_hash(ORIGIN));
    let size = |got: &Got| open_checkpoint(&got.body, &log.vkey()).unwrap().0.size;
    std::thread::scope(|scope| {
        // Gone when this fails, so that the disk is let go.
        let go = go;
        let post = scope.spawn(|| house.post(&log.request(12, 20).to_string()));
        asks.recv_timeout(PATIENCE).unwrap();
        // More than the event loop has threads.
        for _ in 0..4 {
            assert_eq!(size(&house.get(&latest)), 12);
        }
        go.send(()).unwrap();
        assert_eq!(post.join().unwrap().status, 200);
    });
    assert_eq!(size(&house.get(&latest)), 20);
}

#[test]
fn it_listens_on_loopback_only() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = runtime
            .block_on(door::listen(address.parse().unwrap()))
            .unwrap_err();
        assert!(error.to_string().contains("loopback"), "{error}");
    }
}
