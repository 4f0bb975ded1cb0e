//! Who checks, and with what: the real binary, fed with what an honest person
//! kept at noon and with what the operator tells in the evening.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use hazledger::event::signing::SecretKey;
use hazledger::pb::{Acknowledgement, DESCRIPTORS};
use hazledger::proof::tree::consistency_path;
use hazledger::proof::{Note, receipt_text};
use hazledger::witness::files::Folder;
use hazledger::witness::logs::Logs;
use hazledger::witness::memory::{Answer as Cosigned, Signer, Witness};
use hazledger::witness::request::AddCheckpoint;
use prost::Message as _;
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
    /// Whoever is given evidence now checks it with the ledger's key alone:
    /// `hazledger verify FILE --key`, and `hazledger evidence`, which keeps none
    /// that does not hold.
    Evidence,
    /// Whoever kept the acknowledgements of the lot's records holds them against
    /// the evidence: `hazledger verify FILE --key --acks`.
    EvidenceAcknowledgement,
    /// The same with receipts: `hazledger verify FILE --key --receipts`.
    EvidenceReceipt,
    /// The same with the checkpoint of noon: `hazledger verify FILE --key
    /// --checkpoint`.
    EvidenceCheckpoint,
    /// Whoever has watched since noon: `hazledger monitor URL --state DIR`.
    Monitor,
    /// Whoever watches two servers of the ledger at once, of which the other
    /// tells the truth: `hazledger monitor URL URL --state DIR`.
    MonitorOfTwo,
    /// A witness that cosigned at noon is asked to cosign what is shown now,
    /// with the best proof that there is for it.
    Witness,
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
    /// Positions of the lot's records.
    of_lot: Vec<u64>,
}

impl Honest {
    /// Keeps the acknowledgements and a receipt of every record.
    pub fn keep(world: &World) -> Honest {
        let folder = tempfile::tempdir().unwrap();
        let noon = world.noon();
        let lines: Vec<String> = noon.acknowledgements.iter().map(json).collect();
        fs::write(folder.path().join("acks.jsonl"), lines.join("\n")).unwrap();
        fs::write(folder.path().join("noon.note"), noon.checkpoint(world)).unwrap();
        let of_lot = noon.chain(world.lot);
        let about: Vec<&str> = of_lot
            .iter()
            .map(|at| lines[*at as usize].as_str())
            .collect();
        fs::write(folder.path().join("lot.jsonl"), about.join("\n")).unwrap();
        let receipt = |position| {
            let file = folder.path().join(format!("{position:02}.proof"));
            let text = receipt_text(&noon.receipt(world, position)).unwrap();
            fs::write(&file, text).unwrap();
            file
        };
        let receipts = (0..noon.size()).map(receipt).collect();
        Honest {
            folder,
            receipts,
            of_lot,
        }
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
            By::GivenReceipt => return receipt(world, &liar, tale),
            By::Evidence => return evidence(world, &liar, tale),
            By::EvidenceAcknowledgement | By::EvidenceReceipt | By::EvidenceCheckpoint => {
                return self.against(world, by, tale);
            }
            By::Monitor => return monitor(world, &liar, tale),
            By::MonitorOfTwo => return monitor_of_two(world, &liar),
            By::Witness => return witness(world, tale),
            By::Newcomer => command.args(["verify", &liar.url]),
        };
        ran(&mut command)
    }

    /// Holds what was kept of the lot's records against evidence.
    fn against(&self, world: &World, by: By, tale: &Tale) -> Answer {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("given");
        let bytes = tale.evidence.as_ref().unwrap().encode_to_vec();
        fs::write(&file, bytes).unwrap();
        let mut command = hazledger();
        command.arg("verify").arg(&file);
        command.args(["--key", &world.vkey().to_string()]);
        let of_lot = self.of_lot.iter().map(|at| &self.receipts[*at as usize]);
        match by {
            By::EvidenceReceipt => command.arg("--receipts").args(of_lot),
            By::EvidenceCheckpoint => command.arg("--checkpoint").arg(self.path("noon.note")),
            _ => command.arg("--acks").arg(self.path("lot.jsonl")),
        };
        ran(&mut command)
    }
}

/// Gets a receipt and checks it.
fn receipt(world: &World, liar: &Liar, tale: &Tale) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let key = world.vkey().to_string();
    let file = folder.path().join("got");
    let mut get = hazledger();
    get.args(["receipt", "get", "0", "--server", &liar.url, "--key", &key]);
    let got = ran(get.arg("-o").arg(&file));
    let text = receipt_text(tale.receipt.as_ref().unwrap()).unwrap();
    let given = folder.path().join("given");
    fs::write(&given, &text).unwrap();
    let mut verify = hazledger();
    let answer = ran(verify
        .args(["receipt", "verify", "--key", &key])
        .arg(&given));
    let kept = fs::read_to_string(&file).ok();
    assert_eq!(kept, (answer.status == 0).then_some(text), "{}", got.text);
    answer
}

/// Gets evidence and checks it.
fn evidence(world: &World, liar: &Liar, tale: &Tale) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let key = world.vkey().to_string();
    let file = folder.path().join("got");
    let mut get = hazledger();
    get.args(["evidence", &world.lot.to_string(), "--server", &liar.url]);
    let got = ran(get.args(["--key", &key, "-o"]).arg(&file));
    let given = folder.path().join("given");
    let bytes = tale.evidence.as_ref().unwrap().encode_to_vec();
    fs::write(&given, bytes).unwrap();
    let mut verify = hazledger();
    let answer = ran(verify.arg("verify").arg(&given).args(["--key", &key]));
    assert_eq!(file.exists(), answer.status == 0, "{}", got.text);
    answer
}

/// Watches at noon, when the truth is told, and again now.
fn monitor(world: &World, liar: &Liar, tale: &Tale) -> Answer {
    let state = tempfile::tempdir().unwrap();
    let key = world.vkey().to_string();
    let look = || {
        let mut command = hazledger();
        command.args(["monitor", &liar.url, "--once", "--key", &key, "--state"]);
        ran(command.arg(state.path()))
    };
    liar.tell(crate::tale(world, world.noon()));
    let noon = look();
    assert_eq!(noon.status, 0, "{}", noon.text);
    liar.tell(tale.clone());
    look()
}

fn monitor_of_two(world: &World, liar: &Liar) -> Answer {
    let honest = Liar::start(world, crate::tale(world, world.truth.clone()));
    let state = tempfile::tempdir().unwrap();
    let mut command = hazledger();
    command.args(["monitor", &honest.url, &liar.url, "--once", "--state"]);
    command.arg(state.path());
    ran(command.args(["--key", &world.vkey().to_string()]))
}

fn witness(world: &World, tale: &Tale) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer::new("witness.example", SecretKey::from_seed(&[77; 32])).unwrap();
    let files = Folder::create(folder.path(), signer.verifier_key()).unwrap();
    let logs = Logs::new([world.vkey()]).unwrap();
    let witness = Witness::open(signer, logs, files, Box::new(|| 1_790_000_000)).unwrap();
    let ask = |old, proof, note: &str| {
        let note = Note::parse(note).unwrap();
        let request = AddCheckpoint { old, proof, note };
        witness.add(request.to_string().as_bytes())
    };
    let noon = world.noon();
    let first = ask(0, Vec::new(), &noon.checkpoint(world));
    assert!(matches!(first, Cosigned::Cosigned { .. }), "{first:?}");
    let path = consistency_path(&tale.history, noon.size(), tale.history.size());
    let path = path.unwrap().unwrap_or_default();
    match ask(noon.size(), path, &tale.checkpoint) {
        Cosigned::Cosigned { size, .. } => Answer {
            status: 0,
            text: format!("cosigned {size}"),
        },
        Cosigned::Refused(refused) => Answer {
            status: 1,
            text: refused.to_string(),
        },
        Cosigned::Failed(failed) => panic!("{failed}"),
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

/// As `hazledger submit --acks` writes them.
fn json(acknowledgement: &Acknowledgement) -> String {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name("hazledger.v1.Acknowledgement");
    let mut message = DynamicMessage::new(descriptor.unwrap());
    message.transcode_from(acknowledgement).unwrap();
    serde_json::to_string(&message).unwrap()
}
