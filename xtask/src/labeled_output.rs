//! Work that runs beside other work: a thread whose lines carry a label, so that a reader of the
//! mixed output knows whose each line is.

use std::cell::Cell;

thread_local! {
    static LABEL: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Gives everything that this thread prints from now on a label.
pub fn enter(label: &'static str) {
    LABEL.set(Some(label));
}

/// The label of this thread, if it has one.
pub fn current() -> Option<&'static str> {
    LABEL.get()
}

/// Lets this thread, and the programs that it starts, use the time that others leave. On Linux the
/// nice value belongs to a thread (sched(7)).
pub fn give_way() {
    if let Err(error) = rustix::process::nice(19) {
        print(&format!("xtask: the priority cannot be lowered: {error}"));
    }
}

/// Prints a line to standard error.
pub fn print(line: &str) {
    match current() {
        Some(label) => eprintln!("{label:<8} | {line}"),
        None => eprintln!("{line}"),
    }
}
