//! HTML error pages that edge hosts serve.

/// The signed-in user has no access to the service (403).
pub const FORBIDDEN: &str = include_str!("../pages/forbidden.html");
/// The sign-in of a service is unreachable, or the domain has none (503).
pub const NO_SIGN_IN: &str = include_str!("../pages/no-sign-in.html");
/// No service is published under the hostname (404).
pub const NOT_FOUND: &str = include_str!("../pages/not-found.html");
/// The request body exceeds the limit of the service (413).
pub const TOO_LARGE: &str = include_str!("../pages/too-large.html");
/// The backend of a service is unreachable or timed out (502, 504).
pub const UNREACHABLE: &str = include_str!("../pages/unreachable.html");
