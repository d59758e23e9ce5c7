//! The registry of clusters: loads the clusters from the database into the clients and pollers of
//! this process. Another server that shares the database may change them, so they are reloaded at
//! intervals.

use std::collections::BTreeSet;

use model::{
    ClusterId, Error,
    events::{Event, Topic},
};
use store::clusters::ClusterRecord;

use crate::{Control, cluster_clients::SetOutcome, failure::StoreResultExt as _, observer};

/// The clusters are reloaded after this many observation intervals.
const RELOAD_INTERVALS: u32 = 3;

/// Reloads the clusters after a change on this server. If the access of a cluster changed, this
/// server takes its observation lease because the other servers do not know the new access yet.
pub(crate) async fn load(control: &Control) -> Result<(), Error> {
    let _guard = control.observer().loading.lock().await;
    for (id, set) in apply(control, read(control).await?)? {
        if set == SetOutcome::Changed {
            control
                .observer()
                .with(id, |cluster| cluster.take_lease = true);
        }
    }
    Ok(())
}

/// Reloads the clusters at intervals until the program stops, to pick up changes by other servers.
pub(crate) async fn follow(control: Control) {
    if !control.store().is_shared() {
        return;
    }
    let stop = control.0.stop.clone();
    let every = control.0.options.observe_interval * RELOAD_INTERVALS;
    while stop
        .run_until_cancelled(tokio::time::sleep(every))
        .await
        .is_some()
    {
        // The store logs the failure, and the next attempt follows soon.
        let _ = synchronize(&control).await;
    }
}

/// Synchronizes the clusters of this process with the database.
pub(crate) async fn synchronize(control: &Control) -> Result<(), Error> {
    let _guard = control.observer().loading.lock().await;
    let before = control.0.clients.all();
    let clusters = read(control).await?;
    let current: BTreeSet<ClusterId> = clusters.iter().map(|cluster| cluster.id).collect();
    let set = apply(control, clusters)?;
    let removed = before.iter().filter(|(id, _)| !current.contains(id));
    let removed: Vec<ClusterId> = removed.map(|(id, _)| *id).collect();
    for id in &removed {
        control.0.clients.remove(*id);
        control.observer().remove_cluster(*id);
    }
    if !removed.is_empty() || set.iter().any(|(_, set)| *set != SetOutcome::Unchanged) {
        let nodes = Event::all(Topic::Nodes);
        control.notifier().publish(nodes);
    }
    Ok(())
}

async fn read(control: &Control) -> Result<Vec<ClusterRecord>, Error> {
    let key = control.store().secret_key().clone();
    control
        .store()
        .read(move |c| store::clusters::list(c, &key))
        .await
        .into_model("list observed clusters")
}

/// Updates the clients and starts pollers for new clusters.
fn apply(
    control: &Control,
    clusters: Vec<ClusterRecord>,
) -> Result<Vec<(ClusterId, SetOutcome)>, Error> {
    let mut done = Vec::new();
    for cluster in clusters {
        let (id, name) = (cluster.id, cluster.connection.name.clone());
        let set = control.0.clients.set(cluster)?;
        control.observer().add_cluster(id, &name);
        match set {
            SetOutcome::New => observer::poll(control, id),
            SetOutcome::Changed => control.observer().wake(id),
            SetOutcome::Unchanged => {}
        }
        done.push((id, set));
    }
    Ok(done)
}
