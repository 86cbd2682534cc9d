//! What the operating system knows of this process.

use std::error::Error;
use std::fs;

/// The most memory that this process ever had, in bytes.
pub(crate) fn peak_memory() -> Result<u64, Box<dyn Error>> {
    Ok(field("/proc/self/status", "VmHWM:")? << 10)
}

/// The most addresses that this process ever had, in bytes.
pub(crate) fn peak_addresses() -> Result<u64, Box<dyn Error>> {
    Ok(field("/proc/self/status", "VmPeak:")? << 10)
}

/// The bytes that this process has read by system calls, from the disk or from memory.
pub(crate) fn bytes_read() -> Result<u64, Box<dyn Error>> {
    field("/proc/self/io", "rchar:")
}

fn field(file: &str, name: &str) -> Result<u64, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("{file} has no {name}"))?;
    Ok(line.split_whitespace().next().ok_or("an empty field")?.parse()?)
}
