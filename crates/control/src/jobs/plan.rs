//! The steps of each kind of job. Names are stored in the database; titles are shown to users.

use model::{containers::ContainerSource, jobs::JobKind};

use super::Args;

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $title:literal;)*) => {
        /// A step of a job.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Step { $($(#[$doc])* $name),* }

        impl Step {
            /// The word in the database.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// The title for users.
            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// The step with a name, or `None` for a name from another version.
            pub(crate) fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)* _ => None }
            }
        }
    };
}

steps! {
    /// Check that the template is on the storage.
    Template = "template", "Check template";
    /// Delete the archive of the image.
    OldImage = "old-image", "Delete old image";
    /// Pull the image to the storage.
    Image = "image", "Pull image";
    /// Create the container.
    Create = "create", "Create container";
    /// Set environment and entrypoint.
    Configure = "configure", "Set environment and command";
    /// Set or remove the interface filters.
    Filters = "filters", "Set interface filters";
    /// Start the container.
    Start = "start", "Start container";
    /// Wait until the container has its address.
    Address = "address", "Wait for IP address";
    /// Shut the container down.
    Shutdown = "shutdown", "Shut down container";
    /// Stop the container immediately.
    Halt = "halt", "Stop container";
    /// Apply the desired configuration.
    Apply = "apply", "Change configuration";
    /// Restart the container so that pending values take effect.
    Restart = "restart", "Restart container";
    /// Delete the container from the cluster.
    Remove = "remove", "Delete container";
    /// Release name, address and ports.
    Release = "release", "Release name, address and ports";
}

/// The steps of a job, in order.
pub(crate) fn plan(kind: JobKind, source: &ContainerSource, args: Args) -> Vec<Step> {
    use Step::{
        Address, Apply, Configure, Create, Filters, Halt, Image, OldImage, Release, Remove,
        Restart, Shutdown, Start, Template,
    };
    match (kind, source) {
        (JobKind::Create, ContainerSource::Template(_)) => {
            vec![Template, Create, Configure, Filters, Start, Address]
        }
        (JobKind::Create, ContainerSource::Image(_)) if args.pull_again => {
            vec![OldImage, Image, Create, Configure, Filters, Start, Address]
        }
        (JobKind::Create, ContainerSource::Image(_)) => {
            vec![Image, Create, Configure, Filters, Start, Address]
        }
        // An imported container exists, so no job creates it.
        (JobKind::Create, ContainerSource::Imported) => Vec::new(),
        (JobKind::Start, _) => vec![Start, Address],
        (JobKind::Stop, _) => vec![Shutdown],
        (JobKind::Restart, _) => vec![Shutdown, Start, Address],
        (JobKind::Edit, _) if args.restart => vec![Apply, Restart],
        (JobKind::Edit, _) => vec![Apply],
        (JobKind::Filters, _) => vec![Filters],
        (JobKind::Delete, _) => vec![Halt, Remove, Release],
    }
}
