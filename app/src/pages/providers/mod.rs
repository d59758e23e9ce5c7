//! Providers of DNS: the list, adding one, trying one, and the page of one.

mod fields;
pub mod list;
pub mod new;
pub mod show;
mod trial;

use model::providers::ProviderKind;

/// What people call a kind of provider.
pub fn called(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Cloudflare => "Cloudflare",
        ProviderKind::Rfc2136 => "Name server (RFC 2136)",
        ProviderKind::AcmeDns => "acme-dns",
    }
}
