//! What a process used, from `/proc`: nanoseconds on a CPU over all its threads, and memory.

/// Nanoseconds on a CPU of all threads of `pids` (`schedstat`, first field).
pub(crate) fn nanos(pids: &[u32]) -> Result<u64, String> {
    let mut sum = 0;
    for pid in pids {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
            .map_err(|e| format!("/proc/{pid}: {e}"))?;
        for task in tasks.flatten() {
            // A thread may end between listing and reading.
            let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            sum += text
                .split(' ')
                .next()
                .and_then(|field| field.parse::<u64>().ok())
                .unwrap_or(0);
        }
    }
    Ok(sum)
}

/// Resident memory of `pids`, in KiB.
pub(crate) fn rss_kib(pids: &[u32]) -> Result<u64, String> {
    let mut sum = 0;
    for pid in pids {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status"))
            .map_err(|e| format!("/proc/{pid}: {e}"))?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap_or_default();
        sum += line
            .trim()
            .trim_end_matches(" kB")
            .parse::<u64>()
            .unwrap_or(0);
    }
    Ok(sum)
}
