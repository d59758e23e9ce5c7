//! The kinds of objects, as their pages name them.

use model::Kind;

/// How pages name a kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noun {
    /// The name in texts, such as `DNS provider`.
    pub name: &'static str,
    /// The action that creates an object: `Create`, `Add` or `Upload`.
    pub create: &'static str,
    /// The action that deletes an object: `Delete`, or `Remove` if the object continues to exist
    /// outside Holdfast.
    pub delete: &'static str,
    /// The path of the list, which starts the URL of most objects.
    pub list: &'static str,
    /// The title of the list.
    pub plural: &'static str,
}

impl Noun {
    /// How pages name objects of `kind`.
    pub const fn of(kind: Kind) -> Self {
        let (create, list, plural) = match kind {
            Kind::Container => ("Create", "/containers", "containers"),
            Kind::Job => ("Create", "/jobs", "jobs"),
            Kind::Site => ("Create", "/sites", "sites"),
            Kind::Domain => ("Create", "/domains", "domains"),
            Kind::Certificate => ("Upload", "/certificates", "certificates"),
            Kind::Authority => ("Add", "/authorities", "certificate authorities"),
            Kind::Provider => ("Add", "/providers", "DNS providers"),
            Kind::Host => ("Add", "/hosts", "hosts"),
            Kind::File => ("Add", "/hosts", "hosts"),
            Kind::Cluster => ("Add", "/clusters", "clusters"),
            Kind::User => ("Create", "/users", "users"),
            Kind::Invitation => ("Create", "/invitations", "invitations"),
            Kind::Session => ("Create", "/account", "sessions"),
        };
        let delete = match kind {
            Kind::Cluster => "Remove",
            _ => "Delete",
        };
        Self {
            name: kind.as_str(),
            create,
            delete,
            list,
            plural,
        }
    }

    /// The title of the page that creates an object.
    pub fn create_title(self) -> String {
        match self.create {
            "Create" => format!("New {}", self.name),
            verb => format!("{verb} {}", self.name),
        }
    }

    /// The label of the button that creates an object.
    pub fn create_label(self) -> String {
        format!("{} {}", self.create, self.name)
    }

    /// The title of the page of an object that does not exist.
    pub fn not_found_title(self) -> String {
        let mut letters = self.name.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        format!(
            "{}{} not found",
            first.unwrap_or_default(),
            letters.as_str()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_labels_contain_verb_and_noun() {
        let (site, provider) = (Noun::of(Kind::Site), Noun::of(Kind::Provider));
        assert_eq!(site.create_title(), "New site");
        assert_eq!(site.create_label(), "Create site");
        assert_eq!(site.not_found_title(), "Site not found");
        assert_eq!(provider.create_title(), "Add DNS provider");
        assert_eq!(provider.not_found_title(), "DNS provider not found");
    }
}
