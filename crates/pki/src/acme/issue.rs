//! Issuance of a certificate (RFC 8555, section 7.4): order, challenges, CSR and download. Must not
//! know where challenge responses are published.

use std::{
    fmt,
    time::{Duration, Instant},
};

use instant_acme::{
    AuthorizationHandle, AuthorizationStatus, ChallengeStatus, Identifier, NewOrder, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PublicKeyData};

use super::{
    Account, Challenge, ChallengeType, Order, Solver, certificate_identifier,
    error::{self, AcmeError, RefusalKind},
    http::ExchangeError,
    problem,
    retry::retry_bad_nonce,
};
use crate::{
    leaf::{self, ParsedCertificate},
    text,
};

/// First polling interval when the CA sends no `Retry-After`.
const FIRST_POLL: Duration = Duration::from_millis(250);

/// Duration of one polling round; the backoff restarts with each round.
const POLL_ROUND: Duration = Duration::from_secs(10);

/// An issued certificate with its new private key.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// The certificate and its intermediates, in PEM, as sent by the CA.
    pub chain: String,
    /// The private key (ECDSA P-256), in PEM, as PKCS#8.
    pub key: String,
    /// The parsed certificate.
    pub leaf: ParsedCertificate,
}

/// Omits the private key.
impl fmt::Debug for IssuedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedCertificate")
            .field("leaf", &self.leaf)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Obtains a certificate for a new key. Names with a valid authorization are not validated
    /// again.
    ///
    /// # Errors
    /// See [`AcmeError`]. Published challenge responses are removed in every case.
    pub async fn issue(
        &self,
        order: &Order,
        solver: &dyn Solver,
    ) -> Result<IssuedCertificate, AcmeError> {
        let mut acme_order = self.create_order(order).await?;
        if acme_order.state().status == OrderStatus::Pending {
            validate_names(&mut acme_order, order, solver).await?;
        }
        finalize(&mut acme_order, order).await
    }

    /// Creates the order. If the CA rejects the `replaces` field, the order is created without it.
    async fn create_order(&self, order: &Order) -> Result<instant_acme::Order, AcmeError> {
        let names = order
            .names
            .iter()
            .map(|name| Identifier::Dns(name.to_string()));
        let names: Vec<Identifier> = names.collect();
        let replaced = order
            .replaces
            .as_deref()
            .and_then(|pem| leaf::read(pem).ok());
        if let Some(id) = replaced.and_then(|leaf| leaf.renewal) {
            let new_order = NewOrder::new(&names).replaces(certificate_identifier(&id));
            match retry_bad_nonce!(self.acme.new_order(&new_order).await) {
                Ok(acme_order) => return Ok(acme_order),
                Err(error) if is_replaces_rejected(&error) => {
                    tracing::debug!(%error, "replaces field rejected, creating the order without it");
                }
                Err(error) => return Err(error::from_acme(error, None)),
            }
        }
        let acme_order = retry_bad_nonce!(self.acme.new_order(&NewOrder::new(&names)).await);
        acme_order.map_err(|error| order_error(error, order))
    }
}

/// The error of an order. It names the domain if the order has only one, except for `unauthorized`:
/// at this point no challenge was validated.
fn order_error(error: instant_acme::Error, order: &Order) -> AcmeError {
    match order.names.as_slice() {
        [name] if !problem::is_type(&error, "unauthorized") => {
            error::from_acme(error, Some(name.as_str()))
        }
        _ => error::from_acme(error, None),
    }
}

/// Whether an order may succeed without the `replaces` field: the CA does not support it, the
/// certificate was already replaced (`alreadyReplaced`, RFC 9773, section 7.4), or another CA
/// issued it.
fn is_replaces_rejected(error: &instant_acme::Error) -> bool {
    match error {
        instant_acme::Error::Unsupported(_) => true,
        instant_acme::Error::Other(cause) => match cause.downcast_ref() {
            Some(ExchangeError::Problem { status, .. }) => {
                let other_kinds = ["rateLimited", "accountDoesNotExist", "userActionRequired"];
                *status < 500
                    && *status != 429
                    && !other_kinds.iter().any(|kind| problem::is_type(error, kind))
            }
            Some(_) => false,
            // The library reports that `replaces` is missing in the response.
            None => true,
        },
        _ => false,
    }
}

/// Validates the names that have no valid authorization.
async fn validate_names(
    acme_order: &mut instant_acme::Order,
    order: &Order,
    solver: &dyn Solver,
) -> Result<(), AcmeError> {
    retry_bad_nonce!(load_authorizations(acme_order).await)
        .map_err(|error| error::from_acme(error, None))?;
    let challenges = challenges(acme_order, order).await?;
    if challenges.is_empty() {
        return wait_until_ready(acme_order, Instant::now() + order.timeout).await;
    }
    let outcome = match solver.publish(&challenges).await {
        Ok(()) => respond_to_challenges(acme_order, order).await,
        Err(message) => Err(AcmeError::ChallengeNotPublished { message }),
    };
    solver.cleanup(&challenges).await;
    outcome
}

/// Fetches the authorization of each name.
async fn load_authorizations(
    acme_order: &mut instant_acme::Order,
) -> Result<(), instant_acme::Error> {
    let mut authorizations = acme_order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        authorization?;
    }
    Ok(())
}

fn to_acme(challenge_type: ChallengeType) -> instant_acme::ChallengeType {
    match challenge_type {
        ChallengeType::Http01 => instant_acme::ChallengeType::Http01,
        ChallengeType::Dns01 => instant_acme::ChallengeType::Dns01,
    }
}

/// The responses to publish. Sends no request: `load_authorizations` has fetched everything.
async fn challenges(
    acme_order: &mut instant_acme::Order,
    order: &Order,
) -> Result<Vec<Challenge>, AcmeError> {
    let mut challenges = Vec::new();
    let mut authorizations = acme_order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let authorization = authorization.map_err(|error| error::from_acme(error, None))?;
        challenges.extend(challenge(authorization, order)?);
    }
    Ok(challenges)
}

fn challenge(
    authorization: AuthorizationHandle<'_>,
    order: &Order,
) -> Result<Option<Challenge>, AcmeError> {
    // The rebinding drops the handle after the values that borrow from it.
    let mut authorization = authorization;
    let text = authorization.identifier().to_string();
    let Some(name) = order.names.iter().find(|name| name.as_str() == text) else {
        return Err(error::invalid_response(
            "an order with a name that was not requested",
        ));
    };
    match authorization.status {
        AuthorizationStatus::Valid => return Ok(None),
        AuthorizationStatus::Pending => {}
        _ => {
            return Err(error::invalid_response(
                "a new order with a name that is already rejected",
            ));
        }
    }
    let Some(challenge) = authorization.challenge(to_acme(order.challenge_type)) else {
        let method = match order.challenge_type {
            ChallengeType::Http01 => "HTTP-01; a wildcard needs DNS-01",
            ChallengeType::Dns01 => "DNS-01",
        };
        return Err(AcmeError::Refused {
            kind: RefusalKind::NoChallenge,
            message: format!("The CA does not offer {method} for {name}."),
            detail: None,
        });
    };
    // RFC 8555, section 8.3: the base64url alphabet. The token becomes part of a path, so it is
    // checked.
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let token = challenge.token.clone();
    if token.is_empty() || token.len() > 200 || !token.chars().all(is_base64url) {
        return Err(error::invalid_response("a token that is not base64url"));
    }
    let key_authorization = challenge.key_authorization();
    Ok(Some(match order.challenge_type {
        ChallengeType::Http01 => Challenge::Http {
            name: name.clone(),
            token,
            key_authorization: key_authorization.as_str().to_owned(),
        },
        ChallengeType::Dns01 => Challenge::Dns {
            name: format!("_acme-challenge.{}", name.domain()),
            value: key_authorization.dns_value(),
        },
    }))
}

/// Requests validation of every pending challenge, and waits for the result.
async fn respond_to_challenges(
    acme_order: &mut instant_acme::Order,
    order: &Order,
) -> Result<(), AcmeError> {
    let deadline = Instant::now() + order.timeout;
    let mut authorizations = acme_order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|error| error::from_acme(error, None))?;
        let name = authorization.identifier().to_string();
        let is_pending = authorization.status == AuthorizationStatus::Pending;
        let Some(mut challenge) = authorization.challenge(to_acme(order.challenge_type)) else {
            continue;
        };
        // An earlier order may have shared the authorization and started its validation.
        if !is_pending || challenge.status != ChallengeStatus::Pending {
            continue;
        }
        let response = retry_bad_nonce!(challenge.set_ready().await);
        response.map_err(|error| error::from_acme(error, Some(&name)))?;
    }
    wait_until_ready(acme_order, deadline).await
}

/// Waits until the order is ready.
async fn wait_until_ready(
    acme_order: &mut instant_acme::Order,
    deadline: Instant,
) -> Result<(), AcmeError> {
    loop {
        match retry_bad_nonce!(acme_order.poll_ready(&poll_policy(deadline)).await) {
            Ok(OrderStatus::Ready) => return Ok(()),
            Err(instant_acme::Error::Timeout(next)) => wait_for_next_poll(next, deadline).await?,
            Err(error) if problem::problem_of(&error).is_none() || is_transport_error(&error) => {
                return Err(error::from_acme(error, None));
            }
            Ok(_) => return Err(validation_error(acme_order, None).await),
            Err(error) => return Err(validation_error(acme_order, Some(error)).await),
        }
    }
}

/// Whether the request itself failed, as opposed to a valid response about an invalid order.
fn is_transport_error(error: &instant_acme::Error) -> bool {
    matches!(error, instant_acme::Error::Other(_))
}

/// The polling policy of one round. The backoff restarts with each round, so that intervals stay
/// short.
fn poll_policy(deadline: Instant) -> RetryPolicy {
    let left = deadline.saturating_duration_since(Instant::now());
    RetryPolicy::new()
        .initial_delay(FIRST_POLL)
        .backoff(1.5)
        .timeout(left.min(POLL_ROUND))
}

/// Waits until the next poll is due.
async fn wait_for_next_poll(next: Option<Instant>, deadline: Instant) -> Result<(), AcmeError> {
    // The library does not start a pause that would exceed the timeout, so this is the end of the
    // last round.
    let next = next.unwrap_or_else(Instant::now);
    if next.max(Instant::now()) + FIRST_POLL * 2 >= deadline {
        return Err(error::timed_out());
    }
    tokio::time::sleep_until(next.into()).await;
    Ok(())
}

/// The error of an invalid order. The error of a challenge is more precise than that of the order.
async fn validation_error(
    acme_order: &mut instant_acme::Order,
    order_error: Option<instant_acme::Error>,
) -> AcmeError {
    // Polling the order drops the loaded authorizations. A failed load is ignored: the order's own
    // error remains.
    let _ = retry_bad_nonce!(load_authorizations(acme_order).await);
    let mut authorizations = acme_order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let problem = authorization
            .challenges
            .iter()
            .find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            return problem::to_error(problem, None, Some(&name));
        }
    }
    match order_error {
        Some(error) => error::from_acme(error, None),
        None => error::refused("The CA rejected the order without a reason.".to_owned()),
    }
}

/// Sends the CSR and downloads the certificate.
async fn finalize(
    acme_order: &mut instant_acme::Order,
    order: &Order,
) -> Result<IssuedCertificate, AcmeError> {
    let key_error =
        |error: rcgen::Error| error::refused(format!("The key could not be generated: {error}."));
    let key = KeyPair::generate().map_err(key_error)?;
    let names: Vec<String> = order.names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).map_err(key_error)?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key).map_err(key_error)?;
    let signing = retry_bad_nonce!(acme_order.finalize_csr(request.der()).await);
    signing.map_err(|error| order_error(error, order))?;
    let deadline = Instant::now() + order.timeout;
    let chain = loop {
        match retry_bad_nonce!(acme_order.poll_certificate(&poll_policy(deadline)).await) {
            Ok(chain) => break chain,
            Err(instant_acme::Error::Timeout(next)) => wait_for_next_poll(next, deadline).await?,
            Err(error) => return Err(order_error(error, order)),
        }
    };
    verify_issued(&chain, &key, order)
}

/// Checks that the issued certificate is for the new key and all names.
fn verify_issued(
    chain: &str,
    key: &KeyPair,
    order: &Order,
) -> Result<IssuedCertificate, AcmeError> {
    let unusable =
        |reason: &str| error::invalid_response(&format!("an unusable certificate: {reason}"));
    let certificates = text::parse_certificates(chain).map_err(unusable)?;
    let first = certificates.first().map(AsRef::as_ref).unwrap_or_default();
    let parsed = leaf::parse(first).map_err(|error| unusable(&error.to_string()))?;
    if parsed.public_key().raw != key.subject_public_key_info() {
        return Err(unusable("wrong key"));
    }
    let leaf = leaf::from_x509(&parsed).map_err(|error| unusable(&error.to_string()))?;
    if let Some(name) = order
        .names
        .iter()
        .find(|name| !leaf.issued.names.contains(name))
    {
        return Err(unusable(&format!("does not cover {name}")));
    }
    let sent = certificates
        .iter()
        .map(|der| text::encode_pem("CERTIFICATE", der));
    Ok(IssuedCertificate {
        chain: sent.collect(),
        key: key.serialize_pem(),
        leaf,
    })
}
