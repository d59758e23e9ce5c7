//! The account with a CA: created on first use, stored, and forgotten when the CA no longer knows
//! it.

use model::events::{Event, Topic};
use pki::acme::{Account, AcmeError, Credentials, Directory, ExternalAccountBinding, RequestGuard};
use store::{Conn, authorities::CertificateAuthority};

use crate::{Control, failure::StoreResultExt as _};

/// Opens the stored account, or creates one. `guard` runs before each request.
///
/// # Errors
/// Returns the error of the CA.
pub(super) async fn open(
    control: &Control,
    guard: Option<RequestGuard>,
    authority: &CertificateAuthority,
) -> Result<Account, AcmeError> {
    if let Some(account) = open_stored(authority, guard.clone()).await? {
        return Ok(account);
    }
    // A key for external account binding may be usable only once, so only one task creates the
    // account.
    let _guard = control.0.mutexes.authorities.lock(authority.row.id).await;
    let (key, id) = (control.store().secret_key().clone(), authority.row.id);
    let read = move |c: &mut Conn| store::authorities::get(c, &key, id);
    if let Ok(Some(current)) = control.store().read(read).await
        && current.row.directory == authority.row.directory
        && let Some(account) = open_stored(&current, guard.clone()).await?
    {
        return Ok(account);
    }
    create_account(control, authority, guard).await
}

fn directory(authority: &CertificateAuthority) -> Directory {
    Directory {
        url: authority.row.directory.clone(),
        roots: authority.row.roots.clone(),
    }
}

async fn open_stored(
    authority: &CertificateAuthority,
    guard: Option<RequestGuard>,
) -> Result<Option<Account>, AcmeError> {
    let Some(credentials) = &authority.credentials else {
        return Ok(None);
    };
    let credentials = Credentials::from(credentials.clone());
    let account = Account::open(&directory(authority), &credentials, guard).await?;
    Ok(Some(account))
}

async fn create_account(
    control: &Control,
    authority: &CertificateAuthority,
    guard: Option<RequestGuard>,
) -> Result<Account, AcmeError> {
    let binding = match (&authority.row.eab_key_id, &authority.eab_mac_key) {
        (Some(id), Some(key)) => key.parse().ok().map(|key| ExternalAccountBinding {
            id: id.clone(),
            key,
        }),
        _ => None,
    };
    let email = authority.row.email.as_ref();
    let directory = directory(authority);
    let created = Account::create(&directory, email, binding.as_ref(), guard).await;
    let (account, credentials) = created?;
    let (key, row) = (control.store().secret_key().clone(), authority.row.clone());
    let (url, secret) = (account.url().to_owned(), credentials.reveal().to_owned());
    let stored = control
        .store()
        .write(move |c| store::authorities::store_account(c, &key, &row, &url, &secret))
        .await;
    if let Err(error) = stored {
        tracing::warn!(
            authority = %authority.row.name,
            %error,
            "ACME account write failed, the next attempt creates another"
        );
    }
    let event = Event::of(Topic::Authority, authority.row.id.0);
    control.notifier().publish(event);
    Ok(account)
}

/// Forgets the account in `authority`; the next attempt creates another.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub(super) async fn forget(
    control: &Control,
    authority: &CertificateAuthority,
) -> Result<(), model::Error> {
    let Some(account) = authority.row.account.clone() else {
        return Ok(());
    };
    let id = authority.row.id;
    let forget = move |c: &mut Conn| store::authorities::delete_account(c, id, &account);
    control
        .store()
        .write(forget)
        .await
        .into_model("delete CA account")
}
