//! Sign-in, sign-out and sessions. A session is a random token; only its hash is stored.

mod link;

use std::{net::IpAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{
    Error, UserId,
    names::Username,
    session::{CurrentUser, SignInForm},
};
use sha2::{Digest as _, Sha256};
use store::users::UserRecord;

pub(crate) use link::PendingLink;
pub use link::{LINK_LIFETIME, create_link, redeem_link};

use crate::{
    Actor, Control,
    failure::StoreResultExt as _,
    throttle::{self, Attempt, AttemptDecision, BucketFailure, RESET_AFTER_MS},
};

/// The maximum lifetime of a session.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// A session expires after this long without use.
const IDLE_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);
/// A browser is forgotten this long after its last sign-in.
const KNOWN_BROWSER: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many browsers are remembered per user.
const MAX_BROWSERS: i64 = 20;
/// How many sessions a user can have; the next one ends the one that was unused for the longest.
const MAX_SESSIONS: i64 = 50;
/// The last use of a session is stored at most this often.
const TOUCH_EVERY_MS: i64 = 60_000;

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
/// [`Error::WrongCredentials`] and [`Error::Throttled`], which do not reveal whether the account
/// exists.
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
    let address = client.address;
    let known = client.browser_token.clone();
    let browser_token =
        complete_attempt(control, user.row.id, (attempt, known), recorded_failures).await?;
    let session = begin(control, &user, client).await?;
    let session = session.ok_or(Error::WrongCredentials)?;
    tracing::info!(account = %user.row.name, %address, method = "password", "user signed in");
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
/// [`Error::Throttled`] if the client must wait.
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
            let known_browser = match (&user, &token) {
                (Some(user), Some(token))
                    if store::sign_ins::is_known_browser(c, token, user.row.id)? =>
                {
                    Some(token.clone())
                }
                _ => None,
            };
            let attempt = Attempt {
                account: account.clone(),
                address,
                known_browser,
            };
            // Without a write, so that attempts that must wait cost little.
            let wait = throttle::wait(c, &attempt)?;
            Ok((user, attempt, wait))
        })
        .await
        .into_model("check sign-in attempt")?;
    let to_record = attempt.clone();
    let decision = match wait {
        Some(wait) => AttemptDecision::Wait(wait),
        None => control
            .store()
            .write(move |c| throttle::count(c, &to_record))
            .await
            .into_model("record sign-in attempt")?,
    };
    match decision {
        AttemptDecision::Allowed(recorded_failures) => Ok(SignInAttempt {
            user,
            attempt,
            recorded_failures,
        }),
        AttemptDecision::Wait(wait) => Err(Error::Throttled {
            seconds: wait.as_secs().max(1),
        }),
    }
}

/// Forgets the failures before a success. Returns the browser's token, or a new one.
async fn complete_attempt(
    control: &Control,
    user: UserId,
    (attempt, known): (Attempt, Option<String>),
    recorded_failures: Vec<BucketFailure>,
) -> Result<BrowserToken, Error> {
    let known = known.filter(|_| attempt.known_browser.is_some());
    let new = known.is_none().then(new_token);
    let hash = new.as_deref().map(digest);
    control
        .store()
        .write(move |c| {
            throttle::record_success(c, &recorded_failures)?;
            match (&hash, &attempt.known_browser) {
                (Some(hash), _) => {
                    store::sign_ins::insert_known_browser(c, hash, user, MAX_BROWSERS)
                }
                (None, Some(known)) => store::sign_ins::touch_known_browser(c, known),
                (None, None) => Ok(()),
            }
        })
        .await
        .into_model("complete sign-in attempt")?;
    Ok(BrowserToken {
        token: known.or(new).unwrap_or_default(),
        lifetime_s: KNOWN_BROWSER.as_secs(),
    })
}

/// Stores a new session of an account; `None` if the account has another password by now. A change
/// of the password locks the account too, so it ends this session or this session does not begin.
async fn begin(
    control: &Control,
    user: &UserRecord,
    client: ClientInfo,
) -> Result<Option<NewSession>, Error> {
    let token = new_token();
    let (user, verified_hash) = (user.row.id, user.password_hash.clone());
    let session = store::sessions::NewSession {
        token_hash: digest(&token),
        user,
        lifetime_ms: millis(LIFETIME),
        address: client.address.to_string(),
        user_agent: client.user_agent.chars().take(200).collect(),
    };
    let begun = control
        .store()
        .write(move |c| {
            store::users::lock(c, user)?;
            let current = store::users::get(c, user)?;
            if current.is_none_or(|current| current.password_hash != verified_hash) {
                return Ok(false);
            }
            store::sessions::delete_surplus(c, user, MAX_SESSIONS - 1)?;
            store::sessions::insert(c, &session)?;
            Ok(true)
        })
        .await
        .into_model("begin session")?;
    Ok(begun.then_some(NewSession {
        token,
        lifetime_s: LIFETIME.as_secs(),
        browser_token: None,
    }))
}

/// A random token of 256 bits, safe for cookies and query strings.
fn new_token() -> String {
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
pub async fn actor(control: &Control, token: &str) -> Result<Option<Actor>, Error> {
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
pub(crate) fn delete_expired(c: &mut store::Conn) -> Result<(), store::Error> {
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

pub(crate) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
