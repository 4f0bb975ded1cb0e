//! `archive` and `retain --apply` cut short at each call that changes a disk:
//! by a loss of power, and by a kill that is followed by one once the next run
//! has come to its end. Every segment stays whole, and whatever was to go goes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hazledger::backup::{Archived, BackupError, Links, Until, archive_on};
use hazledger::event::Hash;
use hazledger::ledger::genesis_hash;
use hazledger::retain::{Plan, RetainError, apply_on, finish_on, plan};
use hazledger::storage::sim::{CrashPolicy, SimFile, SimStorage};
use hazledger::storage::{Storage, StorageFile as _};

use crate::ground::{Ground, cli};

/// Where links say that the store is.
const STORE: &str = "/store";

/// What a link's file begins with; no segment does.
const LINK: &[u8] = b"link to ";

/// A journal's disk and a store's. A link is a small file that is whole before
/// it gets a name anybody looks at.
#[derive(Clone, Debug)]
struct Disks {
    journal: SimStorage,
    store: SimStorage,
}

impl Disks {
    /// What stands under a name, behind a link too.
    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let bytes = self.journal.bytes(name)?;
        match target(&bytes) {
            Some(place) => self.store.bytes(&file_name(&place)),
            None => Some(bytes),
        }
    }

    fn both(&self, what: impl Fn(&SimStorage) -> SimStorage) -> Disks {
        Disks {
            journal: what(&self.journal),
            store: what(&self.store),
        }
    }
}

fn target(bytes: &[u8]) -> Option<PathBuf> {
    let place = bytes.strip_prefix(LINK)?;
    Some(String::from_utf8(place.to_vec()).unwrap().into())
}

fn file_name(place: &Path) -> String {
    assert_eq!(place.parent(), Some(Path::new(STORE)));
    place.file_name().unwrap().to_str().unwrap().to_owned()
}

impl Links for Disks {
    fn place(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let bytes = self.journal.bytes(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(target(&bytes))
    }

    fn link_to(&self, place: &Path, name: &str) -> io::Result<()> {
        let file = self.journal.create(name)?;
        let text = [LINK, place.to_str().unwrap().as_bytes()].concat();
        file.write_all_at(&text, 0)?;
        file.sync_data()
    }

    fn remove_archived(&self, place: &Path) -> io::Result<()> {
        match self.store.remove(&file_name(place)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
        self.store.sync_dir()
    }
}

impl Storage for Disks {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.journal.list()
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        self.journal.create(name)
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        match self.place(name)? {
            Some(place) => self.store.open(&file_name(&place)),
            None => self.journal.open(name),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.journal.rename(from, to)
    }

    fn link(&self, name: &str, second: &str) -> io::Result<()> {
        self.journal.link(name, second)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.journal.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.journal.sync_dir()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.journal.free_bytes()
    }
}

type Segments = BTreeMap<String, Vec<u8>>;

/// A real journal put on a disk, durably; its segments, and whose it is.
fn disks(ground: &Ground) -> (Disks, Segments, Hash) {
    let journal = SimStorage::new();
    let mut segments = Segments::new();
    for entry in fs::read_dir(ground.dir().join("journal")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        let file = journal.create(&name).unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        file.sync_data().unwrap();
        segments.insert(name, bytes);
    }
    journal.sync_dir().unwrap();
    let disks = Disks {
        journal,
        store: SimStorage::new(),
    };
    (disks, segments, genesis_hash(&ground.dir()).unwrap())
}

/// Cuts a run short at each step of either disk, until there is none; `look`
/// gets the disks as they are when the process has gone, and the step.
fn at_each_step<E>(
    disks: &Disks,
    run: impl Fn(&Disks) -> Result<(), E>,
    mut look: impl FnMut(&Disks, u64),
) -> u64 {
    let mut cuts = 0;
    let which: [fn(&Disks) -> &SimStorage; 2] = [|disks| &disks.journal, |disks| &disks.store];
    for disk in which {
        for step in 0.. {
            let cut = disks.both(SimStorage::restart);
            disk(&cut).power_off_at(step);
            if run(&cut).is_ok() {
                break;
            }
            look(&cut, step);
            cuts += 1;
        }
    }
    cuts
}

/// What is left when the power has gone with the process.
fn without_power(cut: &Disks, step: u64) -> Vec<Disks> {
    let policies = [
        CrashPolicy::LoseUnsynced,
        CrashPolicy::Subset(step),
        CrashPolicy::Subset(step + 1000),
        CrashPolicy::TearLastWrite(7),
    ];
    let crashed = policies.map(|policy| cut.both(|disk| disk.crash(policy)));
    crashed.into()
}

#[test]
fn an_archive_cut_short_anywhere_has_every_segment() {
    let (disks, segments, genesis) = disks(&Ground::grown(50, 40));
    let archive = |disks: &Disks| -> Result<Archived, BackupError> {
        let (store, at, until) = (&disks.store, Path::new(STORE), Until::Keep(1));
        archive_on(disks, store, at, genesis, until, &mut |_| {})
    };
    let is_whole = |disks: &Disks, when: &str| {
        for (name, bytes) in &segments {
            assert!(disks.bytes(name).as_ref() == Some(bytes), "{when}: {name}");
        }
    };
    let cuts = at_each_step(
        &disks,
        |disks| archive(disks).map(drop),
        |cut, step| {
            for left in without_power(cut, step) {
                is_whole(&left, "the power went");
                archive(&left).unwrap();
                is_whole(&left, "the power went, and it was run again");
            }
            // The process alone was killed, the next one came to its end, and
            // then the power went.
            let killed = cut.both(SimStorage::restart);
            archive(&killed).unwrap();
            for left in without_power(&killed, step) {
                is_whole(&left, "killed, run again, and the power went");
                assert_eq!(archive(&left).unwrap().moved, [0_u64; 0]);
            }
        },
    );
    assert!(cuts > 25, "{cuts}");
}

/// A ledger with a rule that lets go, and the plan for two of its segments.
fn lived() -> (Ground, Plan) {
    let mut ground = Ground::grown(30, 120);
    ground.publish_retention(1);
    ground.pass(70);
    ground.grow_later(12);
    let folder = hazledger::storage::ReadOnlyFolder::new(ground.dir().join("journal"));
    let mut plan = plan(&folder, &mut |_| {}).unwrap();
    let third = plan.records.keys().nth(2).copied();
    if let Some(third) = third {
        plan.records.split_off(&third);
    }
    assert_eq!(plan.records.len(), 2);
    (ground, plan)
}

#[test]
fn a_retention_cut_short_anywhere_leaves_a_journal_and_nothing_that_was_to_go() {
    let (ground, plan) = lived();
    let (disks, before, genesis) = disks(&ground);
    let until = Until::Keep(2);
    archive_on(
        &disks,
        &disks.store,
        Path::new(STORE),
        genesis,
        until,
        &mut |_| {},
    )
    .unwrap();
    let apply = |disks: &Disks| -> Result<(), RetainError> {
        // As the subcommand does.
        finish_on(disks)?;
        let rest = Plan {
            records: plan
                .records
                .iter()
                .filter(|(first, _)| {
                    let name = format!("{first:020}.seg");
                    disks.bytes(&name).as_ref() == before.get(&name)
                })
                .map(|(first, of)| (*first, of.clone()))
                .collect(),
            ..plan.clone()
        };
        apply_on(disks, genesis, &rest, &mut || Ok(()), &mut |_| {}).map(drop)
    };
    let done = disks.both(SimStorage::restart);
    apply(&done).unwrap();
    let names: Vec<String> = plan
        .records
        .keys()
        .map(|at| format!("{at:020}.seg"))
        .collect();
    let mut seen = [false; 2];
    let mut is_one_or_the_other = |disks: &Disks| {
        for (name, bytes) in &before {
            let now = disks.bytes(name);
            let is_new = now == done.bytes(name);
            assert!(is_new || now.as_ref() == Some(bytes), "{name}");
            seen[usize::from(is_new && names.contains(name))] = true;
        }
    };
    let is_done = |disks: &Disks| {
        for name in before.keys() {
            assert!(disks.bytes(name) == done.bytes(name), "{name}");
        }
        // What was to go is nowhere: neither in the store nor under another name.
        let left = disks.store.list().unwrap();
        assert!(names.iter().all(|name| !left.contains(name)), "{left:?}");
        assert_eq!(disks.list().unwrap().len(), before.len());
    };
    is_done(&done);
    let cuts = at_each_step(&disks, apply, |cut, step| {
        for left in without_power(cut, step) {
            is_one_or_the_other(&left);
        }
        let lost = cut.both(|disk| disk.crash(CrashPolicy::Subset(step)));
        let killed = cut.both(SimStorage::restart);
        for next in [lost, killed] {
            apply(&next).unwrap();
            for left in without_power(&next, step) {
                is_done(&left);
            }
        }
    });
    assert!(cuts > 30, "{cuts}");
    assert_eq!(seen, [true; 2]);
}

/// The real folders: the projection and the file in the archive go although the
/// run before came only so far.
#[test]
fn the_next_retention_finishes_what_the_one_before_began() {
    let (ground, _) = lived();
    let (dir, store) = (ground.path("ledger"), ground.path("cold"));
    cli(&["archive", &dir, "--to", &store, "--keep", "2"]).exits(0);
    let name = "00000000000000000000.seg";
    let journal = ground.dir().join("journal");
    let old = Path::new(&store).join(name);
    // The segment is in place; the note of what it was, and its file, are left.
    let bytes = fs::read(&old).unwrap();
    fs::remove_file(journal.join(name)).unwrap();
    fs::write(journal.join(name), &bytes).unwrap();
    std::os::unix::fs::symlink(&old, journal.join(format!("{name}.withheld"))).unwrap();
    fs::create_dir(ground.dir().join("projection.withheld")).unwrap();
    cli(&["retain", &dir]).exits(0);
    assert!(old.exists());
    let ran = cli(&["retain", &dir, "--apply", "--format", "json"]).exits(0);
    let removed = ran.json()["removedFromArchive"].clone();
    let old_name = old.to_str().unwrap();
    let told = removed.as_array().unwrap().iter();
    assert_eq!(
        told.filter(|file| *file == old_name).count(),
        1,
        "{removed}"
    );
    assert!(!old.exists());
    assert!(!journal.join(format!("{name}.withheld")).exists());
    assert!(!ground.dir().join("projection.withheld").exists());
    cli(&["verify", &dir]).exits(0);
    // A note of a store that is not mounted stays, and is said.
    std::os::unix::fs::symlink("/nowhere/x.seg", journal.join(format!("{name}.withheld"))).unwrap();
    cli(&["retain", &dir, "--apply"])
        .exits(2)
        .says("/nowhere/x.seg");
    assert!(fs::symlink_metadata(journal.join(format!("{name}.withheld"))).is_ok());
}
