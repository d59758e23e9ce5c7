//! Tickets, which a password is exchanged for. A ticket is fetched when it is first needed, kept in
//! memory only, and renewed before it expires; concurrent callers share one request.
//!
//! A ticket is valid for two hours at every node of its cluster, and is renewed by sending it as
//! the password. Writes also send the CSRF prevention token of the ticket.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Method, RequestBuilder,
    header::{AUTHORIZATION, COOKIE, HeaderValue},
};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::{
    Client, Secret,
    credentials::SignIn,
    error::Error,
    http::{Call, Purpose},
    lenient,
    params::Params,
};

/// The validity of a ticket.
const LIFE: Duration = Duration::from_secs(2 * 60 * 60);

/// How long a failure is cached, so that a rejected password is not sent with every call: realms
/// lock users after repeated failures.
const PAUSE: Duration = Duration::from_secs(60);

/// A ticket, formatted as request headers.
pub(crate) struct Ticket {
    text: Secret,
    cookie: HeaderValue,
    csrf: HeaderValue,
    since: Instant,
}

/// The ticket cache of one user.
pub(crate) struct Tickets {
    /// The user with realm: `root@pam`.
    pub(crate) user: String,
    password: Secret,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ticket: Option<Arc<Ticket>>,
    failure: Option<(Instant, Error)>,
}

/// How a call gets a ticket.
enum Next {
    Use(Arc<Ticket>),
    Fail(Error),
    Renew(Arc<Ticket>),
    SignIn,
}

impl Tickets {
    pub(crate) fn new(user: String, password: Secret) -> Self {
        Self {
            user,
            password,
            state: Mutex::default(),
        }
    }
}

impl State {
    /// `asked` is when the call arrived; a failure since then applies to the call as well.
    fn next(&self, asked: Instant, now: Instant, renew_after: Duration) -> Next {
        let age = |ticket: &Ticket| now.saturating_duration_since(ticket.since);
        let recent = |at: Instant| asked <= at || now.saturating_duration_since(at) < PAUSE;
        match (&self.ticket, &self.failure) {
            (Some(ticket), failure) if age(ticket) < LIFE => match failure {
                _ if age(ticket) < renew_after => Next::Use(ticket.clone()),
                Some((at, _)) if recent(*at) => Next::Use(ticket.clone()),
                _ => Next::Renew(ticket.clone()),
            },
            (_, Some((at, error))) if asked <= *at || (recent(*at) && is_refusal(error)) => {
                Next::Fail(error.clone())
            }
            _ => Next::SignIn,
        }
    }

    fn keep(&mut self, signed_in: Result<Ticket, Error>) -> Result<Arc<Ticket>, Error> {
        match signed_in {
            Ok(ticket) => {
                let ticket = Arc::new(ticket);
                self.ticket = Some(ticket.clone());
                self.failure = None;
                Ok(ticket)
            }
            Err(error) => {
                self.ticket = None;
                self.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::PasswordRefused { .. } | Error::SecondFactor { .. }
    )
}

/// How a call is authenticated.
#[derive(Clone)]
pub(crate) enum Auth {
    /// No credentials: for signing in.
    Nobody,
    Token(HeaderValue),
    Ticket(Arc<Ticket>),
}

impl Auth {
    pub(crate) fn sign(&self, request: RequestBuilder, method: &Method) -> RequestBuilder {
        match self {
            Self::Nobody => request,
            Self::Token(header) => request.header(AUTHORIZATION, header.clone()),
            Self::Ticket(ticket) => {
                let request = request.header(COOKIE, ticket.cookie.clone());
                if *method == Method::GET {
                    return request;
                }
                request.header("CSRFPreventionToken", ticket.csrf.clone())
            }
        }
    }
}

#[derive(Deserialize)]
struct TicketAnswer {
    #[serde(default, deserialize_with = "lenient::opt_text")]
    ticket: Option<String>,
    #[serde(
        default,
        rename = "CSRFPreventionToken",
        deserialize_with = "lenient::opt_text"
    )]
    csrf: Option<String>,
    #[serde(default, rename = "NeedTFA", deserialize_with = "lenient::flag")]
    second_factor: bool,
}

impl Client {
    /// The authentication of a call; fetches a ticket if necessary.
    pub(crate) async fn auth(&self) -> Result<Auth, Error> {
        match &self.inner.sign_in {
            SignIn::Token { header, .. } => Ok(Auth::Token(header.clone())),
            SignIn::Password(tickets) => self.ticket(tickets, None).await.map(Auth::Ticket),
        }
    }

    /// The authentication to use after a call was rejected (401): a new ticket, because the old one
    /// may have been revoked. `None` for a token, which cannot be replaced.
    pub(crate) async fn other_auth(&self, refused: &Auth) -> Result<Option<Auth>, Error> {
        match (&self.inner.sign_in, refused) {
            (SignIn::Password(tickets), Auth::Ticket(refused)) => {
                let ticket = self.ticket(tickets, Some(refused)).await?;
                Ok(Some(Auth::Ticket(ticket)))
            }
            _ => Ok(None),
        }
    }

    /// The current ticket. Waits if another call is fetching one.
    async fn ticket(
        &self,
        tickets: &Tickets,
        refused: Option<&Arc<Ticket>>,
    ) -> Result<Arc<Ticket>, Error> {
        let asked = Instant::now();
        let mut state = tickets.state.lock().await;
        let same = |ticket: &Arc<Ticket>| refused.is_some_and(|it| Arc::ptr_eq(it, ticket));
        state.ticket = state.ticket.take().filter(|ticket| !same(ticket));
        match state.next(asked, Instant::now(), self.inner.timeouts.ticket) {
            Next::Use(ticket) => Ok(ticket),
            Next::Fail(error) => Err(error),
            Next::SignIn => {
                let signed_in = self.sign_in(&tickets.user, &tickets.password).await;
                state.keep(signed_in)
            }
            Next::Renew(old) => match self.sign_in(&tickets.user, &old.text).await {
                Ok(ticket) => state.keep(Ok(ticket)),
                Err(error) if is_refusal(&error) => {
                    let signed_in = self.sign_in(&tickets.user, &tickets.password).await;
                    state.keep(signed_in)
                }
                // The old ticket is still valid; the next attempt follows after a minute.
                Err(error) => {
                    tracing::debug!(?error, "a ticket could not be renewed yet");
                    state.failure = Some((Instant::now(), error));
                    Ok(old)
                }
            },
        }
    }

    async fn sign_in(&self, user: &str, password: &Secret) -> Result<Ticket, Error> {
        let params = Params::default()
            .with("username", user)
            .with("password", password.expose());
        let call = Call::post(&["access", "ticket"])
            .params(params)
            .purpose(Purpose::Read);
        let since = Instant::now();
        let answer = self.send(&call, &Auth::Nobody).await?;
        let address = answer.address.clone();
        let answer = match answer.read::<TicketAnswer>() {
            Ok(data) => data.data,
            Err(Error::Unauthorized { reason }) => {
                let user = user.to_owned();
                return Err(Error::PasswordRefused { user, reason });
            }
            Err(error) => return Err(error),
        };
        read_ticket(answer, user, address, since)
    }
}

fn read_ticket(
    answer: TicketAnswer,
    user: &str,
    address: String,
    since: Instant,
) -> Result<Ticket, Error> {
    let text = answer.ticket.unwrap_or_default();
    if answer.second_factor || text.contains(":!tfa!") {
        let user = user.to_owned();
        return Err(Error::SecondFactor { user });
    }
    let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC);
    let cookie = header(&format!("PVEAuthCookie={encoded}"));
    let csrf = answer.csrf.as_deref().and_then(header);
    match (cookie, csrf) {
        (Some(cookie), Some(csrf)) if !text.is_empty() => Ok(Ticket {
            text: text.into(),
            cookie,
            csrf,
            since,
        }),
        _ => {
            let cause = "signing in brought no ticket".to_owned();
            Err(Error::Protocol { address, cause })
        }
    }
}

fn header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RENEW: Duration = Duration::from_secs(90 * 60);

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    fn state(since: Option<Instant>, failure: Option<(Instant, Error)>) -> State {
        let text = HeaderValue::from_static("x");
        let ticket = since.map(|since| {
            Arc::new(Ticket {
                text: "x".into(),
                cookie: text.clone(),
                csrf: text,
                since,
            })
        });
        State { ticket, failure }
    }

    fn word(next: &Next) -> &'static str {
        match next {
            Next::Use(_) => "use",
            Next::Fail(_) => "fail",
            Next::Renew(_) => "renew",
            Next::SignIn => "sign in",
        }
    }

    fn refused() -> Error {
        Error::PasswordRefused {
            user: "root@pam".to_owned(),
            reason: "authentication failure".to_owned(),
        }
    }

    fn away() -> Error {
        Error::Unreachable {
            address: "https://pve1:8006".to_owned(),
            cause: String::new(),
            sent: false,
        }
    }

    #[test]
    fn a_ticket_is_used_then_renewed_and_then_no_longer_worth_anything() {
        let begun = Instant::now();
        let mut found = Vec::new();
        for age in [0, 89, 90, 119, 120] {
            let now = begun + minutes(age);
            found.push(word(&state(Some(begun), None).next(now, now, RENEW)));
        }
        assert_eq!(found, ["use", "use", "renew", "renew", "sign in"]);
        assert_eq!(
            word(&state(None, None).next(begun, begun, RENEW)),
            "sign in"
        );
    }

    #[test]
    fn a_renewal_that_failed_leaves_the_old_ticket_in_use_for_a_minute() {
        let begun = Instant::now();
        let failed = begun + minutes(91);
        let state = state(Some(begun), Some((failed, away())));
        let soon = failed + Duration::from_secs(59);
        assert_eq!(word(&state.next(soon, soon, RENEW)), "use");
        let later = failed + minutes(1);
        assert_eq!(word(&state.next(later, later, RENEW)), "renew");
    }

    #[test]
    fn who_waited_shares_the_failure_and_who_comes_later_tries_again() {
        let begun = Instant::now();
        let failed = begun + minutes(1);
        let later = failed + Duration::from_secs(1);
        let away = state(None, Some((failed, away())));
        assert_eq!(word(&away.next(begun, later, RENEW)), "fail");
        assert_eq!(word(&away.next(later, later, RENEW)), "sign in");
        // Repeated attempts with a rejected password would lock the user.
        let refused = state(None, Some((failed, refused())));
        assert_eq!(word(&refused.next(later, later, RENEW)), "fail");
        let much_later = failed + minutes(1);
        assert_eq!(
            word(&refused.next(much_later, much_later, RENEW)),
            "sign in"
        );
    }
}
