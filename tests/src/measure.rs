//! What benchmarks share: the accounting of processes, the machine's description, and tables in the
//! documents.
//!
//! Does not start or load anything. Invariant: a benchmark replaces what stands between its own two
//! marks in docs/performance.md and nothing else.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets this process, and those that it starts, have so many files open, as far as it may.
pub fn allow_files(count: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < count) {
        limit.current = Some(limit.maximum.map_or(count, |maximum| maximum.min(count)));
        setrlimit(Resource::Nofile, limit).unwrap();
    }
}

/// User and system time of a process so far, in microseconds (the kernel tells it in hundredths of
/// a second).
pub fn cpu_us(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |field: usize| -> f64 {
        let text = behind_name.split_whitespace().nth(field);
        text.and_then(|text| text.parse().ok()).unwrap()
    };
    (ticks(11) + ticks(12)) * 10_000.0
}

/// Resident memory of a process, in KiB.
pub fn rss_kib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap()
}

/// By how much the resident memory of a process rises at most while something is done, in KiB.
pub fn grown_kib(pid: u32, work: impl FnOnce()) -> u64 {
    let figure = |name: &str| -> u64 {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap()
    };
    let before = figure("VmRSS:");
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    work();
    figure("VmHWM:").saturating_sub(before)
}

/// Processor and cores of this machine, in a few words.
pub fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = |name: &str| {
        let found = info.lines().find_map(|line| line.strip_prefix(name));
        found
            .and_then(|rest| rest.split_once(": "))
            .map(|(_, value)| value.to_owned())
    };
    let model = line("model name").unwrap_or_else(|| "unknown processor".to_owned());
    let cores = info.matches("processor\t").count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, {model}, Linux {}", kernel.trim())
}

/// The value below which so many hundredths of the values are; 0 of none.
pub fn percentile(values: &[f64], hundredths: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(0.0)
}

/// The middle, least and greatest value.
pub fn spread(values: &[f64]) -> (f64, f64, f64) {
    (
        percentile(values, 50),
        percentile(values, 0),
        percentile(values, 100),
    )
}

/// Replaces what stands between the marks `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
pub fn write_down(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    let document = fs::read_to_string(&file).unwrap();
    let (begin, end) = (
        format!("<!-- {name}: begin -->"),
        format!("<!-- {name}: end -->"),
    );
    let (before, rest) = document.split_once(&begin).expect("the first mark");
    let (_, after) = rest.split_once(&end).expect("the second mark");
    fs::write(
        file,
        format!("{before}{begin}\n{}\n{end}{after}", text.trim_end()),
    )
    .unwrap();
}
