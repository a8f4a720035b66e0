//! Lists of all kinds, good and bad. Workbooks are put together here, part by part.

use std::io::{Cursor, Seek as _, SeekFrom, Write as _};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::error::FileError;
use super::file::read;
use super::row::{ListRow, RowFault};
use crate::crm::xplan::KIND;
use crate::domain::import::{ListSource, OtherSheet};
use crate::domain::text;

/// Reads a file's rows, of this sheet where one is named. Each of its lines is accounted for.
fn sheet_of(content: &[u8], sheet: Option<&str>) -> Result<(Vec<ListRow>, ListSource), String> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut rows: Vec<ListRow> = Vec::new();
    let outcome = read(file, ("list", sheet), &KIND.id_column, &mut |row| {
        assert!(rows.last().is_none_or(|before| before.number < row.number), "{row:?} has the number of another");
        rows.push(row);
        Ok(())
    });
    match outcome {
        Ok(source) => {
            let ListSource { lines, above, blank, continued, .. } = source;
            assert_eq!(lines, above + blank + continued + rows.len() as u64, "{source:?}");
            Ok((rows, source))
        }
        Err(error @ (FileError::Disk(_) | FileError::NotTaken)) => panic!("{error}"),
        Err(error) => Err(error.to_string()),
    }
}

/// The reason why a file of this name is not read.
fn refusal_of(name: &str, content: &[u8]) -> FileError {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    read(file, (name, None), &KIND.id_column, &mut |_| Ok(())).unwrap_err()
}

#[test]
fn what_is_called_a_workbook_and_is_none_is_told_so() {
    let check = |name: &str, content: &[u8], expected: &str| {
        let said = refusal_of(name, content).to_string();
        assert!(said.contains(expected), "{name}: {said}");
    };
    let none = "The file “list.XLSX” holds no workbook";
    check("list.XLSX", b"garbage", none);
    check("list.XLSX", b"Z\xc3\xbcrich\xff", none);
    check("list.csv", b"garbage", "are not in the first 10 rows");
    check("xlsx", b"garbage", "are not in the first 10 rows");
    check("list.xlsx", b"First Name,Last Name,Email,Xplan ID\n", "no row under them");
}

#[test]
fn reasons_are_told_apart_and_keep_what_the_reader_said() {
    let text = |text: &str| refusal_of("list", text.as_bytes());
    assert!(matches!(text(""), FileError::NoRows(_)));
    assert!(matches!(text("a,b\n1,2\n"), FileError::NoHeadings { id_heading: "Xplan ID", .. }));
    assert!(matches!(text("%PDF-1.7"), FileError::OfAnotherKind(_)));
    let damaged = refusal_of("list.xlsx", b"PK\x03\x04 and no end");
    assert!(matches!(&damaged, FileError::Unreadable { .. }), "{damaged:?}");
    let refusal = crate::ops::Refusal::from(crate::import::ImportError::from(damaged));
    assert!(std::error::Error::source(&refusal).is_some(), "{refusal:?}");
}

fn rows_of(content: &[u8]) -> Result<Vec<ListRow>, String> {
    sheet_of(content, None).map(|(rows, _)| rows)
}

/// `number first last email id`, and the code of the fault (`!`) and the doubt (`?`) where there is one.
fn lines_of(rows: &[ListRow]) -> Vec<String> {
    let line = |row: &ListRow| {
        let code = |mark: &str, fault: &Option<RowFault>| {
            fault.as_ref().map(|fault| format!(" {mark}{}", fault.code)).unwrap_or_default()
        };
        let marks = code("!", &row.fault) + &code("?", &row.doubt);
        format!("{} {}|{}|{}|{}{marks}", row.number, row.first_name, row.last_name, row.email, row.id)
    };
    rows.iter().map(line).collect()
}

#[track_caller]
fn check(content: impl AsRef<[u8]>, expected: &[&str]) -> ListSource {
    let (rows, source) = sheet_of(content.as_ref(), None).unwrap();
    assert_eq!(lines_of(&rows), expected);
    source
}

#[track_caller]
fn refused(content: impl AsRef<[u8]>, message: &str) {
    let refusal = rows_of(content.as_ref()).unwrap_err();
    assert!(refusal.contains(message), "{message:?} is not in {refusal:?}");
}

const HEAD: &str = "First Name,Last Name,Email,Xplan ID\n";
const AYDA: &str = "2 Ayda|Khan|ayda@example.com|7";

#[test]
fn csv_with_each_delimiter() {
    for delimiter in [",", ";", "\t", "|"] {
        let text = format!("{HEAD}Ayda,Khan,ayda@example.com,7\n").replace(',', delimiter);
        check(text.replace('\n', "\r\n"), &[AYDA]);
        check(text.replace('\n', "\r"), &[AYDA]);
        check(text, &[AYDA]);
    }
    let said = format!("sep=:\r\n{}Ayda:Khan:ayda@example.com:7", HEAD.replace(',', ":"));
    check(said, &["3 Ayda|Khan|ayda@example.com|7"]);
    check(format!("sep=;\n{HEAD}Ayda,Khan,ayda@example.com,7"), &["3 Ayda|Khan|ayda@example.com|7"]);
    check(
        "List of clients\n\nID;Surname;Given name;E-mail;Notes\n7;Khan;Ayda;ayda@example.com;a, b",
        &["4 Ayda|Khan|ayda@example.com|7"],
    );
    let quoted = format!("{HEAD}\"Ayda\nNoor\",\"Khan, Dr\",ayda@example.com,7\n,,,\nSam,Khan,sam@example.com,8\n");
    check(quoted, &["2 Ayda Noor|Khan, Dr|ayda@example.com|7", "5 Sam|Khan|sam@example.com|8"]);
}

#[test]
fn a_stray_quotation_mark_takes_nobody_away() {
    // Opened in row 2, closed in row 4, in each way in which it may look whole.
    let expected = [
        "2 Ayda|Khan|ayda@example.com|7 ?stray-quote",
        "3 Sam|Khan|sam@example.com|8 ?stray-quote",
        "4 Cy|Osei|cy@example.com|9 ?stray-quote",
        "5 Bo|Osei|bo@example.com|10",
    ];
    for (two, four) in [
        ("\"Ayda,Khan,ayda@example.com,7", "Cy,Osei,\"cy@example.com\",9"),
        ("\"Ayda,Khan,ayda@example.com,7", "Cy\",Osei,cy@example.com,9"),
        ("Ayda,\"Khan,ayda@example.com,7", "Cy,Osei\",cy@example.com,9"),
        ("Ayda,Khan,\"ayda@example.com,7", "Cy,Osei,cy@example.com,9\""),
        ("Ayda,Khan,ayda@example.com,\"7", "Cy,Osei,cy@example.com\",9"),
    ] {
        let rows = format!("{two}\nSam,Khan,sam@example.com,8\n{four}\nBo,Osei,bo@example.com,10\n");
        let source = check(format!("{HEAD}{rows}"), &expected);
        assert_eq!((source.lines, source.above), (5, 1));
        check(format!("{HEAD}{rows}").replace('\n', "\r\n"), &expected);
    }
    // Closed with the next row, which would pass as one row of four values.
    check(
        format!("{HEAD}\"Ayda,Khan,ayda@example.com,7\nSam\",Khan,sam@example.com,8\n"),
        &["2 Ayda|Khan|ayda@example.com|7 ?stray-quote", "3 Sam|Khan|sam@example.com|8 ?stray-quote"],
    );
    // Never closed: the other rows stand by themselves.
    check(
        format!("{HEAD}Ayda,\"Khan,ayda@example.com,7\nSam,Khan,sam@example.com,8\n\nBo,Osei,bo@example.com,10"),
        &["2 Ayda|Khan|ayda@example.com|7 ?stray-quote", "3 Sam|Khan|sam@example.com|8", "5 Bo|Osei|bo@example.com|10"],
    );
    // Above the headings, and in them.
    check(format!("\"Clients of Acme\n{HEAD}Ayda,Khan,ayda@example.com,7\n"), &["3 Ayda|Khan|ayda@example.com|7"]);
    check(format!("The \"best\" list\n{HEAD}Ayda,Khan,ayda@example.com,7\n"), &["3 Ayda|Khan|ayda@example.com|7"]);
    check(format!("\"{HEAD}Ayda,Khan,ayda@example.com,7\n"), &[AYDA]);
    // Quotation marks that belong where they are.
    check(
        format!("{HEAD}\"Ayda \"\"Noor\"\"\",Khan, \"ayda@example.com\" ,7\nBo \"B\" J,Osei,bo@example.com,10\n"),
        &["2 Ayda \"Noor\"|Khan|ayda@example.com|7", "3 Bo \"B\" J|Osei|bo@example.com|10"],
    );
    let notes = format!(
        "Notes,{}\"12 High St, Newtown\nSydney, NSW\n\nCall a@example.com\",Ayda,Khan,ayda@example.com,7\n",
        HEAD.trim_end().to_owned() + ",More\n"
    );
    let source = check(notes.replace("7\n", "7,\"one, two, 3, 4\n5\"\n"), &[AYDA]);
    assert_eq!((source.lines, source.continued), (6, 4));
}

#[test]
fn every_line_is_accounted_for() {
    let text = format!(
        "Clients\n\n{HEAD}\n,,,\nAyda,Khan,ayda@example.com,7,\n;\n,,,,note\n\"Bo\nB\",Osei,bo@example.com,10\n \n"
    );
    let source = check(
        text,
        &[
            "6 Ayda|Khan|ayda@example.com|7",
            "7 ;||| !too-few-columns",
            "8 ||| !too-many-columns",
            "9 Bo B|Osei|bo@example.com|10",
        ],
    );
    assert_eq!((source.lines, source.above, source.blank, source.continued), (11, 3, 3, 1));
    let beside = format!("{},Adviser\nAyda,Khan,ayda@example.com,7,Moana\n,,,,Moana\n", HEAD.trim_end());
    check(beside, &[AYDA, "3 ||| !no-values"]);
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
    check(format!("{HEAD}Ay\0da,Khan,ayda@example.com,7\n"), &["2 Ayda|Khan|ayda@example.com|7 !nul"]);
    check(format!("{HEAD}Ayda,Khan,ayda@example.com,7{}\n", ",x".repeat(100)), &[&format!("{AYDA} !too-many-columns")]);
    check(format!("{HEAD}=1+1,@x,ayda@example.com,+7\n"), &["2 =1+1|@x|ayda@example.com|+7 !not-a-number"]);
    check(
        format!("{HEAD}Ayda,Khan,{},7\nSam,Khan,sam@example.com,8", "a".repeat(70_000)),
        &[&format!("2 Ayda|Khan|{}| !too-long", "a".repeat(500)), "3 Sam|Khan|sam@example.com|8"],
    );
    // A quotation mark that is not closed for long is none.
    let long = format!("{HEAD}\"Ayda,Khan,a@example.com,7\n{}", "x,y,z@example.com,1\n".repeat(20_000));
    let (rows, _) = sheet_of(long.as_bytes(), None).unwrap();
    let doubted: Vec<u32> = rows.iter().filter(|row| row.doubt.is_some()).map(|row| row.number).collect();
    assert_eq!((rows.len(), doubted), (20_001, vec![2]));
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
    refused("\u{feff} <html><table><tr><td>First Name", "web page");
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
    workbook_of(&[("List", "visible", rows)], texts, more)
}

/// The parts of a workbook that name its sheets: name, state, and the part's name seen from `xl`.
fn index(sheets: &[(&str, &str, &str)]) -> [(String, String); 3] {
    let relation = |id: usize, kind: &str, target: &str| {
        format!("<Relationship Id=\"rId{id}\" Type=\"{RELATIONSHIPS}/{kind}\" Target=\"{target}\"/>")
    };
    let (mut tabs, mut relations) = (String::new(), String::new());
    for (at, (name, state, target)) in sheets.iter().enumerate() {
        let id = at + 1;
        tabs.push_str(&format!("<sheet name=\"{name}\" state=\"{state}\" sheetId=\"{id}\" r:id=\"rId{id}\"/>"));
        relations.push_str(&relation(id, "worksheet", target));
    }
    relations.push_str(&relation(901, "sharedStrings", "sharedStrings.xml"));
    relations.push_str(&relation(902, "styles", "styles.xml"));
    let book = format!("<workbook xmlns:r=\"{RELATIONSHIPS}\"><sheets>{tabs}</sheets></workbook>");
    let package = relation(1, "officeDocument", "xl/workbook.xml");
    [
        ("xl/workbook.xml".to_owned(), book),
        ("xl/_rels/workbook.xml.rels".to_owned(), format!("<Relationships>{relations}</Relationships>")),
        ("_rels/.rels".to_owned(), format!("<Relationships>{package}</Relationships>")),
    ]
}

/// A workbook of several sheets: name, state and rows of each.
fn workbook_of(sheets: &[(&str, &str, &str)], texts: &[&str], more: &[(&str, &str)]) -> Vec<u8> {
    let texts: String = texts.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
    let texts = format!("<sst uniqueCount=\"9\">{texts}</sst>");
    let targets: Vec<String> = (1..=sheets.len()).map(|at| format!("worksheets/sheet{at}.xml")).collect();
    let named = sheets.iter().zip(&targets).map(|((name, state, _), target)| (*name, *state, target.as_str()));
    let mut own = index(&named.collect::<Vec<_>>()).to_vec();
    for ((_, _, rows), target) in sheets.iter().zip(&targets) {
        own.push((format!("xl/{target}"), format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")));
    }
    own.push(("[Content_Types].xml".to_owned(), "<Types/>".to_owned()));
    own.push(("xl/sharedStrings.xml".to_owned(), texts));
    let own = own.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let own = own.filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    archive(&more.iter().copied().chain(own).collect::<Vec<_>>())
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
    let exponent = format!("{}<row r=\"2\">{}</row>", heading(), person(2, "<c r=\"D2\"><v>4.8213E4</v></c>"));
    check(workbook(&exponent, &TEXTS, &[]), &["2 Ayda|Khan|ayda@example.com|48213"]);
    // Cells and rows that do not say where they are, a prefix before each name, CDATA, entities, runs of text.
    let odd = good
        .replace(" r=\"1\"", "")
        .replace(" r=\"2\"", "")
        .replace("<t>Ayda</t>", "<r><t>A&#121;</t></r><rPh><t>x</t></rPh><r><t><![CDATA[da]]></t></r>");
    check(workbook(&odd, &TEXTS, &[]), &[AYDA]);
    let prefixed: String = good.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:");
    let sheet = format!("<x:worksheet xmlns:x=\"m\"><x:sheetData>{prefixed}</x:sheetData></x:worksheet>");
    check(workbook(&good, &TEXTS, &[("xl/worksheets/sheet1.xml", &sheet)]), &[AYDA]);
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
    let with = |cell: &str| format!("{}<row r=\"2\">{}</row>", heading(), person(2, cell));
    let styles = "<styleSheet><cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs>\
                  <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
    for cell in [
        "<c r=\"D2\" t=\"e\"><v>#REF!</v></c>",
        "<c r=\"D2\" t=\"b\"><v>1</v></c>",
        "<c r=\"D2\" s=\"1\"><v>45000</v></c>",
    ] {
        let book = workbook(&with(cell), &TEXTS, &[("xl/styles.xml", styles)]);
        check(book, &["2 Ayda|Khan|ayda@example.com| !not-text"]);
    }
    // A formula that came to nothing is nothing; one that was never worked out is not known.
    let empty = "<row r=\"3\"><c r=\"D3\" t=\"str\"><f>IF(A3=0,\"\",7)</f><v></v></c></row>";
    let source = check(workbook(&(good_sheet() + empty), &TEXTS, &[]), &[AYDA]);
    assert_eq!((source.lines, source.blank), (2, 0));
    check(workbook(&with("<c r=\"D2\"><f>1+6</f></c>"), &TEXTS, &[]), &["2 Ayda|Khan|ayda@example.com| !formula"]);
}

fn good_sheet() -> String {
    format!("{}<row r=\"2\">{}</row>", heading(), person(2, "<c r=\"D2\"><v>7</v></c>"))
}

#[test]
fn hidden_rows_need_a_person_and_other_sheets_are_named() {
    let hidden = format!(
        "{}<row r=\"3\" hidden=\"1\">{}</row><row r=\"6\">{}</row>",
        good_sheet(),
        person(3, "<c r=\"D3\"><v>8</v></c>"),
        person(6, "<c r=\"D6\"><v>9</v></c>"),
    );
    let source = check(
        workbook(&hidden, &TEXTS, &[]),
        &[AYDA, "3 Ayda|Khan|ayda@example.com|8 ?hidden-row", "6 Ayda|Khan|ayda@example.com|9"],
    );
    assert_eq!((source.hidden, source.lines, source.blank), (1, 6, 2));

    let empty = heading();
    let text = format!("<row r=\"1\">{}</row>", inline("A1", "Read me"));
    let sheets = [
        ("Template", "visible", empty.as_str()),
        ("Old", "hidden", hidden.as_str()),
        ("Main", "visible", &good_sheet()),
        ("NZ", "visible", &hidden),
        ("Notes", "veryHidden", &text),
        ("Empty", "visible", ""),
    ];
    let book = workbook_of(&sheets, &TEXTS, &[]);
    let source = check(&book, &[AYDA]);
    assert_eq!(source.sheet.as_deref(), Some("Main"));
    let other =
        |name: &str, is_hidden, has_headings, rows| OtherSheet { name: name.to_owned(), is_hidden, has_headings, rows };
    let expected = [other("Old", true, true, 3), other("NZ", false, true, 3), other("Notes", true, false, 1)];
    assert_eq!(source.other_sheets, expected);
    let (rows, source) = sheet_of(&book, Some(" old ")).unwrap();
    assert_eq!((rows.len(), source.sheet.as_deref(), source.other_sheets.len()), (3, Some("Old"), 3));
    let missing = sheet_of(&book, Some("List")).unwrap_err();
    assert!(missing.contains("no sheet “List”") && missing.contains("“Main”"), "{missing}");
    assert!(sheet_of(&book, Some("Notes")).unwrap_err().contains("headings"));
    refused(
        workbook_of(&[("Old", "hidden", &hidden), ("Notes", "visible", &text)], &TEXTS, &[]),
        "“Old”, which is hidden",
    );
}

#[test]
fn workbooks_with_more_than_a_list_are_refused() {
    let good = format!("{}<row r=\"2\">{}</row>", heading(), person(2, "<c r=\"D2\"><v>7</v></c>"));
    let with = |name, text| workbook(&good, &TEXTS, &[(name, text)]);
    refused(with("xl/vbaProject.bin", "x"), "macros");
    refused(
        with(
            "[Content_Types].xml",
            "<Types><Override ContentType=\"application/vnd.ms-excel.sheet.macroEnabled.main+xml\"/></Types>",
        ),
        "macros",
    );
    refused(with("xl/externalLinks/externalLink1.xml", "<x/>"), "other workbooks");
    let doctype = "<!DOCTYPE x [<!ENTITY y \"z\">]><worksheet/>";
    refused(with("xl/worksheets/sheet1.xml", doctype), "no spreadsheet program");
    let cut = format!("<worksheet><sheetData>{good}");
    refused(workbook(&good, &TEXTS, &[("xl/worksheets/sheet1.xml", &cut)]), "damaged");
    let deep = "<a>".repeat(200);
    refused(workbook(&good, &TEXTS, &[("xl/worksheets/sheet1.xml", &deep)]), "no spreadsheet program");
    refused(with("xl/sharedStrings.xml", "<sst><si><t>&y;</t></si></sst>"), "no spreadsheet program");
    // What a workbook says of its size is not believed, and not needed.
    let texts = TEXTS.map(|text| format!("<si><t>{text}</t></si>")).concat();
    let texts = format!("<sst uniqueCount=\"99999999999\">{texts}</sst>");
    check(workbook(&good, &TEXTS, &[("xl/sharedStrings.xml", &texts)]), &[AYDA]);
    let many: Vec<(String, &str)> = (0..1_001).map(|n| (format!("xl/media/{n}.txt"), "")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    refused(archive(&many), "1001 parts");
    let disorder = format!("{}<row r=\"9\">{}</row><row r=\"3\">{}</row>", heading(), person(9, ""), person(3, ""));
    refused(workbook(&disorder, &TEXTS, &[]), "stands after row");
}

/// A workbook of which the part with this name unpacks to `size` bytes of a filler.
fn bomb(part: &str, size: usize, filler: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    let sheet = part.strip_prefix("xl/").unwrap_or("worksheets/sheet1.xml");
    for (name, text) in index(&[("List", "visible", sheet)]).iter().filter(|(name, _)| name != part) {
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.start_file(part, options).unwrap();
    zip.write_all(b"<worksheet><sheetData>").unwrap();
    let piece: Vec<u8> = filler.iter().copied().cycle().take(filler.len() * (65_536 / filler.len())).collect();
    for _ in 0..size / piece.len() {
        zip.write_all(&piece).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn zip_bombs_are_refused_whatever_their_parts_are_called() {
    for part in ["xl/worksheets/sheet1.xml", "xl/s.dat", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"] {
        for filler in [b"<row/>".as_slice(), b" "] {
            let bomb = bomb(part, 5 << 20, filler, CompressionMethod::Deflated);
            assert!(bomb.len() < 100 << 10, "{}", bomb.len());
            let refusal = rows_of(&bomb).unwrap_err();
            let is_told = refusal.contains("unpacks to more") || refusal.contains("no spreadsheet program");
            assert!(is_told, "{part} {filler:?}: {refusal}");
        }
    }
    // What is held in memory has a limit of its own, however little it unpacks.
    for part in ["xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"] {
        refused(bomb(part, 33 << 20, b"<row/>", CompressionMethod::Stored), "32 MB");
    }
    // The directory may say less than there is.
    let mut lying = bomb("xl/worksheets/sheet1.xml", 8 << 20, b"<c><v>1</v></c>", CompressionMethod::Deflated);
    let at = lying.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    lying[at + 24..at + 28].copy_from_slice(&100_u32.to_le_bytes());
    assert!(rows_of(&lying).is_err());
}

/// The cells of a workbook's first sheet as another library reads them.
fn cells_of(content: &[u8]) -> Vec<(u32, u32, String)> {
    use calamine::{Data, Reader as _, Xlsx};
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(content)).unwrap();
    let range = workbook.worksheet_range_at(0).unwrap().unwrap();
    let (first_row, first_column) = range.start().unwrap();
    let cell = |(row, column, value): (usize, usize, &Data)| {
        (first_row + row as u32, first_column + column as u32, value.to_string())
    };
    range.used_cells().map(cell).collect()
}

/// The values that a sheet is read to hold are those that another library finds in it.
#[test]
fn another_library_reads_the_same() {
    let rows = format!(
        "{}<row r=\"4\">{}{}</row>",
        good_sheet(),
        inline("A4", "Zo&#235; &amp; _x0041_ <![CDATA[<b>]]>"),
        "<c r=\"B4\" t=\"s\"><v>1</v></c><c r=\"C4\" t=\"str\"><v>a@example.com</v></c><c r=\"D4\"><v>4.8213E4</v></c>",
    );
    let book = workbook(&rows, &TEXTS, &[]);
    let mut found = rows_of(&book).unwrap();
    let last = found.pop().unwrap();
    let own = [last.first_name, last.last_name, last.email, last.id];
    let theirs: Vec<String> =
        cells_of(&book).into_iter().filter(|(row, ..)| *row == 3).map(|(.., text)| text).collect();
    assert_eq!(theirs, own);
}

proptest! {
    /// Each line is accounted for by `sheet_of`, whatever is between the headings and the end.
    #[test]
    fn no_line_is_lost(text in "([ab@7,;\"\n ]|,Khan,a@example.com,7\n|\"\"){0,60}") {
        drop(rows_of(format!("{HEAD}{text}").as_bytes()));
        drop(rows_of(format!("{text}\n{HEAD}{text}").as_bytes()));
    }

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
        // A spreadsheet program's way to keep a text is taken off: see `what_keeps_a_spreadsheet_from_changing…`.
        prop_assume!(names.iter().all(|(first, ..)| !first.contains("=\"")));
        for (first, last, id) in &names {
            list.write_record([&id.to_string(), last, "a@example.com", first]).unwrap();
        }
        let rows = rows_of(&list.into_inner().unwrap()).unwrap();
        prop_assert_eq!(rows.len(), names.len());
        for (row, (first, last, id)) in rows.iter().zip(&names) {
            prop_assert_eq!(&row.id, &id.to_string());
            prop_assert_eq!(&row.last_name, &text::value(last));
            prop_assert_eq!(&row.first_name, &text::value(first));
        }
    }
}
