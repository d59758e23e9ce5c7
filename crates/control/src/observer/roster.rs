//! Which clusters there are: what the database says, brought to the clients and the observers of
//! this process. Where several servers share the database, another may add, change or remove one,
//! so it is read again now and then.

use std::collections::BTreeSet;

use model::{
    ClusterId, Error,
    events::{Event, Topic},
};
use store::clusters::ClusterRecord;

use crate::{Control, failure::Told as _, hub::Audience, observer, proxmoxes::Set};

/// The clusters are read again after so many rounds of observing.
const RELOAD_ROUNDS: u32 = 3;

/// Reads the clusters from the database, after one was changed here. Where its access is another
/// now, this server observes it next: the others do not know of that yet.
pub(crate) async fn load(control: &Control) -> Result<(), Error> {
    let _turn = control.observer().loading.lock().await;
    for (id, set) in settle(control, read(control).await?)? {
        if set == Set::Changed {
            control.observer().with(id, |cluster| cluster.seize = true);
        }
    }
    Ok(())
}

/// Notices what other servers do to the clusters, until the program ends.
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
        // A failure is in the log; the next time is soon.
        let _ = catch_up(&control).await;
    }
}

/// Has this process know the clusters that the database has, and no others.
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

/// Keeps clients for the clusters and observes those that are new.
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
