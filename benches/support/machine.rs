//! The machine that is measured: its cores, processor and kernel, without a
//! name; and what this process takes of it.

use std::fs;
use std::time::Duration;

/// `2 cores, Intel(R) …, Linux 6.1.0`.
pub fn describe() -> String {
    let cores = cores();
    let processor = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| "unknown processor".into());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or_else(|_| "unknown kernel".into(), |text| text.trim().to_owned());
    format!("{cores} cores, {processor}, Linux {kernel}")
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Resident memory of this process, bytes.
pub fn resident() -> u64 {
    field("/proc/self/status", "VmRSS:").unwrap_or(0) * 1024
}

/// Processor time of this process so far, all threads, to a hundredth of a
/// second (Linux counts in ticks of that length).
pub fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is a name in brackets, which may hold blanks.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Calls of this process that read from files or sockets so far.
pub fn read_calls() -> u64 {
    field("/proc/self/io", "syscr:").unwrap_or(0)
}

fn field(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
