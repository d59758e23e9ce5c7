//! Certificate authorities and the ACME account of Holdfast at each. Keys and credentials are
//! encrypted in the table and bound to the URL of the ACME directory.

use std::fmt;

use diesel::prelude::*;
use model::{
    AuthorityId,
    authorities::{AuthorityRow, AuthoritySpec},
    certificates::CertificateSource,
    names::Domain,
    permissions::{AuthorityManage, Permit},
};

use crate::{
    Conn, Error, SecretKey, dialect,
    rows::{self, RowRef},
    schema::{certificate_authorities, domain_certificate_sources, domains},
};

/// The maximum number of CAs in a list.
const MAX_ROWS: i64 = 500;

/// A CA with its secrets.
#[derive(Clone)]
pub struct CertificateAuthority {
    /// The values that may be shown.
    pub row: AuthorityRow,
    /// The MAC key for external account binding (RFC 8555, section 7.3.4).
    pub eab_mac_key: Option<String>,
    /// The credentials of the ACME account.
    pub credentials: Option<String>,
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorityRecord")
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = certificate_authorities)]
struct Row {
    id: i64,
    name: String,
    directory_url: String,
    email: Option<String>,
    eab_key_id: Option<String>,
    eab_key: Option<String>,
    trusted_roots: Option<String>,
    account_url: Option<String>,
    account_key: Option<String>,
}

impl Row {
    fn to_row(&self, domains: Vec<Domain>) -> Result<AuthorityRow, Error> {
        let row_ref = RowRef::new("certificate_authorities", &self.id);
        Ok(AuthorityRow {
            id: AuthorityId(self.id),
            name: row_ref.parse("name", &self.name)?,
            directory: row_ref.parse("directory_url", &self.directory_url)?,
            email: row_ref.parse_optional("email", self.email.as_deref())?,
            eab_key_id: row_ref.parse_optional("eab_key_id", self.eab_key_id.as_deref())?,
            roots: row_ref.parse_optional("trusted_roots", self.trusted_roots.as_deref())?,
            account: self.account_url.clone(),
            domains,
        })
    }

    fn into_record(
        self,
        key: &SecretKey,
        domains: Vec<Domain>,
    ) -> Result<CertificateAuthority, Error> {
        let row = self.to_row(domains)?;
        let open = |purpose: &str, sealed: Option<&str>| {
            let context = secret_context(purpose, row.directory.as_str());
            sealed.map(|sealed| key.open(&context, sealed)).transpose()
        };
        Ok(CertificateAuthority {
            eab_mac_key: open("binding_key", self.eab_key.as_deref())?,
            credentials: open("credentials", self.account_key.as_deref())?,
            row,
        })
    }
}

/// The encryption context of a secret, which binds it to one ACME directory.
fn secret_context(purpose: &str, directory: &str) -> String {
    format!("authorities.{purpose}:{directory}")
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = certificate_authorities, treat_none_as_null = true)]
struct Columns {
    name: String,
    directory_url: String,
    email: Option<String>,
    eab_key_id: Option<String>,
    trusted_roots: Option<String>,
}

impl From<&AuthoritySpec> for Columns {
    fn from(spec: &AuthoritySpec) -> Self {
        Self {
            name: spec.name.to_string(),
            directory_url: spec.directory.to_string(),
            email: spec.email.as_ref().map(ToString::to_string),
            eab_key_id: spec.eab_key_id.as_ref().map(ToString::to_string),
            trusted_roots: spec.roots.as_ref().map(ToString::to_string),
        }
    }
}

fn seal_binding_key(key: &SecretKey, spec: &AuthoritySpec) -> Result<Option<String>, Error> {
    let context = secret_context("binding_key", spec.directory.as_str());
    let sealed = spec
        .eab_mac_key
        .as_ref()
        .map(|secret| key.seal(&context, secret.reveal()));
    sealed.transpose()
}

/// Inserts a CA.
///
/// # Errors
/// [`Error::Duplicate`] for a taken name.
pub fn insert(
    c: &mut Conn,
    _: Permit<AuthorityManage>,
    key: &SecretKey,
    spec: &AuthoritySpec,
) -> Result<AuthorityId, Error> {
    diesel::insert_into(certificate_authorities::table)
        .values((
            Columns::from(spec),
            certificate_authorities::eab_key.eq(seal_binding_key(key, spec)?),
            certificate_authorities::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)?;
    Ok(AuthorityId(dialect::inserted_id(&mut c.0)?))
}

/// Updates a CA. A changed directory or external account binding deletes the ACME account; the next
/// issuance registers a new one.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Duplicate`] for a taken name.
pub fn update(
    c: &mut Conn,
    _: Permit<AuthorityManage>,
    key: &SecretKey,
    id: AuthorityId,
    spec: &AuthoritySpec,
) -> Result<(), Error> {
    let stored = get(c, key, id)?.ok_or(Error::NotFound)?;
    let moved = stored.row.directory != spec.directory;
    diesel::update(certificate_authorities::table.find(id.0))
        .set(Columns::from(spec))
        .execute(&mut c.0)?;
    if spec.eab_mac_key.is_some() || spec.eab_key_id.is_none() || moved {
        diesel::update(certificate_authorities::table.find(id.0))
            .set(certificate_authorities::eab_key.eq(seal_binding_key(key, spec)?))
            .execute(&mut c.0)?;
    }
    let account_changed =
        moved || stored.row.eab_key_id != spec.eab_key_id || spec.eab_mac_key.is_some();
    if let (true, Some(account)) = (account_changed, &stored.row.account) {
        delete_account(c, id, account)?;
    }
    Ok(())
}

/// Deletes the ACME account with this URL from the CA, unless it was replaced already. The next
/// issuance registers a new account.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_account(c: &mut Conn, id: AuthorityId, account: &str) -> Result<(), Error> {
    diesel::update(certificate_authorities::table.find(id.0))
        .filter(certificate_authorities::account_url.eq(account))
        .set((
            certificate_authorities::account_url.eq(None::<String>),
            certificate_authorities::account_key.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Stores the URL and credentials of a new ACME account. Changes nothing when another process has
/// stored an account first.
///
/// # Errors
/// When the database is unavailable.
pub fn store_account(
    c: &mut Conn,
    key: &SecretKey,
    authority: &AuthorityRow,
    account: &str,
    credentials: &str,
) -> Result<(), Error> {
    let context = secret_context("credentials", authority.directory.as_str());
    let sealed = key.seal(&context, credentials)?;
    diesel::update(certificate_authorities::table.find(authority.id.0))
        .filter(certificate_authorities::directory_url.eq(authority.directory.as_str()))
        .filter(certificate_authorities::account_key.is_null())
        .set((
            certificate_authorities::account_url.eq(account),
            certificate_authorities::account_key.eq(sealed),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Deletes a CA.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::InUse`] while domains obtain certificates from the CA.
pub fn delete(c: &mut Conn, _: Permit<AuthorityManage>, id: AuthorityId) -> Result<(), Error> {
    rows::ensure_found(diesel::delete(certificate_authorities::table.find(id.0)).execute(&mut c.0)?)
}

/// Returns all CAs, ordered by name, at most 500. Two statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn) -> Result<Vec<AuthorityRow>, Error> {
    let rows: Vec<Row> = certificate_authorities::table
        .order((certificate_authorities::name, certificate_authorities::id))
        .limit(MAX_ROWS)
        .select(Row::as_select())
        .load(&mut c.0)?;
    let domain_names: Vec<(i64, String)> = domain_certificate_sources::table
        .inner_join(domains::table)
        .filter(domain_certificate_sources::authority_id.is_not_null())
        .order(domains::name)
        .select((
            domain_certificate_sources::authority_id.assume_not_null(),
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

/// Returns the CA with this id, with its secrets but without its domains.
///
/// # Errors
/// When the database is unavailable, or a secret does not decrypt.
pub fn get(
    c: &mut Conn,
    key: &SecretKey,
    id: AuthorityId,
) -> Result<Option<CertificateAuthority>, Error> {
    let row: Option<Row> = certificate_authorities::table
        .find(id.0)
        .select(Row::as_select())
        .first(&mut c.0)
        .optional()?;
    row.map(|row| row.into_record(key, Vec::new())).transpose()
}

/// Whether the CA of a certificate source exists; true for sources without a CA.
///
/// # Errors
/// When the database is unavailable.
pub fn source_exists(c: &mut Conn, source: CertificateSource) -> Result<bool, Error> {
    let Some(id) = source.certificate_authority() else {
        return Ok(true);
    };
    let count = certificate_authorities::table.find(id.0).count();
    Ok(count.get_result::<i64>(&mut c.0)? > 0)
}
