//! Tasks: status, log and list. Waiting for a task is in `wait`.

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    Client, Upid, Vmid,
    error::Error,
    http::Call,
    lenient,
    params::Params,
    response::{ResponseData, clean_message},
};

/// The number of log lines per request.
pub(crate) const LOG_PAGE: u64 = 500;

/// The result of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskExit {
    /// Success.
    Ok,
    /// Success, with this number of warnings in the log.
    Warnings(u32),
    /// Failure, with Proxmox's message.
    Failed(String),
}

impl TaskExit {
    fn of(text: &str) -> Self {
        if text == "OK" {
            return Self::Ok;
        }
        let warnings = text
            .strip_prefix("WARNINGS: ")
            .and_then(|count| count.parse().ok());
        warnings.map_or_else(|| Self::Failed(clean_message(text)), Self::Warnings)
    }
}

/// The state of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Running.
    Running,
    /// Ended.
    Ended(TaskExit),
}

/// The status of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStatus {
    /// The UPID, which contains type, node and start time.
    pub upid: Upid,
    /// The state.
    pub state: TaskState,
}

#[derive(Deserialize)]
struct TaskStatusRow {
    upid: Upid,
    #[serde(deserialize_with = "lenient::text")]
    status: String,
    #[serde(default, deserialize_with = "lenient::opt_text")]
    exitstatus: Option<String>,
}

impl From<TaskStatusRow> for TaskStatus {
    fn from(row: TaskStatusRow) -> Self {
        let state = match (row.status.as_str(), row.exitstatus) {
            ("stopped", Some(text)) => TaskState::Ended(TaskExit::of(&text)),
            ("stopped", None) => TaskState::Ended(TaskExit::Failed("unexpected status".to_owned())),
            _ => TaskState::Running,
        };
        Self {
            upid: row.upid,
            state,
        }
    }
}

/// A task, for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEntry {
    /// The UPID, which contains type, node and start time.
    pub upid: Upid,
    /// When the task ended, in seconds since 1970.
    pub ended: Option<u64>,
    /// The state.
    pub state: TaskState,
}

#[derive(Deserialize)]
struct TaskEntryRow {
    upid: Upid,
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    endtime: Option<u64>,
    #[serde(default, deserialize_with = "lenient::opt_text")]
    status: Option<String>,
}

impl From<TaskEntryRow> for TaskEntry {
    fn from(row: TaskEntryRow) -> Self {
        let state = match (row.endtime, row.status.as_deref()) {
            (None, _) | (_, Some("RUNNING")) => TaskState::Running,
            (Some(_), Some(text)) => TaskState::Ended(TaskExit::of(text)),
            (Some(_), None) => TaskState::Ended(TaskExit::Failed("unexpected status".to_owned())),
        };
        Self {
            upid: row.upid,
            ended: row.endtime,
            state,
        }
    }
}

/// A line of a task's log. Proxmox names its fields by one letter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LogLine {
    /// The line number, starting at 1.
    #[serde(rename = "n", deserialize_with = "lenient::u64")]
    pub number: u64,
    /// The line.
    #[serde(rename = "t", deserialize_with = "lenient::text")]
    pub text: String,
}

/// One page of a task's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// At most 500 lines.
    pub lines: Vec<LogLine>,
    /// The number of lines of the whole log.
    pub total: u64,
}

impl LogPage {
    /// Removes the placeholder line that Proxmox returns for an empty log.
    fn new(lines: Vec<LogLine>, total: Option<u64>) -> Self {
        match lines.as_slice() {
            [line] if line.number == 1 && is_placeholder(&line.text) => Self {
                lines: Vec::new(),
                total: 0,
            },
            _ => Self {
                total: total.unwrap_or(lines.len() as u64),
                lines,
            },
        }
    }
}

fn is_placeholder(text: &str) -> bool {
    text == "no content" || text.starts_with("unable to open file - ")
}

/// A filter for the tasks of a node. The default is the latest fifty, running or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFilter {
    /// Running, ended or both.
    pub source: TaskSource,
    /// The guest.
    pub vmid: Option<Vmid>,
    /// The task type, such as `vzcreate`.
    pub kind: Option<String>,
    /// The earliest start time, in seconds since 1970.
    pub since: Option<u64>,
    /// The maximum number.
    pub limit: u32,
}

impl Default for TaskFilter {
    fn default() -> Self {
        Self {
            source: TaskSource::All,
            vmid: None,
            kind: None,
            since: None,
            limit: 50,
        }
    }
}

/// Running tasks, ended ones or both. Proxmox's default is ended ones only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskSource {
    /// Running tasks.
    Active,
    /// Ended tasks.
    Archive,
    /// Both.
    All,
}

impl TaskFilter {
    fn params(&self) -> Params {
        let source = match self.source {
            TaskSource::Active => "active",
            TaskSource::Archive => "archive",
            TaskSource::All => "all",
        };
        let mut params = Params::default()
            .with("source", source)
            .with("limit", self.limit);
        params.opt("vmid", self.vmid);
        params.opt("typefilter", self.kind.as_deref());
        params.opt("since", self.since);
        params
    }
}

impl Client {
    /// The status of a task.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the task does not exist; see [`Error`].
    pub async fn task_status(&self, upid: &Upid) -> Result<TaskStatus, Error> {
        let path = ["nodes", upid.node(), "tasks", upid.as_str(), "status"];
        Ok(self.call::<TaskStatusRow>(Call::get(&path)).await?.into())
    }

    /// The lines of a task's log after the first `start` ones. A missing or deleted log has no
    /// lines.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn task_log(&self, upid: &Upid, start: u64) -> Result<LogPage, Error> {
        let path = ["nodes", upid.node(), "tasks", upid.as_str(), "log"];
        let params = Params::default()
            .with("start", start)
            .with("limit", LOG_PAGE);
        let ResponseData { data, total } = self.call_page(Call::get(&path).params(params)).await?;
        Ok(LogPage::new(data, total))
    }

    /// The tasks of a node, newest first.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] if the node is offline; see [`Error`].
    pub async fn tasks(&self, node: &str, filter: &TaskFilter) -> Result<Vec<TaskEntry>, Error> {
        let call = Call::get(&["nodes", node, "tasks"]).params(filter.params());
        let entries: Vec<TaskEntryRow> = self.call(call).await?;
        Ok(entries.into_iter().map(TaskEntry::from).collect())
    }

    /// Stops a task. Its work may be left incomplete.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the task does not exist; see [`Error`].
    pub async fn kill_task(&self, upid: &Upid) -> Result<(), Error> {
        let path = ["nodes", upid.node(), "tasks", upid.as_str()];
        self.call::<IgnoredAny>(Call::delete(&path)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPID: &str = "UPID:pve1:00001A0F:0006995F:6B00BED0:vzstart:555:root@pam!g1:";

    fn status(rest: &str) -> TaskState {
        let json = format!("{{\"upid\":\"{UPID}\",\"pid\":\"6671\",\"more\":1,{rest}}}");
        TaskStatus::from(serde_json::from_str::<TaskStatusRow>(&json).unwrap()).state
    }

    #[test]
    fn task_status_maps_to_state() {
        assert_eq!(status(r#""status":"running""#), TaskState::Running);
        let ended = |text: &str| status(&format!(r#""status":"stopped","exitstatus":"{text}""#));
        assert_eq!(ended("OK"), TaskState::Ended(TaskExit::Ok));
        assert_eq!(
            ended("WARNINGS: 2"),
            TaskState::Ended(TaskExit::Warnings(2))
        );
        let lost = "missing 'arch' - internal error at /usr/share/perl5/PVE/LXC.pm line 729.";
        let message = "missing 'arch' - internal error".to_owned();
        assert_eq!(ended(lost), TaskState::Ended(TaskExit::Failed(message)));
        // An interrupted task, for example after a power failure, has no exit status.
        let cut = status(r#""status":"stopped""#);
        assert!(matches!(cut, TaskState::Ended(TaskExit::Failed(_))));
    }

    #[test]
    fn task_without_end_time_is_running() {
        let entry = |rest: &str| {
            let json = format!("{{\"upid\":\"{UPID}\"{rest}}}");
            TaskEntry::from(serde_json::from_str::<TaskEntryRow>(&json).unwrap()).state
        };
        assert_eq!(entry(""), TaskState::Running);
        assert_eq!(entry(r#","status":"RUNNING""#), TaskState::Running);
        assert_eq!(
            entry(r#","endtime":"1795210960","status":"OK""#),
            TaskState::Ended(TaskExit::Ok)
        );
    }

    #[test]
    fn placeholder_line_is_removed() {
        let page = |json: &str, total| LogPage::new(serde_json::from_str(json).unwrap(), total);
        let empty = page(r#"[{"n":1,"t":"no content"}]"#, Some(1));
        assert_eq!((empty.lines.len(), empty.total), (0, 0));
        let missing = page(
            r#"[{"t":"unable to open file - No such file or directory","n":1}]"#,
            Some(1),
        );
        assert_eq!(missing.lines, []);
        let lines = page(r#"[{"n":"3","t":"TASK OK"}]"#, Some(3));
        assert_eq!((lines.lines[0].number, lines.total), (3, 3));
    }
}
