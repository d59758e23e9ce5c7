//! The registry of clusters: loads the clusters from the database into the clients and pollers of
//! this process. Another server that shares the database may change them, so they are reloaded at
//! intervals.

use std::collections::BTreeSet;

use model::{
    ClusterId, Error,
    events::{Event, Topic},
};
use store::clusters::ClusterRecord;

use crate::{Control, failure::Told as _, hub::Audience, observer, proxmoxes::Set};

/// The clusters are reloaded after this many observation intervals.
const RELOAD_ROUNDS: u32 = 3;

/// Reloads the clusters after a change on this server. If the access of a cluster changed, this
/// server takes its observation lease because the other servers do not know the new access yet.
pub(crate) async fn load(control: &Control) -> Result<(), Error> {
    let _turn = control.observer().loading.lock().await;
    for (id, set) in settle(control, read(control).await?)? {
        if set == Set::Changed {
            control.observer().with(id, |cluster| cluster.seize = true);
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
    let every = control.0.options.observe_every * RELOAD_ROUNDS;
    while stop
        .run_until_cancelled(tokio::time::sleep(every))
        .await
        .is_some()
    {
        // The store logs the failure, and the next attempt follows soon.
        let _ = catch_up(&control).await;
    }
}

/// Synchronizes the clusters of this process with the database.
pub(crate) async fn catch_up(control: &Control) -> Result<(), Error> {
    let _turn = control.observer().loading.lock().await;
    let before = control.0.proxmoxes.all();
    let clusters = read(control).await?;
    let here: BTreeSet<ClusterId> = clusters.iter().map(|cluster| cluster.id).collect();
    let set = settle(control, clusters)?;
    let gone = before.iter().filter(|(id, _)| !here.contains(id));
    let gone: Vec<ClusterId> = gone.map(|(id, _)| *id).collect();
    for id in &gone {
        control.0.proxmoxes.remove(*id);
        control.observer().forget_cluster(*id);
    }
    if !gone.is_empty() || set.iter().any(|(_, set)| *set != Set::Same) {
        let nodes = Event::all(Topic::Nodes);
        control.hub().tell(nodes, Audience::Operators);
    }
    Ok(())
}

async fn read(control: &Control) -> Result<Vec<ClusterRecord>, Error> {
    let key = control.store().key().clone();
    control
        .store()
        .read(move |c| store::clusters::list(c, &key))
        .await
        .told("clusters")
}

/// Updates the clients and starts pollers for new clusters.
fn settle(control: &Control, clusters: Vec<ClusterRecord>) -> Result<Vec<(ClusterId, Set)>, Error> {
    let mut done = Vec::new();
    for cluster in clusters {
        let (id, name) = (cluster.id, cluster.access.name.clone());
        let set = control.0.proxmoxes.set(cluster)?;
        control.observer().expect_cluster(id, &name);
        match set {
            Set::New => drop(control.0.tasks.spawn(observer::watch(control.clone(), id))),
            Set::Changed => control.observer().nudge(id),
            Set::Same => {}
        }
        done.push((id, set));
    }
    Ok(done)
}
