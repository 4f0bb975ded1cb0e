//! Compiles `proto/` with protox, so that nothing but Rust is needed to build.

use std::path::PathBuf;

use prost::Message as _;

const FILES: [&str; 15] = [
    "statement",
    "papers",
    "register",
    "rules",
    "oversight",
    "event",
    "codes",
    "record",
    "proof",
    "evidence",
    "state",
    "ledger",
    "trace",
    "registry",
    "refusals",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = FILES
        .iter()
        .map(|f| format!("hazledger/v1/{f}.proto"))
        .collect();
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(&files, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    let mut config = tonic_prost_build::Config::new();
    config.bytes(["."]);
    // Seldom there, and they would make every event and change as large.
    for field in [
        "Carriage.rail",
        "Carriage.air",
        "Carriage.water",
        "Carriage.pipeline",
        "Carriage.road",
        "HandoffOffered.returns",
        "HandoffOffered.permit",
        "Offered.manifest",
        "Accepted.receipt",
        "HandoffOffered.manifest",
        "HandoffOffered.instead_of",
        "ConsignmentOpened.manifest",
        "ConsignmentState.manifest",
    ] {
        config.boxed(format!("hazledger.v1.{field}"));
    }
    tonic_prost_build::configure()
        // Accounts and subjects are keys of sorted collections.
        .type_attribute("hazledger.v1.Account", "#[derive(PartialOrd, Ord)]")
        .type_attribute("hazledger.v1.Subject", "#[derive(PartialOrd, Ord)]")
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
