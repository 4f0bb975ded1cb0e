//! A backup read as what it is a backup of: the files of one folder of the
//! data directory, under the names that they have there. Read only.

use super::manifest::Manifest;
use crate::storage::{Storage, View};

/// The files of the folder `prefix`, such as `journal/`.
pub(super) fn view_of<S: Storage>(backup: S, manifest: &Manifest, prefix: &str) -> View<S> {
    let files = manifest.folder(prefix).filter_map(|file| {
        let name = file.name.strip_prefix(prefix)?;
        Some((name.to_owned(), file.stored.clone()))
    });
    View::new(backup, files)
}
