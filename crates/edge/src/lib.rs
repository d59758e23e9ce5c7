//! Renders the dnsmasq and nginx configuration of an edge host from the site configuration
//! ([`SiteConfig`]) and the [`Layout`] of the host.
//!
//! Rendering is pure: it uses no files, clock or network, so the manager shows exactly the bytes
//! that the agent writes. User input arrives in types that cannot hold characters with a meaning in
//! either configuration language, so nothing is quoted.

mod dnsmasq;
mod layout;
mod nginx;
pub mod pages;
mod parts;
mod site_config;
mod tree;

pub use layout::{ConfigPath, Layout, NginxBuild, certificate_file_stem};
pub use nginx::VERSION_OF_HTTP2_DIRECTIVE;
pub use site_config::{
    Base64Url, ChallengeResponse, Dhcp, DnsHost, HttpService, Network, PublicDomain, SiteConfig,
    Srv, StreamService, Tls, Transport,
};
pub use tree::{Effect, File, Tree};

/// Renders all files of a site for one host.
///
/// # Errors
/// Fails only if a template has a bug; no value that the types allow causes an error.
pub fn render(site: &SiteConfig, layout: &Layout) -> Result<Tree, askama::Error> {
    let mut tree = Tree::default();
    dnsmasq::render(site, layout, &mut tree)?;
    nginx::render(site, layout, &mut tree)?;
    Ok(tree)
}
