//! Our account with an authority: made when it is needed first, kept, and forgotten when the
//! authority knows it no more.

use model::events::{Event, Topic};
use pki::acme::{Account, AcmeError, Binding, Credentials, Directory};
use store::{Conn, authorities::AuthorityRecord};

use crate::{Control, failure::Told as _, hub::Audience};

/// Our account, made when there is none yet.
///
/// # Errors
/// What the authority says.
pub(super) async fn open(
    control: &Control,
    authority: &AuthorityRecord,
) -> Result<Account, AcmeError> {
    if let Some(account) = known(authority).await? {
        return Ok(account);
    }
    // A key that binds an account may be good for one: of several certificates one makes it.
    let _one = control.0.gates.authorities.enter(authority.row.id).await;
    let (key, id) = (control.store().key().clone(), authority.row.id);
    let read = move |c: &mut Conn| store::authorities::record(c, &key, id);
    if let Ok(Some(now)) = control.store().read(read).await
        && now.row.directory == authority.row.directory
        && let Some(account) = known(&now).await?
    {
        return Ok(account);
    }
    make(control, authority).await
}

fn directory(authority: &AuthorityRecord) -> Directory {
    Directory {
        url: authority.row.directory.clone(),
        roots: authority.row.roots.clone(),
    }
}

async fn known(authority: &AuthorityRecord) -> Result<Option<Account>, AcmeError> {
    let Some(credentials) = &authority.credentials else {
        return Ok(None);
    };
    let credentials = Credentials::from(credentials.clone());
    let account = Account::open(&directory(authority), &credentials).await?;
    Ok(Some(account))
}

async fn make(control: &Control, authority: &AuthorityRecord) -> Result<Account, AcmeError> {
    let binding = match (&authority.row.binding, &authority.binding_key) {
        (Some(id), Some(key)) => key.parse().ok().map(|key| Binding {
            id: id.clone(),
            key,
        }),
        _ => None,
    };
    let email = authority.row.email.as_ref();
    let made = Account::create(&directory(authority), email, binding.as_ref()).await;
    let (account, credentials) = made?;
    let (key, row) = (control.store().key().clone(), authority.row.clone());
    let (url, secret) = (account.url().to_owned(), credentials.reveal().to_owned());
    let kept = control
        .store()
        .write(move |c| store::authorities::set_account(c, &key, &row, &url, &secret))
        .await;
    if let Err(error) = kept {
        tracing::warn!(
            ?error,
            "an account could not be kept; the next try makes another"
        );
    }
    let event = Event::of(Topic::Authority, authority.row.id.0);
    control.hub().tell(event, Audience::Operators);
    Ok(account)
}

/// Forgets the account that was known then: the next try makes another one.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn forget(
    control: &Control,
    authority: &AuthorityRecord,
) -> Result<(), model::Error> {
    let Some(account) = authority.row.account.clone() else {
        return Ok(());
    };
    let id = authority.row.id;
    let forget = move |c: &mut Conn| store::authorities::forget_account(c, id, &account);
    control.store().write(forget).await.told("authority")
}
