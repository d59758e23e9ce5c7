//! Sign-in, sign-out and sessions. A session is a random token; only its hash is stored.

mod link;
pub mod own;
mod refusal;

use std::{net::IpAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{
    Error, UserId,
    names::Username,
    permissions::{PasswordChange, Permit},
    session::{CurrentUser, SignInForm},
    users::AccountState,
};
use sha2::{Digest as _, Sha256};
use store::{Conn, users::UserRecord};

pub(crate) use link::PendingLink;
pub use link::{LINK_LIFETIME, create_link, redeem_link};
use refusal::SessionRefusal;

use crate::{
    Actor, Control,
    clock::millis,
    failure::StoreResultExt as _,
    rate_limit::SIGN_INS,
    throttle::{self, Attempt, AttemptDecision, BucketFailure, RESET_AFTER_MS},
};

/// The maximum lifetime of a session.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// A session expires after this long without use.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);
/// A browser is forgotten this long after its last sign-in.
const KNOWN_BROWSER: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many browsers are remembered per user.
const MAX_BROWSERS: i64 = 20;
/// How many sessions a user can have; the next one ends the one that was unused for the longest.
const MAX_SESSIONS: i64 = 50;
/// The last use of a session is stored at most this often.
const TOUCH_EVERY_MS: i64 = 60_000;

/// The ID of no user.
const NO_USER: UserId = UserId(0);

/// The client of a request.
#[derive(Clone)]
pub struct ClientInfo {
    /// The client's address, as far as trusted proxies report it.
    pub address: IpAddr,
    /// The browser's user agent.
    pub user_agent: String,
    /// The browser's token from an earlier sign-in.
    pub browser_token: Option<String>,
    /// The token of the browser's session.
    pub session_token: Option<String>,
}

/// A new session. Its token is for the user's browser only.
pub struct NewSession {
    /// The secret of the session cookie. The database has only its hash.
    pub token: String,
    /// The remaining lifetime in seconds.
    pub lifetime_s: u64,
    /// A token by which the browser is recognized at its next sign-in; `None` after a sign-in by a
    /// link.
    pub browser_token: Option<BrowserToken>,
}

/// A token for the user's browser only.
pub struct BrowserToken {
    /// The secret. The database has only its hash.
    pub token: String,
    /// The lifetime in seconds.
    pub lifetime_s: u64,
}

/// Signs in with a password and begins a session.
///
/// # Errors
/// [`Error::WrongCredentials`] and [`Error::TooManyRequests`], which do not reveal whether the
/// account exists.
pub async fn sign_in(
    control: &Control,
    form: SignInForm,
    client: ClientInfo,
) -> Result<NewSession, Error> {
    // Input that is not a valid account name is neither stored nor logged.
    let account: Option<Username> = form.name.trim().to_lowercase().parse().ok();
    let account_name = account.as_ref().map(ToString::to_string);
    let SignInAttempt {
        user,
        attempt,
        recorded_failures,
    } = begin_attempt(control, account, &client).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let is_correct = control.0.passwords.matches(&form.password, hash).await?;
    let Some(user) = user.filter(|_| is_correct) else {
        tracing::info!(account = account_name, address = %client.address, "sign-in refused");
        return Err(Error::WrongCredentials);
    };
    let (id, known) = (user.row.id, attempt.known_browser);
    let (browser_token, is_known) = match &client.browser_token {
        Some(token) if known.is_some() => (BrowserToken::of(token.clone()), true),
        _ => (BrowserToken::new(), false),
    };
    let hash = digest(&browser_token.token);
    let record = move |c: &mut Conn| {
        throttle::record_success(c, &recorded_failures)?;
        match is_known {
            true => store::sign_ins::touch_known_browser(c, &hash),
            false => store::sign_ins::insert_known_browser(c, &hash, id, MAX_BROWSERS),
        }
    };
    let begun = begin(control, &user, &client, record).await?;
    let session = begun
        .inspect_err(|refusal| {
            let reason = refusal.as_str();
            tracing::info!(account = %user.row.name, address = %client.address, reason, "sign-in refused");
        })
        .map_err(SessionRefusal::into_error)?;
    tracing::info!(account = %user.row.name, address = %client.address, method = "password", "user signed in");
    Ok(NewSession {
        browser_token: Some(browser_token),
        ..session
    })
}

/// An attempt to prove knowledge of a password, counted as a failure until it succeeds.
pub(crate) struct SignInAttempt {
    /// The account, if it exists.
    pub user: Option<UserRecord>,
    attempt: Attempt,
    /// The failures that were recorded for the attempt; a success reverts them.
    pub recorded_failures: Vec<BucketFailure>,
}

/// Loads the account and counts the attempt.
///
/// # Errors
/// [`Error::TooManyRequests`] if the client must wait.
pub(crate) async fn begin_attempt(
    control: &Control,
    account: Option<Username>,
    client: &ClientInfo,
) -> Result<SignInAttempt, Error> {
    let (address, token) = (client.address, client.browser_token.as_deref().map(digest));
    let (user, attempt, wait) = control
        .store()
        .read(move |c| {
            let user = match &account {
                Some(name) => store::users::get_by_name(c, name)?,
                None => None,
            };
            // The same statements run for an unknown account, so that the time does not reveal it.
            let id = match &user {
                Some(user) => user.row.id,
                None => {
                    store::users::get_usage(c, NO_USER)?;
                    NO_USER
                }
            };
            let known_browser = match token {
                Some(token) if store::sign_ins::is_known_browser(c, &token, id)? => Some(token),
                _ => None,
            };
            let attempt = Attempt {
                account: account.clone(),
                address,
                known_browser,
            };
            // Without a write, so that attempts that must wait cost little.
            let wait = throttle::remaining_wait(c, &attempt)?;
            let allowed = SIGN_INS.check(c, id)?.map(drop);
            Ok(allowed.map(|()| (user, attempt, wait)))
        })
        .await
        .into_model("check sign-in attempt")??;
    let to_record = attempt.clone();
    let decision = match wait {
        Some(wait) => AttemptDecision::Wait(wait),
        None => control
            .store()
            .write(move |c| throttle::record_attempt(c, &to_record))
            .await
            .into_model("record sign-in attempt")?,
    };
    match decision {
        AttemptDecision::Allowed(recorded_failures) => Ok(SignInAttempt {
            user,
            attempt,
            recorded_failures,
        }),
        AttemptDecision::Wait(wait) => Err(Error::TooManyRequests {
            message: "Too many attempts.".to_owned(),
            seconds: wait.as_secs().max(1),
        }),
    }
}

/// Stores a new session of an active account, and runs `record` in the same transaction. A change
/// of the password or the state locks the account too, so it ends this session or this session does
/// not begin.
async fn begin(
    control: &Control,
    user: &UserRecord,
    client: &ClientInfo,
    record: impl Fn(&mut Conn) -> Result<(), store::Error> + Send + 'static,
) -> Result<Result<NewSession, SessionRefusal>, Error> {
    let session = UnstoredSession::new(user.row.id, client);
    let to_store = session.clone();
    let (user, verified_hash) = (user.row.id, user.password_hash.clone());
    let begun = control
        .store()
        .write(move |c| {
            store::users::lock(c, user)?;
            let current = store::users::get(c, user)?;
            let current = current.filter(|current| current.password_hash == verified_hash);
            let Some(current) = current else {
                return Ok(Err(SessionRefusal::Changed));
            };
            if current.row.state != AccountState::Active {
                return Ok(Err(SessionRefusal::Inactive(current.row.state)));
            }
            match SIGN_INS.check(c, user)? {
                Ok(allowance) => allowance.record(c)?,
                Err(refusal) => return Ok(Err(SessionRefusal::TooOften(refusal))),
            }
            record(c)?;
            to_store.insert(c)?;
            Ok(Ok(()))
        })
        .await
        .into_model("begin session")?;
    if begun.is_ok() {
        own::publish(control, user);
    }
    Ok(begun.map(|()| session.into_session(None)))
}

/// A session that is not stored yet.
#[derive(Clone)]
pub(crate) struct UnstoredSession {
    token: String,
    row: store::sessions::NewSession,
}

impl UnstoredSession {
    pub(crate) fn new(user: UserId, client: &ClientInfo) -> Self {
        let token = new_token();
        Self {
            row: store::sessions::NewSession {
                token_hash: digest(&token),
                user,
                lifetime_ms: millis(LIFETIME),
                address: client.address.to_string(),
                user_agent: client.user_agent.chars().take(200).collect(),
            },
            token,
        }
    }

    /// Stores the session. Ends surplus sessions of the user.
    fn insert(&self, c: &mut Conn) -> Result<(), store::Error> {
        store::sessions::delete_surplus(c, self.row.user, MAX_SESSIONS - 1)?;
        store::sessions::insert(c, &self.row)
    }

    /// Stores the first session of a new account, and the browser that created it.
    pub(crate) fn insert_with_browser(
        &self,
        c: &mut Conn,
        browser_hash: &str,
    ) -> Result<(), store::Error> {
        store::sign_ins::insert_known_browser(c, browser_hash, self.row.user, MAX_BROWSERS)?;
        self.insert(c)
    }

    /// Stores the session in place of all sessions and known browsers of the user.
    pub(crate) fn replace_all(
        &self,
        c: &mut Conn,
        permit: Permit<PasswordChange>,
        browser_hash: &str,
    ) -> Result<(), store::Error> {
        let user = self.row.user;
        store::sign_ins::forget_browsers(c, user)?;
        store::sign_ins::insert_known_browser(c, browser_hash, user, MAX_BROWSERS)?;
        store::sessions::delete_by_user(c, permit.narrow(), user)?;
        self.insert(c)
    }

    pub(crate) fn into_session(self, browser_token: Option<BrowserToken>) -> NewSession {
        NewSession {
            token: self.token,
            lifetime_s: LIFETIME.as_secs(),
            browser_token,
        }
    }
}

impl BrowserToken {
    pub(crate) fn new() -> Self {
        Self::of(new_token())
    }

    fn of(token: String) -> Self {
        Self {
            token,
            lifetime_s: KNOWN_BROWSER.as_secs(),
        }
    }
}

/// A random token of 256 bits, safe for cookies and query strings.
pub(crate) fn new_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Ends a session. A session that has already ended is not an error.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub async fn sign_out(control: &Control, token: &str) -> Result<(), Error> {
    let hash = digest(token);
    control
        .store()
        .write(move |c| store::sessions::delete(c, &hash))
        .await
        .into_model("end session")?;
    Ok(())
}

/// The user of a session token, or `None` when the session has ended.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub async fn get_actor(control: &Control, token: &str) -> Result<Option<Actor>, Error> {
    let hash = digest(token);
    let find = hash.clone();
    let (session, now) = control
        .store()
        .read(move |c| {
            let session = store::sessions::get_valid(c, &find, millis(IDLE_TIMEOUT))?;
            Ok((session, store::now(c)?))
        })
        .await
        .into_model("get session")?;
    let Some(session) = session else {
        return Ok(None);
    };
    if session.last_used.age_ms(now) > TOUCH_EVERY_MS {
        control
            .store()
            .write(move |c| store::sessions::touch(c, &hash))
            .await
            .into_model("touch session")?;
    }
    Ok(Some(Actor::User(CurrentUser {
        id: session.user,
        name: session.name,
        role: session.role,
    })))
}

/// Deletes expired sessions, failed sign-ins and known browsers.
///
/// # Errors
/// When the database is unavailable.
pub(crate) fn delete_expired(c: &mut Conn) -> Result<(), store::Error> {
    store::sign_ins::delete_expired(c, RESET_AFTER_MS, millis(KNOWN_BROWSER))?;
    store::sessions::delete_expired(c)?;
    Ok(())
}

pub(crate) fn digest(token: &str) -> String {
    Sha256::digest(token)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
