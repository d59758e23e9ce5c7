//! An order from its beginning to the certificate (RFC 8555, section 7.4). Must not know where proofs
//! are put.

use std::{
    fmt,
    time::{Duration, Instant},
};

use instant_acme::{
    AuthorizationHandle, AuthorizationStatus, ChallengeStatus, ChallengeType, Identifier, NewOrder,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PublicKeyData};

use super::{
    Account, Challenge, Order, Proof, Solver,
    error::{self, AcmeError, Refusal},
    http::Fault,
    identifier, problem,
    retry::again,
};
use crate::{
    leaf::{self, Leaf},
    text,
};

/// How soon an authority is asked again what it thinks, if it does not say.
const FIRST_LOOK: Duration = Duration::from_millis(250);

/// For how long the pauses between looks grow.
const ROUND: Duration = Duration::from_secs(10);

/// A certificate that was given, with the key that was made for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The certificate and those that vouch for it, in PEM, as the authority gave them.
    pub chain: String,
    /// Its key (ECDSA P-256), in PEM, as PKCS#8.
    pub key: String,
    /// What stands in the certificate.
    pub leaf: Leaf,
}

/// The key is a secret.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given")
            .field("leaf", &self.leaf)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Has a certificate given, for a new key. Names that the authority takes for proved already need
    /// no proof.
    ///
    /// # Errors
    /// See [`AcmeError`]. Whatever comes of it, what the solver has put is taken away.
    pub async fn issue(&self, order: &Order, solver: &dyn Solver) -> Result<Given, AcmeError> {
        let mut placed = self.place(order).await?;
        if placed.state().status == OrderStatus::Pending {
            prove(&mut placed, order, solver).await?;
        }
        fetch(&mut placed, order).await
    }

    /// Places the order. An authority that refuses to hear what it replaces is not told.
    async fn place(&self, order: &Order) -> Result<instant_acme::Order, AcmeError> {
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
            let wanted = NewOrder::new(&names).replaces(identifier(&id));
            match again!(self.acme.new_order(&wanted).await) {
                Ok(placed) => return Ok(placed),
                Err(error) if is_about_replacing(&error) => {
                    tracing::debug!(%error, "the order is placed without what it replaces");
                }
                Err(error) => return Err(error::of(error, None)),
            }
        }
        let placed = again!(self.acme.new_order(&NewOrder::new(&names)).await);
        placed.map_err(|error| of_order(error, order))
    }
}

/// The error of a whole order. It is told with the name if it is about one, which `unauthorized` is not
/// here: nobody has looked at a proof.
fn of_order(error: instant_acme::Error, order: &Order) -> AcmeError {
    match order.names.as_slice() {
        [name] if !problem::is(&error, "unauthorized") => error::of(error, Some(name.as_str())),
        _ => error::of(error, None),
    }
}

/// Whether an order may do better without the certificate that it replaces: the authority does not
/// know such things, has had that one replaced already (`alreadyReplaced`, RFC 9773, section 7.4), or
/// never gave it.
fn is_about_replacing(error: &instant_acme::Error) -> bool {
    match error {
        instant_acme::Error::Unsupported(_) => true,
        instant_acme::Error::Other(cause) => match cause.downcast_ref() {
            Some(Fault::Problem { status, .. }) => {
                let is_other = ["rateLimited", "accountDoesNotExist", "userActionRequired"];
                *status < 500
                    && *status != 429
                    && !is_other.iter().any(|kind| problem::is(error, kind))
            }
            Some(_) => false,
            // The library misses the replaced one in the answer.
            None => true,
        },
        _ => false,
    }
}

/// Proves the names that are not proved yet.
async fn prove(
    placed: &mut instant_acme::Order,
    order: &Order,
    solver: &dyn Solver,
) -> Result<(), AcmeError> {
    again!(load(placed).await).map_err(|error| error::of(error, None))?;
    let challenges = challenges(placed, order).await?;
    if challenges.is_empty() {
        return await_ready(placed, Instant::now() + order.patience).await;
    }
    let outcome = match solver.put(&challenges).await {
        Ok(()) => have_looked(placed, order).await,
        Err(words) => Err(AcmeError::Unsolved { words }),
    };
    solver.take_away(&challenges).await;
    outcome
}

/// Fetches what the authority thinks of each name.
async fn load(placed: &mut instant_acme::Order) -> Result<(), instant_acme::Error> {
    let mut authorizations = placed.authorizations();
    while let Some(authorization) = authorizations.next().await {
        authorization?;
    }
    Ok(())
}

fn kind(proof: Proof) -> ChallengeType {
    match proof {
        Proof::Http => ChallengeType::Http01,
        Proof::Dns => ChallengeType::Dns01,
    }
}

/// What has to be put where. Nothing is asked for here: all was fetched before.
async fn challenges(
    placed: &mut instant_acme::Order,
    order: &Order,
) -> Result<Vec<Challenge>, AcmeError> {
    let mut found = Vec::new();
    let mut authorizations = placed.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let authorization = authorization.map_err(|error| error::of(error, None))?;
        found.extend(challenge(authorization, order)?);
    }
    Ok(found)
}

fn challenge(
    authorization: AuthorizationHandle<'_>,
    order: &Order,
) -> Result<Option<Challenge>, AcmeError> {
    // A binding of its own lives as long as what is borrowed of it.
    let mut authorization = authorization;
    let text = authorization.identifier().to_string();
    let Some(name) = order.names.iter().find(|name| name.as_str() == text) else {
        return Err(error::nonsense(
            "an order with a name that was not asked for",
        ));
    };
    match authorization.status {
        AuthorizationStatus::Valid => return Ok(None),
        AuthorizationStatus::Pending => {}
        _ => {
            return Err(error::nonsense(
                "a new order with a name that is refused already",
            ));
        }
    }
    let Some(challenge) = authorization.challenge(kind(order.proof)) else {
        let way = match order.proof {
            Proof::Http => "an answer on port 80; a name with a star needs a record of DNS",
            Proof::Dns => "a record of DNS",
        };
        return Err(AcmeError::Refused {
            kind: Refusal::NoChallenge,
            words: format!("The authority does not let {name} be proved by {way}."),
            detail: None,
        });
    };
    // RFC 8555, section 8.3: the alphabet of base64url. It becomes a path, so that is made sure of.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let token = challenge.token.clone();
    if token.is_empty() || token.len() > 200 || !token.chars().all(is_plain) {
        return Err(error::nonsense("a token that is no base64url"));
    }
    let answer = challenge.key_authorization();
    Ok(Some(match order.proof {
        Proof::Http => Challenge::Http {
            name: name.clone(),
            token,
            answer: answer.as_str().to_owned(),
        },
        Proof::Dns => Challenge::Dns {
            name: format!("_acme-challenge.{}", name.base()),
            value: answer.dns_value(),
        },
    }))
}

/// Has the authority look at every proof, and waits for what it thinks.
async fn have_looked(placed: &mut instant_acme::Order, order: &Order) -> Result<(), AcmeError> {
    let deadline = Instant::now() + order.patience;
    let mut authorizations = placed.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|error| error::of(error, None))?;
        let name = authorization.identifier().to_string();
        let is_pending = authorization.status == AuthorizationStatus::Pending;
        let Some(mut challenge) = authorization.challenge(kind(order.proof)) else {
            continue;
        };
        // An order before this one may have shared the name, and had it looked at.
        if !is_pending || challenge.status != ChallengeStatus::Pending {
            continue;
        }
        let told = again!(challenge.set_ready().await);
        told.map_err(|error| error::of(error, Some(&name)))?;
    }
    await_ready(placed, deadline).await
}

/// Waits until all names are proved.
async fn await_ready(placed: &mut instant_acme::Order, deadline: Instant) -> Result<(), AcmeError> {
    loop {
        match again!(placed.poll_ready(&round(deadline)).await) {
            Ok(OrderStatus::Ready) => return Ok(()),
            Err(instant_acme::Error::Timeout(next)) => rest(next, deadline).await?,
            Err(error) if problem::found(&error).is_none() || is_fault(&error) => {
                return Err(error::of(error, None));
            }
            Ok(_) => return Err(refusal(placed, None).await),
            Err(error) => return Err(refusal(placed, Some(error)).await),
        }
    }
}

/// Whether the answer itself was a refusal, and not an order that tells of one.
fn is_fault(error: &instant_acme::Error) -> bool {
    matches!(error, instant_acme::Error::Other(_))
}

/// How long it is looked in a row. The pauses begin anew with each round, so that none becomes long.
fn round(deadline: Instant) -> RetryPolicy {
    let left = deadline.saturating_duration_since(Instant::now());
    RetryPolicy::new()
        .initial_delay(FIRST_LOOK)
        .backoff(1.5)
        .timeout(left.min(ROUND))
}

/// Waits until the authority wants to be asked again.
async fn rest(next: Option<Instant>, deadline: Instant) -> Result<(), AcmeError> {
    // A pause that would end after it is not begun, so this is the end of the last round.
    let next = next.unwrap_or_else(Instant::now);
    if next.max(Instant::now()) + FIRST_LOOK * 2 >= deadline {
        return Err(error::slow());
    }
    tokio::time::sleep_until(next.into()).await;
    Ok(())
}

/// Why an order became invalid: what the authority found out about a name says more than the order.
async fn refusal(
    placed: &mut instant_acme::Order,
    of_order: Option<instant_acme::Error>,
) -> AcmeError {
    // With the order that was just looked at, what was known of its names before is gone. What cannot
    // be fetched is left out: the order's own words are better than none.
    let _ = again!(load(placed).await);
    let mut authorizations = placed.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let problem = authorization
            .challenges
            .iter()
            .find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            return problem::of(problem, None, Some(&name));
        }
    }
    match of_order {
        Some(error) => error::of(error, None),
        None => error::refused("The authority refuses the order and does not say why.".to_owned()),
    }
}

/// Has the certificate signed, and fetches it.
async fn fetch(placed: &mut instant_acme::Order, order: &Order) -> Result<Given, AcmeError> {
    let unmade = |error: rcgen::Error| error::refused(format!("No key could be made: {error}."));
    let key = KeyPair::generate().map_err(unmade)?;
    let names: Vec<String> = order.names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).map_err(unmade)?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key).map_err(unmade)?;
    let signing = again!(placed.finalize_csr(request.der()).await);
    signing.map_err(|error| of_order(error, order))?;
    let deadline = Instant::now() + order.patience;
    let chain = loop {
        match again!(placed.poll_certificate(&round(deadline)).await) {
            Ok(chain) => break chain,
            Err(instant_acme::Error::Timeout(next)) => rest(next, deadline).await?,
            Err(error) => return Err(of_order(error, order)),
        }
    };
    given(&chain, &key, order)
}

/// What was given, made sure of: a certificate for our key and for all names, and nothing else beside
/// those that vouch for it.
fn given(chain: &str, key: &KeyPair, order: &Order) -> Result<Given, AcmeError> {
    let strange =
        |what: &str| error::nonsense(&format!("a certificate that is not usable: {what}"));
    let certificates = text::certificates(chain).map_err(strange)?;
    let first = certificates.first().map(AsRef::as_ref).unwrap_or_default();
    let parsed = leaf::parse(first).map_err(|error| strange(&error.to_string()))?;
    if parsed.public_key().raw != key.subject_public_key_info() {
        return Err(strange("it is for another key"));
    }
    let leaf = leaf::leaf(&parsed).map_err(|error| strange(&error.to_string()))?;
    if let Some(name) = order
        .names
        .iter()
        .find(|name| !leaf.issued.names.contains(name))
    {
        return Err(strange(&format!("it is not for {name}")));
    }
    let sent = certificates.iter().map(|one| text::pem("CERTIFICATE", one));
    Ok(Given {
        chain: sent.collect(),
        key: key.serialize_pem(),
        leaf,
    })
}
