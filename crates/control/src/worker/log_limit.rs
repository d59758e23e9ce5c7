//! The size of a job's log.

/// The most lines that one run of a job logs. Lines of a task come from Proxmox and from the
/// registry of an image.
const MAX_LOG_LINES: usize = 5000;
/// The most characters of a line.
const MAX_LINE_CHARS: usize = 2000;

/// The lines to log when `before` lines have been logged. The line at the limit is replaced.
pub(super) fn limit_lines(lines: Vec<String>, before: usize) -> Vec<String> {
    let limited =
        (before..=MAX_LOG_LINES)
            .zip(lines)
            .map(|(number, line)| match number == MAX_LOG_LINES {
                true => "The log has too many lines. Further ones are omitted.".to_owned(),
                false => line.chars().take(MAX_LINE_CHARS).collect(),
            });
    limited.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_of_a_run_is_bounded() {
        let lines = || vec!["a".repeat(3000); 3];
        let lengths = |before| -> Vec<usize> {
            limit_lines(lines(), before)
                .iter()
                .map(String::len)
                .collect()
        };
        assert_eq!(lengths(0), [2000; 3]);
        assert_eq!(lengths(MAX_LOG_LINES - 1)[..1], [2000]);
        assert_eq!(lengths(MAX_LOG_LINES - 1).len(), 2);
        assert_eq!(lengths(MAX_LOG_LINES).len(), 1);
        assert!(lengths(MAX_LOG_LINES + 1).is_empty());
    }
}
