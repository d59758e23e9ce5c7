//! Which zone a name is in, who answers for it, and where its aliases lead.

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
    record::shown,
    resolver::{Unknown, ask, own},
};

/// How many aliases are followed, as resolvers do.
const MOST: usize = 8;

/// A zone, and the servers that answer for it.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    pub(crate) apex: Name,
    pub(crate) servers: Vec<SocketAddr>,
}

impl Resolver {
    /// The zone that a name is in: the nearest name at or above it that has name servers.
    pub(crate) async fn zone(&self, name: &Name) -> Result<Zone, DnsError> {
        let mut failed = None;
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
                        return Err(DnsError::away(format!(
                            "No name server of {} has an address.",
                            shown(&apex)
                        )));
                    }
                    return Ok(Zone { apex, servers });
                }
                // A resolver that stumbles over a name may well know the one above.
                Err(Unknown::Name(error)) => failed = failed.or(Some(error)),
                Err(Unknown::Everything(error)) => return Err(error),
            }
            apex = apex.base_name();
        }
        Err(failed.unwrap_or_else(|| {
            DnsError::no_zone(format!(
                "No zone holds {}: it has no name servers.",
                shown(name)
            ))
        }))
    }

    /// The name for which this one is only an alias, if it is one.
    pub(crate) async fn alias(&self, name: &Name) -> Result<Option<Name>, DnsError> {
        let zone = self.zone(name).await?;
        self.alias_in(&zone, name).await
    }

    async fn alias_in(&self, zone: &Zone, name: &Name) -> Result<Option<Name>, DnsError> {
        let mut records = None;
        for server in &zone.servers {
            let answer = ask(*server, name, RecordType::CNAME).await;
            if let Some(answer) = answer.ok().filter(is_authority) {
                records = Some(own(&answer.answers, name, RecordType::CNAME));
                break;
            }
        }
        let records = match records {
            Some(records) => records,
            // From here no name server may be asked; the resolver may know.
            None => self.records(name, RecordType::CNAME).await?,
        };
        Ok(records.into_iter().find_map(|record| match record.data {
            RData::CNAME(CNAME(target)) => Some(target),
            _ => None,
        }))
    }

    /// Where a name's aliases end, and the zone that this is in.
    pub(crate) async fn end(&self, name: &Name) -> Result<(Name, Zone), DnsError> {
        let mut end = name.clone();
        for _ in 0..=MOST {
            let zone = self.zone(&end).await?;
            match self.alias_in(&zone, &end).await? {
                Some(target) => end = target,
                None => return Ok((end, zone)),
            }
        }
        Err(DnsError::refused(format!(
            "The aliases (CNAME) of {} lead nowhere: there are more than {MOST}.",
            shown(name)
        )))
    }
}

/// Whether an answer is one of somebody who knows, and not of a server that was named by mistake.
pub(crate) fn is_authority(answer: &Message) -> bool {
    answer.authoritative
        && matches!(
            answer.response_code,
            ResponseCode::NoError | ResponseCode::NXDomain
        )
}
