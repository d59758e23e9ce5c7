//! Long work in steps: which one of how many is running, and since when.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::program::say;

/// How often a running step is named again.
const REPEAT: Duration = Duration::from_secs(30);

/// The steps of one command.
pub struct Steps {
    start: Instant,
    total: u32,
    begun: u32,
}

impl Steps {
    /// So many steps, none of them begun.
    pub fn new(total: u32) -> Self {
        Self {
            start: Instant::now(),
            total,
            begun: 0,
        }
    }

    /// Runs the next step, and names it at its beginning and every half a minute.
    ///
    /// # Errors
    /// Those of the step.
    pub fn run<T>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.begun += 1;
        let (head, begin) = (
            format!("step {} of {}", self.begun, self.total),
            Instant::now(),
        );
        let (start, elapsed) = (self.start, self.start.elapsed());
        say(&format!(
            "{head}: {name} ({} since the start)",
            minutes(elapsed)
        ));
        std::thread::scope(|scope| {
            let (done, ended) = mpsc::channel::<()>();
            scope.spawn(move || {
                while ended.recv_timeout(REPEAT) == Err(RecvTimeoutError::Timeout) {
                    let (step, all) = (minutes(begin.elapsed()), minutes(start.elapsed()));
                    say(&format!(
                        "{head}: {name}, running for {step} ({all} since the start)"
                    ));
                }
            });
            let result = work();
            drop(done);
            result
        })
    }
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_hand_on_what_their_work_returns() {
        let mut steps = Steps::new(2);
        assert_eq!(steps.run("one", || Ok(1)).expect("the value"), 1);
        let error = steps.run("two", || anyhow::bail!("no room") as anyhow::Result<()>);
        assert_eq!(error.expect_err("the error").to_string(), "no room");
        assert_eq!(steps.begun, 2);
    }

    #[test]
    fn time_is_written_in_minutes_and_seconds() {
        assert_eq!(minutes(Duration::from_secs(7)), "0:07");
        assert_eq!(minutes(Duration::from_secs(605)), "10:05");
    }
}
