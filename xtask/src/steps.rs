//! Progress of long commands: prints the running step, the number of steps and the elapsed time.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::program::say;

/// Interval at which a running step is printed again.
const REPEAT: Duration = Duration::from_secs(30);

/// The steps of one command.
pub struct Steps {
    start: Instant,
    total: u32,
    started: u32,
}

impl Steps {
    /// Creates `total` steps.
    pub fn new(total: u32) -> Self {
        Self {
            start: Instant::now(),
            total,
            started: 0,
        }
    }

    /// Runs the next step. Prints its name at the start and every 30 seconds.
    ///
    /// # Errors
    /// Returns the error of the step.
    pub fn run<T>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.started += 1;
        let (head, step_start) = (
            format!("step {} of {}", self.started, self.total),
            Instant::now(),
        );
        let (start, elapsed) = (self.start, self.start.elapsed());
        say(&format!(
            "{head}: {name} ({} since the start)",
            minutes(elapsed)
        ));
        std::thread::scope(|scope| {
            let (done, ended) = mpsc::sync_channel::<()>(1);
            scope.spawn(move || {
                while ended.recv_timeout(REPEAT) == Err(RecvTimeoutError::Timeout) {
                    let (step, all) = (minutes(step_start.elapsed()), minutes(start.elapsed()));
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
    fn step_returns_the_result_of_its_work() {
        let mut steps = Steps::new(2);
        assert_eq!(steps.run("one", || Ok(1)).expect("the value"), 1);
        let error = steps.run("two", || anyhow::bail!("no room") as anyhow::Result<()>);
        assert_eq!(error.expect_err("the error").to_string(), "no room");
        assert_eq!(steps.started, 2);
    }

    #[test]
    fn time_is_formatted_in_minutes_and_seconds() {
        assert_eq!(minutes(Duration::from_secs(7)), "0:07");
        assert_eq!(minutes(Duration::from_secs(605)), "10:05");
    }
}
