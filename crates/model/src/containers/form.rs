//! The form of a container and its parser, shared by browser and server.

use serde::{Deserialize, Serialize};

use super::{ContainerSpec, ContainerView, CreateContainer};
use crate::{
    FieldError, Fields,
    services::{ServiceForm, ServiceSpec},
    text::debug_only_fields,
};

/// The maximum number of services of a container.
pub const MAX_SERVICES: usize = 50;

/// The form to create or change a container.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerForm {
    /// The site's ID.
    pub site: String,
    /// The name.
    pub name: String,
    /// A template's name or an image reference.
    pub source: String,
    /// CPU cores.
    pub cores: String,
    /// Memory, such as `512 MiB` or `2G`.
    pub memory: String,
    /// Disk, such as `8 GiB`.
    pub disk: String,
    /// `NAME=value`, one per line.
    #[serde(default)]
    pub env: String,
    /// The command line that replaces the image's own; may be empty.
    #[serde(default)]
    pub entrypoint: String,
    /// A description; may be empty.
    #[serde(default)]
    pub description: String,
    /// Whether to enable Docker.
    #[serde(default)]
    pub docker: bool,
    /// Whether to pull an image that was pulled before again. Only for a new container.
    #[serde(default)]
    pub pull_again: bool,
    /// The published services.
    #[serde(default)]
    pub services: Vec<ServiceForm>,
}

debug_only_fields!(ContainerForm {
    site,
    name,
    source,
    cores,
    memory,
    disk
});

impl ContainerForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<CreateContainer, Vec<FieldError>> {
        let mut fields = Fields::default();
        let site = fields.parse("site", &self.site);
        let name = fields.parse("name", &self.name);
        let source = fields.parse("source", &self.source);
        let cores = fields.parse("cores", &self.cores);
        let memory = fields.parse("memory", &self.memory);
        let disk = fields.parse("disk", &self.disk);
        let env = fields.parse("env", &self.env);
        let entrypoint = fields.optional("entrypoint", &self.entrypoint);
        let description = fields.optional("description", &self.description);
        let services = self.parse_services(&mut fields);
        let new = (|| {
            let spec = ContainerSpec {
                source: source?,
                cores: cores?,
                memory: memory?,
                disk: disk?,
                docker: self.docker,
                env: env?,
                entrypoint: entrypoint?,
                description: description?,
                services,
            };
            Some(CreateContainer {
                site: site?,
                name: name?,
                spec,
                pull_again: self.pull_again,
            })
        })();
        fields.finish(new)
    }

    fn parse_services(&self, fields: &mut Fields) -> Vec<ServiceSpec> {
        if self.services.len() > MAX_SERVICES {
            fields.add_error("services", format!("Use at most {MAX_SERVICES} services."));
            return Vec::new();
        }
        let mut services = Vec::new();
        for (index, form) in self.services.iter().enumerate() {
            let prefix = format!("services.{index}");
            match form.parse() {
                Ok(service) if services.contains(&service) => {
                    fields.add_error(
                        &format!("{prefix}.port"),
                        "Duplicate service. Change the port or remove the service.",
                    );
                }
                Ok(service) => services.push(service),
                Err(errors) => fields.add_nested(&prefix, errors),
            }
        }
        services
    }
}

impl From<&ContainerView> for ContainerForm {
    fn from(view: &ContainerView) -> Self {
        Self {
            // A change keeps the site; the parser only requires a valid ID.
            site: "1".to_owned(),
            name: view.row.name.to_string(),
            source: view.spec.source.to_string(),
            cores: view.spec.cores.to_string(),
            memory: view.spec.memory.to_string(),
            disk: view.spec.disk.to_string(),
            docker: view.spec.docker,
            pull_again: false,
            env: view.spec.env.to_string(),
            entrypoint: view
                .spec
                .entrypoint
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            description: view
                .spec
                .description
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            services: view.services.iter().map(ServiceForm::from).collect(),
        }
    }
}
