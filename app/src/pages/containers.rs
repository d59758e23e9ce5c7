//! Containers: the list, one container with its tabs, the form for a new one.

mod actions;
mod edit;
mod environment;
mod jobs;
pub mod list;
pub mod new;
mod overview;
mod placement;
mod publishing_options;
pub mod selection;
mod service_rows;
mod services;
mod settings;
pub mod show;

use model::names::Label;

/// The path of a container's page.
fn href(site: &Label, name: &Label) -> String {
    format!("/sites/{site}/containers/{name}")
}

/// The request to delete objects first; ends a sentence about them.
pub fn delete_first(count: u32) -> &'static str {
    match count {
        1 => ". Delete it first.",
        _ => ". Delete them first.",
    }
}

/// A number of containers.
pub fn container_count(count: u32) -> String {
    match count {
        1 => "1 container".to_owned(),
        count => format!("{count} containers"),
    }
}
