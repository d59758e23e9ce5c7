//! Waits for a task: polls it with increasing intervals and forwards its log.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{
    Client, Upid,
    error::Error,
    task::{Exit, LOG_PAGE, LogLine, TaskState},
};

/// The poll interval, at first and at most.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// The number of log lines in a failure.
const TAIL: usize = 20;

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
    ) -> Result<Exit, Error> {
        let mut watch = Watch {
            client: self,
            upid,
            seen: 0,
            tail: VecDeque::new(),
        };
        let mut trouble = None;
        let begun = Instant::now();
        let ended = watch.until_end(&mut trouble, &mut on_lines);
        match tokio::time::timeout(limit, ended).await {
            Ok(Ok(Exit::Failed(exitstatus))) => {
                let log_tail = watch.tail.into_iter().collect();
                Err(Error::TaskFailed {
                    upid: upid.clone(),
                    exitstatus,
                    log_tail,
                })
            }
            Ok(ended) => ended,
            Err(_) => Err(trouble.unwrap_or_else(|| Error::StillRunning {
                upid: upid.clone(),
                after: begun.elapsed().min(limit),
            })),
        }
    }
}

struct Watch<'a> {
    client: &'a Client,
    upid: &'a Upid,
    /// The number of forwarded log lines.
    seen: u64,
    tail: VecDeque<String>,
}

impl Watch<'_> {
    async fn until_end(
        &mut self,
        trouble: &mut Option<Error>,
        on_lines: &mut (impl FnMut(&[LogLine]) + Send),
    ) -> Result<Exit, Error> {
        let begun = Instant::now();
        loop {
            match self.look(on_lines).await {
                Ok(Some(exit)) => return Ok(exit),
                Ok(None) => *trouble = None,
                Err(error) if error.is_transient() => {
                    tracing::debug!(upid = %self.upid, error = ?error, "asking for the task again");
                    *trouble = Some(error);
                }
                Err(error) => return Err(error),
            }
            // A tenth of the time waited so far: short tasks are noticed quickly, long ones polled
            // rarely.
            tokio::time::sleep((begun.elapsed() / 10).clamp(SHORTEST, LONGEST)).await;
        }
    }

    /// Polls the status first, so that the log of an ended task is read to its last line.
    async fn look(
        &mut self,
        on_lines: &mut (impl FnMut(&[LogLine]) + Send),
    ) -> Result<Option<Exit>, Error> {
        let status = self.client.task_status(self.upid).await?;
        loop {
            let page = self.client.task_log(self.upid, self.seen).await?;
            let count = page.lines.len() as u64;
            if count > 0 {
                on_lines(&page.lines);
                self.keep_tail(page.lines);
                self.seen += count;
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
        let spare = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..spare);
    }
}
