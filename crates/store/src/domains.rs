//! Domains that sites publish services under, with their publishers. Must not know what a
//! role allows.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{dsl::count_star, prelude::*};
use model::{
    AuthorityId, DomainId, ProviderId, SiteId, Timestamp,
    certificates::{CertificateSource, CertificateState, StateInputs},
    domains::{DomainRow, DomainSpec, Publishers},
    names::{Domain, Label, QualifiedName, Username},
    origin::Origin,
    permissions::{DomainManage, Permit},
};

use crate::{
    Conn, Error, certificates, dialect, names,
    rows::{self, RowRef},
    schema::{domain_certificate_sources, domain_publishers, domains, services, sites, users},
    sites as store_sites,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = domains)]
struct Row {
    id: i64,
    site_id: i64,
    name: String,
    sign_in_url: Option<String>,
    forwards_access_token: bool,
    hsts: String,
    publishers: String,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = domains, treat_none_as_null = true)]
struct Columns {
    site_id: i64,
    name: String,
    sign_in_url: Option<String>,
    forwards_access_token: bool,
    hsts: String,
    publishers: String,
}

impl From<&DomainSpec> for Columns {
    fn from(spec: &DomainSpec) -> Self {
        Self {
            site_id: spec.site.0,
            name: spec.name.to_string(),
            sign_in_url: spec.sign_in.as_ref().map(ToString::to_string),
            forwards_access_token: spec.forwards_access_token,
            hsts: spec.hsts.to_string(),
            publishers: spec.publishers.as_str().to_owned(),
        }
    }
}

/// The certificate source and DNS provider of a domain. There is no row for a domain with
/// self-signed certificates and without a DNS provider.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = domain_certificate_sources)]
struct CertificateSourceRow {
    domain_id: i64,
    source: String,
    authority_id: Option<i64>,
    provider_id: Option<i64>,
    manage_addresses: bool,
}

/// The related rows of a domain.
#[derive(Default)]
struct RelatedRows {
    users: BTreeSet<Username>,
    services: i64,
    source: Option<CertificateSourceRow>,
    certificates: Vec<StateInputs>,
}

impl Row {
    fn into_row(
        self,
        site_name: &str,
        related: RelatedRows,
        now: Timestamp,
    ) -> Result<DomainRow, Error> {
        let RelatedRows {
            users,
            services,
            source,
            certificates,
        } = related;
        let row_ref = RowRef::new("domains", &self.id);
        let publishers = match self.publishers.as_str() {
            "all-users" => Publishers::AllUsers,
            "operators" => Publishers::Operators,
            "selected-users" => Publishers::Users(users),
            _ => return Err(row_ref.invalid("publishers", &"is not a known value")),
        };
        let spec = DomainSpec {
            site: SiteId(self.site_id),
            name: row_ref.parse("name", &self.name)?,
            sign_in: row_ref.parse_optional("sign_in_url", self.sign_in_url.as_deref())?,
            forwards_access_token: self.forwards_access_token,
            hsts: row_ref.parse("hsts", &self.hsts)?,
            publishers,
            certificate_source: match &source {
                None => CertificateSource::SelfSigned,
                Some(row) => {
                    CertificateSource::from_name(&row.source, row.authority_id.map(AuthorityId))
                        .ok_or_else(|| row_ref.invalid("source", &"is not a known value"))?
                }
            },
            provider: source
                .as_ref()
                .and_then(|row| row.provider_id.map(ProviderId)),
            addresses: source.is_some_and(|row| row.manage_addresses),
        };
        let states: Vec<CertificateState> = certificates
            .iter()
            .map(|inputs| inputs.state_at(now))
            .collect();
        let count_states = |is: fn(&CertificateState) -> bool| {
            let count = states.iter().filter(|state| is(state)).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        Ok(DomainRow {
            id: DomainId(self.id),
            spec,
            site_name: RowRef::new("sites", &self.site_id).parse("name", site_name)?,
            services: rows::to_u32(services),
            certificates: count_states(|state| {
                matches!(state, CertificateState::Issued | CertificateState::Renewing)
            }),
            attention_count: count_states(|state| state.needs_attention()),
        })
    }
}

/// Returns the name of a site other than `site` that has a domain of this name. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn find_other_site(
    c: &mut Conn,
    name: &Domain,
    site: Option<SiteId>,
) -> Result<Option<Label>, Error> {
    let other: Option<(i64, String)> = domains::table
        .inner_join(sites::table)
        .filter(domains::name.eq(name.as_str()))
        .filter(domains::site_id.ne(site.map_or(0, |site| site.0)))
        .select((sites::id, sites::name))
        .first(&mut c.0)
        .optional()?;
    other
        .map(|(id, name)| RowRef::new("sites", &id).parse("name", &name))
        .transpose()
}

/// Inserts a domain. Publishers who do not exist are ignored; the caller validates their names.
///
/// # Errors
/// [`Error::Duplicate`] for a name that another domain or a container of the site has,
/// [`Error::NotFound`] when the site does not exist.
pub fn insert(c: &mut Conn, _: Permit<DomainManage>, spec: &DomainSpec) -> Result<DomainId, Error> {
    diesel::insert_into(domains::table)
        .values((
            Columns::from(spec),
            domains::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    let id = DomainId(dialect::inserted_id(&mut c.0)?);
    insert_publishers(c, id, spec)?;
    replace_certificate_source(c, id, spec)?;
    store_sites::increment_generation_for_domain(c, id)?;
    names::refresh_infrastructure(c, spec.site, Some(&QualifiedName::from(&spec.name)))?;
    Ok(id)
}

/// Updates a domain.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Duplicate`] for a name that another domain or a container of the
/// site has.
pub fn update(
    c: &mut Conn,
    _: Permit<DomainManage>,
    id: DomainId,
    spec: &DomainSpec,
) -> Result<(), Error> {
    let changed = diesel::update(domains::table.find(id.0))
        .set(Columns::from(spec))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)?;
    diesel::delete(domain_publishers::table.filter(domain_publishers::domain_id.eq(id.0)))
        .execute(&mut c.0)?;
    insert_publishers(c, id, spec)?;
    replace_certificate_source(c, id, spec)?;
    store_sites::increment_generation_for_domain(c, id)?;
    names::refresh_infrastructure(c, spec.site, Some(&QualifiedName::from(&spec.name)))
}

/// Deletes a domain.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::InUse`] while services are published under the domain.
pub fn delete(c: &mut Conn, _: Permit<DomainManage>, id: DomainId) -> Result<(), Error> {
    let site = get(c, id)?.ok_or(Error::NotFound)?.spec.site;
    store_sites::increment_generation(c, site)?;
    diesel::delete(domains::table.find(id.0)).execute(&mut c.0)?;
    names::refresh_infrastructure(c, site, None)
}

/// Returns the domain with this id.
///
/// # Errors
/// When the database is unavailable.
pub fn get(c: &mut Conn, id: DomainId) -> Result<Option<DomainRow>, Error> {
    Ok(load(c, Selection::One(id))?.pop())
}

/// Returns the domains of a site, oldest first: the oldest is the default for new services.
///
/// # Errors
/// When the database is unavailable.
pub fn list_by_site(c: &mut Conn, site: SiteId) -> Result<Vec<DomainRow>, Error> {
    let mut all = load(c, Selection::OfSite(site))?;
    all.sort_by_key(|row| row.id);
    Ok(all)
}

/// Returns the hostnames at which visitors of the site's domains sign in. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_sign_in_names(c: &mut Conn, site: SiteId) -> Result<BTreeSet<QualifiedName>, Error> {
    let rows: Vec<(i64, Option<String>)> = domains::table
        .filter(domains::site_id.eq(site.0))
        .filter(domains::sign_in_url.is_not_null())
        .select((domains::id, domains::sign_in_url))
        .load(&mut c.0)?;
    let mut all = BTreeSet::new();
    for (id, url) in rows {
        let row_ref = RowRef::new("domains", &id);
        let origin: Option<Origin> = row_ref.parse_optional("sign_in_url", url.as_deref())?;
        let name = origin.as_ref().and_then(Origin::name);
        all.extend(name.map(QualifiedName::from));
    }
    Ok(all)
}

/// Returns all domains, ordered by name and site. Six statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn) -> Result<Vec<DomainRow>, Error> {
    load(c, Selection::All)
}

enum Selection {
    All,
    One(DomainId),
    OfSite(SiteId),
}

fn load(c: &mut Conn, selection: Selection) -> Result<Vec<DomainRow>, Error> {
    let mut query = domains::table
        .inner_join(sites::table)
        .order((domains::name, sites::name, domains::id))
        .select((Row::as_select(), sites::name))
        .into_boxed();
    query = match selection {
        Selection::All => query,
        Selection::One(id) => query.filter(domains::id.eq(id.0)),
        Selection::OfSite(site) => query.filter(domains::site_id.eq(site.0)),
    };
    let rows: Vec<(Row, String)> = query.load(&mut c.0)?;
    let ids: Vec<i64> = rows.iter().map(|(row, _)| row.id).collect();
    let publishers: Vec<(i64, i64, String)> = domain_publishers::table
        .inner_join(users::table)
        .filter(domain_publishers::domain_id.eq_any(&ids))
        .select((domain_publishers::domain_id, users::id, users::name))
        .load(&mut c.0)?;
    let mut services = count_services(c, &rows)?;
    let mut sources = load_certificate_sources(c, &ids)?;
    let mut state_inputs = certificates::list_state_inputs(c, &ids)?;
    let now = crate::now(c)?;
    let mut users: BTreeMap<i64, BTreeSet<Username>> = BTreeMap::new();
    for (id, user, name) in publishers {
        let name = RowRef::new("users", &user).parse("name", &name)?;
        users.entry(id).or_default().insert(name);
    }
    rows.into_iter()
        .map(|(row, site)| {
            let related = RelatedRows {
                users: users.remove(&row.id).unwrap_or_default(),
                services: services.remove(&row.id).unwrap_or_default(),
                source: sources.remove(&row.id),
                certificates: state_inputs.remove(&row.id).unwrap_or_default(),
            };
            row.into_row(&site, related, now)
        })
        .collect()
}

fn load_certificate_sources(
    c: &mut Conn,
    ids: &[i64],
) -> Result<BTreeMap<i64, CertificateSourceRow>, Error> {
    let rows: Vec<CertificateSourceRow> = domain_certificate_sources::table
        .filter(domain_certificate_sources::domain_id.eq_any(ids))
        .select(CertificateSourceRow::as_select())
        .load(&mut c.0)?;
    Ok(rows.into_iter().map(|row| (row.domain_id, row)).collect())
}

/// Returns the number of HTTP services under each of these domains.
fn count_services(c: &mut Conn, rows: &[(Row, String)]) -> Result<BTreeMap<i64, i64>, Error> {
    let ids: Vec<Option<i64>> = rows.iter().map(|(row, _)| Some(row.id)).collect();
    let rows: Vec<(Option<i64>, i64)> = services::table
        .filter(services::domain_id.eq_any(ids))
        .filter(services::label.is_not_null())
        .group_by(services::domain_id)
        .select((services::domain_id, count_star()))
        .load(&mut c.0)?;
    let counts = rows
        .into_iter()
        .filter_map(|(id, count)| Some((id?, count)));
    Ok(counts.collect())
}

fn insert_publishers(c: &mut Conn, id: DomainId, spec: &DomainSpec) -> Result<(), Error> {
    let names: Vec<&str> = spec.publishers.users().map(Username::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let users: Vec<i64> = users::table
        .filter(users::name.eq_any(names))
        .select(users::id)
        .load(&mut c.0)?;
    for user in users {
        diesel::insert_into(domain_publishers::table)
            .values((
                domain_publishers::domain_id.eq(id.0),
                domain_publishers::user_id.eq(user),
            ))
            .execute(&mut c.0)?;
    }
    Ok(())
}

fn replace_certificate_source(c: &mut Conn, id: DomainId, spec: &DomainSpec) -> Result<(), Error> {
    diesel::delete(domain_certificate_sources::table.find(id.0)).execute(&mut c.0)?;
    if spec.certificate_source == CertificateSource::SelfSigned && spec.provider.is_none() {
        return Ok(());
    }
    let row = CertificateSourceRow {
        domain_id: id.0,
        source: spec.certificate_source.as_str().to_owned(),
        authority_id: spec
            .certificate_source
            .certificate_authority()
            .map(|id| id.0),
        provider_id: spec.provider.map(|id| id.0),
        manage_addresses: spec.addresses,
    };
    diesel::insert_into(domain_certificate_sources::table)
        .values(row)
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    Ok(())
}
