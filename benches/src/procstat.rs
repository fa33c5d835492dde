//! Memory and processor time of a process, from `/proc`. Nothing where there is no `/proc`.

use std::time::Duration;

/// A tick of `/proc/PID/stat`. Linux shows 100 a second to programs, whatever its own clock does.
const TICK: Duration = Duration::from_millis(10);

/// Processor time that a process has used, in user and kernel, all its threads together.
pub(crate) fn cpu(process: u32) -> Option<Duration> {
    ticks(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?).map(|ticks| TICK * ticks)
}

/// KiB of a process that are in memory now.
pub(crate) fn rss_kib(process: u32) -> Option<u64> {
    resident(&std::fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

/// Fields 14 and 15 of `stat`, counted behind the name, which may hold anything.
pub(crate) fn ticks(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u32>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

/// The line `VmRSS:` of `status`.
pub(crate) fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
