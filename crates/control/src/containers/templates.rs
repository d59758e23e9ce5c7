//! The templates of storages, for the form of a new container. Kept for a few seconds, so that
//! requests of users do not become as many requests to Proxmox.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{
    ClusterId,
    image::TemplateName,
    names::{NodeName, StorageName},
    sites::SiteSpec,
};
use tokio::time::Instant;

use crate::Control;

/// How long a list is kept.
const MAX_AGE: Duration = Duration::from_secs(3);
/// How long the form waits for the templates of a storage.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The number of lists from which expired ones are dropped.
const MAX_LISTS: usize = 64;

type Key = (ClusterId, NodeName, StorageName);
type Entry = Arc<tokio::sync::Mutex<Option<(Instant, Vec<TemplateName>)>>>;

/// The templates of storages that were listed last.
#[derive(Default)]
pub(crate) struct Templates(Mutex<BTreeMap<Key, Entry>>);

impl Templates {
    /// The templates of a site on a node; none if the cluster is unreachable. Concurrent calls wait
    /// for one request.
    pub(super) async fn list(
        &self,
        control: &Control,
        site: &SiteSpec,
        node: &NodeName,
    ) -> Vec<TemplateName> {
        let key = (site.cluster, node.clone(), site.template_storage.clone());
        let entry = self.entry(key);
        let mut entry = entry.lock().await;
        if let Some((_, names)) = entry.as_ref().filter(|(at, _)| at.elapsed() < MAX_AGE) {
            return names.clone();
        }
        let names = fetch(control, site, node).await;
        *entry = Some((Instant::now(), names.clone()));
        names
    }

    fn entry(&self, key: Key) -> Entry {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.len() >= MAX_LISTS {
            lists.retain(|_, entry| match entry.try_lock() {
                Ok(list) => list.as_ref().is_some_and(|(at, _)| at.elapsed() < MAX_AGE),
                Err(_) => true,
            });
        }
        Arc::clone(lists.entry(key).or_default())
    }
}

async fn fetch(control: &Control, site: &SiteSpec, node: &NodeName) -> Vec<TemplateName> {
    let Ok(Some(client)) = control.get_client(site.cluster).await else {
        return Vec::new();
    };
    let content = client.content(
        node.as_str(),
        site.template_storage.as_str(),
        Some(proxmox::ContentKind::Vztmpl),
    );
    let Ok(Ok(content)) = tokio::time::timeout(TIMEOUT, content).await else {
        return Vec::new();
    };
    let mut names: Vec<_> = content
        .iter()
        .filter_map(|item| item.volid.rsplit_once('/').map(|(_, file)| file))
        // A plain `.tar` is a pulled OCI image that is kept for the next container.
        .filter(|file| !file.ends_with(".tar"))
        .filter_map(|file| file.parse().ok())
        .collect();
    names.sort();
    names
}
