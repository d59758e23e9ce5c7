//! The services of containers.

use std::collections::HashMap;

use diesel::prelude::*;
use model::{ContainerId, ServiceId, SiteId, services::ServiceView};

use super::GivenService;
use crate::{
    Conn, Error,
    rows::Place,
    schema::{containers, services},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = services)]
struct Row {
    id: i64,
    container_id: i64,
    kind: String,
    port: i64,
    label: Option<String>,
    external: Option<i64>,
}

impl Row {
    fn view(&self) -> Result<ServiceView, Error> {
        let place = Place::new("services", &self.id);
        Ok(ServiceView {
            id: ServiceId(self.id),
            kind: place.text("kind", &self.kind)?,
            port: place.value::<_, u16, _>("port", self.port)?,
            label: place.optional("label", self.label.as_deref())?,
            external: match self.external {
                Some(port) => Some(place.value::<_, u16, _>("external", port)?),
                None => None,
            },
        })
    }
}

/// The services of many containers, each in order. One statement.
pub(super) fn of(c: &mut Conn, ids: &[i64]) -> Result<HashMap<i64, Vec<ServiceView>>, Error> {
    let found: Vec<Row> = services::table
        .filter(services::container_id.eq_any(ids))
        .order((services::position, services::id))
        .select(Row::as_select())
        .load(&mut c.0)?;
    let mut of: HashMap<i64, Vec<ServiceView>> = HashMap::new();
    for row in found {
        of.entry(row.container_id).or_default().push(row.view()?);
    }
    Ok(of)
}

pub(super) fn insert(
    c: &mut Conn,
    container: ContainerId,
    site: SiteId,
    given: &[GivenService],
) -> Result<(), Error> {
    for (position, service) in (0i64..).zip(given) {
        insert_one(c, container, site, position, service)?;
    }
    Ok(())
}

fn insert_one(
    c: &mut Conn,
    container: ContainerId,
    site: SiteId,
    position: i64,
    service: &GivenService,
) -> Result<(), Error> {
    diesel::insert_into(services::table)
        .values((
            services::container_id.eq(container.0),
            services::site_id.eq(site.0),
            services::position.eq(position),
            services::kind.eq(service.kind.as_str()),
            services::port.eq(i64::from(service.port.get())),
            services::label.eq(service.label.as_ref().map(|label| label.as_str())),
            services::external.eq(service.external.map(|port| i64::from(port.get()))),
        ))
        .execute(&mut c.0)
        .map_err(Error::of_insert)?;
    Ok(())
}

/// Brings the services to `given`. A row stays where kind and port are the same, so that its key
/// goes on to mean the same service.
pub(super) fn replace(
    c: &mut Conn,
    container: ContainerId,
    given: &[GivenService],
) -> Result<(), Error> {
    let site: i64 = containers::table
        .find(container.0)
        .select(containers::site_id)
        .first(&mut c.0)?;
    let mut present = of(c, &[container.0])?
        .remove(&container.0)
        .unwrap_or_default();
    let mut kept = Vec::new();
    let mut new = Vec::new();
    for (position, service) in (0i64..).zip(given) {
        let same = |old: &ServiceView| old.kind == service.kind && old.port == service.port;
        match present.iter().position(same) {
            Some(index) => kept.push((present.swap_remove(index).id, position, service)),
            None => new.push((position, service)),
        }
    }
    // First the rows that go give back their labels and ports, then those that stay give up
    // theirs, so that two services may swap.
    let gone: Vec<i64> = present.iter().map(|old| old.id.0).collect();
    diesel::delete(services::table.filter(services::id.eq_any(gone))).execute(&mut c.0)?;
    diesel::update(services::table.filter(services::container_id.eq(container.0)))
        .set((
            services::label.eq(None::<String>),
            services::external.eq(None::<i64>),
        ))
        .execute(&mut c.0)?;
    for (id, position, service) in kept {
        diesel::update(services::table.find(id.0))
            .set((
                services::position.eq(position),
                services::label.eq(service.label.as_ref().map(|label| label.as_str())),
                services::external.eq(service.external.map(|port| i64::from(port.get()))),
            ))
            .execute(&mut c.0)?;
    }
    for (position, service) in new {
        insert_one(c, container, SiteId(site), position, service)?;
    }
    Ok(())
}
