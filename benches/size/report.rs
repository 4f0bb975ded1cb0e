//! The rows: printed, and kept as JSON for the table of all benches.

use std::path::PathBuf;

use serde_json::{Value, json};

/// Rows so far.
#[derive(Default)]
pub struct Report {
    counts: bool,
    rows: Vec<Value>,
    lines: Vec<String>,
}

impl Report {
    /// Of figures that count, or of the quick form's, which are not told.
    pub fn new(counts: bool) -> Report {
        Report {
            counts,
            ..Report::default()
        }
    }

    /// Something to know beside the rows.
    pub fn note(text: &str) {
        eprintln!("{text}");
    }

    /// A figure that must not exceed its target.
    pub fn at_most(&mut self, name: &str, target: f64, figure: f64) {
        self.row(
            name,
            &format!("<= {target}"),
            figure,
            figure / target,
            figure <= target,
        );
    }

    /// A rate that must be at least this share of another of the same run.
    pub fn ratio(&mut self, name: &str, target: f64, figure: f64, of: f64) {
        let ratio = figure / of;
        self.row(
            name,
            &format!(">= {target} of {of:.0}"),
            figure,
            ratio,
            ratio >= target,
        );
    }

    fn row(&mut self, name: &str, target: &str, figure: f64, ratio: f64, met: bool) {
        let word = if met { "met" } else { "NOT MET" };
        let line = format!("{name:<64} {target:>18} {figure:>12.2} {ratio:>7.2}  {word}");
        if self.counts {
            eprintln!("{line}");
        }
        self.lines.push(line);
        self.rows.push(json!({
            "name": name,
            "target": target,
            "figure": (figure * 1000.0).round() / 1000.0,
            "ratio": (ratio * 1000.0).round() / 1000.0,
            "met": met,
        }));
    }

    /// Prints the rows and writes them down.
    pub fn finish(&self) {
        if !self.counts {
            println!("all was measured; `cargo bench` prints figures that count");
            return;
        }
        println!(
            "{:<64} {:>18} {:>12} {:>7}",
            "what", "target", "figure", "ratio"
        );
        self.lines.iter().for_each(|line| println!("{line}"));
        let path = target_dir().join("size-targets.json");
        let text = serde_json::to_string_pretty(&self.rows).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
        println!("written to {}", path.display());
    }
}

/// The target directory that this bench was built into.
fn target_dir() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    // target/release/deps/size-…
    own.ancestors().nth(3).unwrap().to_owned()
}
