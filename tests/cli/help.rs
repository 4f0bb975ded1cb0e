//! What every subcommand says of itself.
#![expect(clippy::indexing_slicing, reason = "tests fail by panicking")]

use crate::support::cli;

const SUBCOMMANDS: [&[&str]; 36] = [
    &["demo"],
    &["init"],
    &["key", "new"],
    &["key", "show"],
    &["key", "vkey"],
    &["key", "rotate-ledger"],
    &["serve"],
    &["status"],
    &["submit"],
    &["trace"],
    &["recall"],
    &["disputes"],
    &["findings"],
    &["follow"],
    &["evidence"],
    &["verify"],
    &["monitor"],
    &["repair"],
    &["backup"],
    &["backup", "verify"],
    &["restore"],
    &["archive"],
    &["retain"],
    &["report", "differences"],
    &["refusals"],
    &["receipt", "get"],
    &["receipt", "verify"],
    &["registry", "list"],
    &["registry", "vehicle"],
    &["registry", "person"],
    &["registry", "permit"],
    &["registry", "confirm"],
    &["rules", "show"],
    &["rules", "check"],
    &["rules", "publish"],
    &["witness"],
];

#[test]
fn the_help_of_every_subcommand_has_an_example() {
    for subcommand in SUBCOMMANDS {
        let help = cli(subcommand.iter().chain(&["--help"])).exits(0).stdout;
        let (_, example) = help
            .split_once("Example:")
            .unwrap_or_else(|| unreachable!("{help}"));
        let call = format!("hazledger {}", subcommand.join(" "));
        assert!(example.contains(&call), "no call of {call} in: {example}");
    }
}

#[test]
fn the_top_help_names_every_subcommand_and_the_exit_status() {
    let help = cli(["--help"]).exits(0).stdout;
    for subcommand in SUBCOMMANDS {
        assert!(
            help.contains(&format!("\n  {} ", subcommand[0])),
            "{subcommand:?}: {help}"
        );
    }
    assert!(help.contains("Exit status"), "{help}");
}

#[test]
fn what_cannot_be_understood_exits_2_with_the_input_at_fault() {
    #[rustfmt::skip]
    let cases: [(&[&str], &str); 10] = [
        (&["serves"],                                                "serves"),
        (&["trace"],                                                 "--label"),
        (&["trace", "--lot", "12"],                                  "--lot 12"),
        (&["trace", "--label", "x", "--known-at", "noon"],           "--known-at noon"),
        (&["follow", "--kind", "stolen"],                            "stolen"),
        (&["submit", "nowhere.jsonl"],                               "--key"),
        (&["submit", "nowhere.jsonl", "--stamp"],                    "nowhere.jsonl"),
        (&["verify", "nowhere", "--ledger-key-public", "5f"],        "--ledger-key-public 5f"),
        (&["serve", "nowhere"],                                      "nowhere"),
        (&["repair", "nowhere", "--from", "elsewhere"],              "nowhere"),
    ];
    for (args, wanted) in cases {
        cli(args).exits(2).says(wanted);
    }
}

#[test]
fn nobody_listening_exits_2_and_says_how_to_start() {
    // Port 1 on loopback: no ledger is there.
    let ran = cli(["follow", "--server", "http://127.0.0.1:1"]).exits(2);
    ran.says("http://127.0.0.1:1");
    ran.says("hazledger serve");
}
