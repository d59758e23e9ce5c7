//! Names that are not for everybody. Whoever could publish as `login` or be found as `ldap1` would
//! be trusted for what they are not.

use model::names::{Domain, Label};

use crate::Actor;

/// Who asks for a name, and the name that is the manager's own.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) actor: &'a Actor,
    /// The name under which people reach the manager itself.
    pub(super) manager: Option<&'a Domain>,
}

impl Asker<'_> {
    /// Why `label.domain` cannot be had by who asks: only those who run the site may give some, and
    /// nobody has the manager's own.
    pub(super) fn refusal(&self, label: &Label, domain: &Domain) -> Option<String> {
        self.is_manager(label, domain).or_else(|| {
            let barred = label.is_reserved() && !self.actor.role().sees_all();
            barred
                .then(|| format!("The name {label} is reserved. Ask an operator, who can use it."))
        })
    }

    /// The same where the name was given by those who may.
    pub(super) fn is_manager(&self, label: &Label, domain: &Domain) -> Option<String> {
        let manager = self.manager?;
        let own = manager.as_str() == format!("{label}.{domain}");
        own.then(|| "Holdfast itself has this name.".to_owned())
    }
}
