//! The build mode: for servers or for development.

/// The build mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Optimized, as installed on servers.
    Release,
    /// Unoptimized, for short build times.
    Dev,
}

impl Mode {
    /// The name of the mode, for directory names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }
}
