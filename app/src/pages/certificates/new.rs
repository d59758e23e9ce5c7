//! The form to upload a certificate. Input is kept until the certificate is stored; the private key
//! is never sent back.

use model::{
    certificates::{CertificateSource, UploadForm},
    domains::DomainRow,
};

use crate::pages::prelude::*;

/// The page.
pub fn page() -> AnyView {
    live_resource(
        Signal::from(()),
        |()| server_fns::domains::list(),
        |_| vec![Event::all(Topic::Domain)],
        object_skeleton,
        content,
    )
}

/// The initial values: the domain in the URL, or the first domain.
fn first(domains: &[DomainRow], named: Option<&str>) -> UploadForm {
    let domain = domains
        .iter()
        .find(|domain| Some(domain.id.to_string().as_str()) == named)
        .or_else(|| domains.first());
    UploadForm {
        domain: domain
            .map(|domain| domain.id.to_string())
            .unwrap_or_default(),
        ..UploadForm::default()
    }
}

fn content(domains: LiveResource<Vec<DomainRow>>) -> AnyView {
    let named = use_query_map().with_untracked(|map| map.get_str("domain").map(str::to_owned));
    let values = RwSignal::new(domains.peek(|all| first(all, named.as_deref())));
    let form = FormState::new(move || {
        values.with_untracked(|form| form.parse().err().unwrap_or_default())
    });
    let chosen = Memo::new(move |_| {
        let key = values.with(|form| form.domain.clone());
        domains.with(|all| {
            all.iter()
                .find(|domain| domain.id.to_string() == key)
                .cloned()
        })
    });
    let upload = move || {
        let submitted = values.get_untracked();
        let name =
            chosen.with_untracked(|domain| domain.as_ref().map(|it| it.spec.name.to_string()));
        async move {
            let id = server_fns::certificates::upload(submitted).await?;
            Ok(Saved {
                name: name.unwrap_or_default(),
                key: id.to_string(),
            })
        }
    };
    let none = domains.peek(Vec::is_empty).then(|| {
        view! { <p class="panel panel-warning"><span>{icon("triangle-alert")} "A certificate belongs to a domain. " <a class="link" href="/domains/new">"Create a domain"</a> " first."</span></p> }.erase()
    });
    create_form(CreateForm {
        title: "Upload certificate",
        verb: "Upload",
        what: "certificate for",
        list: "/certificates",
        name: Signal::stored("certificate".to_owned()),
        form,
        notice: none,
        fields: view! { {fields(form, values, domains)} {change(chosen)} }.erase(),
        create: save_call(upload),
    })
}

fn fields(
    form: FormState,
    values: RwSignal<UploadForm>,
    domains: LiveResource<Vec<DomainRow>>,
) -> AnyView {
    let options = Signal::derive(move || {
        let option = |domain: &DomainRow| {
            let message = format!("{} ({})", domain.spec.name, domain.site_name);
            (domain.id.to_string(), message)
        };
        domains.with(|all| all.iter().map(option).collect())
    });
    view! {
        <fieldset class="card group">
            <legend class="card-title">"Certificate"</legend>
            <Choice form name="domain" label="Domain" value=bind!(values, domain) options
                hint="The certificate covers names under this domain." />
            <Field form name="chain" label="Certificate and chain" entry=Entry::Block value=bind!(values, chain)
                hint="PEM: the certificate and its intermediates, as in fullchain.pem." />
            <Field form name="key" label="Private key" entry=Entry::Block value=bind!(values, key)
                hint="PEM, without a passphrase. Stored encrypted and never shown." />
        </fieldset>
    }
    .erase()
}

/// The effect on a domain that has another certificate source.
fn change(chosen: Memo<Option<DomainRow>>) -> AnyView {
    reactive(move || {
        let domain = chosen.get()?;
        let before = match domain.spec.issuance {
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
