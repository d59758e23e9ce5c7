//! Hosts: join tokens and keys of their agents, host facts and reports. Only hashes of join tokens
//! and keys are stored. Timestamps come from the clock of the database.

mod dhcp;
mod files;

use std::collections::HashSet;

use diesel::prelude::*;
use model::{
    HostId, SiteId, Timestamp,
    hosts::{ApplyOutcome, DhcpRole, HostFacts, HostRow, Report, UNREACHABLE_AFTER_MS},
    names::{Label, QualifiedName},
    permissions::{HostManage, Permit},
};

use crate::{
    Conn, Error, dialect, names,
    rows::{self, RowRef, to_json},
    schema::{hosts, sites},
};

pub use dhcp::{complete_dhcp_handover, force_dhcp_handover, request_dhcp_handover};
pub use files::{delete_live_files, list_live_files, measure_live_files, update_live_files};

/// The maximum number of hosts in a list.
const MAX_ROWS: i64 = 500;

/// The values of a new host, whose agent has not joined yet.
#[derive(Clone, Debug)]
pub struct NewHost {
    /// The site.
    pub site: SiteId,
    /// The name.
    pub name: Label,
    /// SHA-256 of the join token, in hex.
    pub token_hash: String,
    /// How long the join token is valid, in milliseconds.
    pub lifetime_ms: i64,
}

/// The values of an agent that joins.
#[derive(Clone, Debug)]
pub struct JoinRequest {
    /// SHA-256 of the join token, in hex.
    pub token_hash: String,
    /// SHA-256 of the agent's new key, in hex.
    pub key_hash: String,
    /// The facts about the host.
    pub host_facts: HostFacts,
    /// The file layout of the host, as JSON.
    pub layout: String,
}

/// A host with the values that are only for the protocol between manager and agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRecord {
    /// The values that may be shown.
    pub row: HostRow,
    /// The file layout of the host, as JSON; `None` before the agent has joined.
    pub host_layout: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = hosts)]
struct Row {
    id: i64,
    site_id: i64,
    name: String,
    join_expires_at: Option<i64>,
    facts: Option<String>,
    layout: Option<String>,
    last_seen_at: Option<i64>,
    dhcp_site_id: Option<i64>,
    dhcp_handover_site_id: Option<i64>,
    report: Option<String>,
    applied_generation: Option<i64>,
}

/// A host, its site's name and generation, and the current time.
type JoinedRow = (Row, String, i64, i64);

impl Row {
    /// `moving` is whether another host of the site is to become the DHCP server.
    fn into_record(
        self,
        site_name: &str,
        generation: i64,
        now: i64,
        moving: bool,
    ) -> Result<HostRecord, Error> {
        let row_ref = RowRef::new("hosts", &self.id);
        let dhcp = match (self.dhcp_site_id, self.dhcp_handover_site_id) {
            (Some(_), _) if moving => DhcpRole::Ending,
            (Some(_), _) => DhcpRole::Yes,
            (None, Some(_)) => DhcpRole::Next,
            (None, None) => DhcpRole::No,
        };
        let facts = self
            .facts
            .as_deref()
            .map(|text| row_ref.parse_json("facts", text));
        let report = self
            .report
            .as_deref()
            .map(|text| row_ref.parse_json("report", text));
        let row = HostRow {
            id: HostId(self.id),
            name: row_ref.parse("name", &self.name)?,
            site: SiteId(self.site_id),
            site_name: RowRef::new("sites", &self.site_id).parse("name", site_name)?,
            facts: facts.transpose()?,
            last_seen: self.last_seen_at.map(Timestamp),
            join_expires_at: self.join_expires_at.map(Timestamp),
            dhcp,
            report: report.transpose()?,
            applied_generation: self.applied_generation,
            generation,
            is_online: self
                .last_seen_at
                .is_some_and(|seen| seen > now - UNREACHABLE_AFTER_MS),
        };
        Ok(HostRecord {
            row,
            host_layout: self.layout,
        })
    }
}

/// Inserts a host with a join token.
///
/// # Errors
/// [`Error::Duplicate`] for a name that another host or a container of the site has,
/// [`Error::NotFound`] when the site does not exist.
pub fn insert(c: &mut Conn, _: Permit<HostManage>, new: &NewHost) -> Result<HostId, Error> {
    diesel::insert_into(hosts::table)
        .values((
            hosts::site_id.eq(new.site.0),
            hosts::name.eq(new.name.as_str()),
            hosts::secret_hash.eq(&new.token_hash),
            hosts::join_expires_at.eq(dialect::now_plus(&c.0, new.lifetime_ms).nullable()),
            hosts::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    let id = HostId(dialect::inserted_id(&mut c.0)?);
    let domain: String = sites::table
        .find(new.site.0)
        .select(sites::domain)
        .first(&mut c.0)?;
    let domain = RowRef::new("sites", &new.site).parse("domain", &domain)?;
    let name = QualifiedName::of_label(&new.name, &domain);
    names::refresh_infrastructure(c, new.site, Some(&name))?;
    Ok(id)
}

/// Replaces the key or join token of a host's agent with a new join token; the old key is revoked.
///
/// # Errors
/// [`Error::NotFound`] when the host does not exist.
pub fn reset_join_token(
    c: &mut Conn,
    _: Permit<HostManage>,
    id: HostId,
    hash: &str,
    lifetime_ms: i64,
) -> Result<(), Error> {
    let until = dialect::now_plus(&c.0, lifetime_ms);
    let changed = diesel::update(hosts::table.find(id.0))
        .set((
            hosts::secret_hash.eq(hash),
            hosts::join_expires_at.eq(until.nullable()),
        ))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// The host and the site of a valid join token.
///
/// # Errors
/// When the database is unavailable.
pub fn find_by_join_token(
    c: &mut Conn,
    token_hash: &str,
) -> Result<Option<(HostId, SiteId)>, Error> {
    let row: Option<(i64, i64)> = hosts::table
        .filter(hosts::secret_hash.eq(token_hash))
        .filter(hosts::join_expires_at.gt(dialect::now(&c.0).nullable()))
        .select((hosts::id, hosts::site_id))
        .first(&mut c.0)
        .optional()?;
    Ok(row.map(|(id, site)| (HostId(id), SiteId(site))))
}

/// Replaces a valid join token with the agent's key. Returns `None` when the token is unknown, used
/// or expired. The first host of a site becomes its DHCP server.
///
/// # Errors
/// When the database is unavailable.
pub fn join(c: &mut Conn, joining: &JoinRequest) -> Result<Option<HostId>, Error> {
    let Some((host, site)) = find_by_join_token(c, &joining.token_hash)? else {
        return Ok(None);
    };
    let id = host.0;
    let now = dialect::now(&c.0);
    let joined = diesel::update(
        hosts::table
            .find(id)
            .filter(hosts::secret_hash.eq(&joining.token_hash)),
    )
    .set((
        hosts::secret_hash.eq(&joining.key_hash),
        hosts::join_expires_at.eq(None::<i64>),
        hosts::facts.eq(to_json(&joining.host_facts)?),
        hosts::layout.eq(&joining.layout),
        hosts::last_seen_at.eq(now.nullable()),
        // The agent may run on another machine than before.
        hosts::report.eq(None::<String>),
        hosts::applied_generation.eq(None::<i64>),
    ))
    .execute(&mut c.0)?;
    if joined == 0 {
        return Ok(None);
    }
    files::delete_live_files(c, host)?;
    if dhcp::get_server(c, site)?.is_none() {
        diesel::update(hosts::table.find(id))
            .set(hosts::dhcp_site_id.eq(site.0))
            .execute(&mut c.0)?;
    }
    Ok(Some(host))
}

/// Returns the host whose agent has joined with this key hash.
///
/// # Errors
/// When the database is unavailable.
pub fn get_by_key(c: &mut Conn, key_hash: &str) -> Result<Option<HostRecord>, Error> {
    let id: Option<i64> = hosts::table
        .filter(hosts::secret_hash.eq(key_hash))
        .filter(hosts::join_expires_at.is_null())
        .select(hosts::id)
        .first(&mut c.0)
        .optional()?;
    match id {
        Some(id) => get(c, HostId(id)),
        None => Ok(None),
    }
}

/// Returns the host with this id.
///
/// # Errors
/// When the database is unavailable.
pub fn get(c: &mut Conn, id: HostId) -> Result<Option<HostRecord>, Error> {
    let site: Option<i64> = hosts::table
        .find(id.0)
        .select(hosts::site_id)
        .first(&mut c.0)
        .optional()?;
    let Some(site) = site else { return Ok(None) };
    let all = list_by_site(c, SiteId(site))?;
    Ok(all.into_iter().find(|record| record.row.id == id))
}

/// Returns the host with this name on a site.
///
/// # Errors
/// When the database is unavailable.
pub fn get_by_name(c: &mut Conn, site: &Label, name: &Label) -> Result<Option<HostRecord>, Error> {
    let site: Option<i64> = sites::table
        .filter(sites::name.eq(site.as_str()))
        .select(sites::id)
        .first(&mut c.0)
        .optional()?;
    let Some(site) = site else { return Ok(None) };
    let all = list_by_site(c, SiteId(site))?;
    Ok(all.into_iter().find(|record| record.row.name == *name))
}

/// Returns the hosts of a site, ordered by name. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_by_site(c: &mut Conn, site: SiteId) -> Result<Vec<HostRecord>, Error> {
    let now = dialect::now(&c.0);
    into_records(
        hosts::table
            .inner_join(sites::table)
            .filter(hosts::site_id.eq(site.0))
            .order((hosts::name, hosts::id))
            .select((Row::as_select(), sites::name, sites::generation, now))
            .load(&mut c.0)?,
    )
}

/// Returns all hosts, ordered by site and name, at most 500. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn) -> Result<Vec<HostRecord>, Error> {
    let now = dialect::now(&c.0);
    into_records(
        hosts::table
            .inner_join(sites::table)
            .order((sites::name, hosts::name, hosts::id))
            .limit(MAX_ROWS)
            .select((Row::as_select(), sites::name, sites::generation, now))
            .load(&mut c.0)?,
    )
}

fn into_records(rows: Vec<JoinedRow>) -> Result<Vec<HostRecord>, Error> {
    let pending_sites = rows
        .iter()
        .filter_map(|(row, ..)| row.dhcp_handover_site_id);
    let moving: HashSet<i64> = pending_sites.collect();
    rows.into_iter()
        .map(|(row, site, generation, now)| {
            let moving = moving.contains(&row.site_id);
            row.into_record(&site, generation, now, moving)
        })
        .collect()
}

/// Updates the facts about a host and sets its last contact to now.
///
/// # Errors
/// [`Error::NotFound`] when the host does not exist.
pub fn update_host_facts(
    c: &mut Conn,
    id: HostId,
    facts: &HostFacts,
    layout: &str,
) -> Result<(), Error> {
    let now = dialect::now(&c.0);
    let changed = diesel::update(hosts::table.find(id.0))
        .set((
            hosts::facts.eq(to_json(facts)?),
            hosts::layout.eq(layout),
            hosts::last_seen_at.eq(now.nullable()),
        ))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Stores the report of a host's agent on a site configuration and sets its last contact to now.
///
/// # Errors
/// [`Error::NotFound`] when the host does not exist.
pub fn store_report(c: &mut Conn, id: HostId, report: &Report) -> Result<(), Error> {
    let now = dialect::now(&c.0);
    let changed = diesel::update(hosts::table.find(id.0))
        .set((
            hosts::report.eq(to_json(report)?),
            hosts::last_seen_at.eq(now.nullable()),
        ))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)?;
    if report.outcome == ApplyOutcome::Live {
        diesel::update(hosts::table.find(id.0))
            .set(hosts::applied_generation.eq(report.generation))
            .execute(&mut c.0)?;
    }
    Ok(())
}

/// Deletes a host, which revokes the key of its agent.
///
/// # Errors
/// [`Error::NotFound`] when the host does not exist.
pub fn delete(c: &mut Conn, _: Permit<HostManage>, id: HostId) -> Result<(), Error> {
    let site: i64 = hosts::table
        .find(id.0)
        .select(hosts::site_id)
        .first(&mut c.0)?;
    diesel::delete(hosts::table.find(id.0)).execute(&mut c.0)?;
    names::refresh_infrastructure(c, SiteId(site), None)
}
