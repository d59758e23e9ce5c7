//! The loop that observes one cluster: ask, remember, tell what changed, wait.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use model::{
    ClusterId, Timestamp,
    events::{Event, Topic},
};

use super::known::Changes;
use crate::{Control, hub::Audience};

/// The shortest time between two rounds, however often somebody nudges.
const BREATH: Duration = Duration::from_millis(250);

/// Observes a cluster until the program ends.
pub(crate) async fn watch(control: Control, id: ClusterId) {
    let Some(nudge) = control
        .observer()
        .with(id, |cluster| Arc::clone(&cluster.nudge))
    else {
        return;
    };
    let stop = control.0.stop.clone();
    let every = control.0.options.observe_every;
    let observe = async {
        loop {
            round(&control, id).await;
            tokio::time::sleep(BREATH).await;
            let wait = every.saturating_sub(BREATH);
            // A nudge only shortens the wait.
            let _ = tokio::time::timeout(wait, nudge.notified()).await;
        }
    };
    stop.run_until_cancelled(observe).await;
}

async fn round(control: &Control, id: ClusterId) {
    let Some(client) = control.0.proxmoxes.get(id) else {
        return;
    };
    let observer = control.observer();
    if observer.with(id, |cluster| cluster.known.version.is_none()) == Some(true)
        && let Ok(version) = client.version().await
    {
        observer.with(id, |cluster| cluster.known.version = Some(version.version));
    }
    match client.resources().await {
        Ok(resources) => {
            let at = wall_clock();
            let changes = observer
                .with(id, |cluster| {
                    cluster.known.answered(resources, at, Instant::now())
                })
                .unwrap_or_default();
            tell(control, id, &changes).await;
        }
        Err(error) => {
            let changed = match &error {
                proxmox::Error::CertificateChanged { found, .. } => found.to_string().parse().ok(),
                _ => None,
            };
            let news = observer.with(id, |cluster| {
                cluster.known.failed(error.to_string(), changed)
            });
            if news == Some(true) {
                tracing::warn!(cluster = %id, cause = error.cause(), "{error}");
                observer
                    .hub
                    .tell(Event::all(Topic::Container), Audience::Everyone);
            }
        }
    }
    observer
        .hub
        .tell(Event::all(Topic::Nodes), Audience::Operators);
    observer.with(id, |cluster| {
        cluster.rounds.send_modify(|rounds| *rounds += 1)
    });
}

async fn tell(control: &Control, id: ClusterId, changes: &Changes) {
    let hub = control.hub();
    if changes.all {
        return hub.tell(Event::all(Topic::Container), Audience::Everyone);
    }
    if changes.vmids.is_empty() {
        return;
    }
    match control
        .store()
        .read(move |c| store::containers::on_cluster(c, id))
        .await
    {
        Ok(ours) => {
            for (_, container, owner) in ours
                .iter()
                .filter(|(vmid, ..)| changes.vmids.contains(vmid))
            {
                hub.tell(
                    Event::of(Topic::Container, container.0),
                    Audience::Owner(*owner),
                );
            }
        }
        Err(error) => tracing::warn!(?error, "whose containers changed is not known"),
    }
}

/// The moment of an observation, for its age on pages.
fn wall_clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
