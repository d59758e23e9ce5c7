//! OCI image references, and images on a storage. No HTTP here.

use crate::cluster::state::{Kind, State, Volume};
use crate::config::ImageSpec;

/// Completes a reference as a registry client does: `nginx:1.27` is `docker.io/library/nginx:1.27`.
pub(crate) fn full_reference(reference: &str) -> String {
    match reference.split_once('/') {
        None => format!("docker.io/library/{reference}"),
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => reference.into(),
        Some(_) => format!("docker.io/{reference}"),
    }
}

/// Returns the image of a reference.
pub(crate) fn find<'a>(catalog: &'a [ImageSpec], reference: &str) -> Option<&'a ImageSpec> {
    let requested = full_reference(reference);
    catalog.iter().find(|image| image.reference == requested)
}

/// The tags of a repository.
pub(crate) fn tags<'a>(catalog: &'a [ImageSpec], repository: &str) -> Vec<&'a str> {
    let requested = full_reference(repository);
    let split = |image: &'a ImageSpec| image.reference.rsplit_once(':');
    let mut tags: Vec<&str> = catalog
        .iter()
        .filter_map(split)
        .filter(|(repository, _)| *repository == requested)
        .map(|(_, tag)| tag)
        .collect();
    tags.sort_unstable();
    tags
}

/// The file name of a pulled image. Images of different registries and namespaces can collide.
pub(crate) fn file_name(reference: &str, requested: Option<&str>) -> String {
    let base = requested.unwrap_or_else(|| reference.rsplit('/').next().unwrap_or(reference));
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "_.-".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = base
        .strip_suffix(".tar")
        .unwrap_or(base)
        .chars()
        .map(plain)
        .collect();
    format!("{name}.tar")
}

/// Adds a pulled image to a storage. An existing file is replaced.
pub(crate) fn store(state: &mut State, node: &str, storage: &str, file: &str, image: ImageSpec) {
    let name = format!("vztmpl/{file}");
    state.remove_volumes(|v| v.node == node && v.storage == storage && v.name == name);
    let volume = Volume::new((node, storage), &name, image.size, Kind::Image(image));
    state.volumes.push(volume);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_completed_as_docker_does() {
        assert_eq!(full_reference("nginx:1.27"), "docker.io/library/nginx:1.27");
        assert_eq!(full_reference("a/b:1"), "docker.io/a/b:1");
        assert_eq!(
            full_reference("localhost:5000/a/b:v1"),
            "localhost:5000/a/b:v1"
        );
    }

    #[test]
    fn file_names_are_the_end_of_the_reference() {
        assert_eq!(
            file_name("docker.io/library/nginx:1.27", None),
            "nginx_1.27.tar"
        );
        assert_eq!(file_name("localhost:5000/a/b:v1", None), "b_v1.tar");
        assert_eq!(file_name("nginx:latest", Some("my img")), "my_img.tar");
        assert_eq!(file_name("nginx:latest", Some("x.tar")), "x.tar");
    }
}
