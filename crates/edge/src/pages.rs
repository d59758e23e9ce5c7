//! HTML error pages that edge hosts serve.

/// The backend of a service is unreachable or timed out (502, 504).
pub const NO_ANSWER: &str = include_str!("../pages/no-answer.html");
/// The sign-in of a service is unreachable, or the domain has none (503).
pub const NO_SIGN_IN: &str = include_str!("../pages/no-sign-in.html");
/// No service is published under the hostname (404).
pub const NOT_FOUND: &str = include_str!("../pages/not-found.html");
/// The signed-in user has no access to the service (403).
pub const REFUSED: &str = include_str!("../pages/refused.html");
/// The request body exceeds the limit of the service (413).
pub const TOO_LARGE: &str = include_str!("../pages/too-large.html");
