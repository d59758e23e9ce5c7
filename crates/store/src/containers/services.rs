//! Services of containers.

use std::collections::HashMap;

use diesel::prelude::*;
use model::{
    ContainerId, ServiceId, SiteId,
    domains::EntryPoint,
    services::{ServiceEndpoint, ServiceKind, ServiceView, TlsName},
};

use super::{BoundService, ServiceBinding};
use crate::{
    Conn, Error,
    rows::{RowRef, to_json},
    schema::{containers, domains, services},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = services)]
struct Row {
    id: i64,
    container_id: i64,
    kind: String,
    container_port: i64,
    label: Option<String>,
    external_port: Option<i64>,
    name: Option<String>,
    options: Option<String>,
}

impl Row {
    fn to_view(&self, domain: Option<&str>) -> Result<ServiceView, Error> {
        let row_ref = RowRef::new("services", &self.id);
        Ok(ServiceView {
            id: ServiceId(self.id),
            port: row_ref.checked_number::<_, u16, _>("port", self.container_port)?,
            published: self.parse_published(row_ref, domain)?,
            entry: EntryPoint::default(),
        })
    }

    fn parse_published(
        &self,
        row_ref: RowRef<'_>,
        domain: Option<&str>,
    ) -> Result<ServiceEndpoint, Error> {
        let required = |column, text: Option<&str>| {
            let missing = || row_ref.invalid(column, &"is missing");
            text.map(str::to_owned).ok_or_else(missing)
        };
        let external = || {
            let port = self
                .external_port
                .ok_or_else(|| row_ref.invalid("external", &"is missing"))?;
            row_ref.checked_number::<_, u16, _>("external", port)
        };
        Ok(match row_ref.parse("kind", &self.kind)? {
            ServiceKind::Http => ServiceEndpoint::Http {
                label: row_ref.parse("label", &required("label", self.label.as_deref())?)?,
                domain: row_ref.parse("domain_id", &required("domain_id", domain)?)?,
                options: self.parse_options(row_ref)?,
            },
            ServiceKind::Tcp => ServiceEndpoint::Tcp {
                external: external()?,
                options: self.parse_options(row_ref)?,
                tls: match domain {
                    None => None,
                    Some(domain) => Some(TlsName {
                        label: row_ref.parse("name", &required("name", self.name.as_deref())?)?,
                        domain: row_ref.parse("domain_id", domain)?,
                    }),
                },
            },
            ServiceKind::Udp => ServiceEndpoint::Udp {
                external: external()?,
                idle_timeout: self.parse_options(row_ref)?,
            },
            ServiceKind::Srv => ServiceEndpoint::Srv {
                name: row_ref.parse("name", &required("name", self.name.as_deref())?)?,
            },
        })
    }

    /// Parses the publishing options; services that were stored before options existed have
    /// defaults.
    fn parse_options<T: Default + serde::de::DeserializeOwned>(
        &self,
        row_ref: RowRef<'_>,
    ) -> Result<T, Error> {
        match &self.options {
            Some(text) => row_ref.parse_json("options", text),
            None => Ok(T::default()),
        }
    }
}

/// All columns of a service that describe how it is published. An update sets every column, so that
/// no old value remains.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = services, treat_none_as_null = true)]
struct Columns<'a> {
    position: i64,
    kind: &'static str,
    container_port: i64,
    label: Option<&'a str>,
    external_port: Option<i64>,
    domain_id: Option<i64>,
    name: Option<&'a str>,
    options: Option<String>,
}

impl<'a> Columns<'a> {
    fn new(position: i64, service: &'a BoundService) -> Result<Self, Error> {
        let columns = Self {
            position,
            kind: service.binding.kind().as_str(),
            container_port: service.container_port.get().into(),
            label: None,
            external_port: None,
            domain_id: None,
            name: None,
            options: None,
        };
        Ok(match &service.binding {
            ServiceBinding::Http {
                label,
                domain,
                options,
            } => Self {
                label: Some(label.as_str()),
                domain_id: Some(domain.0),
                options: Some(to_json(options)?),
                ..columns
            },
            // The TLS name is not stored in `label`, which is unique: an HTTP service may use the
            // same name.
            ServiceBinding::Tcp {
                external,
                options,
                tls,
            } => Self {
                external_port: Some(external.get().into()),
                options: Some(to_json(options)?),
                domain_id: tls.as_ref().map(|(domain, _)| domain.0),
                name: tls.as_ref().map(|(_, label)| label.as_str()),
                ..columns
            },
            ServiceBinding::Udp {
                external,
                idle_timeout,
            } => Self {
                external_port: Some(external.get().into()),
                options: Some(to_json(idle_timeout)?),
                ..columns
            },
            ServiceBinding::Srv { name } => Self {
                name: Some(name.as_str()),
                ..columns
            },
        })
    }
}

/// Returns the services of many containers, each in order. One statement.
pub(super) fn list_by_containers(
    c: &mut Conn,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<ServiceView>>, Error> {
    group_by_container(
        services::table
            .left_join(domains::table)
            .filter(services::container_id.eq_any(ids))
            .order((services::position, services::id))
            .select((Row::as_select(), domains::name.nullable()))
            .load(&mut c.0)?,
    )
}

/// Returns the services of all containers of a site, each in order. One statement.
pub(super) fn list_by_site(
    c: &mut Conn,
    site: SiteId,
) -> Result<HashMap<i64, Vec<ServiceView>>, Error> {
    group_by_container(
        services::table
            .left_join(domains::table)
            .filter(services::site_id.eq(site.0))
            .order((services::position, services::id))
            .select((Row::as_select(), domains::name.nullable()))
            .load(&mut c.0)?,
    )
}

fn group_by_container(
    rows: Vec<(Row, Option<String>)>,
) -> Result<HashMap<i64, Vec<ServiceView>>, Error> {
    let mut views: HashMap<i64, Vec<ServiceView>> = HashMap::new();
    for (row, domain) in rows {
        let view = row.to_view(domain.as_deref())?;
        views.entry(row.container_id).or_default().push(view);
    }
    Ok(views)
}

pub(super) fn insert(
    c: &mut Conn,
    container: ContainerId,
    site: SiteId,
    bindings: &[BoundService],
) -> Result<(), Error> {
    for (position, service) in (0i64..).zip(bindings) {
        insert_one(c, container, site, position, service)?;
    }
    Ok(())
}

fn insert_one(
    c: &mut Conn,
    container: ContainerId,
    site: SiteId,
    position: i64,
    service: &BoundService,
) -> Result<(), Error> {
    diesel::insert_into(services::table)
        .values((
            services::container_id.eq(container.0),
            services::site_id.eq(site.0),
            Columns::new(position, service)?,
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    Ok(())
}

/// Replaces the services of a container. A service of the same kind and port keeps its row, so that
/// its id stays valid. Returns the container's site.
pub(super) fn replace(
    c: &mut Conn,
    container: ContainerId,
    bindings: &[BoundService],
) -> Result<SiteId, Error> {
    let site: i64 = containers::table
        .find(container.0)
        .select(containers::site_id)
        .first(&mut c.0)?;
    let mut existing = list_by_containers(c, &[container.0])?
        .remove(&container.0)
        .unwrap_or_default();
    let mut kept = Vec::new();
    let mut new = Vec::new();
    for (position, service) in (0i64..).zip(bindings) {
        let kind = service.binding.kind();
        let same = |old: &ServiceView| old.kind() == kind && old.port == service.container_port;
        match existing.iter().position(same) {
            Some(index) => kept.push((existing.swap_remove(index).id, position, service)),
            None => new.push((position, service)),
        }
    }
    // Deleted rows free their labels and ports first. Then the remaining rows are cleared, so that
    // two services can swap a label or port without violating a unique index.
    let removed: Vec<i64> = existing.iter().map(|old| old.id.0).collect();
    diesel::delete(services::table.filter(services::id.eq_any(removed))).execute(&mut c.0)?;
    diesel::update(services::table.filter(services::container_id.eq(container.0)))
        .set((
            services::label.eq(None::<String>),
            services::external_port.eq(None::<i64>),
        ))
        .execute(&mut c.0)?;
    for (id, position, service) in kept {
        diesel::update(services::table.find(id.0))
            .set(Columns::new(position, service)?)
            .execute(&mut c.0)?;
    }
    for (position, service) in new {
        insert_one(c, container, SiteId(site), position, service)?;
    }
    Ok(SiteId(site))
}
