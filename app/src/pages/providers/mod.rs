//! DNS providers: the list, the form for a new one, the test, and the page of one provider.

mod fields;
pub mod list;
pub mod new;
pub mod show;
mod trial;

use model::providers::ProviderKind;

/// The display name of a kind of provider.
pub fn called(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Cloudflare => "Cloudflare",
        ProviderKind::Rfc2136 => "Name server (RFC 2136)",
        ProviderKind::AcmeDns => "acme-dns",
    }
}
