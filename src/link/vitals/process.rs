//! The process's own figures, under the names that every Prometheus client library gives them. Where the system does not
//! tell (any but Linux), a figure is left out.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

use crate::domain::query::metrics::{Family, MetricSort, Page};

/// How many of the ticks in which Linux tells times make a second: a constant of its interface, whatever the kernel uses.
const TICKS: f64 = 100.0;

const CPU: Family = Family {
    name: "process_cpu_seconds_total",
    sort: MetricSort::Counter,
    help: "Processor time that this process has used.",
};
const MAX_FDS: Family = gauge(
    "process_max_fds",
    "How many files this process may have open.",
);
const OPEN_FDS: Family = gauge("process_open_fds", "How many files this process has open.");
const RESIDENT: Family = gauge(
    "process_resident_memory_bytes",
    "Memory of this process that is resident.",
);
const START: Family = gauge(
    "process_start_time_seconds",
    "When this process began, in seconds since 1970.",
);
const VIRTUAL: Family = gauge(
    "process_virtual_memory_bytes",
    "Memory that this process has mapped.",
);

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family {
        name,
        sort: MetricSort::Gauge,
        help,
    }
}

/// Writes what the system tells of this process.
pub(super) fn figures(page: &mut Page) {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    page.single(&CPU, used.tv_sec as f64 + used.tv_nsec as f64 / 1e9);
    let status = read("status");
    let limits = read("limits");
    let kibibytes = |label: &str| number_after(&status, label).map(|kib| kib.saturating_mul(1_024));
    let open = fs::read_dir("/proc/self/fd").ok();
    let figures = [
        (MAX_FDS, number_after(&limits, "Max open files")),
        // One of them is the look at them.
        (
            OPEN_FDS,
            open.map(|open| open.count().saturating_sub(1) as u64),
        ),
        (RESIDENT, kibibytes("VmRSS:")),
        (VIRTUAL, kibibytes("VmSize:")),
    ];
    for (family, figure) in figures {
        if let Some(figure) = figure {
            page.single(&family, figure);
        }
    }
    if let Some(start) = start() {
        page.single(&START, start);
    }
}

fn read(name: &str) -> String {
    fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default()
}

/// Returns the first number of the line that begins with `label`.
fn number_after(text: &str, label: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Returns when this process began: the machine's start, and the ticks from there. See proc(5).
fn start() -> Option<f64> {
    let boot = number_after(&fs::read_to_string("/proc/stat").ok()?, "btime")?;
    let stat = read("stat");
    // The second field is the program's name, which may hold anything but ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    Some(boot as f64 + ticks as f64 / TICKS)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_process_tells_of_itself() {
        let mut page = Page::default();
        figures(&mut page);
        let page = page.finish();
        let value = |name: &str| -> f64 {
            let line = page
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap();
            line.trim().parse().unwrap()
        };
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        let age = now.as_secs_f64() - value("process_start_time_seconds ");
        assert!((-2.0..3_600.0).contains(&age), "{age}");
        assert!(value("process_cpu_seconds_total ") > 0.0);
        assert!(value("process_open_fds ") >= 3.0);
        assert!(value("process_max_fds ") >= value("process_open_fds "));
        let resident = value("process_resident_memory_bytes ");
        assert!(resident > 1e6 && value("process_virtual_memory_bytes ") >= resident);
    }
}
