//! Which steps a job of each kind has. The names are what the database keeps; the titles are what
//! people read.

use model::{containers::Source, jobs::JobKind};

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

            /// The title for people.
            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// The step of a word; none for a word of another version.
            pub(crate) fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)* _ => None }
            }
        }
    };
}

steps! {
    /// The template lies on the storage.
    Template = "template", "Find the template";
    /// The image lies on the storage.
    Image = "image", "Pull the image";
    /// The container exists.
    Make = "make", "Create the container";
    /// Environment and command are set.
    Configure = "configure", "Set environment and command";
    /// It runs.
    Start = "start", "Start it";
    /// It has its address.
    Address = "address", "Wait for its address";
    /// It does not run, having been asked first.
    Shutdown = "shutdown", "Shut it down";
    /// It does not run, without having been asked.
    Halt = "halt", "Stop it";
    /// The cluster has the values that should be.
    Apply = "apply", "Change its configuration";
    /// It runs with the values that take effect only then.
    Restart = "restart", "Restart it";
    /// It is gone from the cluster.
    Remove = "remove", "Delete it from the cluster";
    /// Name, address and ports are free again.
    Release = "release", "Give back name, address and ports";
}

/// The steps of a job, in order.
pub(crate) fn plan(kind: JobKind, source: &Source, args: Args) -> Vec<Step> {
    use Step::{
        Address, Apply, Configure, Halt, Image, Make, Release, Remove, Restart, Shutdown, Start,
        Template,
    };
    match (kind, source) {
        (JobKind::Create, Source::Template(_)) => vec![Template, Make, Configure, Start, Address],
        (JobKind::Create, Source::Image(_)) => vec![Image, Make, Configure, Start, Address],
        // It is there; nobody can ask for its creation.
        (JobKind::Create, Source::TakenOver) => Vec::new(),
        (JobKind::Start, _) => vec![Start, Address],
        (JobKind::Stop, _) => vec![Shutdown],
        (JobKind::Restart, _) => vec![Shutdown, Start, Address],
        (JobKind::Edit, _) if args.restart => vec![Apply, Restart],
        (JobKind::Edit, _) => vec![Apply],
        (JobKind::Delete, _) => vec![Halt, Remove, Release],
    }
}
