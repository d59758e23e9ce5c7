//! The client and its configuration. The API calls are in other modules.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use crate::{
    Credentials, Endpoint, Timeouts, Trust, credentials::SignIn, endpoints::Endpoints,
    error::Error, http::Purpose,
};

/// The configuration of a client.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The endpoints of the cluster's nodes, at least one. A call that cannot be sent to one
    /// endpoint is sent to the next.
    pub endpoints: Vec<Endpoint>,
    /// The credentials.
    pub credentials: Credentials,
    /// How to verify the certificates of endpoints without a fingerprint.
    pub trust: Trust,
}

impl ClientConfig {
    /// A cluster with one endpoint, verified with the system's certificate authorities.
    pub fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            endpoints: vec![endpoint],
            credentials,
            trust: Trust::System,
        }
    }
}

/// Runs before each request and decides by completing that the request may be sent.
pub type RequestGuard =
    Arc<dyn Fn(Purpose) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A client of one cluster. Clones share their connections and their ticket.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
    pub(crate) guard: Option<RequestGuard>,
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
    /// Creates a client. Does not connect.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if a URL, the credentials or the CA certificate is invalid,
    /// [`Error::Tls`] if the system has no trusted certificate authorities.
    pub fn new(connection: ClientConfig, timeouts: Timeouts) -> Result<Self, Error> {
        let ClientConfig {
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
            guard: None,
        })
    }

    /// Awaits `guard` before each request, also before each attempt at another endpoint.
    pub fn with_guard(self, guard: RequestGuard) -> Self {
        Self {
            guard: Some(guard),
            ..self
        }
    }

    /// Scheme, host and port of the endpoint that succeeded last.
    pub fn address(&self) -> &str {
        &self.inner.endpoints.current().address
    }

    /// The user or token of the client: `root@pam`, or `root@pam!holdfast`.
    pub fn account(&self) -> &str {
        match &self.inner.sign_in {
            SignIn::Token { id, .. } => id,
            SignIn::Password(tickets) => &tickets.user,
        }
    }

    /// Whether the client uses a ticket of `root@pam`. Proxmox requires it for features other than
    /// nesting (keyctl, mounts, FUSE), for any features of a privileged container, for bind mounts,
    /// devices and hook scripts, and to ignore a lock. Tokens of `root@pam` are not accepted for
    /// these, even without privilege separation.
    pub fn is_root_ticket(&self) -> bool {
        matches!(&self.inner.sign_in, SignIn::Password(tickets) if tickets.user == "root@pam")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str, credentials: Credentials) -> Result<Client, Error> {
        let connection = ClientConfig::new(Endpoint::new(url), credentials);
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
    fn debug_shows_address_and_account_without_secret() {
        for credentials in [token(), password("pam")] {
            let client = client("http://127.0.0.1:1", credentials).unwrap();
            let printed = format!("{client:?}");
            assert!(!printed.contains("s3cr3t") && printed.contains("root@pam"));
            assert_eq!(client.address(), "http://127.0.0.1:1");
        }
    }

    #[test]
    fn only_root_pam_password_is_root_ticket() {
        let root = |credentials| client("http://a", credentials).unwrap().is_root_ticket();
        assert!(root(password("pam")));
        assert!(!root(password("pve")));
        assert!(!root(token()));
    }

    #[test]
    fn invalid_endpoint_urls_are_rejected() {
        for url in [
            "pve1:8006",
            "ftp://pve1",
            "https://pve1:8006/api2/json",
            "https://root:pw@pve1:8006",
            "https://pve1:8006/?x",
            "",
        ] {
            match client(url, token()) {
                Err(Error::InvalidArgument { field, .. }) => assert_eq!(field, "url", "{url}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
