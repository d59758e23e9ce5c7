//! One client per cluster, shared by everything that sends requests to it.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use model::{ClusterId, Error, containers::DockerSupport};
use proxmox::{Client, ClientConfig, Credentials, Endpoint, Timeouts, Trust};
use store::clusters::{ClusterRecord, ConnectionSettings};

use crate::failure::internal;

pub(crate) struct ClusterClients {
    clients: RwLock<BTreeMap<ClusterId, ClientEntry>>,
    timeouts: Timeouts,
}

struct ClientEntry {
    access: ConnectionSettings,
    client: Client,
}

/// The effect of [`ClusterClients::set`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetOutcome {
    /// The cluster was not known before.
    New,
    /// The cluster has a new address or new credentials.
    Changed,
    /// Nothing has changed.
    Unchanged,
}

impl ClusterClients {
    /// Creates an empty set of clients whose requests use these timeouts.
    pub(crate) fn new(timeouts: Timeouts) -> Self {
        Self {
            clients: RwLock::default(),
            timeouts,
        }
    }

    /// Sets the client of a cluster. If its access has not changed, keeps the client with its
    /// connections and its ticket.
    pub(crate) fn set(&self, cluster: ClusterRecord) -> Result<SetOutcome, Error> {
        let ClusterRecord { id, connection } = cluster;
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        if clients
            .get(&id)
            .is_some_and(|entry| entry.access == connection)
        {
            return Ok(SetOutcome::Unchanged);
        }
        let client = client(&connection, self.timeouts)?;
        match clients.insert(
            id,
            ClientEntry {
                access: connection,
                client,
            },
        ) {
            None => Ok(SetOutcome::New),
            Some(_) => Ok(SetOutcome::Changed),
        }
    }

    pub(crate) fn remove(&self, cluster: ClusterId) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.remove(&cluster);
    }

    pub(crate) fn get(&self, cluster: ClusterId) -> Option<Client> {
        self.clients
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&cluster)
            .map(|entry| entry.client.clone())
    }

    /// Whether containers on a cluster can run Docker, or `None` if the cluster does not exist.
    pub(crate) fn docker(&self, cluster: ClusterId) -> Option<DockerSupport> {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        let entry = clients.get(&cluster)?;
        Some(DockerSupport::for_account(
            &entry.access.name,
            &entry.access.account,
        ))
    }

    /// Every cluster with the URL of its API.
    pub(crate) fn all(&self) -> Vec<(ClusterId, String)> {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients
            .iter()
            .map(|(id, entry)| (*id, entry.access.url.to_string()))
            .collect()
    }
}

/// Creates a client for a cluster without connecting. It uses the configured address first, then
/// the other nodes with trusted certificates.
pub(crate) fn connect(access: &ConnectionSettings) -> Result<Client, Error> {
    client(access, Timeouts::default())
}

fn client(access: &ConnectionSettings, timeouts: Timeouts) -> Result<Client, Error> {
    let configured = access.pinned_certificates.get_key_value(&access.url);
    let other_nodes = access
        .pinned_certificates
        .iter()
        .filter(|(url, _)| **url != access.url);
    let mut endpoints = configured
        .into_iter()
        .chain(other_nodes)
        .map(|(url, fingerprint)| {
            let pin = fingerprint
                .as_str()
                .parse()
                .map_err(|e| internal("parse stored cluster fingerprint", &e))?;
            Ok(Endpoint::pinned(url.as_str(), pin))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    if configured.is_none() {
        endpoints.insert(0, Endpoint::new(access.url.as_str()));
    }
    let connection = ClientConfig {
        endpoints,
        credentials: credentials(access),
        trust: Trust::System,
    };
    Client::new(connection, timeouts).map_err(|e| internal("build cluster client", &e))
}

fn credentials(access: &ConnectionSettings) -> Credentials {
    let account = &access.account;
    let secret = access.secret.as_str().into();
    if account.is_token() {
        return Credentials::Token {
            id: account.to_string(),
            secret,
        };
    }
    Credentials::Password {
        user: account.user().to_owned(),
        realm: account.realm().to_owned(),
        password: secret,
    }
}
