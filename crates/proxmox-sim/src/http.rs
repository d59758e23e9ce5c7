//! The HTTP server: listeners, TLS connections, parsing of requests and formatting of responses.
//! The order of checks is that of a real node.

pub(crate) mod body;
pub(crate) mod redirect;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod server;
