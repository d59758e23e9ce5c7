//! The work of `download`.

use crate::cluster::state::{Kind, Volume};
use crate::tasks::Run;

/// The parameters of a download.
pub(crate) struct Download {
    pub(crate) storage: String,
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) kind: Kind,
    pub(crate) problem: Option<String>,
}

/// Stores the file, unless its URL is unreachable.
pub(crate) async fn work(run: Run, download: Download) -> Result<(), String> {
    run.log(format!("downloading to storage '{}'", download.storage));
    run.pause(run.core.config.delays.pull).await?;
    if let Some(problem) = download.problem {
        return Err(format!("download failed: {problem}"));
    }
    let path = (run.node.as_str(), download.storage.as_str());
    let volume = Volume::new(path, &download.name, download.size, download.kind);
    run.core.edit(|state| {
        if state.volume(&run.node, &volume.id()).is_none() {
            state.volumes.push(volume);
        }
    });
    run.log("download finished");
    Ok(())
}
