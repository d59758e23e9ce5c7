//! What an edge host is given to do, as files: a site's [`Snapshot`] and the host's [`Layout`] in,
//! the bytes of its dnsmasq and nginx configuration out.
//!
//! Pure: nothing here reads a file, asks a clock or knows a network, so the manager shows the very
//! bytes that the agent writes. What people typed comes in as types that cannot hold what either
//! program would read as anything else; nothing is quoted because nothing needs to be.

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

/// Renders every file of a site for one host.
///
/// # Errors
/// Never for values that the types allow; a template that cannot be written is a fault of ours.
pub fn render(snapshot: &Snapshot, layout: &Layout) -> Result<Tree, askama::Error> {
    let mut tree = Tree::default();
    dnsmasq::render(snapshot, layout, &mut tree)?;
    nginx::render(snapshot, layout, &mut tree)?;
    Ok(tree)
}
