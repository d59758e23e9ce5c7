//! What [`test_servers::names`] has, as providers and as name servers of the world.

use std::net::SocketAddr;

use dns::{Options, Provider};
use model::providers::{ProviderSettings, TsigAlgorithm};
pub use test_servers::names::{FIRST, NARROW, Named, SECOND, SECRET};

use crate::options;

/// A name server as somebody who keeps records.
pub trait Keeps {
    /// The settings of an account with one of its keys.
    fn settings(&self, zone: &str, key: &str, algorithm: TsigAlgorithm) -> ProviderSettings;
    /// A provider that may change all of a zone.
    fn provider(&self, zone: &str) -> Box<dyn Provider>;
    /// What it is spoken to with.
    fn options(&self) -> Options;
}

impl Keeps for Named {
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

/// Two name servers of the same zones. Neither tells the other of what has changed. To the
/// world the second is at an address of its own, from which what is asked is passed on.
pub async fn pair() -> (Named, Named) {
    let first = Named::start_of(&[FIRST, SECOND]);
    let second = Named::start();
    let own = SocketAddr::new(SECOND.into(), first.address.port());
    pass_on(own, second.address).await;
    (first, second)
}

/// Passes on what is asked at an address over UDP, and the answers back.
async fn pass_on(own: SocketAddr, to: SocketAddr) {
    let outside = tokio::net::UdpSocket::bind(own).await.unwrap();
    tokio::spawn(async move {
        let mut message = [0; 4096];
        while let Ok((length, from)) = outside.recv_from(&mut message).await {
            let inside = tokio::net::UdpSocket::bind((FIRST, 0)).await.unwrap();
            inside.send_to(&message[..length], to).await.unwrap();
            let length = inside.recv(&mut message).await.unwrap();
            outside.send_to(&message[..length], from).await.unwrap();
        }
    });
}
