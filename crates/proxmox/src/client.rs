//! Who is asked, as whom, and how long we wait. What is asked is in the other modules.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    Credentials, Endpoint, Trust, credentials::SignIn, endpoints::Endpoints, error::Error,
};

/// How to reach a cluster.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The addresses of its nodes, at least one. A call that cannot be sent to one goes to the
    /// next.
    pub endpoints: Vec<Endpoint>,
    /// As whom.
    pub credentials: Credentials,
    /// Who vouches for the endpoints that have no fingerprint.
    pub trust: Trust,
}

impl Connection {
    /// A cluster with one address, vouched for by the authorities that the machine trusts.
    pub fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            endpoints: vec![endpoint],
            credentials,
            trust: Trust::Machine,
        }
    }
}

/// How long a call may take. Reading calls are tried a second time when no connection came about,
/// and at the other endpoints, so one may take as many times as long.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To be connected, TLS included.
    pub connect: Duration,
    /// From the beginning to the end of the answer.
    pub answer: Duration,
    /// The same for calls that wait for a lock, a storage or a registry before they answer:
    /// creating, deleting, changing a configuration, pulling.
    pub slow: Duration,
    /// How old a ticket may become before it is renewed. Proxmox takes one for two hours.
    pub ticket: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(10),
            slow: Duration::from_secs(30),
            ticket: Duration::from_secs(90 * 60),
        }
    }
}

/// A client of one cluster. Clones share their connections and their ticket.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) endpoints: Endpoints,
    pub(crate) sign_in: SignIn,
    pub(crate) timeouts: Timeouts,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address())
            .field("account", &self.account())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client for a cluster. It connects to nothing yet.
    ///
    /// # Errors
    /// [`Error::Unsendable`] when a URL, the credentials or the authority's certificate cannot be
    /// right, and [`Error::Tls`] when the machine has no certificates to trust.
    pub fn new(connection: Connection, timeouts: Timeouts) -> Result<Self, Error> {
        let Connection {
            endpoints,
            credentials,
            trust,
        } = connection;
        Ok(Self {
            inner: Arc::new(Inner {
                endpoints: Endpoints::new(&endpoints, &trust, timeouts)?,
                sign_in: SignIn::new(credentials)?,
                timeouts,
            }),
        })
    }

    /// Scheme, host and port of the endpoint that worked last.
    pub fn address(&self) -> &str {
        &self.inner.endpoints.current().address
    }

    /// As whom calls are made: `root@pam`, or `root@pam!holdfast` for a token.
    pub fn account(&self) -> &str {
        match &self.inner.sign_in {
            SignIn::Token { id, .. } => id,
            SignIn::Password(tickets) => &tickets.user,
        }
    }

    /// Whether calls are made as root@pam itself. Only so does Proxmox allow features other than
    /// nesting (keyctl, mounts, FUSE), any features of a privileged container, bind mounts, devices,
    /// hook scripts and taking no notice of a lock; a token of root@pam is refused those even
    /// without privilege separation.
    pub fn is_root_ticket(&self) -> bool {
        matches!(&self.inner.sign_in, SignIn::Password(tickets) if tickets.user == "root@pam")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str, credentials: Credentials) -> Result<Client, Error> {
        let connection = Connection::new(Endpoint::new(url), credentials);
        Client::new(connection, Timeouts::default())
    }

    fn token() -> Credentials {
        Credentials::Token {
            id: "root@pam!holdfast".to_owned(),
            secret: "s3cr3t-s3cr3t".into(),
        }
    }

    fn password(realm: &str) -> Credentials {
        Credentials::Password {
            user: "root".to_owned(),
            realm: realm.to_owned(),
            password: "s3cr3t-s3cr3t".into(),
        }
    }

    #[test]
    fn a_client_tells_where_and_as_whom_and_no_secret() {
        for credentials in [token(), password("pam")] {
            let client = client("http://127.0.0.1:1", credentials).unwrap();
            let printed = format!("{client:?}");
            assert!(!printed.contains("s3cr3t") && printed.contains("root@pam"));
            assert_eq!(client.address(), "http://127.0.0.1:1");
        }
    }

    #[test]
    fn only_roots_own_login_is_root() {
        let root = |credentials| client("http://a", credentials).unwrap().is_root_ticket();
        assert!(root(password("pam")));
        assert!(!root(password("pve")));
        assert!(!root(token()));
    }

    #[test]
    fn an_endpoint_that_cannot_be_right_is_refused_before_anything_is_sent() {
        for url in [
            "pve1:8006",
            "ftp://pve1",
            "https://pve1:8006/api2/json",
            "https://root:pw@pve1:8006",
            "https://pve1:8006/?x",
            "",
        ] {
            match client(url, token()) {
                Err(Error::Unsendable { field, .. }) => assert_eq!(field, "url", "{url}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
