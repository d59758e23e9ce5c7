//! The template or image of a container on the node's storage.

use model::{containers::ContainerSource, image::ImageRef, names::StorageName};
use proxmox::{Content, ContentKind};

use super::{Context, PULL_TIMEOUT, SHORT_TIMEOUT, StepFailure, StepOutcome, image_quota};

/// The volume ID of the container's template or image archive.
pub(super) fn volume_id(context: &Context) -> String {
    archive_volume_id(
        &context.site.spec.template_storage,
        &archive_name(&context.container.spec.source),
    )
}

/// The volume ID of a template or an image archive.
pub(super) fn archive_volume_id(storage: &StorageName, file: &str) -> String {
    format!("{storage}:vztmpl/{file}")
}

fn archive_name(source: &ContainerSource) -> String {
    match source {
        ContainerSource::Template(name) => name.to_string(),
        ContainerSource::Image(image) => image.file_name(),
        // An imported container is never created from an archive; no archive has an empty name.
        ContainerSource::Imported => String::new(),
    }
}

/// Checks that the template exists.
pub(super) async fn check_template(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    if find_archive(context).await?.is_some() {
        return Ok(StepOutcome::Done(String::new()));
    }
    Err(StepFailure::new(format!(
        "The template {} is not on the storage {} of {}.",
        context.container.spec.source, context.site.spec.template_storage, context.container.node,
    )))
}

/// Checks the image's registry again: the site's list may have changed since the container was
/// requested.
fn check_registry(context: &Context) -> Result<(), StepFailure> {
    match &context.container.spec.source {
        ContainerSource::Image(image) => context.site.spec.registries.check(image),
        ContainerSource::Template(_) | ContainerSource::Imported => Ok(()),
    }
    .map_err(|refusal| StepFailure::new(refusal.to_string()))
}

/// Deletes the image's archive, so that the next step pulls the image again. Refuses what the next
/// step would refuse, so that no archive is lost.
pub(super) async fn delete(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    context.resume("imgdel", SHORT_TIMEOUT).await?;
    check_registry(context)?;
    image_quota::free_space(context).await?;
    if find_archive(context).await?.is_none() {
        return Ok(StepOutcome::Skipped("not pulled before".into()));
    }
    let storage = context.site.spec.template_storage.as_str();
    let upid = context
        .client
        .delete_content(&context.node(), storage, &volume_id(context))
        .await?;
    context.follow(&upid, SHORT_TIMEOUT).await?;
    Ok(StepOutcome::Done(String::new()))
}

/// Pulls the image under Holdfast's file name, unless it exists. Refuses registries that the site
/// does not allow.
pub(super) async fn pull(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    let ContainerSource::Image(image) = context.container.spec.source.clone() else {
        return Ok(StepOutcome::Skipped("created from a template".into()));
    };
    check_registry(context)?;
    let upid = context.notes.upid.as_deref();
    let upid = upid.and_then(|upid| upid.parse().ok());
    if let Some(upid) = &upid {
        let resumed = context.follow(upid, PULL_TIMEOUT).await;
        resumed.map_err(|failure| explain(&image, failure))?;
    }
    if let Some(archive) = use_archive(context).await? {
        if upid.is_some() {
            image_quota::enforce(context, &archive).await?;
        }
        return Ok(StepOutcome::Skipped("already pulled".into()));
    }
    image_quota::free_space(context).await?;
    image_quota::record_pull(context).await?;
    let started = start_pull(context, &image).await;
    match started {
        Ok(upid) => match context.follow(&upid, PULL_TIMEOUT).await {
            Err(failure) if is_duplicate_pull(&failure) => reuse_other_pull(context).await,
            Err(failure) => Err(explain(&image, failure)),
            Ok(()) => {
                if let Some(archive) = use_archive(context).await? {
                    image_quota::enforce(context, &archive).await?;
                }
                Ok(StepOutcome::Done(image.proxmox_reference()))
            }
        },
        Err(proxmox::Error::AlreadyExists { .. }) => reuse_other_pull(context).await,
        Err(error) => Err(explain(&image, error.into())),
    }
}

/// The image's archive, which no job deletes from now on; `None` if there is none.
async fn use_archive(context: &Context) -> Result<Option<Content>, StepFailure> {
    let Some(archive) = find_archive(context).await? else {
        return Ok(None);
    };
    image_quota::record_use(context, &archive).await?;
    // Another job may have deleted it before the use was recorded.
    find_archive(context).await
}

/// Names the cause of a failed pull. Proxmox reports only that the command failed; the error of the
/// registry is in the log of the task.
fn explain(image: &ImageRef, failure: StepFailure) -> StepFailure {
    let has = |text| failure.log.iter().any(|line| line.contains(text));
    let is_denied = |line: &String| {
        line.contains("unauthorized")
            || line.contains("denied") && !line.contains("permission denied")
    };
    let sentence = if has("manifest unknown") {
        let (registry, repository) = (image.registry(), image.repository());
        format!(
            "The registry has no tag {} of {registry}/{repository}.",
            image.tag()
        )
    } else if failure.log.iter().any(is_denied) {
        format!("The image {image} does not exist, or the registry requires a sign-in.")
    } else {
        format!("The image {image} could not be pulled.")
    };
    failure.with_sentence(sentence)
}

async fn start_pull(context: &Context, image: &ImageRef) -> Result<proxmox::Upid, proxmox::Error> {
    let archive_name = image.file_name();
    let stem = archive_name.strip_suffix(".tar").unwrap_or(&archive_name);
    let storage = context.site.spec.template_storage.as_str();
    context
        .client
        .pull_oci(&context.node(), storage, &image.proxmox_reference(), stem)
        .await
}

/// Another job is pulling the same image to the same node; this job uses its file once complete.
async fn reuse_other_pull(context: &Context) -> Result<StepOutcome, StepFailure> {
    if use_archive(context).await?.is_some() {
        return Ok(StepOutcome::Skipped("pulled by another job".into()));
    }
    Err(StepFailure {
        transient: true,
        ..StepFailure::new("Another job is pulling the same image. Waiting.")
    })
}

fn is_duplicate_pull(failure: &StepFailure) -> bool {
    failure
        .details
        .as_deref()
        .is_some_and(|details| details.contains("refusing to override"))
}

async fn find_archive(context: &Context) -> Result<Option<Content>, StepFailure> {
    let storage = context.site.spec.template_storage.as_str();
    let content = context
        .client
        .content(&context.node(), storage, Some(ContentKind::Vztmpl))
        .await?;
    let volume_id = volume_id(context);
    Ok(content.into_iter().find(|item| item.volid == volume_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_pull_names_the_cause_from_the_log() {
        let image: ImageRef = "ghcr.io/example/shop:2.4".parse().unwrap();
        let sentence = |line: &str| {
            let failure = StepFailure {
                is_generic: true,
                log: vec!["Trying to pull".to_owned(), line.to_owned()],
                ..StepFailure::new("The Proxmox task failed.")
            };
            explain(&image, failure).sentence
        };
        assert_eq!(
            sentence("reading manifest 2.4 in ghcr.io/example/shop: manifest unknown"),
            "The registry has no tag 2.4 of ghcr.io/example/shop."
        );
        for line in [
            "errors: denied: requested access to the resource is denied",
            "unauthorized: access to the requested resource is not authorized",
        ] {
            assert_eq!(
                sentence(line),
                "The image ghcr.io/example/shop:2.4 does not exist, or the registry requires a sign-in."
            );
        }
        for line in ["open /var/lib/vz: permission denied", "connection refused"] {
            assert_eq!(
                sentence(line),
                "The image ghcr.io/example/shop:2.4 could not be pulled."
            );
        }
    }
}
