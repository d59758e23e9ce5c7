//! The clients of our clusters, one a cluster, shared by everything that asks it.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use model::{ClusterId, Error};
use proxmox::{Client, Connection, Credentials, Endpoint, Timeouts};
use store::clusters::ClusterRecord;

use crate::failure::internal;

/// The clients by cluster.
#[derive(Default)]
pub(crate) struct Proxmoxes(RwLock<BTreeMap<ClusterId, Client>>);

impl Proxmoxes {
    /// Keeps the client of a cluster; true when the cluster was not known before.
    pub(crate) fn set(&self, cluster: ClusterRecord) -> Result<bool, Error> {
        let token = Credentials::Token {
            id: cluster.token_id,
            secret: cluster.secret.into(),
        };
        let connection = Connection::new(Endpoint::new(cluster.url), token);
        let client = Client::new(connection, Timeouts::default())
            .map_err(|e| internal("cluster endpoint", &e))?;
        let mut clients = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Ok(clients.insert(cluster.id, client).is_none())
    }

    /// The client of a cluster.
    pub(crate) fn get(&self, cluster: ClusterId) -> Option<Client> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&cluster)
            .cloned()
    }

    /// Every cluster with where its API is.
    pub(crate) fn all(&self) -> Vec<(ClusterId, String)> {
        let clients = self.0.read().unwrap_or_else(PoisonError::into_inner);
        clients
            .iter()
            .map(|(id, client)| (*id, client.address().to_owned()))
            .collect()
    }
}
