//! The file that a verification is saved in, whole or not at all. What is in
//! it, and what is checked of it, is in [`proof`](crate::proof).

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::Path;

use crate::proof::{Expect, Verifier};
use crate::storage::replace_file;

/// Takes up the verification in a file; `None` if there is no file.
///
/// # Errors
/// Why it is of no use: then everything is to be verified.
pub fn read_saved(path: &Path, expect: &Expect) -> Result<Option<Verifier>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    let restored = Verifier::restore(&mut BufReader::new(file), expect.clone());
    restored.map(Some).map_err(|bad| bad.to_string())
}

/// Saves a verification in a file, in the place of what is there.
///
/// # Errors
/// What the operating system says; the file is as it was then, or the new one.
pub fn write_saved(path: &Path, verifier: &Verifier) -> io::Result<()> {
    let replaced = replace_file(path, |file| {
        let mut out = BufWriter::new(file);
        verifier.save(&mut out)?;
        out.flush()
    });
    Ok(replaced?)
}
