//! The README's first command, as a person runs it: the real binary, a real
//! server in it, a world that is answered as it expects.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::process::{Command, Output};

use serde_json::Value;

fn demo(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_hazledger"))
        .arg("demo")
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "standard error: {errors}");
    output
}

fn told(arguments: &[&str]) -> Value {
    serde_json::from_slice(&demo(arguments).stdout).unwrap()
}

/// What must be the same in every run: all but how long it took, where, and
/// how the ledger happened to make its batches.
fn counts(mut told: Value) -> Value {
    let object = told.as_object_mut().unwrap();
    for differs in ["seconds", "dir", "signatures"] {
        assert!(object.remove(differs).is_some(), "{differs} is missing");
    }
    told
}

#[test]
fn it_ends_balanced_and_verified_and_the_same_seed_gives_the_same_counts() {
    let arguments = [
        "--once", "--format", "json", "--events", "3000", "--seed", "7",
    ];
    let first = told(&arguments);
    assert_eq!(first["balanced"], true);
    assert_eq!(first["verified"], true);
    assert!(first["refused"].as_u64().unwrap() > 0);
    assert!(first["events"].as_u64().unwrap() >= 3_000);
    assert!(first["records"].as_u64().unwrap() > 2_000);
    assert!(first["lots"].as_u64().unwrap() > 100);
    for kind in [
        "arrived",
        "departed",
        "confirmed",
        "succeeded",
        "inherited",
        "taken_over",
    ] {
        let count = first["eventsByKind"][kind].as_u64();
        assert!(count.unwrap_or(0) > 0, "'{kind}' never happened");
    }
    assert_eq!(counts(first), counts(told(&arguments)));
}

/// What the ledger answered in a story, in order.
fn answers(told: &Value, title: &str) -> Vec<String> {
    let stories = told["stories"].as_array().unwrap();
    let of_title = |s: &&Value| s["title"].as_str().unwrap().starts_with(title);
    let story = stories.iter().find(of_title).unwrap();
    let steps = story["steps"].as_array().unwrap().iter();
    steps
        .map(|s| s["answer"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn it_tells_how_the_law_was_met() {
    let told = told(&["--once", "--format", "json", "--events", "900"]);
    let tank = answers(&told, "A load refused for an expired tank inspection");
    let refused: Vec<&String> = tank.iter().filter(|a| a.starts_with("refused")).collect();
    assert_eq!(refused, ["refused TANK_INSPECTION", "refused TANK_MEDIA"]);
    assert!(tank.last().unwrap().starts_with("recorded"));
    let permit = answers(&told, "A purchase permit drawn down");
    assert_eq!(permit.last().unwrap(), "refused PURCHASE_QUANTITY");
    let recall = answers(&told, "A recall");
    assert!(recall.contains(&"refused RECALLED".to_owned()));
    assert_eq!(recall.last().unwrap(), "recorded");
    for kind in [
        "recall_acknowledged",
        "looked_back",
        "seized",
        "finding_answered",
    ] {
        let count = told["eventsByKind"][kind].as_u64();
        assert!(count.unwrap_or(0) > 0, "'{kind}' never happened");
    }
    let refused = told["refusedByCode"].as_object().unwrap().len();
    assert!(refused > 60, "{refused} codes of refusals");
}

#[test]
fn the_tables_tell_the_drums_life_from_production_to_disposal() {
    let output = demo(&["--once", "--events", "400", "--seed", "11"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let life = text.split("What happened").next().unwrap();
    let steps = [
        "produced 生产",
        "packed 包装",
        "moved 移库",
        "traded 买卖",
        "offered 交出",
        "accepted 接收",
        "relayed 换乘转运",
        "counted 盘点",
        "wasted 转为废物",
        "disposed 处置",
    ];
    let mut rest = life;
    for step in steps {
        let at = rest.find(step);
        assert!(
            at.is_some(),
            "'{step}' is not told, or not in its place:\n{life}"
        );
        rest = rest.get(at.unwrap_or_default()..).unwrap();
    }
    for heading in [
        "A load refused for an expired tank inspection",
        "REFUSED 拒绝 188 TANK_INSPECTION",
        "A purchase permit drawn down",
        "REFUSED 拒绝 185 PURCHASE_QUANTITY",
        "A recall, from notice to end",
        "A hidden danger",
        "What happened, by kind of event",
        "arrived 外部转入",
        "succeeded 承继",
        "taken over 接管",
        "balanced 平衡",
        "What was refused",
        "Verification",
        "verified 已验证",
    ] {
        assert!(text.contains(heading), "'{heading}' is missing:\n{text}");
    }
}

#[test]
fn a_named_directory_is_kept_and_can_be_verified_by_itself() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("ledger");
    let dir = dir.to_str().unwrap();
    let told = told(&[
        "--once", "--format", "json", "--events", "200", "--dir", dir,
    ]);
    let verified = Command::new(env!("CARGO_BIN_EXE_hazledger"))
        .args(["verify", dir, "--format", "json"])
        .output()
        .unwrap();
    assert_eq!(verified.status.code(), Some(0));
    let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["records"], told["records"]);
    let again = Command::new(env!("CARGO_BIN_EXE_hazledger"))
        .args(["demo", "--once", "--dir", dir])
        .output()
        .unwrap();
    assert_eq!(
        again.status.code(),
        Some(2),
        "a directory that is taken is not used again"
    );
}
