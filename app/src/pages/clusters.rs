//! The pages of clusters.

mod certificate;
mod fields;
mod findings;
mod import;
pub mod list;
pub mod new;
mod overview;
mod settings;
pub mod show;

use leptos::prelude::*;
use model::nodes::ClusterView;

use crate::components::badge::{Tone, badge};

/// Whether a cluster is online.
pub fn state(cluster: &ClusterView) -> AnyView {
    match (&cluster.changed, &cluster.last_error, cluster.observed) {
        (Some(_), ..) => badge("certificate changed", Tone::Danger, "triangle-alert"),
        (None, Some(_), _) => badge("unreachable", Tone::Warning, "unplug"),
        (None, None, Some(_)) => badge("online", Tone::Good, "circle-check"),
        (None, None, None) => badge("not checked yet", Tone::Plain, "circle-dashed"),
    }
}
