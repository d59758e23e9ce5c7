use proptest::prelude::*;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, PKCS_ED25519, SanType, date_time_ymd,
};

use super::*;

/// 2026-06-01 00:00 UTC.
const NOW: Timestamp = Timestamp(1_780_272_000_000);

/// A CA with its certificate.
struct TestCa {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn root(name: &str) -> TestCa {
    let (params, key) = (ca_params(name), KeyPair::generate().unwrap());
    let certificate = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    TestCa {
        issuer,
        certificate,
    }
}

fn intermediate(parent: &TestCa, params: CertificateParams) -> TestCa {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &parent.issuer).unwrap();
    let issuer = Issuer::new(params, key);
    TestCa {
        issuer,
        certificate,
    }
}

/// A root and two intermediates below it.
fn ca_chain() -> [TestCa; 3] {
    let top = root("Root");
    let middle = intermediate(&top, ca_params("Middle"));
    let low = intermediate(&middle, ca_params("Low"));
    [top, middle, low]
}

fn site_params() -> CertificateParams {
    let names = ["www.example.org", "example.org"].map(str::to_owned);
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "site");
    params.not_before = date_time_ymd(2026, 5, 1);
    params.not_after = date_time_ymd(2026, 8, 1);
    params
}

fn site(parent: &TestCa, params: &CertificateParams) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &parent.issuer).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// The refusals as `field: message`.
fn refusals(chain: &str, key: &str) -> Vec<String> {
    let fields = validate_upload(chain, key, NOW).err().unwrap_or_default();
    fields
        .into_iter()
        .map(|field| format!("{}: {}", field.field, field.message))
        .collect()
}

#[track_caller]
fn assert_refused(chain: &str, key: &str, expected: &[&str]) {
    let refusals = refusals(chain, key);
    assert_eq!(refusals.len(), expected.len(), "{refusals:#?}");
    for (refusal, part) in refusals.iter().zip(expected) {
        let (field, part) = part.split_once(": ").unwrap();
        assert!(
            refusal.starts_with(&format!("{field}: "))
                && refusal.contains(part)
                && refusal.ends_with('.'),
            "{refusal:?} does not contain {part:?}"
        );
    }
}

#[test]
fn chain_is_sorted_and_root_is_dropped() {
    let [top, middle, low] = ca_chain();
    let (leaf, key) = site(&low, &site_params());
    let [top, middle, low] = [top, middle, low].map(|ca| ca.certificate.pem());
    let want = format!("{leaf}{low}{middle}").replace('\r', "");
    let duplicated = format!("{leaf}{leaf}{low}{middle}");
    let orders = [
        format!("{leaf}{low}{middle}"),
        format!("{leaf}{low}{middle}{top}"),
        format!("{top}{middle}{low}{leaf}"),
        format!("Bag Attributes\n  name\n{middle}\nsubject=…\n{leaf}\n{top}{low}"),
        duplicated,
    ];
    for order in orders {
        let pair = validate_upload(&order, &key, NOW).unwrap();
        assert_eq!(pair.chain, want);
        assert_eq!(pair.key.trim(), key.replace('\r', "").trim());
        assert_eq!(pair.leaf.issued.names.len(), 2);
        assert_eq!(pair.leaf.issued.issuer, "Low");
        assert!(!format!("{pair:?}").contains("PRIVATE"));
    }
}

#[test]
fn single_and_self_signed_certificates_are_accepted() {
    let (leaf, key) = site(&root("Root"), &site_params());
    assert!(validate_upload(&leaf, &key, NOW).is_ok());
    let key = KeyPair::generate().unwrap();
    let own = site_params().self_signed(&key).unwrap();
    assert!(validate_upload(&own.pem(), &key.serialize_pem(), NOW).is_ok());
}

#[test]
fn cross_signed_root_is_sent() {
    let old = root("Old");
    let new = root("New");
    let cross = ca_params("New")
        .signed_by(new.issuer.key(), &old.issuer)
        .unwrap();
    let (leaf, key) = site(&new, &site_params());
    let (new, old) = (new.certificate.pem(), old.certificate.pem());
    let pair = validate_upload(&format!("{leaf}{new}{}{old}", cross.pem()), &key, NOW).unwrap();
    let want = format!("{leaf}{}", cross.pem()).replace('\r', "");
    assert_eq!(pair.chain, want);
}

#[test]
fn wrong_key_is_refused() {
    let (leaf, _) = site(&root("Root"), &site_params());
    let other = KeyPair::generate().unwrap().serialize_pem();
    assert_refused(
        &leaf,
        &other,
        &["key: not the key of the certificate of www.example.org"],
    );
}

#[test]
fn wrong_issuers_are_refused() {
    let [top, middle, low] = ca_chain();
    let (leaf, key) = site(&low, &site_params());
    let [low, middle] = [&low, &middle].map(|ca| ca.certificate.pem());
    let pretender = intermediate(&top, ca_params("Low")).certificate.pem();
    assert_refused(
        &format!("{leaf}{pretender}{middle}"),
        &key,
        &["chain: has the right name, but its key did not sign"],
    );
    let (other, _) = site(&top, &site_params());
    assert_refused(
        &format!("{leaf}{low}{other}"),
        &key,
        &["chain: did not sign the certificate of site"],
    );
    // Without the missing intermediate, the other one is unrelated.
    assert_refused(
        &format!("{leaf}{middle}"),
        &key,
        &["chain: The certificate of Middle did not sign"],
    );
    let mut params = ca_params("No authority");
    params.is_ca = IsCa::NoCa;
    let not_ca = intermediate(&top, params);
    let (leaf, key) = site(&not_ca, &site_params());
    assert_refused(
        &format!("{leaf}{}", not_ca.certificate.pem()),
        &key,
        &["chain: is not a CA certificate"],
    );
}

#[test]
fn validity_of_every_certificate_is_checked() {
    let top = root("Root");
    let mut params = site_params();
    params.not_after = date_time_ymd(2026, 6, 1);
    let (leaf, key) = site(&top, &params);
    assert_refused(&leaf, &key, &["chain: expired on 2026-06-01T00:00:00Z"]);
    params.not_before = date_time_ymd(2026, 6, 2);
    params.not_after = date_time_ymd(2026, 8, 1);
    let (leaf, key) = site(&top, &params);
    assert_refused(
        &leaf,
        &key,
        &["chain: not valid before 2026-06-02T00:00:00Z"],
    );
    let mut params = ca_params("Middle");
    params.not_after = date_time_ymd(2026, 5, 31);
    let middle = intermediate(&top, params);
    let (leaf, key) = site(&middle, &site_params());
    assert_refused(
        &format!("{leaf}{}", middle.certificate.pem()),
        &key,
        &["chain: The certificate of Middle expired on"],
    );
}

#[test]
fn all_browser_requirements_are_reported_together() {
    let top = root("Root");
    let mut params = site_params();
    params.subject_alt_names = vec![SanType::IpAddress([192, 0, 2, 1].into())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_after = date_time_ymd(2026, 5, 2);
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let leaf = params.signed_by(&key, &top.issuer).unwrap().pem();
    assert_refused(
        &leaf,
        &key.serialize_pem(),
        &[
            "chain: no hostname",
            "chain: is Ed25519, which browsers reject",
            "chain: not for servers",
            "chain: expired on",
        ],
    );
}

#[test]
fn ca_certificate_is_refused_as_server_certificate() {
    let top = root("Root");
    let key = top.issuer.key().serialize_pem();
    assert_refused(
        &top.certificate.pem(),
        &key,
        &["chain: is a CA certificate"],
    );
}

#[test]
fn wrong_field_contents_are_refused() {
    let (leaf, key) = site(&root("Root"), &site_params());
    assert_refused(
        "",
        "",
        &["key: No key was found", "chain: No certificate was found"],
    );
    assert_refused(
        &key,
        &key,
        &[
            "chain: contains a private key",
            "chain: No certificate was found",
        ],
    );
    assert_refused(
        &format!("{key}{leaf}"),
        &key,
        &["chain: contains a private key"],
    );
    let many = leaf.repeat(13);
    assert_refused(&many, &key, &["chain: too many"]);
    assert_refused(&"x".repeat(100_001), &key, &["chain: 100000 characters"]);
}

/// Uses OpenSSL, because rcgen creates neither short RSA keys nor SHA-1 signatures.
#[test]
fn short_rsa_keys_and_sha1_signatures_are_refused() {
    let script = "cd $(mktemp -d) && openssl req -x509 -newkey rsa:1024 -sha1 -nodes -subj /CN=old \
         -addext subjectAltName=DNS:old.example.org -addext basicConstraints=CA:FALSE -days 20000 \
         -keyout key -out certificate 2>/dev/null && cat certificate && rm -r \"$PWD\"";
    let output = std::process::Command::new("sh")
        .args(["-c", script])
        .output()
        .unwrap();
    let leaf = String::from_utf8(output.stdout).unwrap();
    let key = KeyPair::generate().unwrap().serialize_pem();
    let now = Timestamp(4_000_000_000_000 / 2);
    let fields = validate_upload(&leaf, &key, now).unwrap_err();
    let messages: Vec<String> = fields.into_iter().map(|field| field.message).collect();
    assert!(
        messages
            .iter()
            .any(|message| message.contains("RSA with 1024 bits")),
        "{messages:?}"
    );
    assert!(
        messages
            .iter()
            .any(|message| message.contains("signed with SHA-1")),
        "{messages:?}"
    );
    assert!(
        messages
            .iter()
            .any(|message| message.contains("not the key")),
        "{messages:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn check_never_panics_on_modified_input(at: prop::sample::Index, byte: u8, in_key: bool) {
        let top = root("Root");
        let (leaf, key) = site(&top, &site_params());
        let mut texts = [format!("{leaf}{}", top.certificate.pem()), key];
        let text = &mut texts[usize::from(in_key)];
        let mut bytes = text.clone().into_bytes();
        let index = at.index(bytes.len());
        bytes[index] = byte & 0x7f;
        *text = String::from_utf8(bytes).unwrap();
        if let Ok(pair) = validate_upload(&texts[0], &texts[1], NOW) {
            // An accepted pair is accepted again without a change.
            prop_assert_eq!(validate_upload(&pair.chain, &pair.key, NOW).unwrap(), pair);
        }
    }
}
