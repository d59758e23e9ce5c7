//! Clusters of hypervisor nodes: where they are, how Holdfast signs in there, what it needs of
//! them and what it finds. Must not know how a cluster is asked.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    FieldError, Fields, Invalid, Timestamp,
    names::{BridgeName, Domain, Label, NodeName, StorageName, is_word},
    nodes::ClusterView,
    text::{by_text, text_value},
};

/// The port of Proxmox VE's API.
const API_PORT: u16 = 8006;

/// Where a cluster's API is: scheme, host and port, such as `https://pve1.example.org:8006`.
///
/// The scheme is `https`; `http` is taken for this machine alone, where the simulator may be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiUrl(String);
text_value!(ApiUrl);

impl ApiUrl {
    /// Whether the connection is encrypted and has a certificate to look at.
    pub fn is_tls(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The address of a host on the usual port.
    pub fn of_host(host: Ipv4Addr) -> Self {
        Self(format!("https://{host}:{API_PORT}"))
    }
}

impl FromStr for ApiUrl {
    type Err = Invalid;

    /// A host, a host and a port, or a whole address.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refusal =
            || Invalid::new("Use a node's name or address, such as pve1.example.org or 10.0.0.1.");
        let text = text.trim_ascii().trim_end_matches('/');
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("https".to_owned(), text),
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse::<u16>().map_err(|_| refusal())?),
            None => (rest, API_PORT),
        };
        let host = host_name(host).ok_or_else(refusal)?;
        let here = host == "localhost" || host.starts_with("127.");
        match scheme.as_str() {
            "https" => {}
            "http" if here => {}
            "http" => {
                return Err(Invalid::new(
                    "Use https: a password must not travel in the clear.",
                ));
            }
            _ => return Err(refusal()),
        }
        if port == 0 {
            return Err(refusal());
        }
        Ok(Self(format!("{scheme}://{host}:{port}")))
    }
}

fn host_name(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.to_string());
    }
    Some(text.parse::<Domain>().ok()?.to_string())
}

/// The SHA-256 of a certificate, as Proxmox writes it: 32 pairs of upper-case hexadecimal digits
/// with colons between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);
text_value!(Fingerprint);

impl FromStr for Fingerprint {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits: String = text
            .chars()
            .filter(|c| *c != ':' && !c.is_ascii_whitespace())
            .collect();
        if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Invalid::new(
                "A fingerprint is 64 hexadecimal digits, such as A1:B2:…",
            ));
        }
        let digits = digits.to_ascii_uppercase();
        let pairs: Vec<&str> = (0..32)
            .filter_map(|pair| digits.get(pair * 2..pair * 2 + 2))
            .collect();
        Ok(Self(pairs.join(":")))
    }
}

/// Who Holdfast is on a cluster: a user with a password (`root@pam`), or a token of a user
/// (`root@pam!holdfast`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Login {
    user: String,
    realm: String,
    token: Option<String>,
}
by_text!(Login);

impl Login {
    /// The user without the realm.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The realm that knows the user, such as `pam` or `pve`.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Whether it is a token and not a person with a password.
    pub fn is_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether it is root itself. A token of root is not: some things are for root's own sign-in
    /// alone, whatever a token may do.
    pub fn is_root_itself(&self) -> bool {
        self.user == "root" && self.realm == "pam" && self.token.is_none()
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.realm)?;
        match &self.token {
            Some(token) => write!(f, "!{token}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Login {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refusal = || {
            Invalid::new(
                "Use a user with its realm, such as root@pam, or a token, such as root@pam!holdfast.",
            )
        };
        let text = text.trim_ascii();
        let (account, token) = match text.rsplit_once('!') {
            Some((account, token)) => (account, Some(token)),
            None => (text, None),
        };
        let (user, realm) = account.rsplit_once('@').ok_or_else(refusal)?;
        // The formats pve-userid, pve-realm and pve-tokenid.
        let plain =
            |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, ':' | '/' | '!');
        let user_ok = !user.is_empty() && account.len() <= 64 && user.chars().all(plain);
        if !user_ok || !is_id(realm) || token.is_some_and(|token| !is_id(token)) {
            return Err(refusal());
        }
        Ok(Self {
            user: user.to_owned(),
            realm: realm.to_owned(),
            token: token.map(str::to_owned),
        })
    }
}

/// `[A-Za-z][A-Za-z0-9.\-_]+`, the form of realms and tokens.
fn is_id(text: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (2..=64).contains(&text.len()) && is_word(text, |c| c.is_ascii_alphabetic(), rest)
}

/// A password or a token's secret on its way to the server. It cannot be printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret, for signing in.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
            return Err(Invalid::new(
                "Type the token's secret or the user's password: up to 255 characters.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A cluster as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSpec {
    /// Its name here.
    pub name: Label,
    /// Where one of its nodes answers.
    pub url: ApiUrl,
    /// The certificate that was confirmed there; none only without TLS.
    pub fingerprint: Option<Fingerprint>,
    /// Who Holdfast is there.
    pub login: Login,
    /// The password or the token's secret; none keeps the one that is known.
    pub secret: Option<Secret>,
}

/// The form of a cluster.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterForm {
    /// Its name here.
    pub name: String,
    /// The name or address of a node, with a port where it is not the usual one.
    pub url: String,
    /// A user or a token.
    pub login: String,
    /// The password or the token's secret; empty keeps the one that is known.
    #[serde(default)]
    pub secret: String,
    /// The certificate's fingerprint, once a person has confirmed it.
    #[serde(default)]
    pub fingerprint: String,
}

impl fmt::Debug for ClusterForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterForm")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

impl ClusterForm {
    /// The cluster's values, or the refusals by field. A new cluster needs its secret.
    ///
    /// # Errors
    /// Every field that needs another value.
    pub fn parse(&self, new: bool) -> Result<ClusterSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let name = fields.parse("name", &self.name);
        if self.name.trim() == "new" {
            fields.refuse(
                "name",
                "The word new is taken: the page for a new cluster has it.",
            );
        }
        let url = fields.parse::<ApiUrl>("url", &self.url);
        let login = fields.parse("login", &self.login);
        // Spaces belong to a password.
        let secret = if self.secret.is_empty() && !new {
            Some(None)
        } else {
            fields.parse("secret", &self.secret).map(Some)
        };
        let fingerprint = fields.optional::<Fingerprint>("fingerprint", &self.fingerprint);
        if let (Some(url), Some(None)) = (&url, &fingerprint)
            && url.is_tls()
        {
            fields.refuse(
                "fingerprint",
                "Look at the certificate first, and confirm its fingerprint.",
            );
        }
        let spec = (|| {
            Some(ClusterSpec {
                name: name?,
                url: url?,
                fingerprint: fingerprint?,
                login: login?,
                secret: secret?,
            })
        })();
        fields.finish(spec)
    }
}

/// What a storage is to Holdfast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageFound {
    /// Its name.
    pub name: StorageName,
    /// Whether templates and images can be put there.
    pub templates: bool,
    /// Whether disks of containers can be made there.
    pub volumes: bool,
}

/// What was found on a cluster when it was last asked about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// When it was asked.
    pub at: Timestamp,
    /// Bridges that every node that answers has.
    pub bridges: Vec<BridgeName>,
    /// Storages that every node that answers has.
    pub storages: Vec<StorageFound>,
    /// What Holdfast needs and does not find, one sentence each.
    pub missing: Vec<Missing>,
}

impl Findings {
    /// The storages that templates can be put on.
    pub fn template_storages(&self) -> Vec<StorageName> {
        self.named(|storage| storage.templates)
    }

    /// The storages that disks can be made on.
    pub fn volume_storages(&self) -> Vec<StorageName> {
        self.named(|storage| storage.volumes)
    }

    fn named(&self, takes: impl Fn(&StorageFound) -> bool) -> Vec<StorageName> {
        let found = self.storages.iter().filter(|storage| takes(storage));
        found.map(|storage| storage.name.clone()).collect()
    }
}

/// Something that Holdfast needs of a cluster and does not find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Missing {
    /// A right.
    Privilege {
        /// The privilege, such as `VM.Allocate`.
        privilege: String,
        /// Where it is needed, such as `/vms`.
        path: String,
        /// What cannot be done without it, as the rest of "Without it, Holdfast cannot …".
        purpose: String,
    },
    /// A storage for templates and images.
    TemplateStorage,
    /// A storage for disks.
    VolumeStorage,
    /// A bridge to attach containers to.
    Bridge,
    /// A version that can run images.
    Version {
        /// The version that is there.
        found: String,
    },
    /// A node that does not answer.
    Node {
        /// The node.
        node: NodeName,
    },
    /// A node serves a certificate that the cluster itself does not vouch for.
    Certificate {
        /// The node.
        node: NodeName,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Privilege {
                privilege,
                path,
                purpose,
            } => write!(
                f,
                "The right {privilege} on {path} is missing. Without it, Holdfast cannot {purpose}."
            ),
            Self::TemplateStorage => f.write_str(
                "No storage that all nodes have takes container templates (content vztmpl). Switch it on for a storage of files, such as local.",
            ),
            Self::VolumeStorage => f.write_str(
                "No storage that all nodes have takes container disks (content rootdir). Switch it on for one, such as local-lvm.",
            ),
            Self::Bridge => f.write_str(
                "No bridge that all nodes have may be used. Make one, such as vmbr0, or give the right SDN.Use on it.",
            ),
            Self::Version { found } => write!(
                f,
                "Proxmox VE {found} cannot run images (OCI); 9.1 and later can. Templates work."
            ),
            Self::Node { node } => write!(f, "The node {node} does not answer its cluster."),
            Self::Certificate { node } => write!(
                f,
                "The certificate of {node} is not the one that the cluster knows, so {node} is not asked when others are away."
            ),
        }
    }
}

/// The certificate that a server showed, before anything was told to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Where.
    pub url: ApiUrl,
    /// What was shown; none without TLS.
    pub fingerprint: Option<Fingerprint>,
}

/// A container of the cluster that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign {
    /// Its number.
    pub vmid: u32,
    /// Its name there; none in the first seconds of its life.
    pub name: Option<String>,
    /// The node that it is on.
    pub node: String,
    /// Whether it runs.
    pub running: bool,
}

/// A cluster as its own page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterDetail {
    /// What is observed.
    pub view: ClusterView,
    /// Who Holdfast is there.
    pub login: Login,
    /// The certificate that was confirmed.
    pub fingerprint: Option<Fingerprint>,
    /// Further nodes that are asked when that one is away.
    pub others: Vec<ApiUrl>,
    /// The sites on it.
    pub sites: Vec<Label>,
    /// Its containers that are not ours.
    pub foreign: Vec<Foreign>,
}

impl From<&ClusterDetail> for ClusterForm {
    fn from(cluster: &ClusterDetail) -> Self {
        Self {
            name: cluster.view.name.clone(),
            url: cluster.view.url.clone(),
            login: cluster.login.to_string(),
            secret: String::new(),
            fingerprint: cluster
                .fingerprint
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        }
    }
}

/// Which containers of a cluster are to become ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The site that they become part of.
    pub site: String,
    /// Whose they become.
    pub owner: String,
    /// Their numbers.
    pub vmids: Vec<u32>,
}

/// What became of one container that was to be taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Its number.
    pub vmid: u32,
    /// Its name now, or why it was not taken over.
    pub outcome: Result<Label, String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Option<String> {
        text.parse::<ApiUrl>().ok().map(|url| url.to_string())
    }

    #[test]
    fn an_address_is_completed() {
        assert_eq!(url("pve1").as_deref(), Some("https://pve1:8006"));
        assert_eq!(
            url(" PVE1.Example.org/ ").as_deref(),
            Some("https://pve1.example.org:8006")
        );
        assert_eq!(url("10.0.0.1:443").as_deref(), Some("https://10.0.0.1:443"));
        assert_eq!(
            url("https://pve1:8006/").as_deref(),
            Some("https://pve1:8006")
        );
        assert_eq!(
            url("http://127.0.0.1:1").as_deref(),
            Some("http://127.0.0.1:1")
        );
    }

    #[test]
    fn what_is_no_address_or_not_safe_is_refused() {
        for text in [
            "",
            "http://pve1",
            "ftp://pve1",
            "pve1:0",
            "pve1:99999",
            "https://root:pw@pve1",
            "https://pve1/api2",
            "pve 1",
            "pve1?x",
        ] {
            assert_eq!(url(text), None, "{text}");
        }
    }

    #[test]
    fn users_and_tokens_are_told_apart() {
        let root: Login = "root@pam".parse().unwrap();
        assert!(root.is_root_itself() && !root.is_token());
        let token: Login = "root@pam!holdfast".parse().unwrap();
        assert!(token.is_token() && !token.is_root_itself());
        assert_eq!(token.to_string(), "root@pam!holdfast");
        let mail: Login = "anna@example.org@ldap".parse().unwrap();
        assert_eq!((mail.user(), mail.realm()), ("anna@example.org", "ldap"));
        for text in ["root", "root!t", "@pam", "root@pam!", "ro ot@pam", "root@p"] {
            assert!(text.parse::<Login>().is_err(), "{text}");
        }
    }

    #[test]
    fn fingerprints_are_written_one_way() {
        let plain = "ab".repeat(32);
        let print: Fingerprint = plain.parse().unwrap();
        assert_eq!(print.as_str(), vec!["AB"; 32].join(":"));
        assert_eq!(print.as_str().parse::<Fingerprint>().unwrap(), print);
        assert!("AB:CD".parse::<Fingerprint>().is_err());
    }

    #[test]
    fn a_new_cluster_needs_its_secret_and_a_confirmed_certificate() {
        let form = ClusterForm {
            name: "home".into(),
            url: "pve1".into(),
            login: "root@pam".into(),
            ..ClusterForm::default()
        };
        let fields: Vec<String> = form
            .parse(true)
            .unwrap_err()
            .into_iter()
            .map(|refusal| refusal.field)
            .collect();
        assert_eq!(fields, ["secret", "fingerprint"]);
        let known = ClusterForm {
            fingerprint: "ab".repeat(32),
            ..form
        };
        assert_eq!(known.parse(false).unwrap().secret, None);
    }

    #[test]
    fn secrets_are_not_printed() {
        let form = ClusterForm {
            secret: "geheim".into(),
            ..ClusterForm::default()
        };
        let secret: Secret = "geheim".parse().unwrap();
        assert!(!format!("{form:?}{secret:?}").contains("geheim"));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_written_as_it_is_read(text in "[ -~]{0,40}") {
            if let Ok(url) = text.parse::<ApiUrl>() {
                prop_assert_eq!(url.as_str().parse::<ApiUrl>().unwrap(), url);
            }
            if let Ok(login) = text.parse::<Login>() {
                prop_assert_eq!(login.to_string().parse::<Login>().unwrap(), login);
            }
        }
    }
}
