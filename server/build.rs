//! Embeds the built web assets: generates a table of the files from their manifest. Without
//! `HOLDFAST_WEB_ASSETS`, a development build reads the web assets from their directory and a
//! release has none, so the code compiles before the web assets are built.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-env-changed=HOLDFAST_WEB_ASSETS");
    println!("cargo::rerun-if-changed=build.rs");
    let is_development = env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_some();
    let source = match env::var_os("HOLDFAST_WEB_ASSETS") {
        Some(web_assets) => embedded_table(&PathBuf::from(web_assets))?,
        None if is_development => assets_folder(&env::var("CARGO_MANIFEST_DIR")?),
        None => "Source::Missing".to_owned(),
    };
    let out = PathBuf::from(env::var("OUT_DIR")?).join("assets.rs");
    fs::write(out, source)?;
    Ok(())
}

/// The directory that `cargo xtask dev` builds the web assets in.
fn assets_folder(package: &str) -> String {
    format!(
        "Source::Folder({:?})",
        format!("{package}/../target/web-assets-dev")
    )
}

/// Rust code of the embedded web assets.
fn embedded_table(web_assets: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let manifest = web_assets.join("manifest.json");
    println!("cargo::rerun-if-changed={}", manifest.display());
    let text = fs::read_to_string(&manifest).map_err(|e| with_path(&manifest, &e))?;
    let json: serde_json::Value = serde_json::from_str(&text)?;
    let files = json
        .get("files")
        .and_then(|v| v.as_array())
        .ok_or("manifest.json has no files")?;
    let mut rows = String::new();
    for file in files {
        let path = file
            .get("path")
            .and_then(|v| v.as_str())
            .ok_or("a file has no path")?;
        rows.push_str(&row(web_assets, path, file)?);
    }
    Ok(format!(
        "Source::Embedded(EmbeddedAssets {{ manifest: {text:?}, files: &[\n{rows}] }})"
    ))
}

/// A table row: one file with its compressed variants.
fn row(web_assets: &Path, path: &str, file: &serde_json::Value) -> Result<String, io::Error> {
    let plain = web_assets.join(path.trim_start_matches('/'));
    let encodings = file.get("encodings").and_then(|v| v.as_array());
    let mut row = format!("({path:?}, &[(Encoding::Identity, {}),", include(&plain)?);
    for encoding in encodings.into_iter().flatten() {
        let (name, ending) = match encoding.as_str() {
            Some("br") => ("Brotli", "br"),
            Some("gzip") => ("Gzip", "gz"),
            _ => continue,
        };
        let compressed = PathBuf::from(format!("{}.{ending}", plain.display()));
        row.push_str(&format!("(Encoding::{name}, {}),", include(&compressed)?));
    }
    row.push_str("]),\n");
    Ok(row)
}

fn include(file: &Path) -> Result<String, io::Error> {
    let file = file.canonicalize().map_err(|e| with_path(file, &e))?;
    println!("cargo::rerun-if-changed={}", file.display());
    Ok(format!("include_bytes!({:?})", file.display().to_string()))
}

fn with_path(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}
