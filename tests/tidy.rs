//! Keeps the walls of the house: which folder may use which, what the pure
//! folders may not touch, how files open and how long they grow, and that
//! nothing waits without a bound.
//!
//! The rules are the tables and the `*_rule` functions below; each has one test
//! over the source tree and one over small strings that break it, because a
//! wall that cannot fail is no wall. Sources are read as tokens, with comments
//! and literals blanked out. Names made by macros or renamed crates (`use
//! tokio as t` is seen, `t::spawn` is not) are beyond it: it keeps honest
//! people honest.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

/// Which other folders of `src/` each folder may name, lowest first.
const MAY_USE: &[(&str, &str)] = &[
    ("catalog", "pb"),
    ("event", "catalog pb"),
    ("custody", "event catalog pb"),
    ("proof", "event catalog custody pb"),
    ("storage", ""),
    ("journal", "storage"),
    ("audit", "event proof storage journal pb"),
    ("repair", "event proof storage journal pb"),
    ("witness", "event proof storage pb"),
    ("backup", "event proof storage journal audit repair pb"),
    (
        "retain",
        "event catalog custody proof storage journal audit backup pb",
    ),
    (
        "projection",
        "event catalog custody proof storage journal pb",
    ),
    (
        "ledger",
        "event catalog custody proof storage journal projection pb",
    ),
    (
        "grpc",
        "event catalog custody proof journal projection ledger pb",
    ),
    (
        "web",
        "event catalog custody proof journal projection ledger grpc witness pb",
    ),
    ("sim", "event catalog grpc pb"),
    (
        "cli",
        "event catalog custody proof storage journal audit repair witness backup retain projection \
         ledger grpc web sim pb",
    ),
];

/// The folders that take time and randomness as arguments and touch no world.
const PURE: &[&str] = &["event", "catalog", "custody", "proof"];

/// What the pure folders may not name, as paths or parts of paths.
const IMPURE: &str = "async tokio tokio_stream \
    tonic tonic_health tonic_prost tonic_reflection tonic_types \
    std::fs std::net fs4 rustix sled \
    SystemTime::now Instant::now Timestamp::now Zoned::now \
    rand::rng rand::random getrandom";

/// The folders that know files only.
const FILES_ONLY: &[&str] = &["storage", "journal"];

/// What they may not name.
const NOT_FILES: &str = "async tokio tokio_stream tonic std::net sled";

/// The one file that may name sled.
const STORE: &str = "src/projection/store.rs";

/// Lines a file under `src/` may have, its tests included.
const MAX_LINES: usize = 600;

/// Characters a line of code may have; comments may hold a longer address.
const MAX_COLUMNS: usize = 120;

/// Files under `src/` that may have a channel without a bound, each with the
/// reason.
const UNBOUNDED: &[(&str, &str)] = &[];

/// Marks of work put off.
const UNFINISHED: &[&str] = &["TODO", "FIXME", "XXX", "todo!", "unimplemented!"];

/// A source file: its path from the package root, `/` between, and its text.
struct Source {
    path: String,
    text: String,
}

/// A rule broken at a line, counted from 1.
struct Breach {
    path: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

impl Source {
    /// The folder of `src/` the file belongs to; `src/pb.rs` counts as `pb`,
    /// the crate roots as none.
    fn folder(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next()?.trim_end_matches(".rs");
        (!matches!(first, "lib" | "main")).then_some(first)
    }

    /// The module the file is, from the crate's root.
    fn module(&self) -> Vec<String> {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inside
            .trim_end_matches(".rs")
            .split('/')
            .filter(|name| !matches!(*name, "mod" | "lib" | "main"))
            .map(String::from)
            .collect()
    }

    fn breach(&self, line: usize, rule: impl Into<String>) -> Breach {
        Breach {
            path: self.path.clone(),
            line,
            rule: rule.into(),
        }
    }
}

// --- the rules --------------------------------------------------------------

/// A page included as the module's doc (`README.md`, `FORMAT.md`) opens it too.
fn opening_rule(source: &Source) -> Vec<Breach> {
    let openings = ["//!", "#![doc = include_str!("];
    if openings
        .iter()
        .any(|opening| source.text.starts_with(opening))
    {
        return Vec::new();
    }
    vec![source.breach(1, "a file opens with `//!`: what it is and what it is not")]
}

fn purity_rule(source: &Source) -> Vec<Breach> {
    let folder = source.folder().unwrap_or_default();
    let (forbidden, kind) = if PURE.contains(&folder) {
        (IMPURE, "pure")
    } else if FILES_ONLY.contains(&folder) {
        (NOT_FILES, "files only")
    } else {
        return Vec::new();
    };
    let mut breaches = Vec::new();
    for path in paths(source) {
        if let Some(name) = forbidden.split(' ').find(|name| path.contains(name)) {
            breaches.push(source.breach(path.line, format!("src/{folder} is {kind}: no `{name}`")));
        }
        if path.is_generated_service() {
            breaches.push(source.breach(path.line, format!("src/{folder} is {kind}: no gRPC")));
        }
    }
    breaches
}

fn sled_rule(source: &Source) -> Vec<Breach> {
    if source.path == STORE {
        return Vec::new();
    }
    paths(source)
        .iter()
        .filter(|path| path.contains("sled"))
        .map(|path| source.breach(path.line, format!("only {STORE} names sled")))
        .collect()
}

fn order_rule(source: &Source) -> Vec<Breach> {
    let Some(folder) = source.folder().filter(|folder| *folder != "pb") else {
        return Vec::new();
    };
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == folder) else {
        return vec![source.breach(1, format!("src/{folder} has no row in MAY_USE here"))];
    };
    let mut breaches = Vec::new();
    for path in paths(source) {
        let Some(used) = path.of_this_crate() else {
            continue;
        };
        if used != folder && !allowed.split(' ').any(|name| name == used) {
            let rule = format!("src/{folder} may not use `{used}`, only: {allowed}");
            breaches.push(source.breach(path.line, rule));
        }
    }
    breaches
}

/// Nothing waits without a bound: no channel that takes whatever comes. A call
/// of `mpsc::channel` with nothing between its brackets is std's, which has
/// no bound; tokio's says how many.
fn bound_rule(source: &Source) -> Vec<Breach> {
    let allowed = UNBOUNDED.iter().any(|(path, _)| *path == source.path);
    if !source.path.starts_with("src/") || allowed {
        return Vec::new();
    }
    let rule = "a channel without a bound: give it one, and the bound a name";
    let tokens = tokens(&blank(&source.text, Keep::Code));
    let mut lines: Vec<usize> = paths(source)
        .iter()
        .filter(|path| {
            let std = path.contains("std::sync::mpsc::channel");
            let names = ["unbounded_channel", "UnboundedSender", "unbounded"];
            std || names.iter().any(|name| path.contains(name))
        })
        .map(|path| path.line)
        .collect();
    let words: Vec<&str> = tokens.iter().map(|(_, token)| token.as_str()).collect();
    for (at, (line, _)) in tokens.iter().enumerate() {
        let rest = words.get(at..).unwrap_or_default();
        if rest.starts_with(&["mpsc", "::", "channel"])
            && has_no_arguments(rest.get(3..).unwrap_or_default())
        {
            lines.push(*line);
        }
    }
    lines.sort_unstable();
    lines.dedup();
    lines
        .into_iter()
        .map(|line| source.breach(line, rule))
        .collect()
}

/// Whether a call of what stands before `rest` has no arguments; what types it
/// is told (`::<…>`) are none.
fn has_no_arguments(rest: &[&str]) -> bool {
    let opens = rest.iter().position(|token| *token == "(");
    let types = rest.starts_with(&["::", "<"]) || rest.first() == Some(&"(");
    types && opens.is_some_and(|at| rest.get(at + 1) == Some(&")"))
}

fn length_rule(source: &Source) -> Vec<Breach> {
    if !source.path.starts_with("src/") {
        return Vec::new();
    }
    let mut breaches = Vec::new();
    let lines = source.text.lines().count();
    if lines > MAX_LINES {
        let rule = format!("{lines} lines, at most {MAX_LINES}: split by idea");
        breaches.push(source.breach(lines, rule));
    }
    for (index, line) in blank(&source.text, Keep::Literals).lines().enumerate() {
        let columns = line.trim_end().chars().count();
        if columns > MAX_COLUMNS {
            let rule = format!("a line of code has {columns} characters, at most {MAX_COLUMNS}");
            breaches.push(source.breach(index + 1, rule));
        }
    }
    breaches
}

fn unfinished_rule(source: &Source) -> Vec<Breach> {
    if !source.path.starts_with("src/") {
        return Vec::new();
    }
    let mut breaches = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        for mark in UNFINISHED {
            if has_word(line, mark) {
                let rule = format!("`{mark}`: finish it or leave it out");
                breaches.push(source.breach(index + 1, rule));
            }
        }
    }
    breaches
}

/// `lib` is `src/lib.rs`; a folder stands on its map as `name` in backticks,
/// linked or not, or as a path that ends in `name/`.
fn map_rule(lib: &Source, folders: &[String]) -> Vec<Breach> {
    let map: Vec<&str> = lib
        .text
        .lines()
        .filter(|line| line.starts_with("//!"))
        .collect();
    let map = map.join("\n");
    folders
        .iter()
        .filter(|folder| {
            let quoted = map.contains(&format!("`{folder}`"));
            !(quoted || has_word(&map, &format!("{folder}/")))
        })
        .map(|folder| lib.breach(1, format!("the map does not say what `{folder}` is")))
        .collect()
}

// --- reading Rust -----------------------------------------------------------

/// Whether `word` stands in `line` on its own, not inside a longer name.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        let after = rest.chars().nth(word.chars().count());
        let open_ended = word.ends_with(is_name).then_some(after).flatten();
        !before.ends_with(is_name) && !open_ended.is_some_and(is_name)
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A path as code names it, `use` groups written out and `super` resolved.
struct Named {
    line: usize,
    parts: Vec<String>,
}

impl Named {
    /// Whether `name` (`a` or `a::b`) is a run of whole parts of this path.
    fn contains(&self, name: &str) -> bool {
        let wanted: Vec<&str> = name.split("::").collect();
        self.parts.windows(wanted.len()).any(|run| run == wanted)
    }

    /// The first name below the crate's root, if the path starts there.
    fn of_this_crate(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [root, first, ..] if root == "crate" || root == "hazledger" => Some(first),
            _ => None,
        }
    }

    /// Whether this is a client or server module of the generated code.
    fn is_generated_service(&self) -> bool {
        self.of_this_crate() == Some("pb")
            && self
                .parts
                .iter()
                .any(|part| part.ends_with("_client") || part.ends_with("_server"))
    }
}

/// A token and its line.
type Token = (usize, String);

/// Every path in the code of `source`, single names and keywords included.
fn paths(source: &Source) -> Vec<Named> {
    let tokens = tokens(&blank(&source.text, Keep::Code));
    let mut found = Vec::new();
    let mut module = source.module();
    // The depths of braces at which the inline modules around us opened.
    let mut opened = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some((_, token)) = tokens.get(at) {
        let next = |ahead| tokens.get(at + ahead).map(|token: &Token| token.1.as_str());
        match (token.as_str(), next(1), next(2)) {
            ("mod", Some(name), Some("{")) => {
                module.push(name.to_owned());
                opened.push(depth);
                at += 2;
            }
            ("{", ..) => {
                depth += 1;
                at += 1;
            }
            ("}", ..) => {
                depth = depth.saturating_sub(1);
                if opened.last() == Some(&depth) {
                    opened.pop();
                    module.pop();
                }
                at += 1;
            }
            _ => {
                let start = found.len();
                at = path_at(&tokens, at, &[], &mut found).max(at + 1);
                for path in found.iter_mut().skip(start) {
                    resolve_super(path, &module);
                }
            }
        }
    }
    found
}

/// Reads the path at `at`, below `prefix`; returns where it ends.
fn path_at(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let mut parts = prefix.to_vec();
    let mut line = None;
    while let Some((number, token)) = tokens.get(at) {
        if token == "{" && parts.len() > prefix.len() {
            // Only reached after `::`: a group of `use`.
            return group_at(tokens, at + 1, &parts, found);
        }
        if !(token.starts_with(is_name) || token == "*" && !parts.is_empty()) {
            break;
        }
        line = line.or(Some(*number));
        parts.push(token.clone());
        at += 1;
        match tokens.get(at) {
            Some((_, token)) if token == "::" => at += 1,
            _ => break,
        }
    }
    if let Some(line) = line {
        found.push(Named { line, parts });
    }
    at
}

/// Reads the rest of a `{…}` group of a `use`; returns where it ends.
fn group_at(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    while let Some((_, token)) = tokens.get(at) {
        match token.as_str() {
            "}" => return at + 1,
            "as" => at += 2,
            _ => at = path_at(tokens, at, prefix, found).max(at + 1),
        }
    }
    at
}

/// Turns a leading `super` of a path in `module` into a path from the root.
fn resolve_super(path: &mut Named, module: &[String]) {
    let skip = usize::from(path.parts.first().is_some_and(|part| part == "self"));
    let supers = path
        .parts
        .iter()
        .skip(skip)
        .take_while(|part| *part == "super")
        .count();
    if supers == 0 {
        return;
    }
    let above = module
        .iter()
        .take(module.len().saturating_sub(supers))
        .cloned();
    let below = path.parts.iter().skip(skip + supers).cloned();
    path.parts = std::iter::once("crate".to_owned())
        .chain(above)
        .chain(below)
        .collect();
}

/// Names, `::` and single other characters, each with its line from 1.
fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_name(first) {
                rest.find(|c| !is_name(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            tokens.push((index + 1, token.to_owned()));
            rest = after.trim_start();
        }
    }
    tokens
}

/// What `blank` leaves standing.
#[derive(Clone, Copy, PartialEq)]
enum Keep {
    /// Code only: comments and literals are blanked.
    Code,
    /// Code and literals: comments are blanked.
    Literals,
}

/// `text` with comments, and with `Keep::Code` strings and characters too,
/// turned into spaces; lines stay where they are.
fn blank(text: &str, keep: Keep) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut in_name = false;
    while let Some(rest) = chars.get(at..).filter(|rest| !rest.is_empty()) {
        let comment = comment_length(rest);
        let literal = if in_name {
            quoted_length(rest)
        } else {
            literal_length(rest)
        };
        let length = comment.max(literal).max(1);
        let hidden = comment > 0 || literal > 0 && keep == Keep::Code;
        for c in rest.iter().take(length) {
            out.push(if hidden && *c != '\n' { ' ' } else { *c });
        }
        in_name = length == 1 && rest.first().copied().is_some_and(is_name);
        at += length;
    }
    out
}

/// Characters of the comment `rest` starts with, 0 if it starts with none.
fn comment_length(rest: &[char]) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => {
            let mut depth = 0_usize;
            let mut at = 0;
            loop {
                match rest.get(at..).unwrap_or_default() {
                    [] => return rest.len(),
                    ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
                    ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
                    _ => at += 1,
                }
                if depth == 0 {
                    return at;
                }
            }
        }
        _ => 0,
    }
}

/// Characters of the literal `rest` starts with, its prefix included; 0 if
/// none. Lifetimes are not literals.
fn literal_length(rest: &[char]) -> usize {
    let prefix = match rest {
        ['b' | 'c', 'r', ..] => 2,
        ['r', ..] => 1,
        _ => return quoted_length(rest),
    };
    let body = rest.iter().skip(prefix);
    let hashes = body.clone().take_while(|c| **c == '#').count();
    if body.clone().nth(hashes) != Some(&'"') {
        return 0; // a name such as `r`, or `r#type`
    }
    let open = prefix + hashes + 1;
    let tail = rest.get(open..).unwrap_or_default();
    let mut end: Vec<char> = vec!['#'; hashes];
    end.insert(0, '"');
    let inside = tail.windows(end.len()).position(|run| run == end);
    inside.map_or(rest.len(), |inside| open + inside + end.len())
}

/// Characters of the plain `"…"` or `'…'` that `rest` starts with, or 0.
fn quoted_length(rest: &[char]) -> usize {
    let quote = match rest {
        ['"', ..] => '"',
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => '\'',
        _ => return 0,
    };
    let mut escaped = false;
    let closing = rest.iter().skip(1).position(|c| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    closing.map_or(rest.len(), |inside| inside + 2)
}

// --- the tree ---------------------------------------------------------------

/// Every Rust file of ours, in order of path.
fn tree() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["src", "tests", "benches"] {
        if let Err(error) = collect(root, folder, &mut sources) {
            assert!(
                error.kind() == io::ErrorKind::NotFound,
                "cannot read {folder}: {error}"
            );
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        sources.iter().any(|source| source.path == "src/lib.rs"),
        "read no source tree"
    );
    sources
}

fn collect(root: &Path, folder: &str, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if entry.file_type()?.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(root, &path, sources)?;
            }
        } else if Path::new(&name).extension().is_some_and(|end| end == "rs") {
            sources.push(Source {
                path,
                text: fs::read_to_string(entry.path())?,
            });
        }
    }
    Ok(())
}

fn assert_kept(breaches: &[Breach]) {
    let lines: Vec<String> = breaches.iter().map(Breach::to_string).collect();
    assert!(
        lines.is_empty(),
        "{} breaches:\n{}",
        lines.len(),
        lines.join("\n")
    );
}

fn assert_tree_keeps(rule: fn(&Source) -> Vec<Breach>) {
    assert_kept(&tree().iter().flat_map(rule).collect::<Vec<_>>());
}

#[test]
fn every_file_opens_with_what_it_is() {
    assert_tree_keeps(opening_rule);
}

#[test]
fn pure_folders_touch_no_world_and_the_file_folders_only_files() {
    assert_tree_keeps(purity_rule);
}

#[test]
fn only_the_store_names_sled() {
    assert_tree_keeps(sled_rule);
}

#[test]
fn folders_use_only_those_below_them() {
    assert_tree_keeps(order_rule);
}

#[test]
fn every_channel_has_a_bound() {
    assert_tree_keeps(bound_rule);
}

#[test]
fn files_and_lines_stay_short() {
    assert_tree_keeps(length_rule);
}

#[test]
fn nothing_is_left_unfinished() {
    assert_tree_keeps(unfinished_rule);
}

#[test]
fn the_map_names_every_folder() {
    let sources = tree();
    let nested = |source: &&Source| source.path.matches('/').count() > 1;
    let folders = sources.iter().filter(nested).filter_map(Source::folder);
    let mut folders: Vec<String> = folders.map(String::from).collect();
    folders.dedup();
    let lib = sources.iter().find(|source| source.path == "src/lib.rs");
    let breaches = lib.map(|lib| map_rule(lib, &folders));
    assert_kept(&breaches.unwrap_or_default());
}

// --- the walls can fail -----------------------------------------------------

/// The lines at which `rule` finds `text`, as the file `path`, to be in breach.
fn lines_of(rule: fn(&Source) -> Vec<Breach>, path: &str, text: &str) -> Vec<usize> {
    let source = Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    rule(&source).iter().map(|breach| breach.line).collect()
}

const NONE: [usize; 0] = [];

#[test]
fn a_file_without_its_opening_is_found() {
    let found = |text| lines_of(opening_rule, "src/a/mod.rs", text);
    assert_eq!(found("use std::fs;\n//! late\n"), [1]);
    assert_eq!(found("#![cfg(test)]\n"), [1]);
    assert_eq!(found(""), [1]);
    assert_eq!(found("//! What it is.\n"), NONE);
    assert_eq!(found("#![doc = include_str!(\"FORMAT.md\")]\n"), NONE);
}

#[test]
fn every_impure_name_is_found_in_every_pure_folder() {
    for folder in PURE {
        let path = format!("src/{folder}/deep/file.rs");
        for name in IMPURE.split(' ') {
            let text = format!("//! x\nfn f() {{\n    {name}();\n}}\n");
            assert_eq!(
                lines_of(purity_rule, &path, &text),
                [3],
                "{name} in {folder}"
            );
        }
    }
    assert_eq!(
        lines_of(purity_rule, "src/journal/segment.rs", "use tokio::fs;"),
        [1]
    );
    assert_eq!(
        lines_of(purity_rule, "src/storage/folder.rs", "use sled::Db;"),
        [1]
    );
}

#[test]
fn impure_names_are_found_however_they_are_written() {
    let found = |text| lines_of(purity_rule, "src/proof/tree.rs", text);
    assert_eq!(found("use std::{io, fs};"), [1]);
    assert_eq!(
        found("use std::{\n    io,\n    fs::{self, File},\n};"),
        [3, 3]
    );
    assert_eq!(found("use ::tokio as t;"), [1]);
    assert_eq!(found("#[tokio::test]\nasync fn f() {}"), [1, 2]);
    assert_eq!(found("let t = std::time::SystemTime\n    ::now();"), [1]);
    assert_eq!(
        found("use crate::pb::v1::ledger_client::LedgerClient;"),
        [1]
    );
    assert_eq!(found("let q = '\"'; tonic::Status::ok(\"\")"), [1]);
    assert_eq!(found("fn f<'a>(x: &'a str) { getrandom::fill(x) }"), [1]);
}

#[test]
fn innocent_names_are_left_alone() {
    let found = |text| lines_of(purity_rule, "src/proof/tree.rs", text);
    assert_eq!(
        found("// tokio\n/* sled /* std::fs */ tonic */\n/// `Instant::now`\n"),
        NONE
    );
    assert_eq!(
        found("let s = \"tokio \\\" sled\"; let r = r#\"std::fs \" tonic\"#;"),
        NONE
    );
    assert_eq!(
        found("use rand::rngs::StdRng; let sled_like = std::fmt::Error;"),
        NONE
    );
    assert_eq!(
        found("use prost::Message; use crate::pb::v1::Statement;"),
        NONE
    );
    assert_eq!(
        lines_of(purity_rule, "src/grpc/submit.rs", "use tokio::sync;"),
        NONE
    );
    assert_eq!(
        lines_of(purity_rule, "src/journal/io.rs", "use std::fs;"),
        NONE
    );
}

#[test]
fn sled_outside_the_store_is_found() {
    for text in ["use sled;", "use sled::Db;", "fn f(db: &sled::Db) {}"] {
        assert_eq!(
            lines_of(sled_rule, "src/projection/lots.rs", text),
            [1],
            "{text}"
        );
        assert_eq!(
            lines_of(sled_rule, "benches/ingest.rs", text),
            [1],
            "{text}"
        );
        assert_eq!(lines_of(sled_rule, STORE, text), NONE, "{text}");
    }
}

#[test]
fn a_use_against_the_order_is_found() {
    #[rustfmt::skip] // a table reads by its columns
    let cases = [
        ("src/event/mass.rs",      "use crate::catalog::Form;",                   true),
        ("src/catalog/mod.rs",     "use crate::event::Mass;",                     false),
        ("src/event/mass.rs",      "use crate::pb::v1::Event;",                   true),
        ("src/event/mass.rs",      "use crate::event::{id::Id, mass};",           true),
        ("src/event/mass.rs",      "use crate::{event, custody};",                false),
        ("src/event/mass.rs",      "use crate::*;",                               false),
        ("src/event/mass.rs",      "use crate::Mass;",                            false),
        ("src/event/mass.rs",      "fn f() { hazledger::ledger::open() }",        false),
        ("src/event/mass.rs",      "pub(crate) fn f() {} // crate::ledger",       true),
        ("src/custody/mod.rs",     "use super::ledger::Writer;",                  false),
        ("src/custody/mod.rs",     "use super::event::Mass;",                     true),
        ("src/custody/decide.rs",  "use super::apply::fold;",                     true),
        ("src/custody/decide.rs",  "use super::super::proof::Chain;",             false),
        ("src/custody/decide.rs",  "mod tests { use super::super::apply; }",      true),
        ("src/custody/decide.rs",  "mod a { fn f() {} } use super::super::grpc;", false),
        ("src/proof/verify.rs",    "use crate::custody::State;",                  true),
        ("src/proof/verify.rs",    "use crate::journal::Journal;",                false),
        ("src/journal/frame.rs",   "use crate::pb::v1::Head;",                    false),
        ("src/journal/frame.rs",   "use crate::journal::crc as event;",           true),
        ("src/projection/lots.rs", "use crate::{proof, journal as j};",           true),
        ("src/projection/lots.rs", "use crate::ledger::Ledger;",                  false),
        ("src/ledger/writer.rs",   "use crate::{journal, projection::store};",    true),
        ("src/ledger/writer.rs",   "use crate::grpc::Server;",                    false),
        ("src/sim/world.rs",       "use crate::{event, catalog, grpc::client};",  true),
        ("src/sim/world.rs",       "use crate::ledger::Ledger;",                  false),
        ("src/grpc/submit.rs",     "use crate::cli::Args;",                       false),
        ("src/cli/demo.rs",        "use crate::{sim, grpc, web, ledger};",        true),
        ("src/novel/mod.rs",       "//! No row of its own.",                      false),
        ("src/main.rs",            "use hazledger::cli;",                         true),
    ];
    for (path, text, allowed) in cases {
        assert_eq!(
            lines_of(order_rule, path, text).is_empty(),
            allowed,
            "{path}: {text}"
        );
    }
}

#[test]
fn the_order_has_no_circle() {
    for (index, (folder, allowed)) in MAY_USE.iter().enumerate() {
        let below: Vec<&str> = MAY_USE.iter().take(index).map(|(name, _)| *name).collect();
        for used in allowed.split_whitespace().filter(|used| *used != "pb") {
            assert!(
                below.contains(&used),
                "{folder} may use {used}, which is not below it"
            );
        }
    }
}

#[test]
fn a_channel_without_a_bound_is_found() {
    let found = |text| lines_of(bound_rule, "src/ledger/a.rs", text);
    assert_eq!(found("use std::sync::mpsc::{Sender, channel};"), [1]);
    assert_eq!(found("let (a, b) = std::sync::mpsc::channel();"), [1]);
    assert_eq!(
        found("use std::sync::mpsc;\nlet c = mpsc::channel::<()>();"),
        [2]
    );
    assert_eq!(found("let c = mpsc\n    ::channel();"), [1]);
    assert_eq!(found("let c = mpsc::unbounded_channel();"), [1]);
    assert_eq!(found("fn f(s: mpsc::UnboundedSender<u8>) {}"), [1]);
    assert_eq!(found("use std::sync::mpsc::sync_channel;"), NONE);
    assert_eq!(found("let c = mpsc::channel(QUEUE);"), NONE);
    assert_eq!(found("let c = mpsc::channel::<u8>(1);"), NONE);
    assert_eq!(found("let c = oneshot::channel();"), NONE);
    assert_eq!(found("// mpsc::channel() and unbounded_channel\n"), NONE);
    assert_eq!(lines_of(bound_rule, "tests/a.rs", "mpsc::channel()"), NONE);
}

#[test]
fn a_long_file_or_line_is_found() {
    let line = "x".repeat(MAX_COLUMNS);
    assert_eq!(
        lines_of(length_rule, "src/a.rs", &format!("a\n{line}\n")),
        NONE
    );
    assert_eq!(
        lines_of(length_rule, "src/a.rs", &format!("a\n{line}x\n")),
        [2]
    );
    assert_eq!(
        lines_of(length_rule, "src/a.rs", &format!("a\n\"{line}\"\n")),
        [2]
    );
    assert_eq!(
        lines_of(length_rule, "src/a.rs", &format!("a // {line}\n")),
        NONE
    );
    assert_eq!(
        lines_of(length_rule, "src/a.rs", &"\n".repeat(MAX_LINES)),
        NONE
    );
    assert_eq!(
        lines_of(length_rule, "src/a.rs", &"\n".repeat(MAX_LINES + 1)),
        [MAX_LINES + 1]
    );
}

#[test]
fn unfinished_work_is_found() {
    for mark in UNFINISHED {
        assert_eq!(
            lines_of(unfinished_rule, "src/a.rs", &format!("\n// {mark}(x)\n")),
            [2]
        );
        assert_eq!(
            lines_of(unfinished_rule, "src/a.rs", &format!("// not{mark}\n")),
            NONE
        );
    }
    assert_eq!(
        lines_of(unfinished_rule, "src/a.rs", "// XXXL, TODOS\n"),
        NONE
    );
}

#[test]
fn a_folder_off_the_map_is_found() {
    let missing = |text: &str| {
        let lib = Source {
            path: "src/lib.rs".to_owned(),
            text: text.to_owned(),
        };
        map_rule(&lib, &["event".to_owned(), "proof".to_owned()]).len()
    };
    assert_eq!(
        missing("//! - [`event`]: what is signed\n//! - `proof`\npub mod event;"),
        0
    );
    assert_eq!(
        missing("//! src/event/   what is signed\n//! src/proof/   the chain\n"),
        0
    );
    assert_eq!(
        missing("//! An event.\n//! - `proof`\npub mod event; // `event`"),
        1
    );
    assert_eq!(missing("//! waterproof/ `event`s\n"), 1);
}
