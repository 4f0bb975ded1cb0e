//! Key files as the binary makes and reads them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use crate::support::{PASSPHRASE, World, cli, hazledger, run};

#[test]
fn an_encrypted_key_signs_with_its_passphrase_file_and_not_with_another() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("right"), format!("{PASSPHRASE}\n")).unwrap();
    std::fs::write(at("wrong"), "three doors, one lock\n").unwrap();
    let key = at("bureau.key");
    let made = cli([
        "key",
        "new",
        &key,
        "--passphrase-file",
        &at("right"),
        "--format",
        "json",
    ]);
    let made = made.exits(0).lines().remove(0);
    let shown = cli(["key", "show", &key, "--format", "json"])
        .exits(0)
        .lines()
        .remove(0);
    assert_eq!(made, shown, "shown without the passphrase");
    assert_eq!(shown["encrypted"], true);

    let init = |dir: &str, passphrase: &str| {
        let bureau = crate::support::uscc("11150000MB000000");
        cli([
            "init",
            &at(dir),
            "--name",
            "test",
            "--authority-party",
            &bureau,
            "--authority-name-zh",
            "局",
            "--authority-key",
            &key,
            "--passphrase-file",
            &at(passphrase),
        ])
    };
    init("ledger-1", "wrong").exits(2).says("wrong passphrase");
    assert!(
        !folder.path().join("ledger-1").exists(),
        "nothing is made when a key does not open"
    );
    init("ledger-2", "right").exits(0).says("Genesis hash");
    // The new ledger key is under the same passphrase.
    let ledger_key = at("ledger-2/ledger.key");
    let shown = cli(["key", "show", &ledger_key, "--format", "json"])
        .exits(0)
        .lines()
        .remove(0);
    assert_eq!(shown["encrypted"], true);
}

#[test]
fn a_passphrase_comes_from_the_environment_and_is_asked_of_nobody_without_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("some.key");
    let new = |passphrase: Option<&str>| {
        let mut command = hazledger();
        command.args(["key", "new"]).arg(&key);
        if let Some(passphrase) = passphrase {
            command.env("HAZLEDGER_PASSPHRASE", passphrase);
        }
        run(&mut command)
    };
    let ran = new(None).exits(2);
    ran.says("--passphrase-file");
    ran.says("HAZLEDGER_PASSPHRASE");
    new(Some("")).exits(2).says("is empty");
    new(Some("short")).exits(2).says("too short");
    assert!(!key.exists(), "nothing is written without a passphrase");
    new(Some(PASSPHRASE)).exits(0);
    new(Some(PASSPHRASE)).exits(2).says("never overwritten");
}

#[test]
fn a_plain_key_is_made_only_when_asked_for() {
    let world = World::new();
    let ran = cli(["key", "show", &world.path("plant.key")]).exits(0);
    ran.says("Encrypted 加密");
    ran.says("no 否");
    let text = std::fs::read_to_string(world.path("plant.key")).unwrap();
    assert!(text.contains("\"plain\""));
}
