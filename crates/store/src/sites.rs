//! Sites: networks on clusters with their domains, addresses and ports. Must not decide which
//! changes are allowed while a site has containers.

mod generation;

use std::{collections::HashMap, net::Ipv4Addr};

use diesel::{dsl::count_star, prelude::*};
use model::{
    ClusterId, SiteId,
    names::Label,
    net::{AddressRange, PortRange},
    permissions::{Permit, SiteManage},
    sites::{SiteRow, SiteSpec, VmidRange},
    sizes::Bytes,
};

use crate::{
    Conn, Error, dialect, names,
    rows::{self, RowRef, address_number},
    schema::{clusters, containers, pulled_images, sites},
};

pub use generation::{get_generation, increment_generation};
pub(crate) use generation::{increment_generation_for_container, increment_generation_for_domain};

/// The maximum number of sites in a list.
const MAX_ROWS: i64 = 500;

/// A site and the name of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRecord {
    /// The id.
    pub id: SiteId,
    /// The settings.
    pub spec: SiteSpec,
    /// The cluster's name.
    pub cluster_name: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sites)]
struct Row {
    id: i64,
    name: String,
    domain: String,
    cluster_id: i64,
    bridge: String,
    network: String,
    gateway: String,
    range_first: i64,
    range_last: i64,
    template_storage: String,
    volume_storage: String,
    vmid_first: i64,
    vmid_last: i64,
    port_first: i64,
    port_last: i64,
    forwarders: String,
    dynamic_range: Option<String>,
    public_v4: Option<String>,
    public_v6: Option<String>,
    registries: String,
    image_quota_gib: i32,
    port_access: String,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = sites, treat_none_as_null = true)]
struct Columns {
    name: String,
    domain: String,
    cluster_id: i64,
    bridge: String,
    network: String,
    gateway: String,
    range_first: i64,
    range_last: i64,
    template_storage: String,
    volume_storage: String,
    vmid_first: i64,
    vmid_last: i64,
    port_first: i64,
    port_last: i64,
    forwarders: String,
    dynamic_range: Option<String>,
    public_v4: Option<String>,
    public_v6: Option<String>,
    registries: String,
    image_quota_gib: i32,
    port_access: String,
}

impl From<&SiteSpec> for Columns {
    fn from(spec: &SiteSpec) -> Self {
        Self {
            name: spec.name.to_string(),
            domain: spec.domain.to_string(),
            cluster_id: spec.cluster.0,
            bridge: spec.bridge.to_string(),
            network: spec.network.to_string(),
            gateway: spec.gateway.to_string(),
            range_first: address_number(spec.range.first()),
            range_last: address_number(spec.range.last()),
            template_storage: spec.template_storage.to_string(),
            volume_storage: spec.volume_storage.to_string(),
            vmid_first: spec.vmids.first.into(),
            vmid_last: spec.vmids.last.into(),
            port_first: spec.ports.first().get().into(),
            port_last: spec.ports.last().get().into(),
            forwarders: spec.forwarders.to_string(),
            dynamic_range: spec.dynamic_range.map(|range| range.to_string()),
            public_v4: spec.public_v4.map(|address| address.to_string()),
            public_v6: spec.public_v6.map(|address| address.to_string()),
            registries: spec.registries.to_string(),
            image_quota_gib: rows::to_i32(spec.image_quota.get()),
            port_access: spec.port_access.to_string(),
        }
    }
}

impl Row {
    fn into_record(self, cluster_name: String) -> Result<SiteRecord, Error> {
        let row_ref = RowRef::new("sites", &self.id);
        let address = |column, number: i64| {
            row_ref
                .convert_number::<u32, _>(column, number)
                .map(Ipv4Addr::from_bits)
        };
        let (first, last) = (
            address("range_first", self.range_first)?,
            address("range_last", self.range_last)?,
        );
        let range =
            AddressRange::new(first, last).map_err(|e| row_ref.invalid("range_first", &e))?;
        let ports = PortRange::new(
            row_ref.checked_number::<_, u16, _>("port_first", self.port_first)?,
            row_ref.checked_number::<_, u16, _>("port_last", self.port_last)?,
        );
        let spec = SiteSpec {
            name: row_ref.parse("name", &self.name)?,
            domain: row_ref.parse("domain", &self.domain)?,
            cluster: ClusterId(self.cluster_id),
            bridge: row_ref.parse("bridge", &self.bridge)?,
            network: row_ref.parse("network", &self.network)?,
            gateway: row_ref.parse("gateway", &self.gateway)?,
            range,
            template_storage: row_ref.parse("template_storage", &self.template_storage)?,
            volume_storage: row_ref.parse("volume_storage", &self.volume_storage)?,
            vmids: VmidRange {
                first: row_ref.convert_number("vmid_first", self.vmid_first)?,
                last: row_ref.convert_number("vmid_last", self.vmid_last)?,
            },
            ports: ports.map_err(|e| row_ref.invalid("port_first", &e))?,
            forwarders: row_ref.parse("forwarders", &self.forwarders)?,
            dynamic_range: row_ref
                .parse_optional("dynamic_range", self.dynamic_range.as_deref())?,
            public_v4: row_ref.parse_optional("public_v4", self.public_v4.as_deref())?,
            public_v6: row_ref.parse_optional("public_v6", self.public_v6.as_deref())?,
            registries: row_ref.parse("registries", &self.registries)?,
            image_quota: row_ref
                .checked_number::<_, u32, _>("image_quota_gib", self.image_quota_gib)?,
            port_access: row_ref.parse("port_access", &self.port_access)?,
        };
        Ok(SiteRecord {
            id: SiteId(self.id),
            spec,
            cluster_name,
        })
    }
}

/// Inserts a site.
///
/// # Errors
/// [`Error::Duplicate`] for a taken name, [`Error::NotFound`] when the cluster does not exist.
pub fn insert(c: &mut Conn, _: Permit<SiteManage>, spec: &SiteSpec) -> Result<SiteId, Error> {
    diesel::insert_into(sites::table)
        .values((
            Columns::from(spec),
            sites::version.eq(1),
            sites::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    let id = SiteId(dialect::inserted_id(&mut c.0)?);
    names::refresh_infrastructure(c, id, None)?;
    Ok(id)
}

/// Updates a site.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Duplicate`] for a taken name, [`Error::InUse`] when the cluster
/// would change while the site has containers.
pub fn update(
    c: &mut Conn,
    _: Permit<SiteManage>,
    id: SiteId,
    spec: &SiteSpec,
) -> Result<(), Error> {
    let changed = diesel::update(sites::table.find(id.0))
        .set((Columns::from(spec), sites::version.eq(sites::version + 1)))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)?;
    // The domain may have changed, and with it the names of all containers.
    let generation = increment_generation(c, id)?;
    diesel::update(containers::table.filter(containers::site_id.eq(id.0)))
        .set(containers::generation.eq(generation))
        .execute(&mut c.0)?;
    names::refresh_infrastructure(c, id, None)
}

/// Deletes a site.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::InUse`] while the site has containers.
pub fn delete(c: &mut Conn, _: Permit<SiteManage>, id: SiteId) -> Result<(), Error> {
    rows::ensure_found(diesel::delete(sites::table.find(id.0)).execute(&mut c.0)?)
}

/// Returns the site with this id.
///
/// # Errors
/// When the database is unavailable.
pub fn get(c: &mut Conn, id: SiteId) -> Result<Option<SiteRecord>, Error> {
    let row: Option<(Row, String)> = sites::table
        .inner_join(clusters::table)
        .filter(sites::id.eq(id.0))
        .select((Row::as_select(), clusters::name))
        .first(&mut c.0)
        .optional()?;
    row.map(|(row, cluster)| row.into_record(cluster))
        .transpose()
}

/// Returns the site with this name.
///
/// # Errors
/// When the database is unavailable.
pub fn get_by_name(c: &mut Conn, name: &Label) -> Result<Option<SiteRecord>, Error> {
    let row: Option<(Row, String)> = sites::table
        .inner_join(clusters::table)
        .filter(sites::name.eq(name.as_str()))
        .select((Row::as_select(), clusters::name))
        .first(&mut c.0)
        .optional()?;
    row.map(|(row, cluster)| row.into_record(cluster))
        .transpose()
}

/// Locks the site's row until the transaction ends, so that other transactions that lock or change
/// it wait. Returns the site.
///
/// # Errors
/// When the database is unavailable.
pub fn lock(c: &mut Conn, id: SiteId) -> Result<Option<SiteRecord>, Error> {
    lock_row(c, id)?;
    get(c, id)
}

/// Locks the site until the transaction ends, if it exists.
pub(crate) fn lock_row(c: &mut Conn, id: SiteId) -> Result<(), Error> {
    diesel::update(sites::table.find(id.0))
        .set(sites::version.eq(sites::version + 1))
        .execute(&mut c.0)?;
    Ok(())
}

/// Locks a cluster's row until the transaction ends, so that other transactions that lock it wait.
/// Returns the sites on the cluster, ordered by name.
///
/// # Errors
/// When the database is unavailable.
pub fn lock_cluster(c: &mut Conn, id: ClusterId) -> Result<Vec<SiteRecord>, Error> {
    crate::clusters::lock_row(c, id)?;
    let rows: Vec<(Row, String)> = sites::table
        .inner_join(clusters::table)
        .filter(sites::cluster_id.eq(id.0))
        .order(sites::name)
        .select((Row::as_select(), clusters::name))
        .load(&mut c.0)?;
    rows.into_iter()
        .map(|(row, cluster)| row.into_record(cluster))
        .collect()
}

/// Locks the rows of all sites until the transaction ends, so that what belongs to one of them is
/// checked and written in one step.
///
/// # Errors
/// When the database is unavailable.
pub fn lock_all(c: &mut Conn) -> Result<(), Error> {
    diesel::update(sites::table)
        .set(sites::version.eq(sites::version + 1))
        .execute(&mut c.0)?;
    Ok(())
}

/// Returns all sites with their usage, ordered by name, at most 500. Four statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn) -> Result<Vec<SiteRow>, Error> {
    let rows: Vec<(Row, String)> = sites::table
        .inner_join(clusters::table)
        .order((sites::name, sites::id))
        .limit(MAX_ROWS)
        .select((Row::as_select(), clusters::name))
        .load(&mut c.0)?;
    let all: Vec<(i64, i64)> = containers::table
        .group_by(containers::site_id)
        .select((containers::site_id, count_star()))
        .load(&mut c.0)?;
    // The address range may have changed since an address was allocated.
    let within: Vec<(i64, i64)> = containers::table
        .inner_join(sites::table)
        .filter(containers::address_number.ge(sites::range_first))
        .filter(containers::address_number.le(sites::range_last))
        .group_by(containers::site_id)
        .select((containers::site_id, count_star()))
        .load(&mut c.0)?;
    let (all, within): (HashMap<_, _>, HashMap<_, _>) =
        (all.into_iter().collect(), within.into_iter().collect());
    let image_bytes = image_bytes(c)?;
    let number =
        |counts: &HashMap<i64, i64>, id: &i64| rows::to_u32(counts.get(id).copied().unwrap_or(0));
    let listed = rows.into_iter().map(|(row, cluster)| {
        let images = Bytes(image_bytes.get(&row.id).copied().unwrap_or(0));
        let (containers, used) = (number(&all, &row.id), number(&within, &row.id));
        let SiteRecord {
            id,
            spec,
            cluster_name,
        } = row.into_record(cluster)?;
        let size = u32::try_from(spec.range.len()).unwrap_or(u32::MAX);
        let addresses_free = size.saturating_sub(used);
        Ok(SiteRow {
            id,
            spec,
            cluster_name,
            containers,
            addresses_free,
            images,
        })
    });
    listed.collect()
}

/// The size of the pulled images of each site.
fn image_bytes(c: &mut Conn) -> Result<HashMap<i64, u64>, Error> {
    let sizes: Vec<(i64, i64)> = pulled_images::table
        .select((pulled_images::site_id, pulled_images::size))
        .load(&mut c.0)?;
    let mut bytes: HashMap<i64, u64> = HashMap::new();
    for (site, size) in sizes {
        *bytes.entry(site).or_default() += u64::try_from(size).unwrap_or(0);
    }
    Ok(bytes)
}
