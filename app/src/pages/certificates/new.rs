//! The form to upload a certificate. Input is kept until the certificate is stored; the private key
//! is never sent back.

use model::{
    certificates::{CertificateSource, UploadForm},
    domains::DomainRow,
};

use crate::pages::prelude::*;

pub fn page() -> AnyView {
    let interests = |_: &_| vec![Event::all(Topic::Domain)];
    form_page(server_fns::domains::list, interests, content)
}

fn content(domains: LiveResource<Vec<DomainRow>>) -> AnyView {
    let domain =
        domains.peek(|all| preselected(all, "domain", |row| row.id.to_string(), |row| row.id));
    let values = RwSignal::new(UploadForm {
        domain,
        ..UploadForm::default()
    });
    let form = FormState::of(values, UploadForm::parse);
    let chosen = Memo::new(move |_| {
        let key = values.with(|form| form.domain.clone());
        domains.with(|all| {
            all.iter()
                .find(|domain| domain.id.to_string() == key)
                .cloned()
        })
    });
    let upload = save_call(move || {
        let submitted = values.get_untracked();
        let name = chosen.with_untracked(|row| row.as_ref().map(|row| row.spec.name.to_string()));
        async move {
            let key = server_fns::certificates::upload(submitted)
                .await?
                .to_string();
            let name = name.unwrap_or_default();
            Ok(SavedObject { name, key })
        }
    });
    let notice = domains.peek(Vec::is_empty).then(|| {
        let link = ("/domains/new", "Create a domain");
        prerequisite("A certificate belongs to a domain. ", link, true)
    });
    let fields = view! { {notice} {fields(form, values, domains)} {change(chosen)} }.erase();
    create_form(Kind::Certificate, form, fields, upload)
}

fn fields(
    form: FormState,
    values: RwSignal<UploadForm>,
    domains: LiveResource<Vec<DomainRow>>,
) -> AnyView {
    let options = Signal::derive(move || {
        let option = |domain: &DomainRow| {
            let label = format!("{} ({})", domain.spec.name, domain.site_name);
            (domain.id.to_string(), label)
        };
        domains.with(|all| all.iter().map(option).collect())
    });
    let fields = view! {
        <Choice form name="domain" label="Domain" value=bind!(values, domain) options
            hint="The certificate covers names under this domain." />
        <Field form name="chain" label="Certificate and chain" entry=Entry::Block value=bind!(values, chain)
            hint="PEM: the certificate and its intermediates, as in fullchain.pem." />
        <Field form name="key" label="Private key" entry=Entry::Block value=bind!(values, key)
            hint="PEM, without a passphrase. Stored encrypted and never shown." />
    };
    group("Certificate", fields.erase())
}

/// The effect on a domain that has another certificate source.
fn change(chosen: Memo<Option<DomainRow>>) -> AnyView {
    reactive(move || {
        let domain = chosen.get()?;
        let before = match domain.spec.certificate_source {
            CertificateSource::Uploaded => return None,
            CertificateSource::SelfSigned => "uses self-signed certificates",
            CertificateSource::Http(_)
            | CertificateSource::Dns(_)
            | CertificateSource::Wildcard(_) => "uses a certificate authority",
        };
        let message = format!(
            "{} {before}. After the upload, its certificate source is Upload, and certificates are not renewed automatically.",
            domain.spec.name
        );
        Some(view! { <p class="panel panel-info">{message}</p> }.erase())
    })
}
