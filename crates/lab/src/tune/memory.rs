//! How many trials fit into memory.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// The largest resident set of this process so far, bytes; where the system doesn't keep it, the resident set now.
pub(crate) fn peak() -> Option<u64> {
    std::fs::read_to_string("/proc/self/status").ok().as_deref().and_then(high_water_mark).or_else(|| {
        let this = Pid::from_u32(std::process::id());
        let mut system = System::new();
        let refresh = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[this]), true, refresh);
        system.process(this).map(sysinfo::Process::memory)
    })
}

/// The line `VmHWM: 123 kB` of a Linux process's status.
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// Memory that processes can still have, bytes: of the machine, or of the container if that has less.
pub(crate) fn available() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    system.available_memory().min(container)
}

/// How many trials may run at once: one per core, as far as `available` bytes suffice for a fifth more than `peak` each.
pub(crate) fn jobs(cores: usize, available: u64, peak: u64) -> usize {
    let fitting = available as f64 / (1.2 * peak.max(1) as f64);
    (fitting as usize).clamp(1, cores.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read() {
        assert_eq!(high_water_mark("Name:\tzoo\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n"), Some(2 << 20));
        assert_eq!(high_water_mark("Name:\tzoo\n"), None);
        let megabyte = 1 << 20;
        assert!(peak().unwrap() > megabyte && available() > megabyte);
    }

    #[test]
    fn as_many_as_cores_and_memory_allow() {
        assert_eq!(jobs(8, 100, 1), 8);
        assert_eq!(jobs(8, 100, 20), 4);
        assert_eq!(jobs(8, 100, 200), 1);
        assert_eq!(jobs(8, 100, 0), 8);
    }
}
