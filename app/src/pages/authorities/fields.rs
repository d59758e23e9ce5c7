//! The form fields of a CA, for creation and update.

use model::authorities::{AuthorityForm, WELL_KNOWN_CAS};

use crate::pages::prelude::*;

/// Short names for the CAs in [`WELL_KNOWN_CAS`], in the same order.
const NAMES: [&str; WELL_KNOWN_CAS.len()] =
    ["letsencrypt", "letsencrypt-staging", "zerossl", "google"];

/// The choice of a directory that is not in the list.
const CUSTOM: &str = "custom";

/// Substrings of the directory URLs of CAs that require external account binding.
const NEEDS_EAB: [&str; 2] = ["zerossl.com/", "pki.goog/"];

/// The initial values of a new CA: the most common one.
pub fn initial_values() -> AuthorityForm {
    let mut form = AuthorityForm::default();
    choose(&mut form, WELL_KNOWN_CAS[0].1);
    form
}

/// The directory of a known CA, or [`CUSTOM`].
fn known(directory: &str) -> &'static str {
    let mut all = WELL_KNOWN_CAS.iter().map(|(_, url)| *url);
    all.find(|url| *url == directory.trim()).unwrap_or(CUSTOM)
}

/// Sets the directory of a known CA, or clears it for another one. Sets the name, unless the user
/// has edited it.
fn choose(form: &mut AuthorityForm, chosen: &str) {
    let has_default_name = form.name.trim().is_empty() || NAMES.contains(&form.name.trim());
    let named = WELL_KNOWN_CAS.iter().position(|(_, url)| *url == chosen);
    if has_default_name {
        let name = named.and_then(|index| NAMES.get(index));
        form.name = name.copied().unwrap_or_default().to_owned();
    }
    form.directory = match named {
        Some(_) => chosen.to_owned(),
        None => String::new(),
    };
}

/// All fields, in groups.
pub fn fields(form: FormState, values: RwSignal<AuthorityForm>, new: bool) -> AnyView {
    let options: Vec<(String, String)> = WELL_KNOWN_CAS
        .iter()
        .map(|(name, url)| ((*url).to_owned(), (*name).to_owned()))
        .chain([(CUSTOM.to_owned(), "Custom".to_owned())])
        .collect();
    let chosen = FieldBinding {
        get: Signal::derive(move || values.with(|form| known(&form.directory).to_owned())),
        set: Callback::new(move |chosen: String| {
            form.typed("directory");
            values.update(|form| choose(form, &chosen));
        }),
    };
    let choice = new.then(|| {
        view! { <Choice form name="known" label="Certificate authority" value=chosen options hint="Select Custom for any other ACME server." /> }.erase()
    });
    let authority = view! {
        {choice}
        <Field form name="directory" label="Directory" value=bind!(values, directory)
            hint="The URL of the CA's ACME directory." />
        <Field form name="name" label="Name" value=bind!(values, name) hint="The name in Holdfast." />
        <Field form name="email" label="Email" optional=true value=bind!(values, email)
            hint="The contact for the CA, such as admin@example.org. Some CAs require an address." />
        <p class="muted">"Holdfast registers an account with the first certificate request, and accepts the CA's terms of service."</p>
    };
    view! { {group("Certificate authority", authority.erase())} {account(form, values, new)} {roots(form, values)} }
        .erase()
}

/// The external account binding, folded if the CA does not need it.
fn account(form: FormState, values: RwSignal<AuthorityForm>, new: bool) -> AnyView {
    let is_required = Memo::new(move |_| {
        values.with(|form| NEEDS_EAB.iter().any(|part| form.directory.contains(part)))
    });
    let note = reactive(move || {
        let note = || view! { <p>"This CA requires external account binding."</p> }.erase();
        is_required.get().then(note)
    });
    let key_hint = match new {
        true => "In base64url, as shown by the CA. Stored encrypted.",
        false => "Leave empty to keep the current key.",
    };
    let fields = view! {
        {note}
        <p class="muted">"Some CAs require external account binding (EAB). Copy the key ID and the HMAC key from your account at the CA."</p>
        <Field form name="eab_key_id" label="Key ID" optional=true value=bind!(values, eab_key_id)
            hint="The EAB key ID from the CA." />
        <Field form name="eab_mac_key" label="HMAC key" optional=true entry=Entry::Secret value=bind!(values, eab_mac_key) hint=key_hint />
    };
    let is_open = values.with_untracked(|form| !form.eab_key_id.is_empty());
    let names = &["eab_key_id", "eab_mac_key"];
    fold(
        form,
        names,
        (is_required.into(), is_open),
        "External account binding",
        fields.erase(),
    )
}

/// The root certificates of a private CA, folded.
fn roots(form: FormState, values: RwSignal<AuthorityForm>) -> AnyView {
    let fields = view! {
        <p class="muted">"For a private CA such as step-ca or pebble: the roots that verify its ACME server. Leave empty to use the system trust store."</p>
        <Field form name="roots" label="Certificates" optional=true entry=Entry::Block value=bind!(values, roots) hint="In PEM format." />
    };
    let is_open = values.with_untracked(|form| !form.roots.is_empty());
    let never = Signal::stored(false);
    fold(
        form,
        &["roots"],
        (never, is_open),
        "Custom root certificates",
        fields.erase(),
    )
}

/// A fold that opens when one of the fields `names` has an error or is required. It is never closed
/// automatically.
fn fold(
    form: FormState,
    names: &'static [&'static str],
    (is_required, is_open): (Signal<bool>, bool),
    title: &'static str,
    fields: AnyView,
) -> AnyView {
    let fold = form.open_on_error(names, is_required);
    view! {
        <details class="card fold" node_ref=fold open=is_open>
            <summary>{title}</summary>
            <div class="group">{fields}</div>
        </details>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ca_sets_directory_and_name() {
        let mut form = initial_values();
        assert_eq!(
            (form.name.as_str(), known(&form.directory)),
            ("letsencrypt", WELL_KNOWN_CAS[0].1)
        );
        assert!(form.parse(true).is_ok());
        for (index, (_, url)) in WELL_KNOWN_CAS.iter().enumerate() {
            choose(&mut form, url);
            assert_eq!(
                (form.name.as_str(), form.directory.as_str()),
                (NAMES[index], *url)
            );
            assert!(form.parse(true).is_ok());
        }
        choose(&mut form, CUSTOM);
        assert_eq!((form.name.as_str(), form.directory.as_str()), ("", ""));
        form.name = "house".to_owned();
        choose(&mut form, WELL_KNOWN_CAS[1].1);
        assert_eq!(form.name, "house");
    }
}
