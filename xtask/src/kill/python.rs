//! Recovered files, opened by the MCAP library of another language.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context as _, ensure};

use super::{Options, none, sample::Sample};
use crate::report::{Findings, Table, progress};

const COMPARED: &str = "\
Recovered files of a sample of all runs, opened with Python's `mcap`, which checks the checksums: by the index, and from front to back
without it. Both must find as many messages as the statistics in the file say, and as we find.";
const SKIPPED: &str = "Recovered files were NOT opened in Python:";

/// What is installed.
const PACKAGE: &str = "mcap==1.6.0";
/// Kept between runs.
const PLACE: &str = "target/kill/python";

const SCRIPT: &str = r#"
import sys
from mcap.reader import make_reader, NonSeekingReader
for line in sys.stdin:
    path = line.rstrip("\n")
    try:
        with open(path, "rb") as file:
            reader = make_reader(file, validate_crcs=True)
            told = reader.get_summary().statistics.message_count
            indexed = sum(1 for _ in reader.iter_messages())
        with open(path, "rb") as file:
            plain = sum(1 for _ in NonSeekingReader(file, validate_crcs=True).iter_messages())
        print(told, indexed, plain, path, flush=True)
    except Exception as error:
        print("failed", repr(error).replace("\n", " "), path, sep="\t", flush=True)
"#;

pub(super) fn run(options: &Options, sample: &Sample) -> anyhow::Result<Findings> {
    let files = sample.files();
    let skip =
        |why: &str| Findings { compared: SKIPPED, remarks: vec![why.to_owned()], ..Findings::default() };
    if options.no_python {
        return Ok(skip("--no-python was given"));
    }
    let python = match environment() {
        Ok(python) => python,
        Err(error) => return Ok(skip(&format!("{error:#}"))),
    };
    progress(&format!("  python: {} files", files.len()));
    let said = ask(&python, &files)?;
    let (mut complaints, mut messages) = (Vec::new(), 0);
    for (path, ours) in &files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match said.get(path.to_string_lossy().as_ref()) {
            Some(line) if *line == [ours.to_string(), ours.to_string(), ours.to_string()] => messages += ours,
            Some(line) => {
                complaints.push(format!("{name}: {ours} messages, and in Python {}", line.join(" ")))
            }
            None => complaints.push(format!("{name}: not read")),
        }
    }
    let mut parts = BTreeMap::<String, usize>::new();
    for (path, _) in &files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        *parts.entry(name.split('-').next().unwrap_or_default().to_owned()).or_default() += 1;
    }
    let mut table = Table::new(&["recovered from", "files"]);
    parts.into_iter().for_each(|(part, files)| table.row(vec![part.into(), files.into()]));
    Ok(Findings {
        compared: COMPARED,
        remarks: vec![format!("{PACKAGE}: {} files with {messages} messages", files.len())],
        tables: vec![table],
        bounds: vec![none("recovered files that Python does not read as we do", &complaints)],
    })
}

/// A Python with the library; made on first use.
fn environment() -> anyhow::Result<PathBuf> {
    let place = Path::new(PLACE);
    let python = place.join("bin/python");
    let has = |python: &Path| {
        let check = Command::new(python).args(["-c", "import mcap.reader, lz4, zstandard"]).output();
        check.is_ok_and(|done| done.status.success())
    };
    if has(&python) {
        return Ok(python);
    }
    progress(&format!("  python: installing {PACKAGE} into {PLACE}"));
    call(Command::new("python3").args(["-m", "venv", PLACE]), "python3 cannot make an environment")?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE];
    call(Command::new(&python).args(install), "the library cannot be installed")?;
    ensure!(has(&python), "the library was installed, and cannot be used");
    Ok(python)
}

fn call(command: &mut Command, what: &'static str) -> anyhow::Result<()> {
    let done = command.stdin(Stdio::null()).output().context(what)?;
    let told = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{what}: {}", told.lines().last().unwrap_or_default());
    Ok(())
}

/// What Python says of each file.
fn ask(python: &Path, files: &[(PathBuf, u64)]) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start Python")?;
    let mut paths = child.stdin.take().context("Python without input")?;
    let list: String = files.iter().map(|(path, _)| format!("{}\n", path.display())).collect();
    // From a thread of its own, so that neither side waits for the other's full pipe.
    let writer = thread::spawn(move || paths.write_all(list.as_bytes()));
    let done = child.wait_with_output()?;
    let _ = writer.join();
    ensure!(done.status.success(), "Python ended with {}", done.status);
    let text = String::from_utf8_lossy(&done.stdout);
    Ok(text
        .lines()
        .filter_map(|line| {
            let mark = if line.starts_with("failed") { '\t' } else { ' ' };
            let mut words: Vec<String> = line.split(mark).map(ToOwned::to_owned).collect();
            words.pop().map(|path| (path, words))
        })
        .collect())
}
