//! What people say, and what is left of it after a crash.

use std::{fs, io::Write as _};

use retake_labels::Rule;
use retake_units::WallTime;

use super::made::usual;
use crate::{Annotations, DatasetError, Episode, Source, Standing, Word, annotate, scan};

struct Made {
    _dir: tempfile::TempDir,
    source: Source,
    episodes: Vec<Episode>,
}

fn made() -> Made {
    let dir = tempfile::tempdir().unwrap();
    let source = usual(dir.path(), "rec");
    let episodes = scan(&source, &Rule::default(), |_| {}).unwrap().episodes;
    Made { _dir: dir, source, episodes }
}

impl Made {
    fn say(&self, episodes: &[&Episode], word: &Word) -> Result<(), DatasetError> {
        annotate(&self.source, episodes, ("ada", WallTime::from_nanos(0)), word)
    }

    fn standing(&self, episode: usize) -> Standing {
        Annotations::read(&self.source).unwrap().of(&self.episodes[episode])
    }

    fn append(&self, text: &str) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.source.notes).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

fn tags(tag: &[&str], untag: &[&str]) -> Word {
    let owned = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    Word { tag: owned(tag), untag: owned(untag), ..Word::default() }
}

#[test]
fn the_last_word_counts_and_the_recorded_one_before_any() {
    let made = made();
    assert_eq!((made.standing(0).verdict.as_str(), made.standing(1).verdict.as_str()), ("success", ""));
    let word = |verdict: &str| Word { verdict: Some(verdict.into()), ..Word::default() };
    made.say(&[&made.episodes[0]], &word("failure")).unwrap();
    made.say(&[], &Word { round: Some(3), note: Some("all".into()), ..Word::default() }).unwrap();
    made.say(&[&made.episodes[1]], &Word { discarded: Some(true), ..tags(&["slow", "stuck"], &[]) }).unwrap();
    made.say(&[&made.episodes[1]], &Word { discarded: Some(false), ..tags(&[], &["slow"]) }).unwrap();
    let [first, second] = [0, 1].map(|episode| made.standing(episode));
    assert_eq!((first.verdict.as_str(), first.round, first.tags.len()), ("failure", Some(3), 0));
    assert_eq!((second.discarded, second.round, second.notes), (false, Some(3), vec!["all".to_owned()]));
    assert_eq!(second.tags.into_iter().collect::<Vec<_>>(), ["stuck"]);
}

/// A line that was cut off was never acknowledged. What is said next is a line of its own.
#[test]
fn a_torn_last_line_is_left_out_and_ended_by_the_next_word() {
    let made = made();
    let word = Word { note: Some("müde, 疲れた".into()), ..tags(&["slow"], &[]) };
    made.say(&[&made.episodes[1]], &word).unwrap();
    let whole = fs::read(&made.source.notes).unwrap();
    for cut in 1..whole.len() - 1 {
        fs::write(&made.source.notes, [&whole, &whole[..cut]].concat()).unwrap();
        assert_eq!(Annotations::read(&made.source).unwrap().all().len(), 1, "cut at {cut}");
    }
    made.say(&[&made.episodes[1]], &tags(&["stuck"], &[])).unwrap();
    let lines = fs::read_to_string(&made.source.notes).unwrap();
    assert_eq!((lines.lines().count(), lines.ends_with('\n')), (2, true), "{lines}");
    assert_eq!(made.standing(1).tags.into_iter().collect::<Vec<_>>(), ["slow", "stuck"]);
}

/// A last line that lacks only its end, as editors leave it, is read; so the next word must not take it away.
#[test]
fn a_line_that_lacks_only_its_end_is_said() {
    let made = made();
    made.say(&[&made.episodes[1]], &tags(&["slow"], &[])).unwrap();
    let whole = fs::read_to_string(&made.source.notes).unwrap();
    made.append(whole.replace("slow", "stuck").trim_end());
    let before = made.standing(1);
    made.say(&[&made.episodes[0]], &tags(&["sensor"], &[])).unwrap();
    assert_eq!(before.tags.len(), 2);
    assert_eq!(made.standing(1), before, "what somebody says of another attempt changes nothing here");
}

#[test]
fn damage_before_the_end_is_told_by_its_line_and_nothing_is_added() {
    let made = made();
    made.say(&[&made.episodes[0]], &tags(&["slow"], &[])).unwrap();
    made.append("{\"at\": 3}\n");
    let error = Annotations::read(&made.source).unwrap_err().to_string();
    assert!(error.contains("annotations.jsonl, line 2"), "{error}");
    let before = fs::read(&made.source.notes).unwrap();
    assert!(made.say(&[], &tags(&["slow"], &[])).is_err());
    assert_eq!(fs::read(&made.source.notes).unwrap(), before);
}

/// A field that we do not know may say something that changes all the others.
#[test]
fn an_unknown_field_is_refused() {
    let made = made();
    made.append("{\"at\":\"now\",\"by\":\"ada\",\"episode\":[0,1],\"verdikt\":\"failure\"}\n");
    let error = Annotations::read(&made.source).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("verdikt"), "{error}");
}

#[test]
fn a_tag_must_be_known_and_a_dataset_can_add_its_own() {
    let made = made();
    let error = made.say(&[], &tags(&["purple"], &[])).unwrap_err().to_string();
    assert!(error.contains("purple is not a tag") && error.contains("near-miss"), "{error}");
    assert!(!made.source.notes.exists(), "nothing was said");
    let dir = made.source.recording.path().parent().unwrap();
    fs::write(dir.join("tags.txt"), "# ours\n\n purple \n").unwrap();
    made.say(&[], &tags(&["purple"], &[])).unwrap();
    let word = Word { verdict: Some("maybe".into()), ..Word::default() };
    assert!(made.say(&[], &word).unwrap_err().to_string().contains("maybe is not a verdict"));
    assert_eq!(made.standing(0).tags.into_iter().collect::<Vec<_>>(), ["purple"]);
}
