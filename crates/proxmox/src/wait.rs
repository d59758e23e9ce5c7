//! Waits for a task: polls it with increasing intervals and forwards its log.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{
    Client, Upid,
    error::Error,
    task::{LOG_PAGE, LogLine, TaskExit, TaskState},
};

/// The poll interval, at first and at most.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const MAX_INTERVAL: Duration = Duration::from_secs(1);

/// The number of log lines in a failure.
const LOG_TAIL: usize = 20;

impl Client {
    /// Waits until a task has ended, and forwards new lines of its log. Keeps polling while Proxmox
    /// is unreachable. The task continues if the wait times out.
    ///
    /// # Errors
    /// [`Error::TaskFailed`] if the task failed; [`Error::StillRunning`] after `limit`, or the last
    /// connection error if polling failed until then; [`Error::NotFound`] if the task does not
    /// exist; any permanent error of a poll.
    pub async fn wait_task(
        &self,
        upid: &Upid,
        limit: Duration,
        mut on_lines: impl FnMut(&[LogLine]) + Send,
    ) -> Result<TaskExit, Error> {
        let mut watcher = TaskWatcher {
            client: self,
            upid,
            forwarded: 0,
            tail: VecDeque::new(),
        };
        let mut last_error = None;
        let started = Instant::now();
        let result = watcher.poll_until_end(&mut last_error, &mut on_lines);
        match tokio::time::timeout(limit, result).await {
            Ok(Ok(TaskExit::Failed(exitstatus))) => {
                let log_tail = watcher.tail.into_iter().collect();
                Err(Error::TaskFailed {
                    upid: upid.clone(),
                    exitstatus,
                    log_tail,
                })
            }
            Ok(result) => result,
            Err(_) => Err(last_error.unwrap_or_else(|| Error::StillRunning {
                upid: upid.clone(),
                after: started.elapsed().min(limit),
            })),
        }
    }
}

struct TaskWatcher<'a> {
    client: &'a Client,
    upid: &'a Upid,
    /// The number of forwarded log lines.
    forwarded: u64,
    tail: VecDeque<String>,
}

impl TaskWatcher<'_> {
    async fn poll_until_end(
        &mut self,
        last_error: &mut Option<Error>,
        on_lines: &mut (impl FnMut(&[LogLine]) + Send),
    ) -> Result<TaskExit, Error> {
        let started = Instant::now();
        loop {
            match self.poll(on_lines).await {
                Ok(Some(exit)) => return Ok(exit),
                Ok(None) => *last_error = None,
                Err(error) if error.is_transient() => {
                    let cause = error.cause();
                    tracing::debug!(upid = %self.upid, %error, cause, "task poll failed, retrying");
                    *last_error = Some(error);
                }
                Err(error) => return Err(error),
            }
            // A tenth of the time waited so far: short tasks are noticed quickly, long ones polled
            // rarely.
            tokio::time::sleep((started.elapsed() / 10).clamp(MIN_INTERVAL, MAX_INTERVAL)).await;
        }
    }

    /// Polls the status first, so that the log of an ended task is read to its last line.
    async fn poll(
        &mut self,
        on_lines: &mut (impl FnMut(&[LogLine]) + Send),
    ) -> Result<Option<TaskExit>, Error> {
        let status = self.client.task_status(self.upid).await?;
        loop {
            let page = self.client.task_log(self.upid, self.forwarded).await?;
            let count = page.lines.len() as u64;
            if count > 0 {
                on_lines(&page.lines);
                self.keep_tail(page.lines);
                self.forwarded += count;
            }
            if count < LOG_PAGE {
                break;
            }
        }
        Ok(match status.state {
            TaskState::Running => None,
            TaskState::Ended(exit) => Some(exit),
        })
    }

    fn keep_tail(&mut self, lines: Vec<LogLine>) {
        self.tail.extend(lines.into_iter().map(|line| line.text));
        let excess = self.tail.len().saturating_sub(LOG_TAIL);
        self.tail.drain(..excess);
    }
}
