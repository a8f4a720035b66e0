//! The description that a workbook gives of itself: its sheets, and which parts they, the texts and the styles are.

use super::super::error::FileError;
use super::parts::{MACROS, Part, Parts, Piece, damaged};

/// Sheets that a workbook may have.
const MOST_SHEETS: usize = 200;
/// Parts that one part may name.
const MOST_RELATIONS: usize = 2_000;

/// The parts of a workbook that a list is read from.
pub(super) struct Book {
    /// The sheets with cells, in the order of their tabs.
    pub sheets: Vec<Tab>,
    /// The part with the texts that cells share.
    pub texts: Option<String>,
    /// The part with the formats of cells.
    pub styles: Option<String>,
}

/// A sheet with cells.
#[derive(Clone)]
pub(super) struct Tab {
    /// The sheet's name, as its tab shows it.
    pub name: String,
    /// Whether the tab is hidden.
    pub is_hidden: bool,
    /// The name of the sheet's part in the archive.
    pub part: String,
}

/// One part seen from another.
struct Relation {
    id: String,
    /// The last word of its type: `worksheet`.
    kind: String,
    part: String,
}

impl Book {
    /// Reads it.
    ///
    /// # Errors
    /// Returns an error if the archive is no workbook, or holds macros.
    pub(super) fn read(parts: &mut Parts<'_>) -> Result<Self, FileError> {
        refuse_macros(parts)?;
        let package = relations(parts, "")?;
        let main = package.into_iter().find(|relation| relation.kind == "officeDocument");
        let main = main.map_or_else(|| "xl/workbook.xml".to_owned(), |relation| relation.part);
        let other = || {
            FileError::of_another_kind(
                "The file is a ZIP archive and no .xlsx workbook. Save the list as .xlsx or as CSV.",
            )
        };
        let named = sheets(&mut parts.read_held(&main)?.ok_or_else(other)?)?;
        let relations = relations(parts, &main)?;
        let part_of = |kind: &str| {
            let found = relations.iter().find(|relation| relation.kind == kind);
            found.map(|relation| relation.part.clone())
        };
        let mut sheets = Vec::new();
        for ListedSheet { name, is_hidden, relation } in named {
            let Some(relation) = relations.iter().find(|known| known.id == relation) else { return Err(damaged()) };
            match relation.kind.as_str() {
                "worksheet" => sheets.push(Tab { name, is_hidden, part: relation.part.clone() }),
                "xlMacrosheet" | "xlIntlMacrosheet" => return Err(FileError::Active(MACROS)),
                // A chart is a sheet without cells.
                _ => {}
            }
        }
        Ok(Self { sheets, texts: part_of("sharedStrings"), styles: part_of("styles") })
    }
}

fn refuse_macros(parts: &mut Parts<'_>) -> Result<(), FileError> {
    let Some(mut types) = parts.read_held("[content_types].xml")? else { return Ok(()) };
    while let Some(piece) = types.next()? {
        if let Piece::Open(tag) = piece
            && tag.attribute("ContentType")?.is_some_and(|kind| kind.contains("macroEnabled"))
        {
            return Err(FileError::Active(MACROS));
        }
    }
    Ok(())
}

/// A sheet as the workbook's main part lists it.
struct ListedSheet {
    name: String,
    is_hidden: bool,
    /// The id of the relation that leads to the sheet's part.
    relation: String,
}

/// The sheets that the workbook's main part lists, in their order.
fn sheets(part: &mut Part<'_, '_>) -> Result<Vec<ListedSheet>, FileError> {
    let mut sheets = Vec::new();
    while let Some(piece) = part.next()? {
        if let Piece::Open(tag) = piece
            && tag.name() == "sheet"
        {
            let is_hidden = tag.attribute("state")?.is_some_and(|state| state != "visible");
            let (name, id) = (tag.attribute("name")?, tag.attribute("id")?);
            let (name, relation) = (name.unwrap_or_default(), id.ok_or_else(damaged)?);
            sheets.push(ListedSheet { name, is_hidden, relation });
            if sheets.len() > MOST_SHEETS {
                return Err(FileError::TooLarge(format!(
                    "The workbook has more than {MOST_SHEETS} sheets. Copy the list into a new one."
                )));
            }
        }
    }
    Ok(sheets)
}

/// The parts that a part names as its own; those of the package where it is none.
fn relations(parts: &mut Parts<'_>, of: &str) -> Result<Vec<Relation>, FileError> {
    let (folder, file) = of.rsplit_once('/').map_or(("", of), |(folder, file)| (folder, file));
    let place = if folder.is_empty() { "_rels".to_owned() } else { format!("{folder}/_rels") };
    let Some(mut part) = parts.read_held(&format!("{place}/{file}.rels"))? else { return Ok(Vec::new()) };
    let mut relations = Vec::new();
    while let Some(piece) = part.next()? {
        let Piece::Open(tag) = piece else { continue };
        if tag.name() != "Relationship" || tag.attribute("TargetMode")?.as_deref() == Some("External") {
            continue;
        }
        if relations.len() == MOST_RELATIONS {
            return Err(damaged());
        }
        let text = |name| tag.attribute(name).map(Option::unwrap_or_default);
        let (id, kind, target) = (text("Id")?, text("Type")?, text("Target")?);
        let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
        relations.push(Relation { id, kind, part: resolved(folder, &target) });
    }
    Ok(relations)
}

/// A target seen from a folder, as a name in the archive.
fn resolved(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let mut steps: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.retain(|step| !step.is_empty());
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::resolved;

    #[test]
    fn targets_are_names_in_the_archive() {
        let check = |folder: &str, target: &str, expected: &str| assert_eq!(resolved(folder, target), expected);
        check("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml");
        check("xl", "/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml");
        check("xl", "../s.dat", "s.dat");
        check("", "xl/workbook.xml", "xl/workbook.xml");
        check("xl", "./worksheets\\s.xml", "xl/worksheets/s.xml");
        check("xl", "../../../etc/passwd", "etc/passwd");
    }
}
