//! Sends the live files of this host to the manager for display: only changes, in a background task
//! that nothing waits for. It handles rendered text only; keys of certificates are not batch of it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use agent_protocol::{
    LiveFilesUpdate,
    endpoints::{MAX_FILE_SIZE, MAX_PATH_LEN},
};
use tokio::sync::watch;

use super::{manager_client::ManagerClient, manager_http::ManagerHttpError};

/// The minimum size of a batch before the next one is started, in bytes.
const MIN_BATCH_SIZE: usize = 512 * 1024;
/// The delay after a failed request.
const RETRY_DELAY: Duration = Duration::from_secs(30);

/// A live configuration.
pub(crate) trait LiveConfig: Clone + Send + Sync + 'static {
    /// Renders the live files; none if that fails. Blocks.
    fn render(&self) -> Option<BTreeMap<String, String>>;
}

/// Reports live files in the background.
#[derive(Debug)]
pub(crate) struct LiveFiles<C>(watch::Sender<Option<C>>);

impl<C: LiveConfig> LiveFiles<C> {
    /// Starts the background task, which runs until this is dropped. The first batch replaces
    /// everything that an earlier process reported.
    pub(crate) fn start(manager: Arc<ManagerClient>) -> Self {
        let (latest, inbox) = watch::channel(None);
        tokio::spawn(run(manager, inbox));
        Self(latest)
    }

    /// Reports that the result of `create` is live, unless `is_same` returns true for the
    /// configuration of the last call. Only the latest call counts.
    pub(crate) fn mark_live(&self, is_same: impl Fn(&C) -> bool, create: impl FnOnce() -> C) {
        self.0.send_if_modified(|latest| {
            let is_same = latest.as_ref().is_some_and(is_same);
            if !is_same {
                *latest = Some(create());
            }
            !is_same
        });
    }
}

async fn run<C: LiveConfig>(manager: Arc<ManagerClient>, mut inbox: watch::Receiver<Option<C>>) {
    let mut reported = ReportedFiles::default();
    while inbox.changed().await.is_ok() {
        loop {
            let latest = inbox.borrow_and_update().clone();
            let Some(config) = latest else { break };
            match reported.report(&manager, config).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(%error, "live file report failed"),
            }
            // A newer configuration replaces the one that failed.
            let _ = tokio::time::timeout(RETRY_DELAY, inbox.changed()).await;
            if inbox.has_changed().is_err() {
                return;
            }
        }
    }
}

/// The files that the manager has, by path; none before the first report.
#[derive(Debug, Default)]
struct ReportedFiles(Option<BTreeMap<String, String>>);

impl ReportedFiles {
    async fn report(
        &mut self,
        manager: &ManagerClient,
        config: impl LiveConfig,
    ) -> Result<(), ManagerHttpError> {
        let rendered = tokio::task::spawn_blocking(move || config.render());
        let Ok(Some(files)) = rendered.await else {
            // Cannot fail: the same configuration was rendered before it was applied.
            return Ok(());
        };
        for batch in self.batches(&files) {
            manager.send_live_files(&batch).await?;
            self.record(batch);
        }
        Ok(())
    }

    /// The batches that bring the manager up to date with these files.
    fn batches(&self, files: &BTreeMap<String, String>) -> Vec<LiveFilesUpdate> {
        let nothing = BTreeMap::new();
        let known = self.0.as_ref().unwrap_or(&nothing);
        let is_reported =
            |path: &str, text: &str| text.len() <= MAX_FILE_SIZE && path.len() <= MAX_PATH_LEN;
        let removed = known.keys().filter(|path| {
            let text = files.get(*path);
            text.is_none_or(|text| !is_reported(path, text))
        });
        let mut batches = vec![LiveFilesUpdate {
            replace: self.0.is_none(),
            removed: removed.cloned().collect(),
            files: BTreeMap::new(),
        }];
        let mut size = 0;
        for (path, text) in files {
            if !is_reported(path, text) || known.get(path) == Some(text) {
                continue;
            }
            if size >= MIN_BATCH_SIZE {
                batches.push(LiveFilesUpdate::default());
                size = 0;
            }
            size += text.len();
            if let Some(batch) = batches.last_mut() {
                batch.files.insert(path.clone(), text.clone());
            }
        }
        batches
            .retain(|batch| batch.replace || !batch.removed.is_empty() || !batch.files.is_empty());
        batches
    }

    fn record(&mut self, batch: LiveFilesUpdate) {
        let known = self.0.get_or_insert_default();
        for path in &batch.removed {
            known.remove(path);
        }
        known.extend(batch.files);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{MIN_BATCH_SIZE, ReportedFiles};

    type Files = BTreeMap<String, String>;

    fn files(files: &[(&str, &str)]) -> Files {
        let file = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        files.iter().map(file).collect()
    }

    /// Reports files, and returns the paths of each batch.
    fn report(
        reported: &mut ReportedFiles,
        files: &Files,
    ) -> Vec<(bool, Vec<String>, Vec<String>)> {
        let updates = reported.batches(files);
        let batches = updates.iter().map(|batch| {
            let paths = batch.files.keys().cloned().collect();
            (batch.replace, paths, batch.removed.clone())
        });
        let batches = batches.collect();
        updates.into_iter().for_each(|batch| reported.record(batch));
        batches
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn first_report_is_full_then_incremental() {
        let mut reported = ReportedFiles::default();
        let first = files(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let all = (true, names(&["a", "b", "c"]), names(&[]));
        assert_eq!(report(&mut reported, &first), [all]);
        assert_eq!(report(&mut reported, &first), [], "nothing is new");
        let second = files(&[("a", "1"), ("b", "two"), ("d", "4")]);
        let changed = (false, names(&["b", "d"]), names(&["c"]));
        assert_eq!(report(&mut reported, &second), [changed]);
        assert_eq!(report(&mut reported, &second), []);
    }

    #[test]
    fn large_reports_are_split_and_oversized_files_skipped() {
        let mut reported = ReportedFiles::default();
        let half = "x".repeat(MIN_BATCH_SIZE / 2);
        let large = "x".repeat(agent_protocol::endpoints::MAX_FILE_SIZE + 1);
        let first = files(&[("a", &half), ("b", &half), ("c", &half), ("d", &large)]);
        let batches = report(&mut reported, &first);
        let expected = [
            (true, names(&["a", "b"]), names(&[])),
            (false, names(&["c"]), names(&[])),
        ];
        assert_eq!(batches, expected);
        let grown = files(&[("a", &large), ("b", &half), ("c", &half)]);
        let removed = (false, names(&[]), names(&["a"]));
        assert_eq!(
            report(&mut reported, &grown),
            [removed],
            "a file that grew too large is removed"
        );
    }
}
