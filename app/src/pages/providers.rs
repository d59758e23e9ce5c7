//! DNS providers: the list, the form for a new one, the test, and the page of one provider.

mod connection_test;
mod fields;
pub mod list;
pub mod new;
pub mod show;

use model::providers::{ProviderForm, ProviderKind};

/// The name of a DNS provider as the server stores it.
fn stored_name(form: &ProviderForm) -> String {
    form.name.trim().to_ascii_lowercase()
}

/// The display name of a kind of provider.
pub fn kind_label(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Cloudflare => "Cloudflare",
        ProviderKind::Rfc2136 => "Name server (RFC 2136)",
        ProviderKind::AcmeDns => "acme-dns",
    }
}
