//! Docker inside a container: what it takes, and who may switch that on.

use serde::{Deserialize, Serialize};

use crate::clusters::Login;

/// Whether containers can be made in which Docker runs. Proxmox lets only root itself switch on
/// what that takes, so it depends on how Holdfast signs in to the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Docker {
    /// They can.
    #[default]
    Possible,
    /// They cannot.
    Barred {
        /// Why, for people.
        why: String,
    },
}

impl Docker {
    /// What a sign-in to the cluster of this name may do.
    pub fn of(cluster: &str, login: &Login) -> Self {
        if login.is_root_itself() {
            return Self::Possible;
        }
        let signed_in = if login.is_token() {
            "with a token".to_owned()
        } else {
            format!("as {login}")
        };
        let why = format!(
            "The cluster {cluster} is signed in to {signed_in}. Proxmox lets only root@pam itself, \
             with its password, switch this on."
        );
        Self::Barred { why }
    }

    /// Why not; none when it is possible.
    pub fn barred(&self) -> Option<&str> {
        match self {
            Self::Possible => None,
            Self::Barred { why } => Some(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(login: &str) -> Docker {
        Docker::of("home", &login.parse().unwrap())
    }

    #[test]
    fn the_form_asks_for_it_with_a_tick() {
        let mut form = crate::containers::ContainerForm {
            site: "1".into(),
            name: "web".into(),
            source: "nginx:1.27".into(),
            cores: "1".into(),
            memory: "512".into(),
            disk: "8".into(),
            ..Default::default()
        };
        assert!(!form.parse().unwrap().spec.docker);
        form.docker = true;
        assert!(form.parse().unwrap().spec.docker);
    }

    #[test]
    fn only_root_itself_switches_it_on() {
        assert_eq!(of("root@pam").barred(), None);
        assert_eq!(
            of("root@pam!holdfast").barred(),
            Some(
                "The cluster home is signed in to with a token. Proxmox lets only root@pam itself, \
                 with its password, switch this on."
            )
        );
        let why = of("root@pve");
        let why = why.barred().unwrap();
        assert!(why.contains("is signed in to as root@pve."), "{why}");
    }
}
