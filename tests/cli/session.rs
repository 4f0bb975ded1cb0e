//! A whole session: keys, a ledger, parties, a lot made, offered and accepted,
//! traced, followed and verified.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Lines, Ran, Server, World, cli, hazledger};

const KG_MG: u64 = 1_000_000;

struct Session {
    world: World,
    server: Server,
    acks: String,
}

impl Session {
    /// A ledger that serves, with plant and mine registered.
    fn new() -> Session {
        let world = World::new();
        let server = Server::start(&world.dir());
        assert_eq!(server.ready["origin"], "hazledger.example/test");
        assert_eq!(server.ready["genesisHash"], world.init["genesisHash"]);
        assert_eq!(server.ready["ledgerKeyId"], world.init["ledgerKeyId"]);
        assert_eq!(server.ready["records"], 1);
        let acks = world.path("acks.jsonl");
        world.register(&server, &["--acks", &acks]).exits(0);
        Session {
            world,
            server,
            acks,
        }
    }

    /// Stamps and submits one line.
    fn submit(&self, name: &str, line: Value) -> Ran {
        let file = self.world.stamped(name, &[line]);
        self.world
            .submit(&self.server, &file, &["--acks", &self.acks])
    }

    #[track_caller]
    fn accepted(&self, name: &str, line: Value) -> Value {
        let answer = self.submit(name, line).exits(0).lines().remove(0);
        assert_eq!(answer["answer"], "accepted", "{answer}");
        answer
    }

    fn ask(&self, args: &[&str]) -> Ran {
        cli(args.iter().chain(&["--server", self.server.url.as_str()]))
    }

    /// The plant makes 500 kg and offers 200 kg to the mine. Returns the lot
    /// (hexadecimal) and how the offer is named.
    fn offered(&self) -> (String, Value) {
        let made = self.accepted(
            "made.jsonl",
            self.world.produced("NC-1", &(500 * KG_MG).to_string()),
        );
        let lot = &made["events"][0]["made"][0];
        assert_eq!(lot["what"], "lot");
        let offer = self.accepted(
            "offer.jsonl",
            json!({"party": self.world.plant, "events": [{"offered": {"taker": self.world.mine,
                "place": "T1", "lines": [{"lot": lot["base64"],
                "loose": {"grossMg": (200 * KG_MG).to_string()}}]}}]}),
        );
        (
            lot["hex"].as_str().unwrap().to_owned(),
            offer["events"][0]["ref"].clone(),
        )
    }

    fn accept(&self, offer: &Value) -> Value {
        json!({"party": self.world.mine, "events": [{"accepted": {"offer": offer, "place": "T1",
            "lines": [{"line": 0, "accepted": {"grossMg": (200 * KG_MG).to_string()}}]}}]})
    }
}

#[test]
fn a_lot_is_made_offered_accepted_traced_followed_and_verified() {
    let session = Session::new();
    let (lot, offer) = session.offered();
    session.accepted("accept.jsonl", session.accept(&offer));

    let table = session.ask(&["trace", "--label", "NC-1"]).exits(0);
    for what in [
        "Position 序号",
        "+08:00",
        "氰化钠厂",
        "produced 生产",
        "accepted 接收",
        "+200",
        "金矿 T1",
    ] {
        table.says(what);
    }
    let traced = session
        .ask(&["trace", "--lot", &lot, "--format", "json"])
        .exits(0)
        .lines()
        .remove(0);
    assert_eq!(traced["steps"].as_array().unwrap().len(), 3, "{traced}");
    let held = |trace: &Value, party: &str| -> Option<String> {
        let holdings = trace["holdings"].as_array()?;
        let theirs = holdings.iter().find(|h| {
            h["account"]["kind"] == "ACCOUNT_KIND_HELD" && h["account"]["party"] == *party
        })?;
        theirs["grossMg"].as_str().map(str::to_owned)
    };
    assert_eq!(
        held(&traced, &session.world.plant),
        Some((300 * KG_MG).to_string())
    );
    assert_eq!(
        held(&traced, &session.world.mine),
        Some((200 * KG_MG).to_string())
    );
    let offered_at = traced["steps"][1]["position"].as_str().unwrap();
    let before = session.ask(&[
        "trace",
        "--lot",
        &lot,
        "--known-at",
        offered_at,
        "--format",
        "json",
    ]);
    let before = before.exits(0).lines().remove(0);
    assert_eq!(
        held(&before, &session.world.plant),
        Some((500 * KG_MG).to_string())
    );

    let followed = session
        .ask(&["follow", "--catch-up", "--format", "json"])
        .exits(0)
        .lines();
    let positions: Vec<u64> = followed
        .iter()
        .filter_map(|r| r["position"].as_u64())
        .collect();
    assert_eq!(positions, (0..followed.len() as u64).collect::<Vec<_>>());
    let kinds = |kind: &str| {
        let args = [
            "follow",
            "--catch-up",
            "--kind",
            kind,
            "--lot",
            lot.as_str(),
        ];
        session.ask(&args).exits(0).stdout.lines().count()
    };
    assert_eq!((kinds("accepted"), kinds("disposed")), (1, 0));

    let Session {
        world,
        server,
        acks,
    } = session;
    assert_eq!(server.stop(), 0);
    let public = world.init["ledgerPublicKey"].as_str().unwrap();
    let args = [
        "verify",
        &world.path("ledger"),
        "--acks",
        &acks,
        "--ledger-key-public",
        public,
    ];
    let verified = cli(args.iter().chain(&["--format", "json"]))
        .exits(0)
        .lines()
        .remove(0);
    assert_eq!(verified["verified"], true);
    assert_eq!(verified["acknowledged"], 4);
    assert_eq!(verified["records"], followed.len());
    cli(args).exits(0).says("verified 已验证");
}

#[test]
fn a_stamped_file_sent_twice_gives_the_same_answers() {
    let session = Session::new();
    let lines = [
        session.world.produced("NC-1", "5000000"),
        session.world.produced("NC-2", "7000000"),
    ];
    let file = session.world.stamped("twice.jsonl", &lines);
    let submit = |more: &[&str]| {
        session
            .world
            .submit(&session.server, &file, more)
            .exits(0)
            .lines()
    };
    let dry = submit(&["--dry-run"]);
    assert_eq!(dry[0]["answer"], "acceptable");
    let (mut first, mut again) = (submit(&[]), submit(&["--in-flight", "4"]));
    for (first, again) in first.iter_mut().zip(&mut again) {
        assert_eq!(
            (&first["repeated"], &again["repeated"]),
            (&json!(false), &json!(true))
        );
        first["repeated"] = Value::Null;
        again["repeated"] = Value::Null;
    }
    assert_eq!(first, again);
    assert_eq!(
        dry[1]["events"], first[1]["events"],
        "what a dry run names is what is made"
    );
}

#[test]
fn a_refusal_exits_1_and_says_what_to_do() {
    let session = Session::new();
    let (_, offer) = session.offered();
    session.accepted("accept.jsonl", session.accept(&offer));
    let ran = session
        .submit("accept-again.jsonl", session.accept(&offer))
        .exits(1);
    let answer = ran.lines().remove(0);
    assert_eq!(answer["answer"], "refused");
    assert_eq!(
        (&answer["name"], &answer["code"]),
        (&json!("OFFER_CLOSED"), &json!(125))
    );
    assert_eq!(answer["signed"], true);
    for field in ["field", "remedy"] {
        assert!(!answer[field].as_str().unwrap().is_empty(), "{answer}");
    }
}

#[test]
fn refusals_are_kept_listed_and_verified() {
    let session = Session::new();
    let (_, offer) = session.offered();
    session.accepted("accept.jsonl", session.accept(&offer));
    session
        .submit("accept-again.jsonl", session.accept(&offer))
        .exits(1);
    let ask = |more: &[&str]| {
        let asked = [&["refusals", "--format", "json"], more].concat();
        session.ask(&asked).exits(0).lines()
    };
    let listed = (0..200).map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        ask(&["--party", &session.world.mine])
    });
    let mut listed = listed.into_iter();
    let listed = listed.find(|lines| lines.len() > 1).unwrap();
    assert_eq!(listed[0]["code"], "OFFER_CLOSED");
    assert_eq!(listed[0]["verified"], true);
    assert_eq!(listed[1]["counts"]["kept"], "1");
    assert_eq!(ask(&["--code", "insufficient"]).len(), 1);
    assert_eq!(
        ask(&["--code", "OFFER_CLOSED", "--until", "2026-01-01"]).len(),
        1
    );
    let table = session.ask(&["refusals"]).exits(0);
    for what in ["OFFER_CLOSED", "金矿", "Code 拒绝代码", "Kept 留存"] {
        table.says(what);
    }
    session.ask(&["refusals", "--code", "NOTHING"]).exits(2);
    let Session { world, server, .. } = session;
    assert_eq!(server.stop(), 0);
    let dir = world.path("ledger");
    let verified = cli(["verify", &dir, "--format", "json"])
        .exits(0)
        .lines()
        .remove(0);
    assert_eq!(verified["refusals"]["read"], 1);
}

#[test]
fn a_root_act_needs_as_many_authority_keys_as_genesis_says() {
    let world = World::new();
    cli(["key", "new", &world.path("second.key"), "--plain-text-key"]).exits(0);
    cli([
        "init",
        &world.path("strict"),
        "--name",
        "strict",
        "--authority-party",
        &world.bureau,
        "--authority-name-zh",
        "局",
        "--authority-key",
        &world.path("bureau.key"),
        "--authority-key",
        &world.path("second.key"),
        "--threshold",
        "2",
        "--plain-text-key",
    ])
    .exits(0);
    let server = Server::start(world.folder.path().join("strict").as_path());
    let alone = world.register(&server, &[]).exits(1).lines().remove(0);
    assert_eq!(alone["name"], "AUTHORITY_REQUIRED");
    let second = format!("{}={}", world.bureau, world.path("second.key"));
    let both = world
        .register(&server, &["--cosign", &second])
        .exits(0)
        .lines()
        .remove(0);
    assert_eq!(both["answer"], "accepted");
    // A line that names its co-signers is signed by no others.
    let file = world.path("stamped-registry.jsonl");
    let mut line: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    line["cosigners"] = json!([]);
    line["id"] = Value::Null;
    let file = world.stamped("alone.jsonl", &[line]);
    let alone = world
        .submit(&server, &file, &["--cosign", &second])
        .exits(1)
        .lines()
        .remove(0);
    assert_eq!(alone["name"], "AUTHORITY_REQUIRED");
}

#[test]
fn lines_from_standard_input_are_answered_as_they_come() {
    let session = Session::new();
    let line = session.world.produced("NC-1", "5000000");
    let file = session.world.stamped("piped.jsonl", &[line.clone(), line]);
    let mut client = hazledger()
        .args([
            "submit",
            "-",
            "--key",
            &session.world.path("plant.key"),
            "--format",
            "json",
        ])
        .args(["--server", &session.server.url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let answers = Lines::of(client.stdout.take().unwrap());
    let mut stdin = client.stdin.take().unwrap();
    for (number, line) in (1..).zip(std::fs::read_to_string(&file).unwrap().lines()) {
        writeln!(stdin, "{line}").unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap()).unwrap();
        assert_eq!(
            (&answer["line"], &answer["answer"]),
            (&json!(number), &json!("accepted"))
        );
    }
    drop(stdin);
    assert_eq!(client.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_sent_does_not_depend_on_a_reader_of_the_answers() {
    let session = Session::new();
    let lines: Vec<Value> = (0..20)
        .map(|n| session.world.produced(&format!("NC-{n}"), "5000000"))
        .collect();
    let file = session.world.stamped("unread.jsonl", &lines);
    let mut client = hazledger()
        .args(["submit", &file, "--key", &session.world.path("plant.key")])
        .args(["--server", &session.server.url])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(client.stdout.take());
    assert_eq!(client.wait().unwrap().code(), Some(0));
    session.ask(&["trace", "--label", "NC-19"]).exits(0);
}

#[test]
fn nothing_is_sent_of_a_file_with_a_wrong_line() {
    let session = Session::new();
    let file = session
        .world
        .stamped("bad.jsonl", &[session.world.produced("NC-1", "5000000")]);
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("{\"party\": \"P\", \"events\": [{\"stolen\": {}}]}\n");
    std::fs::write(&file, text).unwrap();
    let ran = session.world.submit(&session.server, &file, &[]).exits(2);
    ran.says("line 2");
    ran.says("stolen");
    let unstamped = session.world.path("bad.jsonl");
    session
        .world
        .submit(&session.server, &unstamped, &[])
        .exits(2)
        .says("--stamp");
    session
        .ask(&["trace", "--label", "NC-1"])
        .exits(1)
        .says("NC-1");
}

#[test]
fn a_line_that_no_key_is_for_is_told_before_anything_is_sent() {
    let session = Session::new();
    let file = session
        .world
        .stamped("other.jsonl", &[session.world.produced("NC-1", "5000000")]);
    let key = session.world.path("mine.key");
    let args = [
        "submit",
        &file,
        "--key",
        &key,
        "--server",
        &session.server.url,
    ];
    cli(args).exits(2).says(&session.world.plant);
}

#[test]
fn a_server_with_another_key_than_named_is_not_relied_on() {
    let session = Session::new();
    let file = session
        .world
        .stamped("made.jsonl", &[session.world.produced("NC-1", "5000000")]);
    let plant = cli([
        "key",
        "show",
        &session.world.path("plant.key"),
        "--format",
        "json",
    ]);
    let public = plant.exits(0).lines()[0]["publicKey"]
        .as_str()
        .unwrap()
        .to_owned();
    let ran = session
        .world
        .submit(&session.server, &file, &["--ledger-key-public", &public]);
    ran.exits(2).says("do not rely on this server");
    session.ask(&["trace", "--label", "NC-1"]).exits(1);
}

#[test]
fn followers_get_what_comes_later_and_a_reader_that_goes_away_is_success() {
    let session = Session::new();
    let mut follower = hazledger()
        .args([
            "follow",
            "--server",
            &session.server.url,
            "--kind",
            "produced",
            "--format",
            "json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(follower.stdout.take().unwrap());
    session.accepted("one.jsonl", session.world.produced("NC-1", "5000000"));
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let record: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(record["kinds"], json!(["produced"]));
    assert_eq!(record["events"][0]["produced"]["lot"]["label"], "NC-1");
    drop(reader);
    // The next record finds nobody reading.
    session.accepted("two.jsonl", session.world.produced("NC-2", "5000000"));
    assert_eq!(follower.wait().unwrap().code(), Some(0));
}

#[test]
fn open_disputes_are_shown_with_whose_they_are_and_by_when() {
    let session = Session::new();
    session.ask(&["disputes"]).exits(0).says("none 无");
    let (lot, offer) = session.offered();
    let mut short = session.accept(&offer);
    let taken = &mut short["events"][0]["accepted"]["lines"][0]["accepted"];
    taken["grossMg"] = (187_500_000).to_string().into();
    session.accepted("accept.jsonl", short);

    let table = session.ask(&["disputes"]).exits(0);
    for what in ["handoff 交接", "+12.5", "氰化钠厂", "金矿", "+08:00", &lot] {
        table.says(what);
    }
    assert!(!table.stdout.contains("逾期"), "{}", table.stdout);
    // The same as a finding, with what it is called and how grave it is.
    let found = session.ask(&["findings"]).exits(0);
    for what in ["SHORT_DELIVERY 短少", "ALARM 报警", "氰化钠厂", "+08:00"] {
        found.says(what);
    }
    let none = ["findings", "--owner", &session.world.mine];
    session.ask(&none).exits(0).says("none 无");
    let late = ["findings", "--overdue", "--at", "2099-01-01"];
    session.ask(&late).exits(0).says("overdue 逾期");
    let by_code = ["findings", "--code", "short_delivery", "--format", "json"];
    let one = session.ask(&by_code).exits(0).lines().remove(0);
    assert_eq!(one["owner"], session.world.plant.as_str());
    let wrong = ["findings", "--code", "no_such_code"];
    session
        .ask(&wrong)
        .exits(2)
        .says("is the name of no finding");

    let none = session.ask(&["disputes", "--owner", &session.world.mine]);
    none.exits(0).says("none 无");
    session
        .ask(&["disputes", "--overdue"])
        .exits(0)
        .says("none 无");
    let late = ["disputes", "--overdue", "--at", "2099-01-01"];
    session.ask(&late).exits(0).says("overdue 逾期");
    let json = session.ask(&[
        "disputes",
        "--owner",
        &session.world.plant,
        "--format",
        "json",
    ]);
    let one = json.exits(0).lines().remove(0);
    assert_eq!(one["owner"], session.world.plant.as_str());
    assert_eq!(one["state"]["grossMg"], "12500000");
}
