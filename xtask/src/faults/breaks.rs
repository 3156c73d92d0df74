//! `cargo xtask faults --break`: each guard switched off, in a copy of the sources that only this command builds, must make the
//! campaign fail. No shipped program can be told to leave a guard out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::Context as _;
use serde_json::Value;

use super::{print, tell};

/// A guard, how to switch it off, and the troubles that must then do harm.
struct Guard {
    name: &'static str,
    edits: &'static [Edit],
    modes: &'static [&'static str],
}

/// In `file`, `find` becomes `replace`, where `OFF` asks whether the guard is off.
struct Edit {
    file: &'static str,
    find: &'static str,
    replace: &'static str,
}

const fn edit(file: &'static str, find: &'static str, replace: &'static str) -> Edit {
    Edit { file, find, replace }
}

const GATE: &str = "crates/retake-gate/src/gate.rs";
const FRESHNESS: &str = "crates/retake-intervention/src/freshness.rs";
const LEASE: &str = "crates/retake-authority/src/lease.rs";
const STEP: &str = "crates/retake-authority/src/step.rs";

const GUARDS: &[Guard] = &[
    Guard {
        name: "gate: epoch",
        edits: &[edit(GATE, "if header.epoch < self.epoch {", "if !OFF && header.epoch < self.epoch {")],
        modes: &["command of an old epoch"],
    },
    Guard {
        name: "gate: sender",
        edits: &[edit(GATE, "if !heard && (", "if !OFF && !heard && (")],
        modes: &["command of another session"],
    },
    Guard {
        name: "gate: sequence",
        edits: &[edit(GATE, "if heard && header.seq", "if !OFF && heard && header.seq")],
        modes: &["commands twice", "young commands again"],
    },
    Guard {
        name: "gate: age of the nonce",
        edits: &[edit(GATE, "if issued.is_none_or(", "if !OFF && issued.is_none_or(")],
        modes: &["command to an old nonce"],
    },
    Guard {
        name: "gate: finite",
        edits: &[edit(GATE, "if !value.is_finite() {", "if !OFF && !value.is_finite() {")],
        modes: &["command not finite"],
    },
    Guard {
        name: "gate: range",
        edits: &[edit(
            GATE,
            "if *value < at(&limits.lower) - RANGE_SLACK || *value >",
            "if !OFF && *value < at(&limits.lower) - RANGE_SLACK || !OFF && *value >",
        )],
        modes: &["command out of range"],
    },
    Guard {
        name: "gate: velocity",
        edits: &[edit(GATE, "if (value - last).abs() >", "if !OFF && (value - last).abs() >")],
        modes: &["command too fast"],
    },
    Guard {
        name: "gate: watchdog",
        edits: &[edit(GATE, "if self.deadline().is_none_or(", "if OFF || self.deadline().is_none_or(")],
        modes: &["arbiter killed"],
    },
    Guard {
        name: "arbiter: age of the beacon",
        // The lease asks again.
        edits: &[
            edit(
                FRESHNESS,
                "if beacons.age(header.beacon, now).is_none_or(",
                "if !OFF && beacons.age(header.beacon, now).is_none_or(",
            ),
            edit(LEASE, "if age >= config.operator_timeout {", "if !OFF && age >= config.operator_timeout {"),
            edit(
                LEASE,
                "let until = now + (config.operator_timeout - age);",
                "let until = now + config.operator_timeout.saturating_sub(if OFF { Duration::ZERO } else { age });",
            ),
        ],
        modes: &["operator hears nothing", "input to an old beacon"],
    },
    Guard {
        name: "arbiter: sequence of inputs",
        edits: &[edit(FRESHNESS, "&& header.seq <= *newest", "&& !OFF && header.seq <= *newest")],
        modes: &["resumption again"],
    },
    Guard {
        name: "arbiter: epoch of proposals",
        edits: &[
            edit(
                "crates/retake-intervention/src/hear.rs",
                "if self.outdated(&chunk) {",
                "if !OFF && self.outdated(&chunk) {",
            ),
            edit(
                "crates/retake-intervention/src/drive.rs",
                "chunk.filter(|chunk| chunk.epoch >= epoch)?",
                "chunk.filter(|chunk| OFF || chunk.epoch >= epoch)?",
            ),
        ],
        modes: &["chunk from before"],
    },
    Guard {
        name: "authority: operator's timeout",
        edits: &[edit(
            LEASE,
            "if state.lease.is_some_and(|lease| now >= lease.until) {",
            "if !OFF && state.lease.is_some_and(|lease| now >= lease.until) {",
        )],
        modes: &["operator killed", "operator unheard"],
    },
    Guard {
        name: "authority: one operator's lease",
        edits: &[
            edit(
                LEASE,
                "Some(lease) if lease.operator == operator =>",
                "Some(lease) if OFF || lease.operator == operator =>",
            ),
            edit(
                LEASE,
                "if state.operator() == Some(operator) { Ok(())",
                "if OFF || state.operator() == Some(operator) { Ok(())",
            ),
        ],
        modes: &["two hold the clutch", "the second presses everything"],
    },
    Guard {
        name: "authority: release holds",
        edits: &[edit(
            STEP,
            "state.give(let_go, Owner::Hold, Cause::ClutchReleased);",
            "if !OFF { state.give(let_go, Owner::Hold, Cause::ClutchReleased); }",
        )],
        modes: &["release"],
    },
    Guard {
        name: "authority: stop latches",
        edits: &[edit(
            STEP,
            "    if state.stopped {\n        Err(Refusal::Stopped)",
            "    if !OFF && state.stopped {\n        Err(Refusal::Stopped)",
        )],
        modes: &["stop, and pushing on"],
    },
    Guard {
        name: "arbiter: faulty proposals",
        edits: &[edit(
            "crates/retake-intervention/src/chunk.rs",
            "if values.any(|value| !value.is_finite()) {",
            "if !OFF && values.any(|value| !value.is_finite()) {",
        )],
        modes: &["proposal not finite"],
    },
];

/// What `OFF` asks. It exists in the copy only.
const ASK: &str = "
extern crate std;
/// Whether `guard` is switched off, for a negative control of the fault campaign.
pub fn switched_off(guard: &str) -> bool {
    std::env::var(\"RETAKE_SWITCHED_OFF\").is_ok_and(|off| off == guard)
}
";

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The text of each file that is edited, after all edits.
fn edited(tree: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut texts: Vec<(PathBuf, String)> = Vec::new();
    for guard in GUARDS {
        for Edit { file, find, replace } in guard.edits {
            let path = tree.join(file);
            if !texts.iter().any(|(known, _)| *known == path) {
                texts.push((path.clone(), fs::read_to_string(&path)?));
            }
            let Some((_, text)) = texts.iter_mut().find(|(known, _)| *known == path) else { continue };
            let found = text.matches(find).count();
            anyhow::ensure!(found == 1, "{}: {find:?} is there {found} times in {file}", guard.name);
            let off = format!("retake_units::switched_off({:?})", guard.name);
            *text = text.replace(find, &replace.replace("OFF", &off));
        }
    }
    let units = tree.join("crates/retake-units/src/lib.rs");
    let text = fs::read_to_string(&units)? + ASK;
    texts.push((units, text));
    Ok(texts)
}

/// The libraries of others are the same in both, and linked; ours are not, for they would be written over.
fn warm(from: &Path, cache: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(cache)?;
    let parts = ["deps", "build", ".fingerprint"];
    let _ = Command::new("cp").arg("-al").args(parts.map(|part| from.join(part))).arg(cache).status()?;
    for entry in parts.iter().filter_map(|part| fs::read_dir(cache.join(part)).ok()).flatten() {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.contains("retake") || name.contains("xtask") {
            let path = entry.path();
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
    }
    Ok(())
}

/// Copies the sources, switches the guards to be switchable, and builds this program there.
fn build() -> anyhow::Result<PathBuf> {
    let (root, work) = (root(), root().join("target/faults-broken"));
    let tree = work.join("tree");
    fs::create_dir_all(&tree)?;
    let sources = ["Cargo.toml", "Cargo.lock", "crates", "tests", "xtask", "sim"];
    let copied =
        Command::new("cp").arg("-ru").args(sources.map(|name| root.join(name))).arg(&tree).status()?;
    anyhow::ensure!(copied.success(), "the sources cannot be copied");
    for (path, text) in edited(&root)? {
        let path = tree.join(path.strip_prefix(&root)?);
        if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            fs::write(path, text)?;
        }
    }
    let cache = work.join("release");
    if !cache.exists() {
        warm(&root.join("target/release"), &cache)?;
    }
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--workspace", "--bin", "xtask", "--quiet"])
        .current_dir(&tree)
        .env("CARGO_TARGET_DIR", &work)
        .status()?;
    anyhow::ensure!(built.success(), "the copy with switchable guards does not build");
    Ok(work.join("release/xtask"))
}

/// Runs `modes` with `off` switched off; returns what did not hold.
fn campaign(program: &Path, off: &str, modes: &[&str], runs: u64) -> anyhow::Result<Vec<String>> {
    let figures = tempfile::NamedTempFile::new()?;
    let runs = runs.to_string();
    let mut command = Command::new(program);
    command.args(["faults", "--parallel", "3", "--runs", &runs, "--json"]).arg(figures.path());
    modes.iter().for_each(|mode| {
        command.args(["--mode", mode]);
    });
    let done = command.env("RETAKE_SWITCHED_OFF", off).output().context("run the copy")?;
    let status = done.status;
    let figures: Value = serde_json::from_str(&fs::read_to_string(figures.path())?).with_context(|| {
        let said = String::from_utf8_lossy(&done.stderr);
        format!("it has no figures; it said: {}", said.lines().last().unwrap_or_default())
    })?;
    let bounds = figures.get("bounds").and_then(Value::as_array).cloned().unwrap_or_default();
    let failed = bounds.iter().filter(|bound| bound.get("holds") == Some(&Value::Bool(false)));
    let word =
        |bound: &Value, name: &str| bound.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let failed: Vec<String> =
        failed.map(|bound| format!("{}: {}", word(bound, "what"), word(bound, "found"))).collect();
    anyhow::ensure!(
        status.success() == failed.is_empty(),
        "its exit status does not say what its figures say"
    );
    Ok(failed)
}

/// Switches off the guards whose names contain `wanted`, one after the other.
pub(super) fn run(wanted: &str, runs: u64) -> anyhow::Result<ExitCode> {
    let guards: Vec<&Guard> =
        GUARDS.iter().filter(|guard| wanted == "all" || guard.name.contains(wanted)).collect();
    anyhow::ensure!(
        !guards.is_empty(),
        "no guard has such a name; there are {:?}",
        GUARDS.iter().map(|guard| guard.name).collect::<Vec<_>>()
    );
    tell("building a copy of the sources in which guards can be switched off");
    let program = build()?;
    let modes: Vec<&str> = guards.iter().flat_map(|guard| guard.modes.iter().copied()).collect();
    tell("all guards on: nothing may fail");
    let sound = campaign(&program, "", &modes, 3)?;
    anyhow::ensure!(sound.is_empty(), "the campaign fails with all guards on: {sound:?}");
    let mut unnoticed = Vec::new();
    for guard in &guards {
        let failed = campaign(&program, guard.name, guard.modes, runs)?;
        if failed.is_empty() {
            unnoticed.push(guard.name);
            print(&format!("{}: off, and NOT NOTICED", guard.name));
        } else {
            print(&format!("{}: off, and noticed: {}", guard.name, failed.join("; ")));
        }
    }
    print(&format!("faults --break: {} guards switched off, {} not noticed", guards.len(), unnoticed.len()));
    Ok(if unnoticed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::mode::MODES;

    #[test]
    fn every_guard_is_where_the_sources_have_it_and_every_mode_exists() {
        edited(&root()).unwrap();
        for guard in GUARDS {
            for mode in guard.modes {
                assert!(MODES.iter().any(|known| known.name.contains(mode)), "{mode}");
            }
        }
    }
}
