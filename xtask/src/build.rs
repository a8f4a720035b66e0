//! `cargo xtask build`: plugins as components, packs, and the host's binary.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use tidegate_componentise::{TARGET, from_module};

use crate::workspace::{Package, Workspace, cargo, root};
use crate::{packs, step, toolchain};

/// Build the plugins, the packs and the host.
///
/// Plugins are compiled to WebAssembly components and put with their rules into `target/packs`, where a host built
/// here looks for them. What has not changed is not built again. An optimised host is stripped; its symbols are put beside
/// it as `tidegate.debug`, where debuggers find them.
#[derive(Args)]
#[command(after_help = "Examples:\n  cargo xtask build\n  cargo xtask build --release\n  cargo xtask build --plugins")]
pub struct Arguments {
    /// Build the host optimised; plugins always are
    #[arg(long)]
    release: bool,
    /// Build the plugins and packs only, those of the tests among them
    #[arg(long, conflicts_with = "release")]
    plugins: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::load()?;
    plugins(&workspace)?;
    if arguments.plugins {
        test_plugins(&workspace)?;
    } else {
        host(arguments.release)?;
        let host = workspace.binary("tidegate", arguments.release);
        if arguments.release {
            put_symbols_apart(&host)?;
        }
        eprintln!("   The host is {} ({})", host.display(), size(&host)?);
    }
    Ok(())
}

/// Strips `program` and puts its symbols beside it as `program.debug`, which the stripped one names: a debugger or a
/// profiler finds them, and the image that runs the host does not carry them.
fn put_symbols_apart(program: &Path) -> Result<()> {
    if step::program("objcopy").is_none() {
        step::apt_install(&["binutils"])?;
    }
    let symbols = program.with_extension("debug");
    let stripped = program.with_extension("stripped");
    let objcopy = || Command::new("objcopy");
    step::timed("Putting the symbols apart", || {
        // The link to the symbols names the file alone and is looked for beside the program.
        let folder = program.parent().context("the program is in a folder")?;
        let keep = ["--only-keep-debug", "--compress-debug-sections"];
        step::quietly(objcopy().args(keep).arg(program).arg(&symbols))?;
        let link = format!("--add-gnu-debuglink={}", symbols.display());
        step::quietly(objcopy().current_dir(folder).args(["--strip-all", &link]).arg(program).arg(&stripped))?;
        // A new file: cargo keeps the whole program under another name, and would else find that changed, too.
        Ok(fs::rename(&stripped, program)?)
    })?;
    eprintln!("   Its symbols are {} ({})", symbols.display(), size(&symbols)?);
    Ok(())
}

/// A file's size as people read it.
fn size(file: &Path) -> Result<String> {
    let bytes = fs::metadata(file).with_context(|| format!("reading {}", file.display()))?.len();
    Ok(format!("{:.1} MB", bytes as f64 / 1e6))
}

/// Builds the binary `tidegate`.
///
/// With the workspace's other programs where it is not optimised: cargo then chooses the same features of the
/// dependencies as for the tests, and compiles them once for both. The bench stays out, for its own database's sake.
/// There are no examples; asked for them, cargo counts the features in that only tests need of shared dependencies.
pub fn host(release: bool) -> Result<()> {
    let selection: &[&str] = match release {
        true => &["--release", "--package=tidegate"],
        false => &["--workspace", "--exclude=tidegate-bench", "--bins", "--examples"],
    };
    step::run("Building the host", cargo().arg("build").args(selection))
}

/// Builds every plugin and assembles its packs.
pub fn plugins(workspace: &Workspace) -> Result<()> {
    let plugins: Vec<&Package> = workspace.plugins().collect();
    let modules = modules("Building plugins", &plugins, workspace)?;
    let mut of_plugins = BTreeSet::new();
    for plugin in plugins {
        packs_of(plugin, &modules, workspace).with_context(|| format!("the plugin {} makes no pack", plugin.name))?;
        of_plugins.extend(plugin.packs().iter().map(String::as_str));
    }
    // What has no component of its own takes it from a base, or is a base without one.
    for entry in fs::read_dir(workspace.root.join("rules"))? {
        let folder = entry?;
        if let Some(name) = folder.file_name().to_str().filter(|name| !of_plugins.contains(name))
            && folder.path().is_dir()
        {
            pack(name, None, workspace)?;
        }
    }
    Ok(())
}

/// Builds the tests' own plugins and puts each with its pack's other files, which stand in its folder `pack`.
pub fn test_plugins(workspace: &Workspace) -> Result<()> {
    let plugins: Vec<&Package> = workspace.test_plugins().collect();
    let modules = modules("Building the tests' own plugins", &plugins, workspace)?;
    for plugin in plugins {
        let component = component_of(plugin, &modules)?;
        let files = plugin.folder().join("pack");
        let name = plugin.folder().file_name().context("a package has a folder")?;
        packs::assemble(&files, Some(&component), &workspace.test_packs().join(name))?;
    }
    Ok(())
}

/// Compiles plugins to core modules; answers the folder in which they are.
fn modules(what: &str, plugins: &[&Package], workspace: &Workspace) -> Result<PathBuf> {
    let toolchain = toolchain::find()?;
    let target = workspace.target.join("plugins");
    let mut build = toolchain.cargo_build(cargo(), root(), &target);
    build.arg("--locked");
    for plugin in plugins {
        build.arg("--package").arg(&plugin.name);
    }
    step::run(&format!("{what} ({})", toolchain.described()), &mut build)?;
    Ok(target.join(TARGET).join("plugin"))
}

/// Makes the plugin's component and, with it, each pack that the plugin serves.
fn packs_of(plugin: &Package, modules: &Path, workspace: &Workspace) -> Result<()> {
    let component = component_of(plugin, modules)?;
    plugin.packs().iter().try_for_each(|name| pack(name, Some(&component), workspace))
}

/// Assembles the pack `name` of `rules/`.
fn pack(name: &str, component: Option<&[u8]>, workspace: &Workspace) -> Result<()> {
    let pack = workspace.packs().join(name);
    let changed = packs::assemble(&workspace.root.join("rules").join(name), component, &pack)?;
    let with = component.map_or_else(String::new, |bytes| format!(", component of {} kB", bytes.len() / 1000));
    eprintln!("   Pack {name}: {changed} files changed{with}, in {}", pack.display());
    Ok(())
}

/// The component of a plugin whose module was compiled.
fn component_of(plugin: &Package, modules: &Path) -> Result<Vec<u8>> {
    let module = plugin.module(modules).context("its crate-type in Cargo.toml does not name `cdylib`")?;
    let module = fs::read(&module).with_context(|| format!("reading {}", module.display()))?;
    from_module(&module)
}
