//! Names that are not for everybody. Whoever could publish as `login` or be found as `ldap1` would
//! be trusted for what they are not.

use model::{
    Error,
    names::{Domain, Label},
    services::{ServiceSpec, ServiceView},
};

use crate::Actor;

/// Who asks for names, and where.
pub(super) struct Names<'a> {
    pub(super) actor: &'a Actor,
    /// The site's domain.
    pub(super) domain: &'a Domain,
    /// The name under which people reach the manager itself.
    pub(super) manager: Option<&'a Domain>,
}

impl Names<'_> {
    /// Refuses a container's name that only those who run the site may give, or that is the
    /// manager's own.
    pub(super) fn container(&self, name: &Label) -> Result<(), Error> {
        self.label("name", name)
    }

    /// The same for the names of a container's services. What one is called already stays.
    pub(super) fn services(
        &self,
        container: &Label,
        wanted: &[ServiceSpec],
        held: &[ServiceView],
    ) -> Result<(), Error> {
        for (index, service) in wanted.iter().enumerate() {
            let ServiceSpec::Http { label, .. } = service else {
                continue;
            };
            let field = format!("services.{index}.label");
            match label {
                Some(label) if is_held(held, label) => {}
                Some(label) => self.label(&field, label)?,
                None if is_held(held, container) => {}
                // The container has the name with its operators' consent.
                None => self.manager(&field, container)?,
            }
        }
        Ok(())
    }

    fn label(&self, field: &str, label: &Label) -> Result<(), Error> {
        self.manager(field, label)?;
        if label.is_reserved() && !self.actor.role().sees_all() {
            let message = format!("The name {label} is reserved. Ask an operator, who can use it.");
            return Err(Error::field(field, message));
        }
        Ok(())
    }

    fn manager(&self, field: &str, label: &Label) -> Result<(), Error> {
        let name = format!("{label}.{}", self.domain);
        match self.manager {
            Some(manager) if manager.as_str() == name => {
                Err(Error::field(field, "Holdfast itself has this name."))
            }
            _ => Ok(()),
        }
    }
}

fn is_held(held: &[ServiceView], label: &Label) -> bool {
    held.iter()
        .any(|service| service.label.as_ref() == Some(label))
}
