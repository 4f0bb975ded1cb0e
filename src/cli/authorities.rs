//! The file of certificates of authorities that servers over HTTPS are believed
//! by, as an argument. Who is believed otherwise is in `witness`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::error::CliError;
use crate::witness::authorities::{Authorities, MAX_CERTIFICATES_FILE};

/// Those in the file that the option gives; the public ones without a file.
pub fn read(option: &'static str, file: Option<&Path>) -> Result<Authorities, CliError> {
    let Some(path) = file else {
        return Ok(Authorities::public(option));
    };
    let mut pem = Vec::new();
    File::open(path)
        .and_then(|file| {
            let bounded = MAX_CERTIFICATES_FILE as u64 + 1;
            file.take(bounded).read_to_end(&mut pem)
        })
        .map_err(CliError::file("read", path))?;
    let name = path.display().to_string();
    Authorities::from_pem(&pem, name.clone(), option)
        .map_err(|why| CliError::argument(format!("{option} {name}"), why.to_string()))
}
