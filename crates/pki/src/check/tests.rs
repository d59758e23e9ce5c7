use proptest::prelude::*;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, PKCS_ED25519, SanType, date_time_ymd,
};

use super::*;

/// 2026-06-01 00:00 UTC.
const NOW: Timestamp = Timestamp(1_780_272_000_000);

/// An authority with its certificate.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn root(name: &str) -> Authority {
    let (params, key) = (authority_params(name), KeyPair::generate().unwrap());
    let certificate = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    Authority {
        issuer,
        certificate,
    }
}

fn below(above: &Authority, params: CertificateParams) -> Authority {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &above.issuer).unwrap();
    let issuer = Issuer::new(params, key);
    Authority {
        issuer,
        certificate,
    }
}

/// A root, one below it, and one below that.
fn authorities() -> [Authority; 3] {
    let top = root("Root");
    let middle = below(&top, authority_params("Middle"));
    let low = below(&middle, authority_params("Low"));
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

fn site(above: &Authority, params: &CertificateParams) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &above.issuer).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// The refusals as `field: words`.
fn refusals(chain: &str, key: &str) -> Vec<String> {
    let fields = check(chain, key, NOW).err().unwrap_or_default();
    fields
        .into_iter()
        .map(|field| format!("{}: {}", field.field, field.message))
        .collect()
}

#[track_caller]
fn assert_refused(chain: &str, key: &str, parts: &[&str]) {
    let refusals = refusals(chain, key);
    assert_eq!(refusals.len(), parts.len(), "{refusals:#?}");
    for (words, part) in refusals.iter().zip(parts) {
        let (field, part) = part.split_once(": ").unwrap();
        assert!(
            words.starts_with(&format!("{field}: "))
                && words.contains(part)
                && words.ends_with('.'),
            "{words:?} instead of {part:?}"
        );
    }
}

#[test]
fn a_chain_is_sorted_and_its_root_left_out() {
    let [top, middle, low] = authorities();
    let (leaf, key) = site(&low, &site_params());
    let [top, middle, low] = [top, middle, low].map(|one| one.certificate.pem());
    let want = format!("{leaf}{low}{middle}").replace('\r', "");
    let again = format!("{leaf}{leaf}{low}{middle}");
    let orders = [
        format!("{leaf}{low}{middle}"),
        format!("{leaf}{low}{middle}{top}"),
        format!("{top}{middle}{low}{leaf}"),
        format!("Bag Attributes\n  name\n{middle}\nsubject=…\n{leaf}\n{top}{low}"),
        again,
    ];
    for order in orders {
        let pair = check(&order, &key, NOW).unwrap();
        assert_eq!(pair.chain, want);
        assert_eq!(pair.key.trim(), key.replace('\r', "").trim());
        assert_eq!(pair.leaf.issued.names.len(), 2);
        assert_eq!(pair.leaf.issued.issuer, "Low");
        assert!(!format!("{pair:?}").contains("PRIVATE"));
    }
}

#[test]
fn one_certificate_is_a_chain_and_one_that_signed_itself_too() {
    let (leaf, key) = site(&root("Root"), &site_params());
    assert!(check(&leaf, &key, NOW).is_ok());
    let key = KeyPair::generate().unwrap();
    let own = site_params().self_signed(&key).unwrap();
    assert!(check(&own.pem(), &key.serialize_pem(), NOW).is_ok());
}

#[test]
fn a_root_that_another_vouches_for_is_sent() {
    let old = root("Old");
    let new = root("New");
    let cross = authority_params("New")
        .signed_by(new.issuer.key(), &old.issuer)
        .unwrap();
    let (leaf, key) = site(&new, &site_params());
    let (new, old) = (new.certificate.pem(), old.certificate.pem());
    let pair = check(&format!("{leaf}{new}{}{old}", cross.pem()), &key, NOW).unwrap();
    let want = format!("{leaf}{}", cross.pem()).replace('\r', "");
    assert_eq!(pair.chain, want);
}

#[test]
fn a_wrong_key_is_refused() {
    let (leaf, _) = site(&root("Root"), &site_params());
    let other = KeyPair::generate().unwrap().serialize_pem();
    assert_refused(
        &leaf,
        &other,
        &["key: not the key of the certificate of www.example.org"],
    );
}

#[test]
fn who_does_not_vouch_is_refused() {
    let [top, middle, low] = authorities();
    let (leaf, key) = site(&low, &site_params());
    let [low, middle] = [&low, &middle].map(|one| one.certificate.pem());
    let pretender = below(&top, authority_params("Low")).certificate.pem();
    assert_refused(
        &format!("{leaf}{pretender}{middle}"),
        &key,
        &["chain: has the name, but not the key"],
    );
    let (other, _) = site(&top, &site_params());
    assert_refused(
        &format!("{leaf}{low}{other}"),
        &key,
        &["chain: does not vouch for the one of site"],
    );
    // The missing one in the middle leaves the other without a place.
    assert_refused(
        &format!("{leaf}{middle}"),
        &key,
        &["chain: The certificate of Middle does not vouch"],
    );
    let mut params = authority_params("No authority");
    params.is_ca = IsCa::NoCa;
    let no_authority = below(&top, params);
    let (leaf, key) = site(&no_authority, &site_params());
    assert_refused(
        &format!("{leaf}{}", no_authority.certificate.pem()),
        &key,
        &["chain: may not vouch for others"],
    );
}

#[test]
fn dates_of_every_certificate_count() {
    let top = root("Root");
    let mut params = site_params();
    params.not_after = date_time_ymd(2026, 6, 1);
    let (leaf, key) = site(&top, &params);
    assert_refused(
        &leaf,
        &key,
        &["chain: good until 2026-06-01T00:00:00Z and is no more"],
    );
    params.not_before = date_time_ymd(2026, 6, 2);
    params.not_after = date_time_ymd(2026, 8, 1);
    let (leaf, key) = site(&top, &params);
    assert_refused(
        &leaf,
        &key,
        &["chain: not good before 2026-06-02T00:00:00Z"],
    );
    let mut params = authority_params("Middle");
    params.not_after = date_time_ymd(2026, 5, 31);
    let middle = below(&top, params);
    let (leaf, key) = site(&middle, &site_params());
    assert_refused(
        &format!("{leaf}{}", middle.certificate.pem()),
        &key,
        &["chain: The certificate of Middle was good until"],
    );
}

#[test]
fn what_browsers_do_not_take_is_refused_all_at_once() {
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
            "chain: no name of a host",
            "chain: is Ed25519, which browsers do not take",
            "chain: not for servers",
            "chain: is no more",
        ],
    );
}

#[test]
fn an_authority_is_no_site() {
    let top = root("Root");
    let key = top.issuer.key().serialize_pem();
    assert_refused(
        &top.certificate.pem(),
        &key,
        &["chain: is an authority's own"],
    );
}

#[test]
fn fields_that_hold_something_else_are_refused() {
    let (leaf, key) = site(&root("Root"), &site_params());
    assert_refused(
        "",
        "",
        &["key: There is no key", "chain: There is no certificate"],
    );
    assert_refused(
        &key,
        &key,
        &["chain: a key among", "chain: There is no certificate"],
    );
    assert_refused(
        &format!("{key}{leaf}"),
        &key,
        &["chain: a key among the certificates"],
    );
    let many = leaf.repeat(13);
    assert_refused(&many, &key, &["chain: too many"]);
    assert_refused(&"x".repeat(100_001), &key, &["chain: 100000 characters"]);
}

/// RSA of few bits and SHA-1 are nothing that rcgen makes.
#[test]
fn old_keys_and_signatures_are_refused() {
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
    let fields = check(&leaf, &key, now).unwrap_err();
    let words: Vec<String> = fields.into_iter().map(|field| field.message).collect();
    assert!(
        words.iter().any(|w| w.contains("RSA with 1024 bits")),
        "{words:?}"
    );
    assert!(
        words.iter().any(|w| w.contains("signed with SHA-1")),
        "{words:?}"
    );
    assert!(words.iter().any(|w| w.contains("not the key")), "{words:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_change_of_what_is_brought_makes_it_fall(at: prop::sample::Index, byte: u8, of_key: bool) {
        let top = root("Root");
        let (leaf, key) = site(&top, &site_params());
        let mut texts = [format!("{leaf}{}", top.certificate.pem()), key];
        let text = &mut texts[usize::from(of_key)];
        let mut bytes = text.clone().into_bytes();
        let place = at.index(bytes.len());
        bytes[place] = byte & 0x7f;
        *text = String::from_utf8(bytes).unwrap();
        if let Ok(pair) = check(&texts[0], &texts[1], NOW) {
            // Whatever is taken is taken again, and stays what it is.
            prop_assert_eq!(check(&pair.chain, &pair.key, NOW).unwrap(), pair);
        }
    }
}
