//! The table that is printed, and `targets.json`.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{Form, NOT_MEASURED, Row, Size, machine};

/// What the bench `size` writes: rows of the same shape.
const SIZE_ROWS: &str = "size-targets.json";

/// What the name of a row says that waits for something to be built.
const WAITS: &str = "(waits ";

/// What this bench writes.
const ROWS: &str = "targets.json";

/// The rows of `size`, if it has not run.
const SIZE_TARGETS: &[(&str, &str)] = &[
    ("open after a clean stop, 10 million records", "≤ 3 s"),
    ("open after a kill, 10 million records", "≤ 10 s"),
    ("memory resident then", "≤ 1 GiB"),
];

/// Adds the rows of `size`, prints the table, and writes it. The quick form
/// only sees that all of its rows were measured.
pub fn finish(form: &Form, rows: Vec<Row>, all: bool) {
    if form.size == Size::Quick {
        let left: Vec<&str> = rows
            .iter()
            .filter(|row| all && row.figure == NOT_MEASURED && !row.name.contains(WAITS))
            .map(|row| row.name.as_str())
            .collect();
        assert!(left.is_empty(), "not measured: {left:?}");
        println!("all that was asked for was measured; `cargo bench` prints figures that count");
        return;
    }
    let target = target_directory();
    let mut rows: Vec<Value> = rows
        .into_iter()
        .map(|row| serde_json::to_value(row).unwrap())
        .collect();
    let (size, note) = size_rows(&target);
    rows.extend(size);
    print(form, &rows, &note);
    let file = target.join(ROWS);
    std::fs::create_dir_all(&target).unwrap();
    std::fs::write(&file, serde_json::to_vec_pretty(&rows).unwrap()).unwrap();
    println!("written to {}", file.display());
}

fn print(form: &Form, rows: &[Value], note: &str) {
    println!();
    println!("{}", machine::describe());
    println!(
        "{} form, {} rounds; ratios are within this run",
        form.pick("quick", "default", "full"),
        form.rounds
    );
    println!("{note}");
    println!();
    println!("| what | target | figure | ratio | met |");
    println!("|---|---|---|---|---|");
    for row in rows {
        let ratio = row["ratio"]
            .as_f64()
            .map_or_else(String::new, |r| format!("{r:.2}"));
        let met = match row["met"].as_bool() {
            Some(true) => "yes",
            Some(false) => "no",
            None => "–",
        };
        let (name, target, figure) = (
            text(&row["name"]),
            text(&row["target"]),
            text(&row["figure"]),
        );
        println!("| {name} | {target} | {figure} | {ratio} | {met} |");
    }
    println!();
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What `size` measured last, and how long ago that was.
fn size_rows(target: &Path) -> (Vec<Value>, String) {
    let file = target.join(SIZE_ROWS);
    let missing = || {
        let row =
            |(name, target): &(&str, &str)| serde_json::to_value(Row::new(*name, *target)).unwrap();
        let note = "rows of size: not measured (`cargo bench --bench size` does)";
        (SIZE_TARGETS.iter().map(row).collect(), note.to_owned())
    };
    let Ok(bytes) = std::fs::read(&file) else {
        return missing();
    };
    let parsed: Value = serde_json::from_slice(&bytes).unwrap();
    let rows = parsed.get("rows").unwrap_or(&parsed);
    let Some(rows) = rows.as_array().filter(|rows| !rows.is_empty()) else {
        return missing();
    };
    let age = std::fs::metadata(&file)
        .and_then(|about| about.modified())
        .ok()
        .and_then(|written| SystemTime::now().duration_since(written).ok())
        .unwrap_or(Duration::ZERO);
    let note = format!(
        "rows of size: from a run {} minutes ago",
        age.as_secs() / 60
    );
    (rows.clone(), note)
}

/// Cargo's target directory: as told, or the one that this program is in.
fn target_directory() -> PathBuf {
    if let Some(told) = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from)
        && told.is_absolute()
    {
        return told;
    }
    let program = std::env::current_exe().unwrap();
    program
        .ancestors()
        .find(|folder| folder.join(".rustc_info.json").is_file())
        .map_or_else(|| PathBuf::from("target"), Path::to_owned)
}
