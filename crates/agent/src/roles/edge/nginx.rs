//! The reload of nginx, whose result is in its error log.

use std::{io, path::PathBuf};

use edge::Layout;
use tokio::time::{Instant, sleep};

use crate::core::{
    error::ProgramError,
    program::{POLL_INTERVAL, Program, ServiceManager},
};

/// The name of nginx's process and systemd unit.
pub const NGINX: &str = "nginx";

/// The nginx of a host.
#[derive(Clone, Debug)]
pub struct Nginx {
    program: Program,
    error_log: PathBuf,
}

impl Nginx {
    /// The nginx of a host.
    pub fn new(layout: &Layout, service_manager: ServiceManager) -> Self {
        let pid_file = PathBuf::from(format!("{}/{NGINX}.pid", layout.run));
        Self {
            program: Program::new(NGINX, pid_file, service_manager).with_workers(),
            error_log: PathBuf::from(format!("{}/error.log", layout.log)),
        }
    }

    /// Whether nginx runs.
    pub async fn is_running(&self) -> bool {
        self.program.is_running().await
    }

    /// Whether a process of nginx exists. Cheap: reads two files.
    pub async fn has_process(&self) -> bool {
        self.program.has_process().await
    }

    /// Reloads nginx and waits for the result. If another program holds a port, nginx retries for
    /// 2.5 seconds before it gives up.
    ///
    /// # Errors
    /// If nginx refuses its files, with its message. It then continues with the previous files.
    pub async fn reload(&self) -> Result<(), ProgramError> {
        let Some(process) = self.program.find_process().await else {
            return self.program.start().await;
        };
        let log = self.log_length().await;
        let workers = process.list_children().await;
        self.program.request_reload(&process).await?;
        self.wait_for_reload(&workers, log).await
    }

    /// Waits until nginx has reloaded. nginx logs the result; if the log cannot be written, new
    /// workers indicate success.
    async fn wait_for_reload(&self, before: &[String], log: u64) -> Result<(), ProgramError> {
        let until = self.program.deadline();
        loop {
            let Some(process) = self.program.find_process().await else {
                // nginx has exited. If the new files are the cause, the start fails with a message.
                return self.program.start().await;
            };
            let is_timed_out = Instant::now() > until;
            match parse_reload_log(&self.log_since(log).await, &process.pid()) {
                ReloadResult::Done => return Ok(()),
                ReloadResult::Refused(message) => return Err(self.program.failed(message)),
                ReloadResult::None if is_timed_out => {
                    let workers = process.list_children().await;
                    let is_new = workers.iter().any(|worker| !before.contains(worker));
                    let message = "the configuration files were not reloaded";
                    return is_new
                        .then_some(())
                        .ok_or_else(|| self.program.failed(message.to_owned()));
                }
                ReloadResult::None => sleep(POLL_INTERVAL).await,
            }
        }
    }

    async fn log_length(&self) -> u64 {
        let found = tokio::fs::metadata(&self.error_log).await;
        found.map_or(0, |found| found.len())
    }

    /// The log after this offset; the whole log if it was rotated.
    async fn log_since(&self, offset: u64) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
        let read = async {
            let mut file = tokio::fs::File::open(&self.error_log).await?;
            let offset = match file.metadata().await?.len() {
                length if length < offset => 0,
                _ => offset,
            };
            file.seek(io::SeekFrom::Start(offset)).await?;
            let mut bytes = Vec::new();
            file.take(256 * 1024).read_to_end(&mut bytes).await?;
            Ok::<_, io::Error>(String::from_utf8_lossy(&bytes).into_owned())
        };
        read.await.unwrap_or_default()
    }
}

/// The result of a reload, as far as the log shows it.
#[derive(Debug, PartialEq, Eq)]
enum ReloadResult {
    /// nginx has reloaded.
    Done,
    /// nginx keeps its previous configuration; with its message.
    Refused(String),
    /// No result yet: nginx retries several times if a port is in use.
    None,
}

/// Parses the log after the reload was requested. The PID is that of nginx's main process; lines of
/// its workers contain what clients have sent, such as their `Referer`.
fn parse_reload_log(log: &str, pid: &str) -> ReloadResult {
    let complete = log.rsplit_once('\n').map_or("", |(complete, _)| complete);
    let entries = complete.lines().filter_map(|line| parse_line(line, pid));
    // Earlier lines belong to something else, such as a recent start.
    let since = entries
        .skip_while(|entry| *entry != ("notice", "reconfiguring"))
        .skip(1);
    let mut lines: Vec<&str> = Vec::new();
    for (level, message) in since {
        if (level, message) == ("notice", "start worker processes") {
            return ReloadResult::Done;
        }
        if level != "emerg" {
            continue;
        }
        if !lines.contains(&message) {
            lines.push(message);
        }
        if !message.starts_with("bind() to ") {
            return ReloadResult::Refused(lines.join("\n"));
        }
    }
    ReloadResult::None
}

/// The level and the message of a line that the process with this PID has logged, such as
/// `2026/11/26 01:26:22 [emerg] 26#26: still could not bind()`.
fn parse_line<'a>(line: &'a str, pid: &str) -> Option<(&'a str, &'a str)> {
    let mut fields = line.splitn(5, ' ');
    let (date, time) = (fields.next()?, fields.next()?);
    let level = fields.next()?.strip_prefix('[')?.strip_suffix(']')?;
    let (process, thread) = fields.next()?.strip_suffix(':')?.split_once('#')?;
    let message = fields.next()?;
    let is_entry = has_format(date, "0000/00/00")
        && has_format(time, "00:00:00")
        && process == pid
        && thread.bytes().all(|byte| byte.is_ascii_digit());
    is_entry.then_some((level, message))
}

/// Whether a text equals `format` except for its digits, which are zeros in `format`.
fn has_format(text: &str, format: &str) -> bool {
    let mut pairs = text.bytes().zip(format.bytes());
    text.len() == format.len()
        && pairs.all(|(byte, expected)| match expected {
            b'0' => byte.is_ascii_digit(),
            _ => byte == expected,
        })
}

#[cfg(test)]
mod tests {
    use super::ReloadResult;

    /// Parses a log of nginx whose main process has the PID 26.
    fn parse_reload_log(log: &str) -> ReloadResult {
        super::parse_reload_log(log, "26")
    }

    const RELOAD_LOG: &str = "2026/11/26 01:26:21 [notice] 26#26: start worker processes\n\
        2026/11/26 01:26:22 [notice] 26#26: signal 1 (SIGHUP) received from 1, reconfiguring\n\
        2026/11/26 01:26:22 [notice] 26#26: reconfiguring\n";
    const PORT_IN_USE_LOG: &str = "2026/11/26 01:26:22 [emerg] 26#26: bind() to 0.0.0.0:2000 failed (98: Address already in use)\n\
        2026/11/26 01:26:22 [notice] 26#26: try again to bind() after 500ms\n\
        2026/11/26 01:26:22 [emerg] 26#26: bind() to 0.0.0.0:2000 failed (98: Address already in use)\n";

    #[test]
    fn new_workers_after_reload_mean_success() {
        assert_eq!(parse_reload_log(RELOAD_LOG), ReloadResult::None);
        let log =
            format!("{RELOAD_LOG}2026/11/26 01:26:22 [notice] 26#26: start worker processes\n");
        assert_eq!(parse_reload_log(&log), ReloadResult::Done);
    }

    #[test]
    fn port_in_use_is_refusal_only_after_retries() {
        let log = format!("{RELOAD_LOG}{PORT_IN_USE_LOG}");
        assert_eq!(parse_reload_log(&log), ReloadResult::None);
        let freed = format!("{log}2026/11/26 01:26:23 [notice] 26#26: start worker processes\n");
        assert_eq!(parse_reload_log(&freed), ReloadResult::Done);
        let log = format!("{log}2026/11/26 01:26:22 [emerg] 26#26: still could not bind()\n");
        let message =
            "bind() to 0.0.0.0:2000 failed (98: Address already in use)\nstill could not bind()";
        assert_eq!(
            parse_reload_log(&log),
            ReloadResult::Refused(message.to_owned())
        );
    }

    #[test]
    fn incomplete_log_line_is_ignored() {
        let whole = format!(
            "{RELOAD_LOG}2026/11/26 01:26:22 [emerg] 26#26: unknown directive \"a\" in /b:1\n"
        );
        assert_eq!(parse_reload_log(whole.trim_end()), ReloadResult::None);
        let message = "unknown directive \"a\" in /b:1".to_owned();
        assert_eq!(parse_reload_log(&whole), ReloadResult::Refused(message));
        let other = format!("{RELOAD_LOG}2026/11/26 01:26:22 [error] 6#6: *1 connect() failed\n");
        assert_eq!(parse_reload_log(&other), ReloadResult::None);
    }

    #[test]
    fn text_of_clients_is_not_result() {
        let faked = "2026/11/26 01:26:22 [emerg] 26#26: unknown directive \"a\" in /b:1";
        let lines = [
            // The `Referer` of a request, in a line of a worker.
            format!("2026/11/26 01:26:22 [error] 27#27: *1 no, referrer: \"{faked}"),
            format!("2026/11/26 01:26:22 [error] 27#27: *1 no, referrer: \"[emerg] {faked}"),
            "2026/11/26 01:26:22 [notice] 27#27: *1 : start worker processes".to_owned(),
            "2026/11/26 01:26:22 [notice] 27#27: start worker processes".to_owned(),
            "2026/11/26 01:26:22 [error] 26#26: start worker processes".to_owned(),
            // The PID of another process, and other formats.
            faked.replace("26#26", "27#27"),
            faked.replace("26#26", "126#126"),
            faked.replace("26#26", "26#a"),
            faked.replace("01:26:22", "1:26:22"),
            faked.replace("2026/11/26", "2026-11-26"),
            faked.replace("[emerg]", "emerg"),
            format!(" {faked}"),
        ];
        for line in lines {
            let log = format!("{RELOAD_LOG}{line}\n");
            assert_eq!(parse_reload_log(&log), ReloadResult::None, "{line}");
            let faked = format!("{line}: reconfiguring\n{faked}\n");
            assert_eq!(parse_reload_log(&faked), ReloadResult::None, "{line}");
            let done = format!("{log}2026/11/26 01:26:22 [notice] 26#26: start worker processes\n");
            assert_eq!(parse_reload_log(&done), ReloadResult::Done, "{line}");
        }
    }
}
