//! The BIND of [`test_servers::names`] as a provider and as an authoritative name server.

use std::net::SocketAddr;

use dns::{Options, Provider};
use model::providers::{ProviderSettings, TsigAlgorithm};
pub use test_servers::names::{FIRST_ADDRESS, NameServer, RESTRICTED_KEY, SECOND_ADDRESS, SECRET};

use crate::options;

/// Provider settings for a name server.
pub trait NamedProvider {
    /// The settings for one of the server's keys.
    fn settings(&self, zone: &str, key: &str, algorithm: TsigAlgorithm) -> ProviderSettings;
    /// A provider whose key may change the whole zone.
    fn provider(&self, zone: &str) -> Box<dyn Provider>;
    /// The provider options.
    fn options(&self) -> Options;
}

impl NamedProvider for NameServer {
    fn settings(&self, zone: &str, key: &str, algorithm: TsigAlgorithm) -> ProviderSettings {
        ProviderSettings::Rfc2136 {
            server: self.address.to_string().parse().unwrap(),
            zone: zone.parse().unwrap(),
            key: key.parse().unwrap(),
            algorithm,
        }
    }

    fn provider(&self, zone: &str) -> Box<dyn Provider> {
        let settings = self.settings(zone, test_servers::names::KEY, TsigAlgorithm::HmacSha256);
        dns::open(&settings, &SECRET.parse().unwrap(), &self.options()).unwrap()
    }

    fn options(&self) -> Options {
        options(self.address)
    }
}

/// Two name servers of the same zones without replication. The second one is reached through a UDP
/// proxy on an separate address.
pub async fn pair() -> (NameServer, NameServer) {
    let first = NameServer::start_with_addresses(&[FIRST_ADDRESS, SECOND_ADDRESS]);
    let second = NameServer::start();
    let own = SocketAddr::new(SECOND_ADDRESS.into(), first.address.port());
    proxy_udp(own, second.address).await;
    (first, second)
}

/// Proxies UDP queries to a server.
async fn proxy_udp(own: SocketAddr, to: SocketAddr) {
    let outside = tokio::net::UdpSocket::bind(own).await.unwrap();
    tokio::spawn(async move {
        let mut message = [0; 4096];
        while let Ok((length, from)) = outside.recv_from(&mut message).await {
            let inside = tokio::net::UdpSocket::bind((FIRST_ADDRESS, 0))
                .await
                .unwrap();
            inside.send_to(&message[..length], to).await.unwrap();
            let length = inside.recv(&mut message).await.unwrap();
            outside.send_to(&message[..length], from).await.unwrap();
        }
    });
}
