//! Lists of all kinds, good and bad. Workbooks are put together here, part by part.

use std::io::{Cursor, Seek as _, SeekFrom, Write as _};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::file::{FileError, read};
use super::row::ListRow;

/// Reads a file's rows.
fn rows_of(content: &[u8]) -> Result<Vec<ListRow>, String> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut rows = Vec::new();
    let outcome = read(file, &mut |row| {
        rows.push(row);
        Ok(())
    });
    match outcome {
        Ok(()) => Ok(rows),
        Err(FileError::Refused(words)) => Err(words),
        Err(FileError::Failed(words)) => panic!("{words}"),
    }
}

/// `number first last email id`, and the fault's code where there is one.
#[track_caller]
fn check(content: impl AsRef<[u8]>, expected: &[&str]) {
    let rows = rows_of(content.as_ref()).unwrap();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let fault = row.fault.as_ref().map(|fault| format!(" !{}", fault.code)).unwrap_or_default();
            format!("{} {}|{}|{}|{}{fault}", row.number, row.first_name, row.last_name, row.email, row.id)
        })
        .collect();
    assert_eq!(lines, expected);
}

#[track_caller]
fn refused(content: impl AsRef<[u8]>, words: &str) {
    let refusal = rows_of(content.as_ref()).unwrap_err();
    assert!(refusal.contains(words), "{words:?} is not in {refusal:?}");
}

const HEAD: &str = "First Name,Last Name,Email,Xplan ID\n";
const AYDA: &str = "2 Ayda|Khan|ayda@example.com|7";

#[test]
fn csv_with_each_delimiter() {
    for delimiter in [",", ";", "\t"] {
        let text = format!("{HEAD}Ayda,Khan,ayda@example.com,7\n").replace(',', delimiter);
        check(text.replace('\n', "\r\n"), &[AYDA]);
        check(text, &[AYDA]);
    }
    check(
        "List of clients\n\nID;Surname;Given name;E-mail;Notes\n7;Khan;Ayda;ayda@example.com;a, b",
        &["4 Ayda|Khan|ayda@example.com|7"],
    );
    let quoted = format!("{HEAD}\"Ayda\nNoor\",\"Khan, Dr\",ayda@example.com,7\n,,,\nSam,Khan,sam@example.com,8\n");
    check(quoted, &["2 Ayda Noor|Khan, Dr|ayda@example.com|7", "5 Sam|Khan|sam@example.com|8"]);
}

#[test]
fn csv_in_each_encoding() {
    let text = format!("{HEAD}Māia,Čapek,maia@example.com,7\n");
    let expected = ["2 Māia|Čapek|maia@example.com|7"];
    check(&text, &expected);
    check(format!("\u{feff}{text}"), &expected);
    let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    check(little.clone(), &expected);
    check(big, &expected);
    refused(&little[2..], "UTF-16 without a mark");
    let windows = [HEAD.as_bytes(), b"Zo\xeb,Fran\xe7ois \x96 d'Arc,zoe@example.com,7\n"].concat();
    check(windows, &["2 Zoë|François – d'Arc|zoe@example.com|7"]);
    refused([HEAD.as_bytes(), b"Zo\xeb,K\x81han,a@example.com,7\n"].concat(), "Row 2 is in an encoding");
    let mixed = [HEAD.as_bytes(), "Zoë,Khan,a@example.com,7\n".as_bytes(), b"Zo\xeb,Khan,b@example.com,8\n"].concat();
    refused(mixed, "Row 3 is in an encoding");
    refused([&little[..], &[0x00, 0xd8, 0x41, 0x00]].concat(), "UTF-16LE");
}

#[test]
fn rows_that_cannot_be_used_are_named() {
    check(format!("{HEAD}Ayda,Khan,ayda@example.com\n"), &["2 Ayda|Khan|ayda@example.com| !too-few-columns"]);
    check(format!("{HEAD}Ayda,Khan,Dr,ayda@example.com,7\n"), &["2 Ayda|Khan|Dr|ayda@example.com !too-many-columns"]);
    check(format!("{HEAD}Ay\0da,Khan,ayda@example.com,7\n"), &["2 Ay da|Khan|ayda@example.com|7 !nul"]);
    check(format!("{HEAD}Ayda,Khan,ayda@example.com,7{}\n", ",x".repeat(100)), &[&format!("{AYDA} !too-many-columns")]);
    check(format!("{HEAD}=1+1,@x,ayda@example.com,+7\n"), &["2 =1+1|@x|ayda@example.com|+7 !not-a-number"]);
    refused(format!("{HEAD}\"Ayda,Khan,a@example.com,7\n{}", "x,y,z,1\n".repeat(20_000)), "Row 2 is longer");
    let many = "a,b,c@example.com,7\n".repeat(250_001);
    refused(format!("{HEAD}{many}"), "row 250002 is one too many");
}

#[test]
fn files_that_are_no_list_are_refused() {
    refused("", "empty");
    refused(HEAD, "no row under");
    refused("Ayda,Khan,ayda@example.com,7\n", "First Name, Last Name, Email, Xplan ID");
    refused("First Name;Email\nAyda;a@example.com\n", "there is no column headed Last Name, Xplan ID");
    refused([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], ".xls");
    refused("%PDF-1.7\n", "neither a CSV file");
    refused(b"PK\x03\x04 and nothing that follows", "damaged");
    refused(archive(&[("hello.txt", "hello")]), "no .xlsx workbook");
    refused(archive(&[("content.xml", "<x/>")]), ".ods");
    refused(archive(&[("xl/workbook.bin", "")]), ".xlsb");
}

/// A ZIP archive of texts.
fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, text) in parts {
        zip.start_file(*name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A workbook with one sheet of these rows, texts kept apart as spreadsheet programs do, and with more parts.
fn workbook(rows: &str, texts: &[&str], more: &[(&str, &str)]) -> Vec<u8> {
    let texts: String = texts.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
    let texts = format!("<sst uniqueCount=\"9\">{texts}</sst>");
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let book = format!(
        "<workbook xmlns:r=\"{RELATIONSHIPS}\"><sheets><sheet name=\"List\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let relations = format!(
        "<Relationships><Relationship Id=\"rId1\" Type=\"{RELATIONSHIPS}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let package = format!(
        "<Relationships><Relationship Id=\"rId1\" Type=\"{RELATIONSHIPS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let mut parts: Vec<(&str, &str)> = more.to_vec();
    for part in [
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", package.as_str()),
        ("xl/workbook.xml", book.as_str()),
        ("xl/_rels/workbook.xml.rels", relations.as_str()),
        ("xl/sharedStrings.xml", texts.as_str()),
        ("xl/worksheets/sheet1.xml", sheet.as_str()),
    ] {
        if !more.iter().any(|(name, _)| *name == part.0) {
            parts.push(part);
        }
    }
    archive(&parts)
}

const TEXTS: [&str; 4] = ["First Name", "Last Name", "Email", "Xplan ID"];

fn heading() -> String {
    let cell = |(index, column): (usize, char)| format!("<c r=\"{column}1\" t=\"s\"><v>{index}</v></c>");
    format!("<row r=\"1\">{}</row>", "ABCD".chars().enumerate().map(cell).collect::<String>())
}

fn inline(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn person(row: u32, id: &str) -> String {
    let texts = [("A", "Ayda"), ("B", "Khan"), ("C", "ayda@example.com")];
    texts.iter().map(|(column, text)| inline(&format!("{column}{row}"), text)).collect::<String>() + id
}

#[test]
fn workbooks() {
    let good = format!("{}<row r=\"2\">{}</row>", heading(), person(2, "<c r=\"D2\"><v>7</v></c>"));
    check(workbook(&good, &TEXTS, &[]), &[AYDA]);
    let styled = format!("{}<row r=\"2\">{}</row>", heading(), person(2, "<c r=\"D2\"><v>48213.0</v></c>"));
    check(workbook(&styled, &TEXTS, &[]), &["2 Ayda|Khan|ayda@example.com|48213"]);
    let text_id = format!("{}<row r=\"2\">{}</row>", heading(), person(2, &inline("D2", " 7 ")));
    check(workbook(&text_id, &TEXTS, &[]), &[AYDA]);
    refused(workbook("", &TEXTS, &[]), "headings");
    refused(workbook(&heading(), &TEXTS, &[]), "no row under");
}

#[test]
fn formulas_and_far_cells_cost_their_row_only() {
    let formula = "<c r=\"D3\"><f>1+6</f><v>7</v></c>";
    let shared = "<c r=\"D4\"><f t=\"shared\" si=\"99999999999\"/><v>7</v></c>";
    let rows = format!(
        "{}<row r=\"2\">{}</row><row r=\"3\">{}</row><row r=\"4\">{}</row><row r=\"1048576\">{}</row>",
        heading(),
        person(2, "<c r=\"D2\"><v>7</v></c>"),
        person(3, formula),
        person(4, shared),
        inline("XFD1048576", "far"),
    );
    check(
        workbook(&rows, &TEXTS, &[]),
        &[
            AYDA,
            "3 Ayda|Khan|ayda@example.com| !formula",
            "4 Ayda|Khan|ayda@example.com| !formula",
            "1048576 ||| !far-cell",
        ],
    );
    let date = format!("{}<row r=\"2\">{}</row>", heading(), person(2, "<c r=\"D2\" t=\"e\"><v>#REF!</v></c>"));
    check(workbook(&date, &TEXTS, &[]), &["2 Ayda|Khan|ayda@example.com| !not-text"]);
}

#[test]
fn workbooks_with_more_than_a_list_are_refused() {
    let good = format!("{}<row r=\"2\">{}</row>", heading(), person(2, "<c r=\"D2\"><v>7</v></c>"));
    let with = |name, text| workbook(&good, &TEXTS, &[(name, text)]);
    refused(with("xl/vbaProject.bin", "x"), "macros");
    refused(
        with("[Content_Types].xml", "<Types>application/vnd.ms-excel.sheet.macroEnabled.main+xml</Types>"),
        "macros",
    );
    refused(with("xl/externalLinks/externalLink1.xml", "<x/>"), "other workbooks");
    refused(with("xl/sharedStrings.xml", "<sst uniqueCount=\"99999999999\"></sst>"), "unpacks to more");
    refused(with("xl/worksheets/sheet2.xml", "<!DOCTYPE x [<!ENTITY y \"z\">]><x/>"), "no spreadsheet program");
    let many: Vec<(String, &str)> = (0..1_001).map(|n| (format!("xl/media/{n}.txt"), "")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    refused(archive(&many), "1001 parts");
    let disorder = format!("{}<row r=\"9\">{}</row><row r=\"3\">{}</row>", heading(), person(9, ""), person(3, ""));
    refused(workbook(&disorder, &TEXTS, &[]), "stands after row");
}

/// A workbook whose sheet unpacks to `size` bytes.
fn bomb(size: usize, filler: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("xl/workbook.xml", options).unwrap();
    zip.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    let piece: Vec<u8> = filler.iter().copied().cycle().take(filler.len() * (65_536 / filler.len())).collect();
    for _ in 0..size / piece.len() {
        zip.write_all(&piece).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn zip_bombs_are_refused_before_they_are_unpacked() {
    let large = bomb(140 << 20, b"<row/>");
    assert!(large.len() < 2 << 20, "{}", large.len());
    refused(&large, "xl/worksheets/sheet1.xml of the workbook unpacks to more");
    // The directory may say less than there is.
    let mut lying = bomb(8 << 20, b"<c><v>1</v></c>");
    let at = lying.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    lying[at + 24..at + 28].copy_from_slice(&100_u32.to_le_bytes());
    assert!(rows_of(&lying).is_err());
    refused(bomb(6 << 20, b" "), "unpacks to more");
    refused(bomb(64 << 20, b"<row/>"), "unpacks to more");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0..3_u8) {
        let content = match kind {
            0 => bytes,
            1 => [HEAD.as_bytes(), &bytes].concat(),
            _ => [b"PK\x03\x04".as_slice(), &bytes].concat(),
        };
        // Whatever it is, it is read or refused.
        drop(rows_of(&content));
    }

    #[test]
    fn what_is_written_as_csv_reads_back(
        names in prop::collection::vec(("[\\PC\"]{1,20}", "[a-z;,\t\n]{0,10}[a-z]", 1..1_000_000_u64), 1..20),
        delimiter in prop_oneof![Just(b','), Just(b';'), Just(b'\t')],
    ) {
        let mut list = ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        list.write_record(["Xplan ID", "Surname", "Email", "First name"]).unwrap();
        for (first, last, id) in &names {
            list.write_record([&id.to_string(), last, "a@example.com", first]).unwrap();
        }
        let rows = rows_of(&list.into_inner().unwrap()).unwrap();
        prop_assert_eq!(rows.len(), names.len());
        let tidy = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned();
        for (row, (first, last, id)) in rows.iter().zip(&names) {
            prop_assert_eq!(&row.id, &id.to_string());
            prop_assert_eq!(&row.last_name, &tidy(last));
            let first = tidy(first);
            prop_assert_eq!(&row.first_name, first.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')));
        }
    }
}
