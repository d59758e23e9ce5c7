//! The unique indexes by the names that the three databases report in errors.

use diesel::result::DatabaseErrorInformation;

use crate::Unique;

/// The unique indexes: index name, columns, value. PostgreSQL and MySQL report the index name in an
/// error, SQLite reports the columns.
const UNIQUE_INDEXES: [(&str, &str, Unique); 22] = [
    ("uq_users_name", "users.name", Unique::UserName),
    (
        "uq_invitations_token",
        "invitations.token_hash",
        Unique::InvitationToken,
    ),
    ("uq_sites_name", "sites.name", Unique::SiteName),
    ("uq_clusters_name", "clusters.name", Unique::ClusterName),
    (
        "uq_hosts_name",
        "hosts.site_id, hosts.name",
        Unique::HostName,
    ),
    ("uq_hosts_secret", "hosts.secret_hash", Unique::HostSecret),
    ("uq_hosts_dhcp", "hosts.dhcp_site_id", Unique::DhcpServer),
    (
        "uq_hosts_dhcp_handover",
        "hosts.dhcp_handover_site_id",
        Unique::DhcpHandover,
    ),
    (
        "uq_domains_name",
        "domains.site_id, domains.name",
        Unique::DomainName,
    ),
    (
        "uq_certificate_authorities_name",
        "certificate_authorities.name",
        Unique::CertificateAuthorityName,
    ),
    (
        "uq_dns_providers_name",
        "dns_providers.name",
        Unique::DnsProviderName,
    ),
    (
        "uq_certificates_subject",
        "certificates.domain_id, certificates.subject",
        Unique::CertificateSubject,
    ),
    (
        "uq_dns_records",
        "dns_records.provider_id, dns_records.name, dns_records.record_type, dns_records.value",
        Unique::DnsRecord,
    ),
    (
        "uq_containers_name",
        "containers.site_id, containers.name",
        Unique::ContainerName,
    ),
    (
        "uq_containers_address",
        "containers.site_id, containers.address",
        Unique::ContainerAddress,
    ),
    (
        "uq_containers_vmid",
        "containers.cluster_id, containers.vmid",
        Unique::ContainerVmid,
    ),
    ("uq_containers_mac", "containers.mac", Unique::ContainerMac),
    (
        "uq_services_label",
        "services.domain_id, services.label",
        Unique::ServiceLabel,
    ),
    (
        "uq_services_port",
        "services.site_id, services.kind, services.external_port",
        Unique::ServicePort,
    ),
    ("uq_names", "names.site_id, names.name", Unique::Name),
    (
        "uq_jobs_active",
        "jobs.active_container_id",
        Unique::ActiveJob,
    ),
    ("sessions_pkey", "sessions.token_hash", Unique::SessionToken),
];

/// Returns the unique index that an error reports as violated.
pub(crate) fn violated_index(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> Unique {
    let message = info.message();
    let name = info.constraint_name().or_else(|| {
        // "Duplicate entry 'x' for key 'uq_users_name'"; MySQL prefixes the table. The entry is
        // user input, so only the last quoted part is used.
        let key = message.rsplit_once("for key '")?.1.strip_suffix('\'')?;
        Some(key.rsplit_once('.').map_or(key, |(_, key)| key))
    });
    let columns = message.strip_prefix("UNIQUE constraint failed: ");
    let index = UNIQUE_INDEXES
        .iter()
        .find(|(index, indexed, _)| name == Some(index) || columns == Some(indexed));
    match index {
        Some((_, _, unique)) => *unique,
        // The primary key of `sessions`. The keys of other tables are generated or do not depend
        // on user input.
        None if name == Some("PRIMARY") => Unique::SessionToken,
        None => Unique::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// Unique indexes whose violation is never caused by user input.
    const INTERNAL: [&str; 3] = [
        "uq_acme_challenges_token",
        "uq_job_steps_position",
        "uq_sites_cluster",
    ];

    /// The names of the unique indexes in the migrations of a database.
    fn indexes_of(database: &str) -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let steps = fs::read_dir(root.join(database)).unwrap();
        let texts = steps.map(|step| fs::read_to_string(step.unwrap().path().join("up.sql")));
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        texts
            .flat_map(|text| {
                let text = text.unwrap();
                let words = text.split(|c| !is_name(c)).map(str::to_owned);
                words.collect::<Vec<_>>()
            })
            .filter(|word| word.starts_with("uq_"))
            .collect()
    }

    #[test]
    fn every_unique_index_of_the_migrations_is_listed() {
        let listed = UNIQUE_INDEXES.iter().map(|(index, ..)| *index);
        let listed: BTreeSet<String> = listed
            .filter(|index| index.starts_with("uq_"))
            .chain(INTERNAL)
            .map(str::to_owned)
            .collect();
        for database in ["sqlite", "postgres", "mysql"] {
            assert_eq!(indexes_of(database), listed, "{database}");
        }
    }

    #[test]
    fn user_input_does_not_select_index() {
        let index_of = |message: &str| violated_index(&message.to_owned());
        assert_eq!(
            index_of("Duplicate entry 'a' for key 'uq_users_name'"),
            Unique::UserName
        );
        assert_eq!(
            index_of("Duplicate entry 'a' for key 'sites.uq_sites_name'"),
            Unique::SiteName
        );
        assert_eq!(
            index_of("Duplicate entry 'x for key 'uq_users_name'' for key 'uq_containers_mac'"),
            Unique::ContainerMac
        );
        assert_eq!(
            index_of("UNIQUE constraint failed: jobs.active_container_id"),
            Unique::ActiveJob
        );
        assert_eq!(index_of("UNIQUE constraint failed: x.y"), Unique::Other);
    }
}
