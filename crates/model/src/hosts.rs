//! Hosts that run `holdfast-agent`: join tokens, host facts, and reports about applied site
//! configurations.

pub mod files;

use std::{fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    FieldError, Fields, HostId, Invalid, ServiceId, SiteId, Timestamp,
    fingerprint::Fingerprint,
    names::{Domain, Label},
    origin::Origin,
    text::by_text,
};

/// A join token for the agent of a host: the manager's URL, a secret that is valid for one join,
/// and the fingerprint of the manager's certificate. Format:
/// `https://manager:443#SECRET#FINGERPRINT`. The fingerprint is present only where the manager
/// itself terminates TLS.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JoinToken {
    /// The manager's URL.
    pub manager: Origin,
    /// The secret. Valid once.
    pub secret: String,
    /// The fingerprint of the manager's certificate.
    pub fingerprint: Option<Fingerprint>,
}
by_text!(JoinToken);

impl FromStr for JoinToken {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("Enter the complete join token.");
        let mut parts = text.trim_ascii().split('#');
        let (manager, secret) = (parts.next(), parts.next());
        let (manager, secret) = manager.zip(secret).ok_or_else(invalid)?;
        let fingerprint = parts
            .next()
            .map(str::parse)
            .transpose()
            .map_err(|_| invalid())?;
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if parts.next().is_some() || secret.len() < 20 || !secret.chars().all(is_allowed) {
            return Err(invalid());
        }
        Ok(Self {
            manager: manager.parse().map_err(|_| invalid())?,
            secret: secret.to_owned(),
            fingerprint,
        })
    }
}

impl fmt::Display for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.manager, self.secret)?;
        match &self.fingerprint {
            Some(fingerprint) => write!(f, "#{fingerprint}"),
            None => Ok(()),
        }
    }
}

/// Omits the secret.
impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken")
            .field("manager", &self.manager)
            .finish_non_exhaustive()
    }
}

/// The join token of a host, as shown to the user who created it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedJoinToken {
    /// The host.
    pub id: HostId,
    /// The token to enter on the host. Shown once.
    pub token: JoinToken,
    /// Seconds until the token expires.
    pub valid_for_s: u32,
}

/// The form for a new host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostForm {
    /// The site's ID.
    pub site: String,
    /// The host's name.
    pub name: String,
}

impl HostForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<(SiteId, Label), Vec<FieldError>> {
        let mut fields = Fields::default();
        let (site, name) = (
            fields.parse("site", &self.site),
            fields.parse("name", &self.name),
        );
        fields.finish(site.zip(name))
    }
}

/// Facts about the host that an agent sends when it joins and with every poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The agent's version.
    pub version: String,
    /// The host's address in the site's network, where its DNS server listens.
    pub address: Ipv4Addr,
}

/// What a host does for its site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostRole {
    /// Serves the site's names, DHCP and published services.
    Edge,
}

impl HostRole {
    /// The role's name, for badges.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
        }
    }
}

/// The DHCP role of a host. At most one host of a site is the DHCP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DhcpRole {
    /// Not the DHCP server.
    No,
    /// The DHCP server.
    Yes,
    /// The DHCP server until its agent reports that it has stopped. Then another host takes over.
    Ending,
    /// Becomes the DHCP server when the current one has stopped.
    Next,
}

impl DhcpRole {
    /// Whether the host serves DHCP now.
    pub fn is_serving(self) -> bool {
        matches!(self, Self::Yes | Self::Ending)
    }
}

/// The result of applying a site configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The generation of the site configuration.
    pub generation: i64,
    /// Whether the configuration is live.
    pub outcome: ApplyOutcome,
    /// Quarantined parts, each with the message of the nginx or dnsmasq check.
    #[serde(default)]
    pub quarantined: Vec<QuarantinedPart>,
    /// Changed names that failed the probe after the configuration went live.
    #[serde(default)]
    pub failed_probes: Vec<FailedProbe>,
    /// Certificates that the host cannot serve. It serves the previous certificate or a self-signed
    /// one.
    #[serde(default)]
    pub unservable_certificates: Vec<UnservableCertificate>,
}

impl Report {
    /// The quarantined services.
    pub fn quarantined_services(&self) -> impl Iterator<Item = ServiceId> {
        self.quarantined
            .iter()
            .filter_map(|entry| entry.part.service())
    }

    /// The report that a generation is live without any problem.
    pub fn live(generation: i64) -> Self {
        Self {
            generation,
            outcome: ApplyOutcome::Live,
            quarantined: Vec::new(),
            failed_probes: Vec::new(),
            unservable_certificates: Vec::new(),
        }
    }
}

/// A certificate that a host cannot serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnservableCertificate {
    /// The SHA-256 fingerprint of the certificate.
    pub certificate: Fingerprint,
    /// The reason, as text for users.
    pub reason: String,
}

/// The outcome of applying a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplyOutcome {
    /// The generation is live.
    Live,
    /// The check refused the generation. The previous configuration stays live.
    Refused {
        /// The message of the nginx or dnsmasq check.
        message: String,
    },
}

/// A part of a site configuration that can be left out without the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigPart {
    /// A service of a container: a hostname, a port or an SRV record.
    Service(ServiceId),
    /// The name and the address of a container or node.
    Host(Label),
    /// A domain with its services.
    Domain(Domain),
}

impl ConfigPart {
    /// The service, if the part is one.
    pub fn service(&self) -> Option<ServiceId> {
        match self {
            Self::Service(service) => Some(*service),
            Self::Host(_) | Self::Domain(_) => None,
        }
    }
}

/// A quarantined part: it is left out of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedPart {
    /// What was left out of the live configuration.
    pub part: ConfigPart,
    /// The message of the nginx or dnsmasq check.
    pub message: String,
}

/// A changed name that failed its probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedProbe {
    /// The fully qualified name.
    pub name: String,
    /// The service, for HTTP services.
    #[serde(default)]
    pub service: Option<ServiceId>,
    /// The component that does not respond.
    pub component: ProbedComponent,
    /// The probe's result, as text for users.
    pub message: String,
}

/// The component that does not respond to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbedComponent {
    /// The edge host: nginx or dnsmasq does not respond as configured.
    Edge,
    /// The container: the edge host responds, but cannot reach the backend. The container may still
    /// be starting.
    Container,
}

/// A host, for lists and its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRow {
    /// The host.
    pub id: HostId,
    /// The host's name, unique in its site.
    pub name: Label,
    /// The host's site.
    pub site: SiteId,
    /// The site's name.
    pub site_name: Label,
    /// Facts about the host; `None` before its agent has joined.
    pub facts: Option<HostFacts>,
    /// The time of the agent's last poll.
    pub last_seen: Option<Timestamp>,
    /// The expiry of the join token; `None` after the agent has joined.
    pub join_expires_at: Option<Timestamp>,
    /// The host's DHCP role.
    pub dhcp: DhcpRole,
    /// The agent's last report.
    pub report: Option<Report>,
    /// The last generation of the site configuration that went live.
    pub applied_generation: Option<i64>,
    /// The site's current generation.
    pub generation: i64,
    /// Whether the last poll is more recent than [`UNREACHABLE_AFTER_MS`].
    pub is_online: bool,
}

/// A host with the related data of its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostDetail {
    /// The host.
    pub row: HostRow,
    /// The site's DHCP server, if it is another host.
    pub dhcp_server: Option<HostRow>,
    /// Whether the site has other hosts.
    pub has_others: bool,
    /// The containers of quarantined services, by service. Deleted containers are left out.
    pub quarantined: Vec<(ServiceId, Label)>,
}

/// Milliseconds without a poll after which a host counts as unreachable. Agents poll every 25 s.
pub const UNREACHABLE_AFTER_MS: i64 = 60_000;

/// The publishing state of an edge host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPublishingState {
    /// The current generation is live.
    Live,
    /// A newer generation is not applied yet.
    Publishing,
    /// The host refused the last generation or quarantined parts of it.
    Blocked,
}

impl HostRow {
    /// The path of the host's page, below its site's page.
    pub fn path(&self) -> String {
        format!("/sites/{}/hosts/{}", self.site_name, self.name)
    }

    /// The host's roles. Every host is an edge host today.
    pub fn roles(&self) -> &'static [HostRole] {
        &[HostRole::Edge]
    }

    /// The publishing state; `None` before the agent has joined.
    pub fn publishing_state(&self) -> Option<HostPublishingState> {
        self.facts.as_ref()?;
        let Some(report) = &self.report else {
            return Some(HostPublishingState::Publishing);
        };
        let refused = matches!(report.outcome, ApplyOutcome::Refused { .. });
        Some(if report.generation < self.generation {
            HostPublishingState::Publishing
        } else if refused || !report.quarantined.is_empty() {
            HostPublishingState::Blocked
        } else {
            HostPublishingState::Live
        })
    }
}
