//! Output of concurrent work: each thread can have a label that prefixes its lines, so that mixed
//! output stays readable.

use std::cell::Cell;

thread_local! {
    static LABEL: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Sets the label for all further output of this thread.
pub fn set_label(label: &'static str) {
    LABEL.set(Some(label));
}

/// Returns the label of this thread.
pub fn label() -> Option<&'static str> {
    LABEL.get()
}

/// Lowers the CPU priority of this thread and its child processes. On Linux the nice value is
/// per thread, see sched(7).
pub fn lower_priority() {
    if let Err(error) = rustix::process::nice(19) {
        print(&format!("xtask: the priority cannot be lowered: {error}"));
    }
}

/// Prints a line with the thread's label to standard error.
pub fn print(line: &str) {
    match label() {
        Some(label) => eprintln!("{label:<8} | {line}"),
        None => eprintln!("{line}"),
    }
}
