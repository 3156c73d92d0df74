//! What people say about attempts after they were recorded.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::Path,
};

use retake_log::utc_text;
use retake_units::WallTime;
use retake_wire::pb::Verdict;
use serde::{Deserialize, Serialize};

use crate::{DatasetError, Episode, Source};

/// Name of the file in a recording's folder; its extension beside a single `.mcap` file.
pub const FILE: &str = "annotations.jsonl";
/// A file that is larger is not one of ours.
const MAX_BYTES: u64 = 64 << 20;

/// Tags that every dataset has. A dataset adds its own in `tags.txt`.
pub const TAGS: [&str; 12] = [
    "ambiguous",
    "collision",
    "dropped",
    "exemplary",
    "grasp-failed",
    "hardware",
    "near-miss",
    "operator-error",
    "sensor",
    "slow",
    "stuck",
    "wrong-object",
];

/// Something that was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Annotation {
    /// When, as text.
    pub at: String,
    /// By whom.
    pub by: String,
    /// Run and number of the attempt; none if it is about the whole recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<(u32, u64)>,
    /// What.
    #[serde(flatten)]
    pub word: Word,
}

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// `success` or `failure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Left out of training and counting, or no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded: Option<bool>,
    /// Tags it has from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<String>,
    /// Tags it has no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untag: Vec<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Round of deployment and training it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
}

/// How an attempt stands after all that was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// `success`, `failure`, or empty for none.
    pub verdict: String,
    /// Left out.
    pub discarded: bool,
    /// Tags.
    pub tags: BTreeSet<String>,
    /// Notes, oldest first.
    pub notes: Vec<String>,
    /// Round, if it was said.
    pub round: Option<u32>,
}

/// All that was said about one recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    said: Vec<Annotation>,
}

impl Annotations {
    /// Reads them; none if nobody has said anything. A last line that was cut off was never acknowledged, and is left out.
    ///
    /// # Errors
    /// If a line is not one of ours.
    pub fn read(source: &Source) -> Result<Self, DatasetError> {
        let path = &source.notes;
        let Ok(about) = fs::metadata(path) else { return Ok(Self::default()) };
        let wrong = |line, why: String| DatasetError::Annotation { path: path.clone(), line, why };
        if about.len() > MAX_BYTES {
            return Err(wrong(1, "it is too large to be one of ours".into()));
        }
        // Bytes, for the last line may have been cut off within a letter.
        let bytes = fs::read(path).map_err(DatasetError::io("read", path))?;
        let mut said = Vec::new();
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            match serde_json::from_slice(line) {
                Ok(annotation) => said.push(annotation),
                Err(_) if !line.ends_with(b"\n") => {}
                Err(error) => return Err(wrong(index + 1, error.to_string())),
            }
        }
        Ok(Self { said })
    }

    /// Everything, oldest first.
    pub fn all(&self) -> &[Annotation] {
        &self.said
    }

    /// How `episode` stands.
    pub fn of(&self, episode: &Episode) -> Standing {
        let recorded = episode.verdict();
        let mut standing = Standing {
            verdict: match recorded {
                Verdict::Success => "success".into(),
                Verdict::Failure => "failure".into(),
                Verdict::Discarded | Verdict::Unspecified => String::new(),
            },
            discarded: recorded == Verdict::Discarded,
            ..Standing::default()
        };
        let name = (episode.key.run, episode.key.episode);
        for Annotation { word, .. } in
            self.said.iter().filter(|said| said.episode.is_none_or(|about| about == name))
        {
            standing.hear(word);
        }
        standing
    }
}

impl Standing {
    fn hear(&mut self, word: &Word) {
        if let Some(verdict) = &word.verdict {
            self.verdict.clone_from(verdict);
        }
        self.discarded = word.discarded.unwrap_or(self.discarded);
        self.tags.extend(word.tag.iter().cloned());
        word.untag.iter().for_each(|tag| _ = self.tags.remove(tag));
        self.notes.extend(word.note.clone());
        self.round = word.round.or(self.round);
    }
}

/// The tags of the dataset in `dir`: those that every one has, and those in its `tags.txt`.
///
/// # Errors
/// If `tags.txt` cannot be read.
fn known_tags(dir: &Path) -> Result<BTreeSet<String>, DatasetError> {
    let mut tags: BTreeSet<String> = TAGS.iter().map(|tag| (*tag).to_owned()).collect();
    let path = dir.join("tags.txt");
    if path.exists() {
        let text = fs::read_to_string(&path).map_err(DatasetError::io("read", &path))?;
        let own = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        tags.extend(own.map(str::to_owned));
    }
    Ok(tags)
}

/// Says `word` about each of `episodes` of one recording, or about all of it if there are none. It is there when this returns.
///
/// # Errors
/// If a word is not one that there is, or the disk refuses; then nothing was said.
pub fn annotate(
    source: &Source,
    episodes: &[&Episode],
    (by, at): (&str, WallTime),
    word: &Word,
) -> Result<(), DatasetError> {
    check(source, word)?;
    // What is there must be readable, or nobody will read what is added.
    Annotations::read(source)?;
    let abouts: Vec<Option<(u32, u64)>> = if episodes.is_empty() {
        vec![None]
    } else {
        episodes.iter().map(|episode| Some((episode.key.run, episode.key.episode))).collect()
    };
    let mut text = String::new();
    for episode in abouts {
        let said = Annotation { at: utc_text(at), by: by.to_owned(), episode, word: word.clone() };
        let line = serde_json::to_string(&said).map_err(|error| DatasetError::Refused(error.to_string()))?;
        text.push_str(&line);
        text.push('\n');
    }
    append(&source.notes, &text)
}

fn check(source: &Source, word: &Word) -> Result<(), DatasetError> {
    if let Some(verdict) = &word.verdict
        && !matches!(verdict.as_str(), "success" | "failure")
    {
        return Err(DatasetError::Refused(format!("{verdict} is not a verdict: say success or failure")));
    }
    let dir = source.recording.path().parent().unwrap_or(Path::new("."));
    let known = known_tags(dir)?;
    match word.tag.iter().chain(&word.untag).find(|tag| !known.contains(*tag)) {
        Some(tag) => Err(DatasetError::NoSuchTag {
            tag: tag.clone(),
            known: known.into_iter().collect::<Vec<_>>().join(", "),
        }),
        None => Ok(()),
    }
}

/// What a crash left of a line is removed first, so that it is never read as a part of what follows. A last line that lacks nothing
/// but its end was read as said, and stays so.
fn append(path: &Path, text: &str) -> Result<(), DatasetError> {
    let before =
        if path.exists() { fs::read(path).map_err(DatasetError::io("read", path))? } else { Vec::new() };
    let whole = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let rest = before.get(whole..).unwrap_or_default();
    let mut text = text.to_owned();
    if serde_json::from_slice::<Annotation>(rest).is_ok() {
        text.insert(0, '\n');
    } else if !rest.is_empty() {
        let file = OpenOptions::new().write(true).open(path).map_err(DatasetError::io("open", path))?;
        file.set_len(whole as u64).map_err(DatasetError::io("cut", path))?;
    }
    let fresh = !path.exists();
    let mut file =
        OpenOptions::new().create(true).append(true).open(path).map_err(DatasetError::io("open", path))?;
    file.write_all(text.as_bytes()).map_err(DatasetError::io("write", path))?;
    file.sync_data().map_err(DatasetError::io("sync", path))?;
    if fresh && let Some(dir) = path.parent() {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(DatasetError::io("sync", dir))?;
    }
    Ok(())
}
