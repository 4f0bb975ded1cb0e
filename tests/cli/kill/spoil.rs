//! What becomes of the projection's folder while nobody serves: it can be
//! rebuilt, so a server must come up whatever happens to it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha8Rng;

/// Bytes of noise written in one place, at most.
const MAX_NOISE: u64 = 64 * 1024;

/// What is dealt until all of it has been, then again: something as often as
/// nothing.
const DECK: [Spoil; 6] = [
    Spoil::Nothing,
    Spoil::Nothing,
    Spoil::Nothing,
    Spoil::Deleted,
    Spoil::Cut,
    Spoil::Noise,
];

/// Deals what is done next.
#[derive(Default)]
pub struct Deck(Vec<Spoil>);

impl Deck {
    pub fn deal(&mut self, dice: &mut ChaCha8Rng) -> Spoil {
        if self.0.is_empty() {
            self.0 = DECK.to_vec();
        }
        self.0.swap_remove(dice.random_range(0..self.0.len()))
    }
}

/// What is done to the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spoil {
    /// It is left as the kill left it.
    Nothing,
    /// It is gone.
    Deleted,
    /// Files in it end early.
    Cut,
    /// Files in it hold noise in places, or are nothing but noise.
    Noise,
}

impl Spoil {
    /// Does it.
    pub fn apply(self, projection: &Path, dice: &mut ChaCha8Rng) {
        match self {
            Spoil::Nothing => {}
            Spoil::Deleted => fs::remove_dir_all(projection).unwrap(),
            Spoil::Cut => each_of_some(projection, dice, |file, dice| {
                let length = fs::metadata(file).unwrap().len();
                let file = OpenOptions::new().write(true).open(file).unwrap();
                file.set_len(dice.random_range(0..length.max(1))).unwrap();
            }),
            Spoil::Noise => each_of_some(projection, dice, |file, dice| {
                let length = fs::metadata(file).unwrap().len();
                let mut file = OpenOptions::new().write(true).open(file).unwrap();
                for _ in 0..dice.random_range(1..4) {
                    let at = dice.random_range(0..length.max(1));
                    let mut noise = vec![0; usize::try_from((length - at).min(MAX_NOISE)).unwrap()];
                    dice.fill_bytes(&mut noise);
                    file.seek(SeekFrom::Start(at)).unwrap();
                    file.write_all(&noise).unwrap();
                }
            }),
        }
    }
}

/// Does something to about half of the files, at least one.
fn each_of_some(
    folder: &Path,
    dice: &mut ChaCha8Rng,
    mut what: impl FnMut(&Path, &mut ChaCha8Rng),
) {
    let mut files = files_in(folder);
    files.sort();
    let always = dice.random_range(0..files.len());
    for (index, file) in files.iter().enumerate() {
        if index == always || dice.random_range(0..2) == 0 {
            what(file, dice);
        }
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (folders, mut files): (Vec<PathBuf>, Vec<PathBuf>) =
        entries.partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| files_in(folder)));
    files
}
