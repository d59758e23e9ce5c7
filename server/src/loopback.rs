//! Names and addresses of this machine.

use std::net::IpAddr;

/// Whether a host is `localhost` or a loopback address; no DNS lookup.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether browsers resolve a host to the loopback interface, including names below `localhost`
/// (RFC 6761, section 6.3).
pub(crate) fn is_local_host(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    is_loopback(&name) || name.ends_with(".localhost")
}
