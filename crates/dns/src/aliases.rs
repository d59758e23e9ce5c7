//! Finds the zone of a name, its name servers, and the target of CNAME aliases.

use std::net::SocketAddr;

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{
        Name, RData, RecordType,
        rdata::{CNAME, NS},
    },
};

use crate::{
    DnsError, Resolver,
    record::format_name,
    resolver::{LookupError, query_server, select},
};

/// Maximum length of a CNAME chain, as in resolvers.
const MAX_ALIASES: usize = 8;

/// A zone and its authoritative name servers.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    pub(crate) apex: Name,
    pub(crate) servers: Vec<SocketAddr>,
}

impl Resolver {
    /// The zone of a name: the nearest name at or above it with NS records.
    pub(crate) async fn zone(&self, name: &Name) -> Result<Zone, DnsError> {
        let mut first_error = None;
        let mut apex = name.clone();
        while !apex.is_root() {
            match self.records(&apex, RecordType::NS).await {
                Ok(records) if records.is_empty() => {}
                Ok(records) => {
                    let names: Vec<Name> = records
                        .into_iter()
                        .filter_map(|record| match record.data {
                            RData::NS(NS(name)) => Some(name),
                            _ => None,
                        })
                        .collect();
                    let servers = self.servers(&names).await;
                    if servers.is_empty() {
                        return Err(DnsError::unavailable(format!(
                            "No name server of {} has an IP address.",
                            format_name(&apex)
                        )));
                    }
                    return Ok(Zone { apex, servers });
                }
                // A failed lookup of one name does not rule out its parent.
                Err(LookupError::Name(error)) => first_error = first_error.or(Some(error)),
                Err(LookupError::Resolver(error)) => return Err(error),
            }
            apex = apex.base_name();
        }
        Err(first_error.unwrap_or_else(|| {
            DnsError::no_zone(format!(
                "No zone was found for {}: the name has no name servers.",
                format_name(name)
            ))
        }))
    }

    /// The CNAME target of a name, if it has one.
    pub(crate) async fn alias(&self, name: &Name) -> Result<Option<Name>, DnsError> {
        let zone = self.zone(name).await?;
        self.alias_in(&zone, name).await
    }

    async fn alias_in(&self, zone: &Zone, name: &Name) -> Result<Option<Name>, DnsError> {
        let mut records = None;
        for server in &zone.servers {
            let response = query_server(*server, name, RecordType::CNAME).await;
            if let Some(response) = response.ok().filter(is_authoritative) {
                records = Some(select(&response.answers, name, RecordType::CNAME));
                break;
            }
        }
        let records = match records {
            Some(records) => records,
            // No name server is reachable from here; ask the resolver.
            None => self.records(name, RecordType::CNAME).await?,
        };
        Ok(records.into_iter().find_map(|record| match record.data {
            RData::CNAME(CNAME(target)) => Some(target),
            _ => None,
        }))
    }

    /// Follows the CNAME chain of a name; returns the last name and its zone.
    pub(crate) async fn resolve_alias(&self, name: &Name) -> Result<(Name, Zone), DnsError> {
        let mut current = name.clone();
        for _ in 0..=MAX_ALIASES {
            let zone = self.zone(&current).await?;
            match self.alias_in(&zone, &current).await? {
                Some(target) => current = target,
                None => return Ok((current, zone)),
            }
        }
        Err(DnsError::refused(format!(
            "The CNAME chain of {} is longer than {MAX_ALIASES} records.",
            format_name(name)
        )))
    }
}

/// Whether a response is authoritative; a lame delegation's is not.
pub(crate) fn is_authoritative(response: &Message) -> bool {
    response.authoritative
        && matches!(
            response.response_code,
            ResponseCode::NoError | ResponseCode::NXDomain
        )
}
