//! How much memory there is, and what fits into it.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// The largest resident set of this process so far, bytes; where the system doesn't keep it, the resident set now.
pub(crate) fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    kibibytes(&status, "VmHWM:").or_else(|| {
        let this = Pid::from_u32(std::process::id());
        let mut system = System::new();
        let refresh = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[this]), true, refresh);
        system.process(this).map(sysinfo::Process::memory)
    })
}

/// The bytes of a line such as `VmHWM: 123 kB` of a Linux process's status.
fn kibibytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
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

/// The most memory that this process can have, bytes: of the machine with what it can move to disk, of the container, or of the limit that
/// was set for it.
pub(crate) fn most() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let machine = system.total_memory().saturating_add(system.total_swap());
    machine.min(container).min(address_space(&limits, ""))
}

/// How many bytes of images may be in memory: half of what there still is, as models need memory, too.
pub(crate) fn for_images() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    available().min(address_space(&limits, &status)) / 2
}

/// What is left of the address space of a Linux process, bytes, by its limits and its status.
fn address_space(limits: &str, status: &str) -> u64 {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
    let limit = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(u64::MAX);
    limit.saturating_sub(kibibytes(status, "VmSize:").unwrap_or_default())
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
        let status = "Name:\tzoo\nVmSize:\t 8 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(kibibytes("Name:\tzoo\n", "VmHWM:"), None);
        let limits = |limit| {
            format!(
                "Limit     Soft Limit  Hard Limit  Units\nMax address space   {limit}   unlimited   bytes\n"
            )
        };
        assert_eq!(address_space(&limits("10000"), status), 10_000 - 8192);
        assert_eq!(address_space(&limits("unlimited"), status), u64::MAX - 8192);
        let megabyte = 1 << 20;
        assert!(
            peak().unwrap() > megabyte
                && available() > megabyte
                && for_images() > megabyte
                && most() >= available()
        );
    }

    #[test]
    fn as_many_as_cores_and_memory_allow() {
        assert_eq!(jobs(8, 100, 1), 8);
        assert_eq!(jobs(8, 100, 20), 4);
        assert_eq!(jobs(8, 100, 200), 1);
        assert_eq!(jobs(8, 100, 0), 8);
    }
}
