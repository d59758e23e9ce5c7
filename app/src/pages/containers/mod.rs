//! Containers: the list, one container with its tabs, the form for a new one.

mod actions;
mod edit;
mod environment;
mod jobs;
pub mod list;
pub mod new;
mod overview;
mod places;
pub mod selection;
mod service_more;
mod service_rows;
mod services;
mod settings;
pub mod show;

use model::names::Label;

/// The path of a container's page.
fn href(site: &Label, name: &Label) -> String {
    format!("/sites/{site}/containers/{name}")
}
