//! Evidence from a server, kept in a file and checked with no server: what is
//! printed, and how it exits.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use hazledger::event::signing::SecretKey;
use hazledger::proof::{NoteKeyKind, VerifierKey};
use serde_json::{Value, json};

use crate::support::{Server, World, base64, cli};

const KG_MG: u64 = 1_000_000;
const SHEET: &[u8] = b"safety data sheet of sodium cyanide";

struct Scene {
    world: World,
    server: Server,
    vkey: String,
    lot: String,
}

impl Scene {
    /// The plant makes a lot, whose data sheet there is, and hands some of it to
    /// the mine, which uses some. Others make lots of their own.
    fn new() -> Scene {
        let world = World::new();
        let server = Server::start(&world.dir());
        world.register(&server, &[]).exits(0);
        let said = |name: &str, line: Value| -> Value {
            let file = world.stamped(name, &[line]);
            let answer = world.submit(&server, &file, &[]).exits(0).lines().remove(0);
            assert_eq!(answer["answer"], "accepted", "{answer}");
            answer
        };
        let mut produced = world.produced("NC-1", &(500 * KG_MG).to_string());
        let sheet = base64(blake3::hash(SHEET).as_bytes());
        produced["events"][0]["produced"]["lot"]["dataSheetHash"] = sheet.into();
        let made = said("made.jsonl", produced);
        let lot = made["events"][0]["made"][0].clone();
        let planted = world.produced("PLANTED-LABEL", &KG_MG.to_string());
        said("planted.jsonl", planted);
        let goods = |mass: u64| json!({"lot": lot["base64"], "loose": {"grossMg": (mass * KG_MG).to_string()}});
        let offer = said(
            "offer.jsonl",
            json!({"party": world.plant, "events": [{"offered": {"taker": world.mine,
                "place": "T1", "lines": [goods(200)]}}]}),
        );
        let accept = json!({"party": world.mine, "events": [{"accepted": {
            "offer": offer["events"][0]["ref"], "place": "T1",
            "lines": [{"line": 0, "accepted": {"grossMg": (200 * KG_MG).to_string()}}]}}]});
        said("accept.jsonl", accept);
        let used = json!({"party": world.mine, "events": [{"used": {
            "goods": goods(50), "place": "T1", "purpose": "leaching"}}]});
        said("used.jsonl", used);
        let vkey = cli(["key", "vkey", "--server", &server.url])
            .exits(0)
            .stdout;
        Scene {
            lot: lot["hex"].as_str().unwrap().to_owned(),
            vkey: vkey.trim().to_owned(),
            world,
            server,
        }
    }

    /// The file of evidence, written.
    fn kept(&self, more: &[&str]) -> String {
        let file = self.world.path("lot.evidence");
        let args = [
            "evidence",
            &self.lot,
            "-o",
            &file,
            "--server",
            &self.server.url,
        ];
        cli(args.iter().chain(more)).exits(0);
        file
    }
}

#[test]
fn evidence_is_kept_and_checked_with_no_server_and_says_what_it_shows() {
    let scene = Scene::new();
    let papers = scene.world.folder.path().join("papers");
    std::fs::create_dir(&papers).unwrap();
    std::fs::write(papers.join("sheet.pdf"), SHEET).unwrap();
    std::fs::write(papers.join("other.pdf"), b"somebody else's").unwrap();
    let file = scene.kept(&["--documents", papers.to_str().unwrap()]);
    let bytes = std::fs::read(&file).unwrap();
    let says = |what: &[u8]| bytes.windows(what.len()).any(|w| w == what);
    assert!(says(b"NC-1") && says(SHEET));
    assert!(!says(b"PLANTED-LABEL") && !says(b"somebody else's"));
    let Scene {
        world,
        server,
        vkey,
        lot,
    } = scene;
    let (vkey, lot) = (vkey.as_str(), lot.as_str());
    let label = world.path("by-label.evidence");
    let args = [
        "evidence",
        "--label",
        "NC-1",
        "-o",
        &label,
        "--server",
        &server.url,
    ];
    cli(args).exits(0).says(lot);
    assert_eq!(server.stop(), 0);

    let table = cli(["verify", &file, "--key", vkey]).exits(0);
    for what in [
        "produced 生产",
        "氰化钠厂",
        "金矿 T1",
        "used 使用",
        "Proven 已证明",
        "Somebody's word 有人声明",
        "Not shown 未出示",
        "no policy was given",
        "未给出见证策略",
        "data sheet",
        "verified 已验证",
    ] {
        table.says(what);
    }
    let checked = cli(["verify", &file, "--key", vkey, "--format", "json"]).exits(0);
    let checked = checked.lines().remove(0);
    assert_eq!(checked["verified"], true);
    assert_eq!(checked["lot"], lot);
    assert_eq!(checked["chain"]["steps"].as_array().unwrap().len(), 4);
    let documents = checked["documents"].as_array().unwrap();
    let enclosed: Vec<bool> = documents
        .iter()
        .filter_map(|d| d["enclosed"].as_bool())
        .collect();
    assert_eq!(enclosed, [true, false]);
    for list in ["proven", "attested", "notShown"] {
        let points = checked[list].as_array().unwrap();
        assert!(!points.is_empty(), "{list}");
        for point in points {
            let (en, zh) = (point["en"].as_str().unwrap(), point["zh"].as_str().unwrap());
            assert!(en.ends_with('.') && zh.ends_with('。'), "{list}: {point}");
        }
    }
    cli(["verify", &label, "--key", vkey]).exits(0);
}

#[test]
fn evidence_that_does_not_hold_is_told_and_so_is_what_could_not_be_tried() {
    let scene = Scene::new();
    let file = scene.kept(&[]);
    let Scene {
        world,
        vkey,
        server,
        ..
    } = &scene;
    // Not without a key, not with what is none.
    cli(["verify", &file]).exits(2).says("--key VKEY");
    cli(["verify", &file, "--key", "nobody"])
        .exits(2)
        .says("--key");
    // Another ledger's key.
    let other = World::new();
    let ledger_key = other.path("ledger/ledger.key");
    let args = [
        "key",
        "vkey",
        &ledger_key,
        "--name",
        "hazledger.example/test",
    ];
    let stranger = cli(args).exits(0).stdout;
    let refused = cli(["verify", &file, "--key", stranger.trim()]).exits(1);
    refused.says("NOT VERIFIED 未通过验证");
    // A witness that has not signed; one that nobody asks for.
    let witness = SecretKey::from_seed(&[9; 32]).public().clone();
    let witness = VerifierKey::new("witness.example", NoteKeyKind::Cosignature, witness).unwrap();
    let policy = world.path("witnesses.policy");
    let words = |quorum: &str| format!("log {vkey}\nwitness w1 {witness}\nquorum {quorum}\n");
    std::fs::write(&policy, words("w1")).unwrap();
    let refused = cli(["verify", &file, "--key", vkey, "--policy", &policy]).exits(1);
    refused.says("policy");
    std::fs::write(&policy, words("none")).unwrap();
    let held = cli(["verify", &file, "--key", vkey, "--policy", &policy]).exits(0);
    held.says("satisfies the policy");
    // A byte of the last record's bodies turned over.
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(8).position(|w| w == b"leaching").unwrap();
    bytes[at] ^= 1;
    let spoiled = world.path("spoiled.evidence");
    std::fs::write(&spoiled, bytes).unwrap();
    let refused = cli(["verify", &spoiled, "--key", vkey, "--format", "json"]).exits(1);
    let refused = refused.lines().remove(0);
    assert_eq!(refused["verified"], false);
    assert!(
        refused["why"].as_str().unwrap().contains("digest"),
        "{refused}"
    );
    // Nobody's lot.
    let none = world.path("none.evidence");
    let url = server.url.as_str();
    let nobodys = "00112233445566778899aabbccddeeff";
    cli(["evidence", nobodys, "-o", &none, "--server", url]).exits(1);
    cli(["evidence", "NC-1", "-o", &none, "--server", url])
        .exits(2)
        .says("--label");
    assert!(!std::path::Path::new(&none).exists());
}
