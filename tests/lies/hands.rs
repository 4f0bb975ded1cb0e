//! Who checks, and with what: the real binary, fed with what an honest person
//! kept at noon and with what the operator tells in the evening.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use hazledger::pb::{Acknowledgement, DESCRIPTORS};
use hazledger::proof::receipt_text;
use prost_reflect::{DescriptorPool, DynamicMessage};
use tempfile::TempDir;

use crate::server::{Liar, Tale};
use crate::world::World;

/// Who catches a lie, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Whoever kept acknowledgements holds them against the journal:
    /// `hazledger verify URL --acks`.
    Acknowledgement,
    /// Whoever kept receipts holds them against the journal:
    /// `hazledger verify URL --receipts`.
    Receipt,
    /// Whoever is given a receipt now checks it with the ledger's key alone:
    /// `hazledger receipt verify`, and `receipt get`, which keeps none that
    /// does not hold.
    GivenReceipt,
    /// Somebody who kept nothing verifies the whole journal:
    /// `hazledger verify URL`.
    Newcomer,
}

/// What the binary answered.
pub struct Answer {
    pub status: i32,
    pub text: String,
}

/// The honest with what they kept at noon, on disk.
pub struct Honest {
    folder: TempDir,
    receipts: Vec<PathBuf>,
}

impl Honest {
    /// Keeps the acknowledgements and a receipt of every record.
    pub fn keep(world: &World) -> Honest {
        let folder = tempfile::tempdir().unwrap();
        let noon = world.noon();
        let lines: Vec<String> = noon.acknowledgements.iter().map(json).collect();
        fs::write(folder.path().join("acks.jsonl"), lines.join("\n")).unwrap();
        let receipt = |position| {
            let file = folder.path().join(format!("{position:02}.proof"));
            let text = receipt_text(&noon.receipt(world, position)).unwrap();
            fs::write(&file, text).unwrap();
            file
        };
        let receipts = (0..noon.size()).map(receipt).collect();
        Honest { folder, receipts }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Has a tale checked, as a server tells it.
    pub fn ask(&self, world: &World, by: By, tale: &Tale) -> Answer {
        let liar = Liar::start(world, tale.clone());
        let mut command = hazledger();
        match by {
            By::Acknowledgement => command
                .args(["verify", &liar.url, "--acks"])
                .arg(self.path("acks.jsonl")),
            By::Receipt => command
                .args(["verify", &liar.url, "--receipts"])
                .args(&self.receipts),
            By::GivenReceipt => return given(world, &liar, tale),
            By::Newcomer => command.args(["verify", &liar.url]),
        };
        ran(&mut command)
    }
}

/// Gets a receipt and checks it.
fn given(world: &World, liar: &Liar, tale: &Tale) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let key = world.vkey().to_string();
    let file = folder.path().join("got");
    let mut get = hazledger();
    get.args(["receipt", "get", "0", "--server", &liar.url, "--key", &key]);
    let got = ran(get.arg("-o").arg(&file));
    let text = receipt_text(tale.receipt.as_ref().unwrap()).unwrap();
    let other = folder.path().join("given");
    fs::write(&other, &text).unwrap();
    let mut verify = hazledger();
    let answer = ran(verify
        .args(["receipt", "verify", "--key", &key])
        .arg(&other));
    let kept = fs::read_to_string(&file).ok();
    assert_eq!(kept, (answer.status == 0).then_some(text), "{}", got.text);
    answer
}

fn hazledger() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hazledger"));
    command
        .env_remove("HAZLEDGER_PASSPHRASE")
        .stdin(Stdio::null());
    command
}

fn ran(command: &mut Command) -> Answer {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Answer {
        status: output.status.code().unwrap_or(-1),
        text: String::from_utf8(text).unwrap(),
    }
}

/// As `hazledger submit --acks` writes them.
fn json(acknowledgement: &Acknowledgement) -> String {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name("hazledger.v1.Acknowledgement");
    let mut message = DynamicMessage::new(descriptor.unwrap());
    message.transcode_from(acknowledgement).unwrap();
    serde_json::to_string(&message).unwrap()
}
