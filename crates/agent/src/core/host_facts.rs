//! Collects facts about the host that every agent reports: its version and its address.

use std::net::Ipv4Addr;

use model::{hosts::HostFacts, names::InterfaceName};

use super::capabilities::{CapabilityError, query};

/// Why the facts could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum HostFactsError {
    /// A required program is missing or failed.
    #[error(transparent)]
    Program(#[from] CapabilityError),
    /// The interface has no IPv4 address.
    #[error("{0} has no IPv4 address. Give it one in the site's network first.")]
    NoAddress(InterfaceName),
}

/// Collects what the agent reports about its host.
///
/// # Errors
/// If the interface has no IPv4 address.
pub async fn collect(interface: &InterfaceName) -> Result<HostFacts, HostFactsError> {
    Ok(HostFacts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        address: detect_address(interface).await?,
    })
}

async fn detect_address(interface: &InterfaceName) -> Result<Ipv4Addr, HostFactsError> {
    let arguments = [
        "-4",
        "-oneline",
        "address",
        "show",
        "dev",
        interface.as_str(),
    ];
    let (output, _) = query("ip", &arguments).await?;
    first_address(&output).ok_or_else(|| HostFactsError::NoAddress(interface.clone()))
}

/// Parses the first address of `ip -oneline address`: `2: eth1    inet 10.20.0.2/16 brd …`.
fn first_address(output: &str) -> Option<Ipv4Addr> {
    let mut fields = output.split_ascii_whitespace();
    fields.find(|field| *field == "inet")?;
    fields.next()?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_parsed() {
        let output = "2: eth1    inet 10.20.0.2/16 brd 10.20.255.255 scope global eth1\\       valid_lft forever";
        assert_eq!(first_address(output), Some(Ipv4Addr::new(10, 20, 0, 2)));
        assert_eq!(first_address(""), None);
        assert_eq!(first_address("2: eth1 inet"), None);
    }

    #[tokio::test]
    async fn host_facts_are_collected() {
        let facts = collect(&"lo".parse().unwrap()).await.unwrap();
        assert_eq!(facts.address, Ipv4Addr::LOCALHOST);
        let refused = collect(&"no-such".parse().unwrap()).await;
        let Err(HostFactsError::Program(error)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(error.program, "ip");
    }
}
