//! The timeouts of API calls.

use std::time::Duration;

/// Timeouts of one attempt. A read-only call is retried once after a connection failure and then
/// sent to the other endpoints, so it can take a multiple of these.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To connect, including TLS.
    pub connect: Duration,
    /// For the whole request and response.
    pub response: Duration,
    /// For calls that wait for a lock, a storage or a registry before they respond: create, delete,
    /// configure, pull.
    pub slow: Duration,
    /// The age at which a ticket is renewed. Tickets are valid for two hours.
    pub ticket: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(10),
            slow: Duration::from_secs(30),
            ticket: Duration::from_secs(90 * 60),
        }
    }
}
