//! One request to a witness that is hostile, slow, or only another program than
//! ours.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::super::ask::{Asked, Asker, NoAnswer, Said};
use super::super::authorities::Authorities;
use super::*;
use crate::proof::{NoteSignature, cosign};

/// What a request may take here.
const SHORT: Duration = Duration::from_millis(500);

/// What a test may take, with a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(1);

/// Who asks whoever is at an address.
fn asker(url: String) -> Asker {
    let asked = Asked {
        name: "w".to_owned(),
        key: signer(9).verifier_key().clone(),
        url,
    };
    Asker::within(asked, Authorities::public("--ca"), SHORT)
}

/// Asks for a signature on a checkpoint of size 9.
fn ask(url: String) -> Result<Said, NoAnswer> {
    asker(url).add(&TestLog::new(9).request(0, 9))
}

/// Where every connection is dealt with so, each in its turn.
fn server(deal: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It ends with the process: nobody tells a listener to stop.
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(deal));
    address.to_string()
}

/// Where a request is answered with these words.
fn answering(answer: String) -> String {
    server(move |mut stream| {
        let _ = stream.read(&mut [0; 16 * 1024]);
        // Whoever has heard enough may hang up.
        let _ = stream.write_all(answer.as_bytes());
    })
}

fn answer(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[test]
fn the_type_of_the_answer_that_says_a_size_may_be_written_in_its_other_ways() {
    for kind in [
        "text/x.tlog.size",
        "Text/X.Tlog.Size",
        "text/x.tlog.size; charset=utf-8",
    ] {
        let at = answering(answer("409 Conflict", kind, "4\n"));
        assert_eq!(ask(format!("http://{at}")), Ok(Said::Has(4)), "{kind}");
    }
    let at = answering(answer("409 Conflict", "text/x.tlog.sizes", "4\n"));
    let other = ask(format!("http://{at}"));
    assert!(
        matches!(other, Ok(Said::Refused { status: 409, .. })),
        "{other:?}"
    );
}

#[test]
fn cosignatures_of_other_keys_and_kinds_are_passed_over() {
    let text = TestLog::new(9).signed(9).text;
    let ours = cosign(&SecretKey::from_seed(&[9; 32]), WITNESS, &text, START_S);
    let other = cosign(&SecretKey::from_seed(&[8; 32]), WITNESS, &text, START_S);
    // ML-DSA-44 under the same name (C2SP tlog-cosignature).
    let ml_dsa = NoteSignature {
        name: WITNESS.to_owned(),
        id: [6; 4],
        signature: vec![6; 8 + 2420].into(),
    };
    let at = answering(answer(
        "200 OK",
        "text/plain",
        &format!("{ml_dsa}{other}{ours}"),
    ));
    assert_eq!(
        ask(format!("http://{at}")),
        Ok(Said::Cosigned {
            signature: ours,
            at_s: START_S
        })
    );
    let at = answering(answer("200 OK", "text/plain", &format!("{ml_dsa}{other}")));
    let none = ask(format!("http://{at}"));
    assert!(matches!(none, Err(NoAnswer::Useless { .. })), "{none:?}");
}

#[test]
fn of_what_a_witness_shows_the_logs_own_word_is_kept() {
    let log = TestLog::new(9);
    let mut shown = log.signed(9);
    let alone = shown.to_string();
    shown.signatures.extend(vec![
        NoteSignature {
            name: "x".repeat(255),
            id: [0; 4],
            signature: vec![0; 512].into(),
        };
        100
    ]);
    let at = answering(answer("200 OK", "text/plain", &shown.to_string()));
    let latest = asker(format!("http://{at}")).latest(&log.vkey());
    assert_eq!(latest.unwrap().map(|(_, note)| note), Some(alone));
}

#[test]
fn whoever_does_not_come_to_an_end_is_not_waited_for() {
    // Held open for as long as somebody is at the other end.
    let hold = |mut stream: TcpStream| while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {};
    let cut_off = |words: &'static str| {
        server(move |mut stream| {
            let _ = stream.write_all(words.as_bytes());
            hold(stream);
        })
    };
    // A byte now and then, each in time for a bound on a single one.
    let drip = |head: &'static str| {
        server(move |mut stream| {
            let mut went = stream.write_all(head.as_bytes());
            while went.is_ok() {
                std::thread::park_timeout(SHORT / 10);
                went = stream.write_all(b"x");
            }
        })
    };
    let body = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    let cases = [
        ("silent", format!("http://{}", server(hold))),
        ("silent in TLS", format!("https://{}", server(hold))),
        ("half a head", format!("http://{}", cut_off("HTTP/1.1 20"))),
        ("half a body", format!("http://{}", cut_off(body))),
        (
            "a head in drops",
            format!("http://{}", drip("HTTP/1.1 200 OK\r\nA: ")),
        ),
        ("a body in drops", format!("http://{}", drip(body))),
        (
            "TLS in drops",
            format!("https://{}", drip("\x16\x03\x03\x40\x00")),
        ),
    ];
    for (what, url) in cases {
        let began = Instant::now();
        let answer = ask(url);
        assert!(
            matches!(answer, Err(NoAnswer::Unreachable { .. })),
            "{what}: {answer:?}"
        );
        assert!(began.elapsed() < PATIENCE, "{what}");
    }
    // Too much, and too fast to be late.
    let flood = |head: &'static str| {
        server(move |mut stream| {
            let mut went = stream.write_all(head.as_bytes());
            while went.is_ok() {
                went = stream.write_all(&[b'x'; 16 * 1024]);
            }
        })
    };
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n";
    for head in ["HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 200 OK\r\n\r\n", chunked] {
        let answer = ask(format!("http://{}", flood(head)));
        assert!(
            matches!(answer, Err(NoAnswer::Unreachable { .. })),
            "{head:?}: {answer:?}"
        );
    }
}
