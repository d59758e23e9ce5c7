//! Signed messages to a name server and verification of signed responses (TSIG, RFC 8945), over
//! TCP.
//!
//! hickory can sign messages too, but hides responses that fail verification. Users need the
//! server's reason (BADKEY, BADSIG, BADTIME), so responses are verified here.

use std::{net::SocketAddr, time::Duration};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hickory_proto::{
    op::{Message, MessageType},
    rr::{
        TSigVerifier, TSigner,
        rdata::tsig::{TSIG, TsigAlgorithm as Algorithm, TsigError},
    },
};
use model::{
    Timestamp,
    names::Domain,
    providers::{AccountSecret, TsigAlgorithm},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{DnsError, Options, record};

/// Permitted clock difference in seconds (RFC 8945, section 10).
const FUDGE: u16 = 300;

/// Standard base64, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A TSIG key with its name on the server.
#[derive(Clone)]
pub(crate) struct Key {
    name: Domain,
    signer: TSigner,
}

impl Key {
    /// Creates a key from its base64 value.
    pub(crate) fn new(
        name: &Domain,
        algorithm: TsigAlgorithm,
        secret: &AccountSecret,
    ) -> Result<Self, DnsError> {
        let value = BASE64.decode(secret.reveal()).map_err(|_| {
            DnsError::unauthorized(format!(
                "The value of the key {name} is not base64. Copy it from the secret statement of \
                    the name server's configuration."
            ))
        })?;
        let algorithm = match algorithm {
            TsigAlgorithm::HmacSha256 => Algorithm::HmacSha256,
            TsigAlgorithm::HmacSha384 => Algorithm::HmacSha384,
            TsigAlgorithm::HmacSha512 => Algorithm::HmacSha512,
        };
        let signer = TSigner::new(value, algorithm, record::parse_name(name.as_str())?, FUDGE)
            .map_err(|error| DnsError::unauthorized(format!("The key {name}: {error}.")))?;
        Ok(Self {
            name: name.clone(),
            signer,
        })
    }

    /// Sends a message and verifies that the key signed the response. `display_name` names the
    /// server in errors. An unsigned error response is accepted: it can only make the request fail.
    pub(crate) async fn send(
        &self,
        server: SocketAddr,
        display_name: &str,
        mut message: Message,
        options: &Options,
    ) -> Result<Message, DnsError> {
        let invalid =
            |reason: &str| DnsError::refused(format!("The response of {display_name} {reason}."));
        let verifier = message
            .finalize(&self.signer, unix_seconds())
            .ok()
            .flatten()
            .ok_or_else(|| DnsError::refused("The update could not be signed."))?;
        let bytes = message.to_vec().map_err(|error| {
            DnsError::refused(format!("The update could not be encoded: {error}."))
        })?;
        let bytes = exchange(server, display_name, &bytes, options).await?;
        let response = Message::from_vec(&bytes).map_err(|_| invalid("is not a DNS message"))?;
        let is_matching = response.id == message.id
            && response.message_type == MessageType::Response
            && response.op_code == message.op_code;
        if !is_matching {
            return Err(invalid("belongs to another request"));
        }
        self.verify(display_name, &response, verifier, &bytes)?;
        Ok(response)
    }

    fn verify(
        &self,
        display_name: &str,
        response: &Message,
        mut verifier: TSigVerifier,
        bytes: &[u8],
    ) -> Result<(), DnsError> {
        let tsig = response.signature().map(|record| &record.data);
        if let Some(error) = tsig.and_then(|tsig| tsig.error) {
            let message = self.describe_error(error, tsig);
            return Err(DnsError::unauthorized(format!("{display_name}: {message}")));
        }
        let is_refusal = u16::from(response.response_code) != 0;
        if (tsig.is_none() && is_refusal) || verifier.verify(bytes).is_ok() {
            return Ok(());
        }
        Err(DnsError::unauthorized(format!(
            "The response of {display_name} is not signed with the key {} and is rejected.",
            self.name
        )))
    }

    /// The message for a TSIG error of the server.
    fn describe_error(&self, error: TsigError, tsig: Option<&TSIG>) -> String {
        let name = &self.name;
        match error {
            TsigError::BadKey => format!(
                "The name server does not have the key {name} with the algorithm {} (BADKEY).",
                self.signer.algorithm()
            ),
            TsigError::BadSig => {
                format!("The key {name} has another secret on the name server (BADSIG).")
            }
            TsigError::BadTime => {
                let server_time = tsig.and_then(|tsig| parse_time(&tsig.other));
                let apart = server_time.map(|time| time.abs_diff(unix_seconds()));
                let apart = apart.map_or("too far".to_owned(), |apart| format!("{apart} seconds"));
                format!("The clocks of the name server and this host are {apart} apart (BADTIME).")
            }
            TsigError::BadTrunc => {
                format!("The name server requires longer signatures for the key {name} (BADTRUNC).")
            }
            TsigError::Unknown(code) => format!("The key {name} was rejected (error {code})."),
        }
    }
}

/// The Unix time in seconds.
fn unix_seconds() -> u64 {
    Timestamp::now().since_epoch().as_secs()
}

/// The server's clock in a BADTIME response (RFC 8945, section 5.2.3): 48 bits.
fn parse_time(other: &[u8]) -> Option<u64> {
    let six: [u8; 6] = other.try_into().ok()?;
    Some(
        six.iter()
            .fold(0, |time, byte| time << 8 | u64::from(*byte)),
    )
}

/// Sends one message and reads one, each with a length prefix (RFC 7766, section 8).
async fn exchange(
    server: SocketAddr,
    display_name: &str,
    message: &[u8],
    options: &Options,
) -> Result<Vec<u8>, DnsError> {
    let timed_out = |after: Duration| {
        let seconds = after.as_secs_f32();
        DnsError::unavailable(format!(
            "{display_name} did not respond within {seconds} seconds over TCP."
        ))
    };
    let broken =
        |error| DnsError::unavailable(format!("{display_name} is unreachable over TCP: {error}."));
    let length = u16::try_from(message.len())
        .map_err(|_| DnsError::refused("The update exceeds the maximum size of a DNS message."))?;
    let mut stream = timeout(options.connect_timeout, TcpStream::connect(server))
        .await
        .map_err(|_| timed_out(options.connect_timeout))?
        .map_err(broken)?;
    // A failure only makes the update slower.
    let _ = stream.set_nodelay(true);
    let exchange = async {
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend_from_slice(message);
        stream.write_all(&bytes).await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    };
    timeout(options.response_timeout, exchange)
        .await
        .map_err(|_| timed_out(options.response_timeout))?
        .map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::{
        op::{OpCode, ResponseCode},
        rr::{Name, TSigResponseContext},
    };
    use tokio::net::TcpListener;

    const SECRET: &str = "bm90aGluZyBidXQgYSB0ZXN0IG9mIHRoaXMga2V5";

    fn key(secret: &str) -> Key {
        let name = "holdfast.example.org".parse().unwrap();
        Key::new(&name, TsigAlgorithm::HmacSha256, &secret.parse().unwrap()).unwrap()
    }

    /// Sends an update to a server whose response is built by `reply` from the request and an
    /// unsigned response.
    async fn respond_with(
        reply: impl FnOnce(&Message, &mut Message) -> Option<Vec<u8>> + Send + 'static,
    ) -> Result<Message, DnsError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            let question = Message::from_vec(&question).unwrap();
            let mut answer = Message::response(question.id, question.op_code);
            let bytes = reply(&question, &mut answer);
            let bytes = bytes.unwrap_or_else(|| answer.to_vec().unwrap());
            let length = u16::try_from(bytes.len()).unwrap();
            stream.write_u16(length).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        });
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Update;
        let (key, options) = (key(SECRET), Options::default());
        let answer = key.send(address, "ns1", message, &options).await;
        server.await.unwrap();
        answer
    }

    /// Signs the response to a request.
    fn sign(
        key: &Key,
        question: &Message,
        answer: &mut Message,
        time: u64,
        error: Option<TsigError>,
    ) {
        let mac = question.signature().unwrap().data.mac.clone();
        let unsigned = answer.to_vec().unwrap();
        let context = TSigResponseContext::new(question.id, time, key.signer.clone(), mac, error);
        answer.set_signature(context.sign(&unsigned).unwrap());
    }

    #[tokio::test]
    async fn signed_response_is_accepted() {
        let answer = respond_with(|question, answer| {
            sign(&key(SECRET), question, answer, unix_seconds(), None);
            None
        });
        assert_eq!(answer.await.unwrap().response_code, ResponseCode::NoError);
    }

    #[tokio::test]
    async fn unsigned_forged_old_and_modified_responses_are_rejected() {
        let unsigned = respond_with(|_, _| None);
        let forged = respond_with(|question, answer| {
            sign(&key("Zm9yZ2Vk"), question, answer, unix_seconds(), None);
            None
        });
        let old = respond_with(|question, answer| {
            sign(&key(SECRET), question, answer, unix_seconds() - 3600, None);
            None
        });
        let changed = respond_with(|question, answer| {
            sign(&key(SECRET), question, answer, unix_seconds(), None);
            answer.metadata.response_code = ResponseCode::YXRRSet;
            None
        });
        for answer in [unsigned.await, forged.await, old.await, changed.await] {
            let error = answer.unwrap_err();
            assert!(matches!(error, DnsError::Unauthorized { .. }), "{error:?}");
            assert!(error.to_string().contains("is rejected"), "{error}");
        }
    }

    #[tokio::test]
    async fn unsigned_error_response_is_accepted() {
        let answer = respond_with(|_, answer| {
            answer.metadata.response_code = ResponseCode::NotImp;
            None
        });
        assert_eq!(answer.await.unwrap().response_code, ResponseCode::NotImp);
    }

    #[tokio::test]
    async fn badtime_reports_the_clock_difference() {
        let answer = respond_with(|question, answer| {
            answer.metadata.response_code = ResponseCode::NotAuth;
            let time = question.signature().unwrap().data.time;
            sign(
                &key(SECRET),
                question,
                answer,
                time,
                Some(TsigError::BadTime),
            );
            let server_time = time + 7200;
            let mut tsig = answer.take_signature().unwrap();
            tsig.data.other = server_time.to_be_bytes()[2..].to_vec();
            answer.set_signature(tsig);
            None
        });
        let error = answer.await.unwrap_err();
        let DnsError::Unauthorized { message } = error else {
            panic!("{error:?}")
        };
        assert!(
            message.contains("7200 seconds") || message.contains("7199 seconds"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn response_to_another_message_is_refused() {
        let noise = respond_with(|_, _| Some(b"SSH-2.0-".to_vec()));
        let other = respond_with(|question, answer| {
            answer.metadata.id = question.id.wrapping_add(1);
            None
        });
        for answer in [noise.await, other.await] {
            assert!(
                matches!(answer, Err(DnsError::Refused { .. })),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn key_is_base64_with_or_without_padding() {
        for secret in ["c2VjcmV0", "c2VjcmU=", "c2VjcmU"] {
            assert!(!key(secret).signer.key().is_empty());
        }
        let name: Domain = "holdfast.example.org".parse().unwrap();
        let secret = "not-base64!".parse().unwrap();
        let refused = Key::new(&name, TsigAlgorithm::HmacSha512, &secret);
        let Err(DnsError::Unauthorized { message }) = refused else {
            panic!()
        };
        assert!(
            message.contains("base64") && !message.contains("not-base64!"),
            "{message}"
        );
        assert_eq!(
            key(SECRET).signer.signer_name(),
            &Name::from_ascii("holdfast.example.org.").unwrap()
        );
    }
}
