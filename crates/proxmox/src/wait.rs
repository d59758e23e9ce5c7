//! Waiting for a task: asking again and again, slower each time, and handing on what it writes.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{
    Client, Upid,
    error::Error,
    task::{Exit, LOG_PAGE, LogLine, TaskState},
};

/// Between two questions, at first and at most.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// How many lines of the log a failure carries.
const TAIL: usize = 20;

impl Client {
    /// Waits until a task has ended, and hands on the lines of its log as they come. While Proxmox
    /// cannot be reached it keeps asking. When it gives up, the task runs on.
    ///
    /// # Errors
    /// [`Error::TaskFailed`] when it ended badly, [`Error::StillRunning`] when `limit` has passed
    /// (or what kept us from asking, if that was so to the end), [`Error::NotFound`] without such a
    /// task, and whatever else a call says that will not pass by itself.
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
    /// How many lines of the log were handed on.
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
            // A tenth of what was waited so far: a short task is noticed soon, a long one asked
            // about seldom.
            tokio::time::sleep((begun.elapsed() / 10).clamp(SHORTEST, LONGEST)).await;
        }
    }

    /// Asks for the state first, so that the log of an ended task is read to its last line.
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
