//! The shape of the repository, as ARCHITECTURE.md promises it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lines a source file may have.
const LINES: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["crates", "tests", "xtask"] {
        sources(&root().join(folder), &mut found);
    }
    assert!(found.len() > 100, "sources were not found");
    found
}

fn crates() -> Vec<String> {
    let entries = fs::read_dir(root().join("crates")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn files_stay_small_and_have_names_that_mean_something() {
    for path in all_sources() {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LINES, "{} has {lines} lines", path.display());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            !["utils", "util", "common", "helpers", "misc", "types"].contains(&name.as_str()),
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_architecture_names_every_crate_and_only_files_that_exist() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for name in crates() {
        assert!(text.contains(&format!("| `{name}` |")), "ARCHITECTURE.md does not name {name}");
    }
    let named = text.split('`').filter(|part| part.starts_with("crates/") && part.contains('.'));
    let missing: Vec<_> = named.filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names files that do not exist: {missing:?}");
}

#[test]
fn pure_crates_know_no_transport_no_clock_and_no_files() {
    let pure = [
        "retake-units",
        "retake-wire",
        "retake-node",
        "retake-kinematics",
        "retake-authority",
        "retake-shaping",
        "retake-episode",
        "retake-gate",
        "retake-intervention",
        "retake-tasks",
        "retake-policy",
        "retake-scripted",
    ];
    for name in pure {
        let manifest = fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).unwrap();
        let own = manifest.split("[dev-dependencies]").next().unwrap();
        for foreign in ["tokio", "zenoh", "mcap", "rerun", "gilrs", "rustix", "retake-bus", "retake-log"] {
            assert!(!own.contains(&format!("\n{foreign}")), "{name} depends on {foreign}");
        }
        let mut files = Vec::new();
        sources(&root().join("crates").join(name).join("src"), &mut files);
        for path in files.iter().filter(|path| !path.to_string_lossy().contains("tests")) {
            let text = fs::read_to_string(path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            for banned in ["std::fs", "std::net", "Instant::now", "SystemTime", "Mutex"] {
                assert!(!text.contains(banned), "{} uses {banned}", path.display());
            }
        }
    }
}
