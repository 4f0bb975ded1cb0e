//! Who checks, and with what: the real binary, fed with what an honest person
//! kept at noon and with what the operator tells in the evening.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hazledger::audit::{KeptReceipt, Proofs, ReadOnlyFolder, verify_whole};
use hazledger::journal::{DirStorage, Journal, JournalOptions};
use hazledger::pb::{Acknowledgement, DESCRIPTORS};
use hazledger::proof::{Expect, check_receipt, read_receipt, receipt_text};
use prost_reflect::{DescriptorPool, DynamicMessage};
use tempfile::TempDir;

use crate::server::{Liar, Tale};
use crate::world::{History, NAME, World};

/// Who catches a lie, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Whoever kept acknowledgements holds them against the journal:
    /// `hazledger verify DIR --acks`.
    Acknowledgement,
    /// Whoever kept receipts holds them against the journal:
    /// `hazledger verify DIR --receipts`.
    Receipt,
    /// Somebody who has nothing but the ledger's key verifies the whole
    /// journal: `hazledger verify DIR`.
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
}

impl Honest {
    /// Keeps the acknowledgements and a receipt of every record.
    pub fn keep(world: &World) -> Honest {
        let folder = tempfile::tempdir().unwrap();
        let noon = world.noon();
        let lines: Vec<String> = noon.acknowledgements.iter().map(json).collect();
        fs::write(folder.path().join("acks.jsonl"), lines.join("\n")).unwrap();
        let receipts = folder.path().join("receipts");
        fs::create_dir(&receipts).unwrap();
        for position in 0..noon.size() {
            let text = receipt_text(&noon.receipt(world, position)).unwrap();
            fs::write(receipts.join(format!("{position:02}.proof")), text).unwrap();
        }
        Honest { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Holds the receipts against a journal.
    fn receipts(&self, world: &World, dir: &Path) -> Answer {
        let receipts: Vec<KeptReceipt> = (0..crate::world::NOON)
            .map(|position| {
                let name = format!("{position:02}.proof");
                let text = fs::read(self.path("receipts").join(&name)).unwrap();
                let receipt = read_receipt(&text.into()).unwrap();
                check_receipt(&receipt, &world.vkey(), None).unwrap();
                KeptReceipt { name, receipt }
            })
            .collect();
        let proofs = Proofs {
            receipts: &receipts,
            ..Proofs::default()
        };
        let folder = ReadOnlyFolder::new(dir.join("journal"));
        let audit = verify_whole(
            &folder,
            &Expect::default(),
            &proofs,
            None,
            &mut |_| {},
            &mut |_| {},
        );
        let problems: Vec<String> = audit.problems.iter().map(ToString::to_string).collect();
        if problems.is_empty() {
            assert_eq!(audit.receipts, receipts.len());
            return Answer {
                status: 0,
                text: "verified".into(),
            };
        }
        Answer {
            status: 1,
            text: problems.join("\n"),
        }
    }

    /// Has a tale checked.
    pub fn ask(&self, world: &World, by: By, tale: &Tale) -> Answer {
        let dir = tempfile::tempdir().unwrap();
        let journal = data_directory(dir.path(), world, &tale.history);
        if by == By::Receipt {
            return self.receipts(world, &journal);
        }
        let mut command = hazledger();
        command.arg("verify").arg(&journal);
        match by {
            By::Acknowledgement => command.arg("--acks").arg(self.path("acks.jsonl")),
            By::Receipt | By::Newcomer => &mut command,
        };
        ran(&mut command)
    }
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

/// The operator's data directory, as a copy of it is handed to an auditor.
fn data_directory(folder: &Path, world: &World, history: &History) -> PathBuf {
    let dir = folder.join("ledger");
    fs::create_dir(&dir).unwrap();
    let genesis = world.genesis_hash;
    let marker = format!("hazledger\nversion = 1\norigin = {NAME}\ngenesis = {genesis}\n");
    fs::write(dir.join("LEDGER"), marker).unwrap();
    let storage = DirStorage::create(dir.join("journal")).unwrap();
    let mut journal = Journal::create(storage, genesis.0, JournalOptions::default()).unwrap();
    for batch in &history.batches {
        journal.append(batch).unwrap();
    }
    journal.close().unwrap();
    dir
}

/// As `hazledger submit --acks` writes them.
fn json(acknowledgement: &Acknowledgement) -> String {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name("hazledger.v1.Acknowledgement");
    let mut message = DynamicMessage::new(descriptor.unwrap());
    message.transcode_from(acknowledgement).unwrap();
    serde_json::to_string(&message).unwrap()
}
