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

/// The session runs in an empty folder; only the port is another, so that a
/// server on the default one is left alone.
#[test]
fn the_session_of_the_readme_runs_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_hazledger"));
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let session = block("## A session")
        .replace(
            "serve ledger &",
            &format!("serve ledger --listen 127.0.0.1:{port} &"),
        )
        .replace(
            "--catch-up",
            &format!("--catch-up --server http://127.0.0.1:{port}"),
        )
        .replace(
            "--key ",
            &format!("--server http://127.0.0.1:{port} --key "),
        )
        .replace(
            "hazledger trace",
            &format!("hazledger trace --server http://127.0.0.1:{port}"),
        );
    let script = format!("set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{session}");
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let ran = Command::new("timeout")
        .args(["120", "bash", "-c", &script])
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
        "+500",
        "verified 已验证",
        "1 of 1",
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
