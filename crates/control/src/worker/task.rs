//! Proxmox tasks of a step: saved before they are awaited, found again after a crash, and their log
//! copied to the job's log.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::jobs::Progress;
use proxmox::{TaskFilter, TaskSource, TaskState, Upid};

use super::{context::Context, failure::StepFailure};

/// The number of lines of a failed task's log in which its cause is searched.
const LAST_LINES: usize = 20;

/// The interval for copying the log of a running task.
const COPY_EVERY: Duration = Duration::from_millis(400);

impl Context {
    /// Resumes a task of an earlier run of this step: the saved task, or an unsaved one of `kind`
    /// that is running for this container.
    pub(super) async fn resume(&mut self, kind: &str, limit: Duration) -> Result<(), StepFailure> {
        let saved = self
            .notes
            .upid
            .as_deref()
            .and_then(|upid| upid.parse::<Upid>().ok());
        let running = match saved {
            Some(upid) => Some(upid),
            None => self.find_running_task(kind).await?,
        };
        match running {
            Some(upid) => self.follow(&upid, limit).await,
            None => Ok(()),
        }
    }

    /// The running task of `kind` for this container that Holdfast started. A user of Proxmox may
    /// work on another guest with the same VMID.
    pub(super) async fn find_running_task(&self, kind: &str) -> Result<Option<Upid>, StepFailure> {
        let filter = TaskFilter {
            source: TaskSource::Active,
            vmid: Some(self.vmid()?),
            kind: Some(kind.to_owned()),
            ..TaskFilter::default()
        };
        let tasks = self
            .client
            .tasks(self.container.node.as_str(), &filter)
            .await?;
        let account = self.client.account();
        let running = |task: &proxmox::TaskEntry| {
            task.state == TaskState::Running && task.upid.user() == account
        };
        Ok(tasks.into_iter().find(running).map(|task| task.upid))
    }

    /// Saves a task and waits until it ends. A task that Proxmox no longer knows counts as ended;
    /// the step detects its effect.
    pub(super) async fn follow(&mut self, upid: &Upid, limit: Duration) -> Result<(), StepFailure> {
        self.save_task(upid).await?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let mut log = Vec::new();
        let outcome = {
            let collected = Arc::clone(&lines);
            let client = self.client.clone();
            let waiting = client.wait_task(upid, limit, move |new| {
                let mut lines = collected.lock().unwrap_or_else(PoisonError::into_inner);
                lines.extend(new.iter().map(|line| line.text.clone()));
            });
            tokio::pin!(waiting);
            loop {
                tokio::select! {
                    outcome = &mut waiting => break outcome,
                    () = tokio::time::sleep(COPY_EVERY) => self.copy_log(&lines, &mut log).await,
                }
            }
        };
        self.copy_log(&lines, &mut log).await;
        match outcome {
            Ok(_) | Err(proxmox::Error::NotFound { .. }) => self.clear_task().await,
            Err(error @ proxmox::Error::TaskFailed { .. }) => {
                self.clear_task().await?;
                Err(StepFailure {
                    log,
                    ..error.into()
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn clear_task(&mut self) -> Result<(), StepFailure> {
        self.notes.upid = None;
        self.save().await
    }

    /// Copies new lines to the job's log, and keeps the last ones in `last`.
    async fn copy_log(&self, lines: &Mutex<Vec<String>>, last: &mut Vec<String>) {
        let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(progress) = lines.iter().rev().find_map(|line| parse_progress(line)) {
            self.progress(progress).await;
        }
        last.extend_from_slice(&lines);
        last.drain(..last.len().saturating_sub(LAST_LINES));
        self.log_all(lines).await;
    }
}

/// Parses the progress from a line such as `Copying blob 1f2e 12.5MiB / 70.1MiB`. A space may
/// separate number and unit.
fn parse_progress(line: &str) -> Option<Progress> {
    let (before, after) = line.split_once(" / ")?;
    let done = before
        .rsplit(' ')
        .take(2)
        .fold(String::new(), |text, word| {
            if text.is_empty() || text.starts_with(|c: char| c.is_ascii_alphabetic()) {
                format!("{word}{text}")
            } else {
                text
            }
        });
    let (done, total) = (
        parse_bytes(&done)?,
        parse_bytes(&after.replacen(' ', "", 1))?,
    );
    (done <= total && total > 0).then_some(Progress { done, total })
}

/// Parses the bytes at the beginning of a text such as `12.5MiB) left`.
fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim_start_matches('(');
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (amount, unit) = text.split_at_checked(unit)?;
    let end = unit
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(unit.len());
    let shift = match unit.get(..end)? {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    let whole: u64 = whole.parse().ok()?;
    let tenths: u64 = fraction.get(..1)?.parse().ok()?;
    whole
        .checked_mul(1 << shift)?
        .checked_add((tenths << shift) / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_parsed_from_log_lines() {
        let progress = |done, total| Some(Progress { done, total });
        assert_eq!(
            parse_progress("blob 1: 1.5 MiB / 3.0 MiB"),
            progress(3 << 19, 3 << 20)
        );
        assert_eq!(
            parse_progress("Copying blob abc (512 KiB / 1 GiB) 0 s"),
            progress(1 << 19, 1 << 30)
        );
        for line in [
            "",
            " / ",
            "a / b",
            "5 MiB / 1 MiB",
            "x MiB / 1 MiB",
            "5 / 10",
            "9999999999999999999 GiB / 1 GiB",
            "1 MiB / 0 MiB",
        ] {
            assert_eq!(parse_progress(line), None, "{line}");
        }
    }
}
