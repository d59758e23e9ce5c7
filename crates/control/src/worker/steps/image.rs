//! The template or image of a container on the node's storage.

use model::{containers::Source, image::ImageRef};
use proxmox::ContentKind;

use super::{Context, Done, Failure, PULL};

/// The volume ID of the container's template or image archive.
pub(super) fn volume(context: &Context) -> String {
    format!(
        "{}:vztmpl/{}",
        context.site.spec.template_storage,
        file(&context.container.spec.source)
    )
}

fn file(source: &Source) -> String {
    match source {
        Source::Template(name) => name.to_string(),
        Source::Image(image) => image.file_name(),
        // An imported container is never created from an archive; no archive has an empty name.
        Source::TakenOver => String::new(),
    }
}

/// Checks that the template exists.
pub(super) async fn template(context: &mut Context) -> Result<Done, Failure> {
    if lies_there(context).await? {
        return Ok(Done::Did(String::new()));
    }
    Err(Failure::new(format!(
        "The template {} is not on the storage {} of {}.",
        context.container.spec.source, context.site.spec.template_storage, context.container.node,
    )))
}

/// Pulls the image under Holdfast's file name, unless it exists.
pub(super) async fn pull(context: &mut Context) -> Result<Done, Failure> {
    let Source::Image(image) = context.container.spec.source.clone() else {
        return Ok(Done::Skipped("made from a template".into()));
    };
    if let Some(upid) = context
        .notes
        .upid
        .as_deref()
        .and_then(|upid| upid.parse().ok())
    {
        context.follow(&upid, PULL).await?;
    }
    if lies_there(context).await? {
        return Ok(Done::Skipped("was pulled before".into()));
    }
    let asked = ask(context, &image).await;
    match asked {
        Ok(upid) => match context.follow(&upid, PULL).await {
            Err(failure) if is_double(&failure) => wait_for_other(context).await,
            Err(failure) => Err(failure.named(format!("The image {image} could not be pulled."))),
            Ok(()) => Ok(Done::Did(image.proxmox_reference())),
        },
        Err(proxmox::Error::AlreadyExists { .. }) => wait_for_other(context).await,
        Err(error) => {
            Err(Failure::from(error).named(format!("The image {image} could not be pulled.")))
        }
    }
}

async fn ask(context: &Context, image: &ImageRef) -> Result<proxmox::Upid, proxmox::Error> {
    let file = image.file_name();
    let stem = file.strip_suffix(".tar").unwrap_or(&file);
    let storage = context.site.spec.template_storage.as_str();
    context
        .client
        .pull_oci(&context.node(), storage, &image.proxmox_reference(), stem)
        .await
}

/// Another job is pulling the same image to the same node; this job uses its file once complete.
async fn wait_for_other(context: &Context) -> Result<Done, Failure> {
    if lies_there(context).await? {
        return Ok(Done::Skipped("another job pulled it".into()));
    }
    Err(Failure {
        transient: true,
        ..Failure::new("Another job is pulling the same image; waiting for it.")
    })
}

fn is_double(failure: &Failure) -> bool {
    failure
        .words
        .as_deref()
        .is_some_and(|words| words.contains("refusing to override"))
}

async fn lies_there(context: &Context) -> Result<bool, Failure> {
    let storage = context.site.spec.template_storage.as_str();
    let content = context
        .client
        .content(&context.node(), storage, Some(ContentKind::Vztmpl))
        .await?;
    let volume = volume(context);
    Ok(content.iter().any(|item| item.volid == volume))
}
