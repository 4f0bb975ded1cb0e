//! After the ledger's key has been rotated: what either key signed is backed
//! up, restored, archived and repaired.

use std::fs;

use crate::ground::{Ground, cli};

#[test]
fn a_ledger_whose_key_was_rotated_is_backed_up_restored_and_archived() {
    let mut ground = Ground::grown(40, 40);
    // One backup knows the earlier key's segments, and keeps them.
    ground.backup("backup", &[]).exits(0);
    ground.rotate(2);
    ground.grow(60);
    ground.rotate(3);
    ground.backup("backup", &[]).exits(0);
    ground.grow(60);
    let dir = ground.path("ledger");
    cli(&["verify", &dir]).exits(0);
    let again = ground.backup("backup", &[]).exits(0).json();
    assert_eq!(again["leftOut"], 0);
    ground.backup("anew", &[]).exits(0);
    ground.backup("anew", &["--thorough"]).exits(0);
    for backup in ["backup", "anew"] {
        cli(&["backup", "verify", &ground.path(backup)]).exits(0);
        let restored = format!("{backup}-restored");
        ground.restore(backup, &restored).exits(0);
        cli(&["verify", &ground.path(&restored)]).exits(0);
    }
    let archive = |store: &str, keep: &str| {
        let to = ground.path(store);
        cli(&["archive", &dir, "--to", &to, "--keep", keep]).exits(0);
        cli(&["verify", &dir]).exits(0);
    };
    // The first segments are in the store before the later ones are looked at.
    archive("cold", "6");
    archive("cold", "1");
    // A store that has moved: nothing here says which keys there have been.
    fs::rename(ground.path("cold"), ground.path("colder")).unwrap();
    archive("colder", "1");
}
