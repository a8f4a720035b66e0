//! The contract's types in TypeScript, made of the WIT: so that they cannot differ from it.
//!
//! A module an interface, as the engine for JavaScript names it: what the host offers (`tidegate:mapping/phone`) and what a
//! plugin offers (`tidegate:mapping/mapper`, whose functions the SDK makes).

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wit_parser::{Docs, Function, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId};

/// The interface whose functions a plugin has and does not call.
const EXPORTED: &str = "mapper";

/// The declarations of the contract in `wit`, a folder.
///
/// # Errors
/// Says what of the contract has no form in TypeScript.
pub(super) fn declarations(wit: &Path) -> Result<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit).context("the contract is no WIT")?;
    let package = &resolve.packages[package];
    let mut text = String::from("// The contract's types, made of its WIT. Not written by hand.\n");
    for (name, interface) in &package.interfaces {
        let interface = &resolve.interfaces[*interface];
        write!(text, "\ndeclare module \"{}:{}/{name}\" {{\n", package.name.namespace, package.name.name)?;
        for id in interface.types.values() {
            declare(&resolve, &resolve.types[*id], &mut text)?;
        }
        if name != EXPORTED {
            functions(&resolve, interface, name, &mut text)?;
        }
        text.push_str("}\n");
    }
    Ok(text)
}

fn declare(resolve: &Resolve, of: &TypeDef, text: &mut String) -> Result<()> {
    let name = pascal(of.name.as_deref().unwrap_or_default());
    comment(&of.docs, "  ", text)?;
    match &of.kind {
        TypeDefKind::Record(record) => {
            writeln!(text, "  export interface {name} {{")?;
            for field in &record.fields {
                comment(&field.docs, "    ", text)?;
                // None may be left out.
                let mark = if is_option(resolve, field.ty) { "?" } else { "" };
                writeln!(text, "    {}{mark}: {};", camel(&field.name), written(resolve, field.ty)?)?;
            }
            text.push_str("  }\n");
        }
        TypeDefKind::Enum(of) => {
            let cases: Vec<String> = of.cases.iter().map(|case| format!("\"{}\"", case.name)).collect();
            writeln!(text, "  export type {name} = {};", cases.join(" | "))?;
        }
        TypeDefKind::Variant(of) => {
            let case = |case: &wit_parser::Case| match case.ty {
                Some(ty) => Ok(format!("{{ tag: \"{}\"; val: {} }}", case.name, written(resolve, ty)?)),
                None => Ok(format!("{{ tag: \"{}\" }}", case.name)),
            };
            let cases = of.cases.iter().map(case).collect::<Result<Vec<_>>>()?;
            writeln!(text, "  export type {name} = {};", cases.join(" | "))?;
        }
        TypeDefKind::Type(ty) => writeln!(text, "  export type {name} = {};", written(resolve, *ty)?)?,
        other => bail!("the contract's type `{name}` is a {}, which has no form in TypeScript here", other.as_str()),
    }
    Ok(())
}

/// The functions of an interface of the host as its module's one export. An error is thrown.
fn functions(resolve: &Resolve, interface: &Interface, name: &str, text: &mut String) -> Result<()> {
    writeln!(text, "  const {name}: {{")?;
    for function in interface.functions.values() {
        comment(&function.docs, "    ", text)?;
        let parameter = |of: &wit_parser::Param| Ok(format!("{}: {}", camel(&of.name), written(resolve, of.ty)?));
        let parameters = function.params.iter().map(parameter).collect::<Result<Vec<_>>>()?;
        writeln!(text, "    {}({}): {};", camel(&function.name), parameters.join(", "), answer(resolve, function)?)?;
    }
    writeln!(text, "  }};\n  export default {name};")?;
    Ok(())
}

fn answer(resolve: &Resolve, function: &Function) -> Result<String> {
    match function.result {
        None => Ok("void".to_owned()),
        Some(ty) => match kind(resolve, ty) {
            Some(TypeDefKind::Result(result)) => result.ok.map_or(Ok("void".to_owned()), |ok| written(resolve, ok)),
            _ => written(resolve, ty),
        },
    }
}

fn written(resolve: &Resolve, ty: Type) -> Result<String> {
    Ok(match ty {
        Type::Bool => "boolean".to_owned(),
        Type::String | Type::Char => "string".to_owned(),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::S8 | Type::S16 | Type::S32 | Type::S64 => {
            "number".to_owned()
        }
        Type::F32 | Type::F64 => "number".to_owned(),
        Type::Id(id) => of_id(resolve, id)?,
        Type::ErrorContext => bail!("an error context has no form in TypeScript here"),
    })
}

fn of_id(resolve: &Resolve, id: TypeId) -> Result<String> {
    let of = &resolve.types[id];
    if let Some(name) = &of.name {
        return Ok(pascal(name));
    }
    Ok(match &of.kind {
        TypeDefKind::Option(ty) => format!("{} | null", written(resolve, *ty)?),
        // Bytes come as such; lists of bytes that are handed over may be plain ones.
        TypeDefKind::List(Type::U8) => "Uint8Array".to_owned(),
        TypeDefKind::List(ty) if is_option(resolve, *ty) => format!("({})[]", written(resolve, *ty)?),
        TypeDefKind::List(ty) => format!("{}[]", written(resolve, *ty)?),
        other => bail!("a {} has no form in TypeScript here", other.as_str()),
    })
}

fn kind(resolve: &Resolve, ty: Type) -> Option<&TypeDefKind> {
    match ty {
        Type::Id(id) => Some(&resolve.types[id].kind),
        _ => None,
    }
}

fn is_option(resolve: &Resolve, ty: Type) -> bool {
    matches!(kind(resolve, ty), Some(TypeDefKind::Option(_)))
}

fn comment(docs: &Docs, indent: &str, text: &mut String) -> Result<()> {
    if let Some(contents) = &docs.contents {
        let lines: Vec<&str> = contents.trim().lines().map(str::trim_end).collect();
        writeln!(text, "{indent}/** {} */", lines.join(&format!("\n{indent} * ")))?;
    }
    Ok(())
}

/// `record-kind` as `RecordKind`.
fn pascal(name: &str) -> String {
    name.split('-').map(capitalised).collect()
}

/// `address-line-1` as `addressLine1`.
fn camel(name: &str) -> String {
    let mut words = name.split('-');
    words.next().into_iter().map(str::to_owned).chain(words.map(capitalised)).collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_reads_as_typescript() {
        let text = declarations(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/v1")).unwrap();
        for line in [
            "declare module \"tidegate:mapping/mapper\" {",
            "  export type RecordKind = \"adviser\" | \"client\" | \"goal\" | \"cover\";",
            "    addressLine1?: string | null;",
            "    emailIsPlaceholder: boolean;",
            "    estimatedCost?: Money | null;",
            "    json: Uint8Array;",
            "  export type Verdict = { tag: \"mapped\"; val: Mapped } | { tag: \"skipped\"; val: Diagnostic[] } | { tag: \"rejected\"; val: Diagnostic[] };",
            "    parse(text: string, region: string | null): Number;",
            "    write(level: Level, message: string): void;",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
