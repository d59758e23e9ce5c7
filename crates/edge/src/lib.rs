//! Renders the dnsmasq and nginx configuration of an edge host from the site configuration
//! ([`Snapshot`]) and the [`Layout`] of the host.
//!
//! Rendering is pure: it uses no files, clock or network, so the manager shows exactly the bytes that
//! the agent writes. User input arrives in types that cannot hold characters with a meaning in either
//! configuration language, so nothing is quoted.

mod dnsmasq;
mod layout;
pub mod link;
mod nginx;
pub mod pages;
mod services;
mod snapshot;
mod tree;

pub use layout::{Layout, NginxBuild, Place, certificate_name};
pub use nginx::VERSION_OF_HTTP2_DIRECTIVE;
pub use snapshot::{
    Answer, Base64Url, Dhcp, Host, HttpService, Network, PublicDomain, Snapshot, Srv,
    StreamService, Tls, Transport,
};
pub use tree::{Effect, File, Tree};

/// Renders all files of a site for one host.
///
/// # Errors
/// Fails only if a template has a bug; no value that the types allow causes an error.
pub fn render(snapshot: &Snapshot, layout: &Layout) -> Result<Tree, askama::Error> {
    let mut tree = Tree::default();
    dnsmasq::render(snapshot, layout, &mut tree)?;
    nginx::render(snapshot, layout, &mut tree)?;
    Ok(tree)
}
