//! DNS providers. The secret is encrypted in the table and bound to the DNS provider's name.

use std::fmt;

use diesel::prelude::*;
use model::{
    ProviderId,
    names::Domain,
    permissions::{Permit, ProviderManage},
    providers::{AccountSecret, ProviderRow, ProviderSpec},
};

use crate::{
    Conn, Error, SecretKey, dialect, dns_records,
    rows::{self, RowRef, to_json},
    schema::{dns_providers, domain_certificate_sources, domains},
};

/// The maximum number of DNS providers in a list.
const MAX_ROWS: i64 = 500;

/// A DNS provider with its secret.
#[derive(Clone)]
pub struct DnsProvider {
    /// The values that may be shown, without the domains.
    pub row: ProviderRow,
    /// The secret of the account at the DNS provider.
    pub secret: AccountSecret,
}

impl fmt::Debug for DnsProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderRecord")
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = dns_providers)]
struct Row {
    id: i64,
    name: String,
    settings: String,
    secret: String,
}

impl Row {
    fn to_row(&self, domains: Vec<Domain>) -> Result<ProviderRow, Error> {
        let row_ref = RowRef::new("dns_providers", &self.id);
        Ok(ProviderRow {
            id: ProviderId(self.id),
            name: row_ref.parse("name", &self.name)?,
            settings: row_ref.parse_json("settings", &self.settings)?,
            domains,
        })
    }
}

/// The encryption context of a secret, which binds it to the DNS provider's name.
fn secret_context(name: &str) -> String {
    format!("providers.secret:{name}")
}

/// Inserts a DNS provider.
///
/// # Errors
/// [`Error::Duplicate`] for a taken name; [`Error::Internal`] without a secret.
pub fn insert(
    c: &mut Conn,
    _: Permit<ProviderManage>,
    key: &SecretKey,
    spec: &ProviderSpec,
) -> Result<ProviderId, Error> {
    let missing = || Error::internal("a new provider has no secret");
    let secret = spec.secret.as_ref().ok_or_else(missing)?;
    diesel::insert_into(dns_providers::table)
        .values((
            dns_providers::name.eq(spec.name.as_str()),
            dns_providers::settings.eq(to_json(&spec.settings)?),
            dns_providers::secret
                .eq(key.seal(&secret_context(spec.name.as_str()), secret.reveal())?),
            dns_providers::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)?;
    Ok(ProviderId(dialect::inserted_id(&mut c.0)?))
}

/// Updates a DNS provider; without a new secret the stored secret is kept.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Duplicate`] for a taken name.
pub fn update(
    c: &mut Conn,
    _: Permit<ProviderManage>,
    key: &SecretKey,
    id: ProviderId,
    spec: &ProviderSpec,
) -> Result<(), Error> {
    let stored = get(c, key, id)?.ok_or(Error::NotFound)?;
    let secret = spec.secret.as_ref().unwrap_or(&stored.secret);
    diesel::update(dns_providers::table.find(id.0))
        .set((
            dns_providers::name.eq(spec.name.as_str()),
            dns_providers::settings.eq(to_json(&spec.settings)?),
            dns_providers::secret
                .eq(key.seal(&secret_context(spec.name.as_str()), secret.reveal())?),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Deletes a DNS provider, and the rows of records whose removal at the provider failed.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::InUse`] while a domain uses the DNS provider or records are
/// still to be removed there.
pub fn delete(c: &mut Conn, _: Permit<ProviderManage>, id: ProviderId) -> Result<(), Error> {
    dns_records::delete_unmanaged(c, id)?;
    rows::ensure_found(diesel::delete(dns_providers::table.find(id.0)).execute(&mut c.0)?)
}

/// Returns all DNS providers, ordered by name, at most 500. Two statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn) -> Result<Vec<ProviderRow>, Error> {
    let rows: Vec<Row> = dns_providers::table
        .order((dns_providers::name, dns_providers::id))
        .limit(MAX_ROWS)
        .select(Row::as_select())
        .load(&mut c.0)?;
    let domain_names: Vec<(i64, String)> = domain_certificate_sources::table
        .inner_join(domains::table)
        .filter(domain_certificate_sources::provider_id.is_not_null())
        .order(domains::name)
        .select((
            domain_certificate_sources::provider_id.assume_not_null(),
            domains::name,
        ))
        .load(&mut c.0)?;
    rows.into_iter()
        .map(|row| {
            let matching = domain_names.iter().filter(|(id, _)| *id == row.id);
            let domains = matching.map(|(id, name)| RowRef::new("domains", id).parse("name", name));
            row.to_row(domains.collect::<Result<_, _>>()?)
        })
        .collect()
}

/// Returns the DNS provider with this id, with its secret.
///
/// # Errors
/// When the database is unavailable, or the secret does not decrypt.
pub fn get(c: &mut Conn, key: &SecretKey, id: ProviderId) -> Result<Option<DnsProvider>, Error> {
    let row: Option<Row> = dns_providers::table
        .find(id.0)
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let secret = key.open(&secret_context(&row.name), &row.secret)?;
    let row_ref = RowRef::new("dns_providers", &row.id);
    Ok(Some(DnsProvider {
        secret: row_ref.parse("secret", &secret)?,
        row: row.to_row(Vec::new())?,
    }))
}

/// Whether the DNS provider with this id exists.
///
/// # Errors
/// When the database is unavailable.
pub fn exists(c: &mut Conn, id: ProviderId) -> Result<bool, Error> {
    let count = dns_providers::table.find(id.0).count();
    Ok(count.get_result::<i64>(&mut c.0)? > 0)
}
