//! Deletes what has expired, once an hour: sessions, failed sign-ins, invitations, and
//! ended jobs.

use std::time::Duration;

use crate::{Control, clock::millis, invitations, sessions};

const INTERVAL: Duration = Duration::from_secs(3600);
/// How many jobs one transaction deletes, so that other writers do not wait long.
const BATCH: i64 = 100;

/// Runs until the process stops.
pub(crate) async fn run(control: Control) {
    let mut hourly = tokio::time::interval(INTERVAL);
    let stop = control.0.stop.clone();
    while stop.run_until_cancelled(hourly.tick()).await.is_some() {
        if let Err(error) = control.store().write(sessions::delete_expired).await {
            tracing::warn!(%error, "expired session deletion failed");
        }
        if let Err(error) = control.store().write(invitations::delete_expired).await {
            tracing::warn!(%error, "expired invitation deletion failed");
        }
        match delete_jobs(&control).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "old jobs deleted"),
            Err(error) => tracing::warn!(%error, "old job deletion failed"),
        }
    }
}

/// Deletes the jobs that ended before the retention time. Returns their number.
async fn delete_jobs(control: &Control) -> Result<usize, store::Error> {
    let retention_ms = millis(control.0.options.job_retention);
    let mut total = 0;
    while !control.0.stop.is_cancelled() {
        let deleted = control
            .store()
            .write(move |c| store::jobs::delete_ended(c, retention_ms, BATCH))
            .await?;
        total += deleted;
        if deleted == 0 {
            break;
        }
    }
    Ok(total)
}
