//! From a plugin's source to the component in its pack.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use tidegate_componentise::{TARGET, Toolchain, from_module, missing, with_manifest};

use super::tools::{self, Missing};
use super::{Language, Project};

/// A component that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its file in the pack's folder.
    pub component: PathBuf,
    /// Its size.
    pub bytes: usize,
    /// The time that it took.
    pub took: Duration,
}

/// Builds the component of a project's plugin and puts it into the pack's folder. None where the pack is tables alone, whose
/// component is another pack's.
///
/// # Errors
/// [`Missing`] where a program is missing, with the command that installs it; else what is wrong with the source.
pub fn build(project: &Project) -> Result<Option<Built>> {
    let began = Instant::now();
    let bytes = match project.language {
        Language::Tables => return Ok(None),
        Language::Rust => rust(&project.folder)?,
        Language::TypeScript => typescript(&project.folder)?,
    };
    let component = project.pack.join(component_file(&project.pack)?);
    write_whole(&component, &bytes)?;
    Ok(Some(Built { component, bytes: bytes.len(), took: began.elapsed() }))
}

/// Writes a file beside its place and puts it there by its name: whoever looks sees the old one or the new one.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = path.with_extension("wasm.tmp");
    fs::write(&unfinished, bytes).with_context(|| unfinished.display().to_string())?;
    fs::rename(&unfinished, path).with_context(|| path.display().to_string())
}

/// The component's file, as `pack.toml` names it.
pub(super) fn component_file(pack: &Path) -> Result<String> {
    #[derive(Deserialize)]
    struct PackFile {
        component: Option<String>,
    }
    let path = pack.join("pack.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let file: PackFile = toml::from_str(&text).with_context(|| path.display().to_string())?;
    match file.component {
        Some(name) if !name.is_empty() && !name.contains(['/', '\\']) && name != ".." => Ok(name),
        Some(_) => bail!("{}: `component` is to be the name of a file in the pack's own folder", path.display()),
        None => bail!("{}: it names no `component`, which is what is built here", path.display()),
    }
}

#[derive(Deserialize)]
struct CargoFile {
    package: Option<Package>,
    lib: Option<Library>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

#[derive(Deserialize)]
struct Library {
    name: Option<String>,
    #[serde(default, rename = "crate-type")]
    crate_type: Vec<String>,
}

/// The component of a crate.
fn rust(folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let file: CargoFile = toml::from_str(&text).with_context(|| path.display().to_string())?;
    let (Some(package), Some(library)) = (file.package, file.lib) else {
        bail!("{}: it is to have a [package] and a [lib] with crate-type = [\"cdylib\"]", path.display());
    };
    if !library.crate_type.iter().any(|kind| kind == "cdylib") {
        bail!("{}: the crate-type of [lib] is to have \"cdylib\" in it", path.display());
    }
    let name = library.name.unwrap_or(package.name).replace('-', "_");
    let toolchain = Toolchain::present().ok_or_else(|| Missing(missing()))?;
    let target = folder.join("target");
    tools::run(&mut toolchain.cargo_build(Command::new("cargo"), folder, &target), folder)?;
    let module = target.join(TARGET).join("plugin").join(format!("{name}.wasm"));
    let module = fs::read(&module).with_context(|| module.display().to_string())?;
    from_module(&module)
}

/// The component of a package: types checked and taken away, then bundled with an engine for JavaScript, which has of the
/// system nothing but stubs that fail.
fn typescript(folder: &Path) -> Result<Vec<u8>> {
    tools::node()?;
    let path = folder.join("manifest.json");
    let manifest = fs::read(&path).with_context(|| path.display().to_string())?;
    serde_json::from_slice::<serde_json::Value>(&manifest).with_context(|| path.display().to_string())?;
    let bin = folder.join("node_modules/.bin");
    let engine = bin.join("componentize-qjs");
    if !engine.exists() || !bin.join("tsc").exists() {
        // With the versions of the lock file where there is one.
        let how = if folder.join("package-lock.json").exists() { "ci" } else { "install" };
        let install = Command::new("npm")
            .args([how, "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder)
            .stdout(std::io::stderr())
            .status();
        if !install.is_ok_and(|status| status.success()) {
            return Err(Missing(format!(
                "the compiler and the engine for JavaScript could not be installed: run `npm {how}` in {} where npm's registry \
                 can be reached, and run this again",
                folder.display()
            ))
            .into());
        }
    }
    let build = folder.join("build");
    match fs::remove_dir_all(&build) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).context(build.display().to_string());
        }
        _ => {}
    }
    tools::run(Command::new(bin.join("tsc")).args(["--project", "."]), folder)
        .context("the TypeScript does not compile")?;
    let write = |name: &str, text: &str| {
        fs::write(build.join(name), text).with_context(|| build.join(name).display().to_string())
    };
    write("manifest.js", &format!("export default {};\n", String::from_utf8_lossy(&manifest).trim()))?;
    write("component.js", ENTRY)?;
    let component = build.join("component.wasm");
    let mut engine = Command::new(engine);
    engine.args(["--wit", "sdk/wit/v1", "--world", "mapping", "--module-root", ".", "--js", "build/component.js"]);
    engine.args(["--sync", "--stub-wasi", "--output", "build/component.wasm"]);
    tools::run(&mut engine, folder).context("the engine for JavaScript does not take what was compiled")?;
    let component = fs::read(&component).with_context(|| component.display().to_string())?;
    with_manifest(&component, &manifest)
}

/// What the engine for JavaScript begins with.
const ENTRY: &str = "import manifest from \"./manifest.js\";
import { component } from \"./sdk/index.js\";
import { configure } from \"./src/mapping.js\";

export const mapper = component(configure, manifest);
";
