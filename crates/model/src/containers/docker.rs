//! Docker inside a container: the requirements, and which accounts may enable it.

use serde::{Deserialize, Serialize};

use crate::clusters::ClusterAccount;

/// Whether containers for Docker can be created. Proxmox allows only `root@pam` to set the required
/// features, so this depends on the account that Holdfast uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DockerSupport {
    /// They can be created.
    #[default]
    Possible,
    /// They cannot be created.
    Unsupported {
        /// The reason, as text for users.
        reason: String,
    },
}

impl DockerSupport {
    /// The support on a cluster with this account.
    pub fn for_account(cluster: &str, login: &ClusterAccount) -> Self {
        if login.is_root_pam() {
            return Self::Possible;
        }
        let signed_in = if login.is_token() {
            "with a token".to_owned()
        } else {
            format!("as {login}")
        };
        let reason = format!(
            "Holdfast signs in to the cluster {cluster} {signed_in}. Proxmox requires root@pam with \
             a password for Docker."
        );
        Self::Unsupported { reason }
    }

    /// The reason why Docker is not supported; `None` if it is.
    pub fn unsupported_reason(&self) -> Option<&str> {
        match self {
            Self::Possible => None,
            Self::Unsupported { reason } => Some(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(login: &str) -> DockerSupport {
        DockerSupport::for_account("home", &login.parse().unwrap())
    }

    #[test]
    fn container_form_enables_docker_with_checkbox() {
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
    fn docker_requires_root_password_login() {
        assert_eq!(of("root@pam").unsupported_reason(), None);
        assert_eq!(
            of("root@pam!holdfast").unsupported_reason(),
            Some(
                "Holdfast signs in to the cluster home with a token. Proxmox requires root@pam with \
                 a password for Docker."
            )
        );
        let reason = of("root@pve");
        let reason = reason.unsupported_reason().unwrap();
        assert!(reason.contains("the cluster home as root@pve."), "{reason}");
    }
}
