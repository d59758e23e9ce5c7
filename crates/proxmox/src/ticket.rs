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
const TICKET_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// How long a failure is cached, so that a rejected password is not sent with every call: realms
/// lock users after repeated failures.
const FAILURE_PAUSE: Duration = Duration::from_secs(60);

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
enum TicketAction {
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
    /// `arrived` is when the call arrived; a failure since then applies to the call as well.
    fn next_action(&self, arrived: Instant, now: Instant, renew_after: Duration) -> TicketAction {
        let age = |ticket: &Ticket| now.saturating_duration_since(ticket.since);
        let recent =
            |at: Instant| arrived <= at || now.saturating_duration_since(at) < FAILURE_PAUSE;
        match (&self.ticket, &self.failure) {
            (Some(ticket), failure) if age(ticket) < TICKET_LIFETIME => match failure {
                _ if age(ticket) < renew_after => TicketAction::Use(ticket.clone()),
                Some((at, _)) if recent(*at) => TicketAction::Use(ticket.clone()),
                _ => TicketAction::Renew(ticket.clone()),
            },
            (_, Some((at, error))) if arrived <= *at || (recent(*at) && is_refusal(error)) => {
                TicketAction::Fail(error.clone())
            }
            _ => TicketAction::SignIn,
        }
    }

    fn keep(&mut self, result: Result<Ticket, Error>) -> Result<Arc<Ticket>, Error> {
        match result {
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
    Anonymous,
    Token(HeaderValue),
    Ticket(Arc<Ticket>),
}

impl Auth {
    pub(crate) fn sign(&self, request: RequestBuilder, method: &Method) -> RequestBuilder {
        match self {
            Self::Anonymous => request,
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
struct TicketResponse {
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
    pub(crate) async fn renewed_auth(&self, rejected: &Auth) -> Result<Option<Auth>, Error> {
        match (&self.inner.sign_in, rejected) {
            (SignIn::Password(tickets), Auth::Ticket(rejected)) => {
                let ticket = self.ticket(tickets, Some(rejected)).await?;
                Ok(Some(Auth::Ticket(ticket)))
            }
            _ => Ok(None),
        }
    }

    /// The current ticket. Waits if another call is fetching one.
    async fn ticket(
        &self,
        tickets: &Tickets,
        rejected: Option<&Arc<Ticket>>,
    ) -> Result<Arc<Ticket>, Error> {
        let arrived = Instant::now();
        let mut state = tickets.state.lock().await;
        let same = |ticket: &Arc<Ticket>| rejected.is_some_and(|it| Arc::ptr_eq(it, ticket));
        state.ticket = state.ticket.take().filter(|ticket| !same(ticket));
        match state.next_action(arrived, Instant::now(), self.inner.timeouts.ticket) {
            TicketAction::Use(ticket) => Ok(ticket),
            TicketAction::Fail(error) => Err(error),
            TicketAction::SignIn => {
                let result = self.sign_in(&tickets.user, &tickets.password).await;
                state.keep(result)
            }
            TicketAction::Renew(old) => match self.sign_in(&tickets.user, &old.text).await {
                Ok(ticket) => state.keep(Ok(ticket)),
                Err(error) if is_refusal(&error) => {
                    let result = self.sign_in(&tickets.user, &tickets.password).await;
                    state.keep(result)
                }
                // The old ticket is still valid; the next attempt follows after a minute.
                Err(error) => {
                    tracing::debug!(%error, cause = error.cause(), "ticket renewal failed, keeping the old ticket");
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
        let response = self.send(&call, &Auth::Anonymous).await?;
        let address = response.address.clone();
        let response = match response.read::<TicketResponse>() {
            Ok(data) => data.data,
            Err(Error::Unauthorized { reason }) => {
                let user = user.to_owned();
                return Err(Error::PasswordRefused { user, reason });
            }
            Err(error) => return Err(error),
        };
        read_ticket(response, user, address, since)
    }
}

fn read_ticket(
    response: TicketResponse,
    user: &str,
    address: String,
    since: Instant,
) -> Result<Ticket, Error> {
    let text = response.ticket.unwrap_or_default();
    if response.second_factor || text.contains(":!tfa!") {
        let user = user.to_owned();
        return Err(Error::SecondFactor { user });
    }
    let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC);
    let cookie = header(&format!("PVEAuthCookie={encoded}"));
    let csrf = response.csrf.as_deref().and_then(header);
    match (cookie, csrf) {
        (Some(cookie), Some(csrf)) if !text.is_empty() => Ok(Ticket {
            text: text.into(),
            cookie,
            csrf,
            since,
        }),
        _ => {
            let cause = "the sign-in returned no ticket".to_owned();
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

    fn name(next_action: &TicketAction) -> &'static str {
        match next_action {
            TicketAction::Use(_) => "use",
            TicketAction::Fail(_) => "fail",
            TicketAction::Renew(_) => "renew",
            TicketAction::SignIn => "sign in",
        }
    }

    fn rejected() -> Error {
        Error::PasswordRefused {
            user: "root@pam".to_owned(),
            reason: "authentication failure".to_owned(),
        }
    }

    fn unreachable() -> Error {
        Error::Unreachable {
            address: "https://pve1:8006".to_owned(),
            cause: String::new(),
            sent: false,
        }
    }

    #[test]
    fn ticket_is_used_then_renewed_then_expired() {
        let started = Instant::now();
        let mut actions = Vec::new();
        for age in [0, 89, 90, 119, 120] {
            let now = started + minutes(age);
            actions.push(name(
                &state(Some(started), None).next_action(now, now, RENEW),
            ));
        }
        assert_eq!(actions, ["use", "use", "renew", "renew", "sign in"]);
        assert_eq!(
            name(&state(None, None).next_action(started, started, RENEW)),
            "sign in"
        );
    }

    #[test]
    fn failed_renewal_keeps_old_ticket_for_a_minute() {
        let started = Instant::now();
        let failed = started + minutes(91);
        let state = state(Some(started), Some((failed, unreachable())));
        let soon = failed + Duration::from_secs(59);
        assert_eq!(name(&state.next_action(soon, soon, RENEW)), "use");
        let later = failed + minutes(1);
        assert_eq!(name(&state.next_action(later, later, RENEW)), "renew");
    }

    #[test]
    fn waiting_calls_share_failure_and_later_calls_retry() {
        let started = Instant::now();
        let failed = started + minutes(1);
        let later = failed + Duration::from_secs(1);
        let unreachable = state(None, Some((failed, unreachable())));
        assert_eq!(
            name(&unreachable.next_action(started, later, RENEW)),
            "fail"
        );
        assert_eq!(
            name(&unreachable.next_action(later, later, RENEW)),
            "sign in"
        );
        // Repeated attempts with a rejected password would lock the user.
        let rejected = state(None, Some((failed, rejected())));
        assert_eq!(name(&rejected.next_action(later, later, RENEW)), "fail");
        let much_later = failed + minutes(1);
        assert_eq!(
            name(&rejected.next_action(much_later, much_later, RENEW)),
            "sign in"
        );
    }
}
