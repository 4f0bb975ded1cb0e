//! The README is a promise: the session in it is run as it stands.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::{Command, Stdio};

const README: &str = include_str!("../README.md");

/// The first fenced block after a heading.
fn block(heading: &str) -> &'static str {
    let after = README.split_once(heading).unwrap().1;
    let fenced = after.split_once("```sh\n").unwrap().1;
    fenced.split_once("```").unwrap().0
}

/// The sessions run in one empty folder, one after the other; only the port is
/// another, so that a server on the default one is left alone.
#[test]
fn the_sessions_of_the_readme_run_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_hazledger"));
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let server = format!("--server http://127.0.0.1:{port}");
    let sessions = [
        block("## A session"),
        block("## A load that is refused"),
        block("## A proof that needs no trust"),
    ]
    .join("\n");
    let listen = format!("--listen 127.0.0.1:{port} --tiles 127.0.0.1:0");
    let session = sessions
        .replace("serve ledger &", &format!("serve ledger {listen} &"))
        .replace("serve restored", &format!("serve restored {listen}"))
        .replace("http://127.0.0.1:7474", &format!("http://127.0.0.1:{port}"))
        .replace("receipt get", &format!("receipt get {server}"))
        .replace(
            "hazledger evidence",
            &format!("hazledger evidence {server}"),
        )
        // A verifier key: nobody is asked.
        .replace("--key $VKEY", "--key=$VKEY")
        .replace("hazledger status", &format!("hazledger status {server}"))
        .replace("--key ", &format!("{server} --key "))
        .replace("hazledger trace", &format!("hazledger trace {server}"))
        .replace("registry list", &format!("registry list {server}"));
    let script = format!("set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{session}");
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let ran = Command::new("timeout")
        .args(["180", "bash", "-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    for what in [
        "produced 生产",
        "赤峰晨泽氰化钠厂 STORE-1",
        "place 储位 STORE-1",
        "+500",
        "verified 已验证",
        "1 of 1",
        // The load: refused for its tank, then accepted.
        "refused 不予入账 TANK_INSPECTION 罐体检验过期",
        "the load stays where it is",
        "offered 交出 handoff=",
        "tank truck 罐车",
        // The proofs: a receipt, evidence, a monitor, a backup and what was restored.
        "holds 成立",
        "Proven 已证明",
        "Signed tree 已签树大小  12",
        "Receipts 收据               1 of 1",
        "recorded before 此前已入账",
    ] {
        assert!(said.contains(what), "nothing about {what:?} in:\n{said}");
    }
}

#[test]
fn every_file_that_the_readme_links_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let targets = README
        .split("](")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap());
    let local: Vec<&str> = targets.filter(|target| !target.contains("://")).collect();
    assert!(local.len() > 10, "{local:?}");
    let missing: Vec<&&str> = local
        .iter()
        .filter(|target| !root.join(target).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
