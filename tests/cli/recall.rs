//! A lot called back: everybody who has some of it is listed at once, and who
//! of them has read it.
#![expect(clippy::indexing_slicing, reason = "tests fail by panicking")]

use serde_json::{Value, json};

use crate::support::{Ran, Server, World, cli};

const KG_MG: u64 = 1_000_000;

fn say(world: &World, server: &Server, name: &str, line: &Value) -> Value {
    let file = world.stamped(name, std::slice::from_ref(line));
    let answer = world.submit(server, &file, &[]).exits(0).lines().remove(0);
    assert_eq!(answer["answer"], "accepted", "{answer}");
    answer
}

fn ask(server: &Server, args: &[&str]) -> Ran {
    cli(args.iter().chain(&["--server", server.url.as_str()]))
}

/// Who has it, in kilograms, and whether they have read the recall.
fn holders(told: &Value) -> Vec<(String, u64, bool)> {
    let all = told["holders"].as_array().into_iter().flatten();
    let holder = |h: &Value| {
        let gross = h["held"]["grossMg"].as_str().unwrap_or_default();
        (
            h["party"].as_str().unwrap_or_default().to_owned(),
            gross.parse::<u64>().unwrap_or_default() / KG_MG,
            !h["acknowledgedAtMs"].is_null(),
        )
    };
    all.map(holder).collect()
}

#[test]
fn everybody_who_has_some_of_a_recalled_lot_is_listed_with_who_has_read_it() {
    let world = World::new();
    let server = Server::start(&world.dir());
    world.register(&server, &[]).exits(0);
    let mass = |kg: u64| json!({"grossMg": (kg * KG_MG).to_string()});
    let made = say(
        &world,
        &server,
        "made",
        &world.produced("NC-1", &(500 * KG_MG).to_string()),
    );
    let lot = made["events"][0]["made"][0]["base64"].clone();
    let offer = json!({"party": world.plant, "events": [{"offered": {"taker": world.mine,
        "place": "T1", "lines": [{"lot": lot, "loose": mass(200)}]}}]});
    let offer = say(&world, &server, "offer", &offer);
    let accept = json!({"party": world.mine, "events": [{"accepted": {
        "offer": offer["events"][0]["ref"], "place": "T1",
        "lines": [{"line": 0, "accepted": mass(200)}]}}]});
    say(&world, &server, "accept", &accept);
    let sample = json!({"party": world.mine, "events": [{"sampled": {
        "goods": {"lot": lot, "loose": mass(1)}, "place": "T1", "label": "NC-1 sample",
        "purpose": "analysis"}}]});
    say(&world, &server, "sample", &sample);

    // Before it is recalled: who has it, and what was made of it.
    let json = ["recall", "NC-1", "--format", "json"];
    let told = ask(&server, &json).exits(0).lines().remove(0);
    let (plant, mine) = (world.plant.clone(), world.mine.clone());
    let mut listed = holders(&told);
    listed.sort();
    let mut wanted = vec![
        (plant.clone(), 300, false),
        (mine.clone(), 199, false),
        (mine.clone(), 1, false),
    ];
    wanted.sort();
    assert_eq!(listed, wanted);
    ask(&server, &["recall", "NC-1"])
        .exits(0)
        .says("Not recalled");
    let made_of_it = told["madeOfIt"][0]["lot"].clone();
    assert_eq!(told["madeOfIt"][0]["label"], "NC-1 sample");

    let recalled = json!({"party": world.plant, "events": [{"recalled": {"lot": lot,
        "madeOfIt": [made_of_it], "order": "ZH-2026-1", "reason": "off specification"}}]});
    let recalled = say(&world, &server, "recalled", &recalled);
    let recall = recalled["events"][0]["made"][0].clone();
    assert_eq!(recall["what"], "recall");
    let read = json!({"party": world.mine, "events": [{"recallAcknowledged": {
        "recall": recall["base64"], "note": "kept apart"}}]});
    say(&world, &server, "read", &read);

    let told = ask(&server, &json).exits(0).lines().remove(0);
    for (party, _, has_read) in holders(&told) {
        assert_eq!(has_read, party == mine, "{party}");
    }
    assert_eq!(told["madeOfIt"][0]["recalled"], true);
    assert_eq!(told["recalls"][0]["recall"], recall["base64"]);
    let table = ask(&server, &["recall", recall_lot(&made)]).exits(0);
    for what in [
        "Recall 召回 ZH-2026-1",
        "氰化钠厂",
        "no 未确认",
        "NC-1 sample",
        "+08:00",
    ] {
        table.says(what);
    }
    // What is recalled is not offered on.
    let file = world.stamped(
        "on",
        &[
            json!({"party": world.mine, "events": [{"offered": {"taker": world.plant,
            "place": "T1", "lines": [{"lot": lot, "loose": mass(5)}]}}]}),
        ],
    );
    let answer = world.submit(&server, &file, &[]).exits(1).lines().remove(0);
    assert_eq!(answer["name"], "RECALLED");
    ask(&server, &["recall", "NC-9"]).exits(1).says("NC-9");
}

fn recall_lot(made: &Value) -> &str {
    made["events"][0]["made"][0]["hex"]
        .as_str()
        .unwrap_or_default()
}
