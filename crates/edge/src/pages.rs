//! The pages that edge hosts themselves answer with, in HTML.

/// Nothing answers behind a service that is published (502, 504).
pub const NO_ANSWER: &str = include_str!("../pages/no-answer.html");
/// The sign-in before a service does not answer, or its domain has none (503).
pub const NO_SIGN_IN: &str = include_str!("../pages/no-sign-in.html");
/// Nothing is published under the name (404).
pub const NOT_FOUND: &str = include_str!("../pages/not-found.html");
/// The person who is signed in may not use the service (403).
pub const REFUSED: &str = include_str!("../pages/refused.html");
/// The request is larger than the service takes (413).
pub const TOO_LARGE: &str = include_str!("../pages/too-large.html");
