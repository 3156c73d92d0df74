use std::{fs, path::Path};

use anyhow::{Context as _, bail};
use retake_dataset::{Imported, ImportedStep, Importer};
use retake_lerobot::{ReadRow, Rgb, Videos};
use retake_robomimic::{Array, Attribute, Demo};

use super::options::{Format, Import};
use crate::{log::print, progress::Progress};

pub(super) fn run(options: &Import) -> anyhow::Result<()> {
    let stem = options.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = options.name.clone().or(stem).context("give the recording a --name")?;
    let place = options.record.join(&name);
    let was_there = place.exists();
    let imported = match options.format {
        Format::LerobotV3 => lerobot(options, &name),
        Format::Robomimic => hdf5(&options.path, &options.record, &name),
    };
    if imported.is_err() && !was_there && place.exists() {
        // Half of a data set would be taken for the whole.
        fs::remove_dir_all(&place).with_context(|| format!("cannot remove {}", place.display()))?;
    }
    let (count, left) = imported?;
    print(format!("{}: {count} demonstrations{left}\n", place.display()))
}

/// A robot's name as keys can carry it.
fn robot_name(text: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = text.chars().take(32).map(clean).collect();
    if name.is_empty() { "imported".into() } else { name }
}

/// Groups by what stands before the dot in `names`; one group where there are no such names.
fn groups(names: &[String], values: usize) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let split: Option<Vec<(&str, &str)>> = names.iter().map(|name| name.split_once('.')).collect();
    match split.filter(|split| split.len() == values) {
        Some(split) => {
            for (group, value) in split {
                match groups.last_mut().filter(|(last, _)| last == group) {
                    Some((_, values)) => values.push(value.to_owned()),
                    None => groups.push((group.to_owned(), vec![value.to_owned()])),
                }
            }
        }
        None => groups.push(("robot".into(), (0..values).map(|index| format!("value{index}")).collect())),
    }
    groups
}

/// `values` cut into groups.
fn cut(values: &[f64], groups: &[(String, Vec<String>)]) -> Vec<Vec<f64>> {
    let mut rest = values;
    let mut parts = Vec::new();
    for (_, names) in groups {
        let (part, after) = rest.split_at(names.len().min(rest.len()));
        parts.push(part.to_vec());
        rest = after;
    }
    parts
}

fn must_match(path: &Path, states: usize, actions: usize) -> anyhow::Result<()> {
    if states == actions {
        return Ok(());
    }
    bail!(
        "{}: states have {states} values and actions {actions}: only data whose actions say where what is measured should go can \
         join what is recorded here",
        path.display()
    )
}

fn lerobot(options: &Import, name: &str) -> anyhow::Result<(u64, String)> {
    let path = options.path.as_path();
    let mut dataset = retake_lerobot::read(path)?;
    if options.no_pictures {
        (dataset.images, dataset.videos) = (Vec::new(), Vec::new());
    }
    let mut videos = Videos::open(path, &dataset.videos, dataset.fps)?;
    let (hz, total, names) = (f64::from(dataset.fps), dataset.episodes, dataset.action_names.clone());
    let robot = robot_name(dataset.robot_type.as_deref().unwrap_or_default());
    let camera = |name: &String| name.strip_prefix("observation.images.").unwrap_or(name).to_owned();
    let cameras: Vec<String> = dataset.images.iter().chain(&dataset.videos).map(camera).collect();
    let progress = Progress::new("importing", total);
    let mut importer: Option<(Importer, u64)> = None;
    for row in dataset {
        let row = row?;
        must_match(path, row.state.len(), row.action.len())?;
        let groups = groups(&names, row.action.len());
        let pictures = pictures(&row, &mut videos).with_context(|| {
            format!("{}, row at {:.3} s of episode {}", path.display(), row.timestamp, row.episode)
        })?;
        let (importer, episode) = match &mut importer {
            Some(open) => open,
            None => {
                let sizes = pictures.iter().map(|picture| picture.size);
                let what = Imported {
                    robot: robot.clone(),
                    hz,
                    groups: groups.clone(),
                    cameras: cameras.iter().zip(sizes).map(|(name, (w, h))| (name.clone(), w, h)).collect(),
                    origin: path.display().to_string(),
                };
                let mut open = Importer::new(&options.record, name, what, retake_bus::wall_now())?;
                open.begin(&row.task, "")?;
                importer.insert((open, row.episode))
            }
        };
        if row.episode != *episode {
            importer.end(true)?;
            importer.begin(&row.task, "")?;
            *episode = row.episode;
            progress.of(row.episode, total);
        }
        importer.step(&ImportedStep {
            measured: cut(&row.state, &groups),
            command: cut(&row.action, &groups),
            objects: Vec::new(),
            frames: pictures.into_iter().map(|picture| picture.jpeg).collect(),
        })?;
    }
    let (mut importer, _) = importer.with_context(|| format!("{} is empty", path.display()))?;
    importer.end(true)?;
    Ok((importer.finish()?, String::new()))
}

/// A picture as it is recorded, and its width and height.
struct Recorded {
    size: (u32, u32),
    jpeg: Vec<u8>,
}

impl Recorded {
    /// As a camera of ours would have recorded it.
    fn of(pixels: &Rgb) -> anyhow::Result<Self> {
        let jpeg = retake_camera::encode_jpeg(&pixels.bytes, pixels.size)?;
        Ok(Self { size: sides(pixels.size)?, jpeg })
    }

    /// JPEG files stay as they are.
    fn of_file(file: &[u8]) -> anyhow::Result<Self> {
        if file.starts_with(&[0xff, 0xd8]) {
            let size = retake_lerobot::jpeg_size(file).map_err(anyhow::Error::msg)?;
            return Ok(Self { size: sides(size)?, jpeg: file.to_vec() });
        }
        if file.starts_with(b"\x89PNG") {
            return Self::of(&retake_lerobot::decode_png(file).map_err(anyhow::Error::msg)?);
        }
        bail!("a picture is neither a JPEG nor a PNG file; --no-pictures leaves them out")
    }
}

fn sides((width, height): (usize, usize)) -> anyhow::Result<(u32, u32)> {
    Ok((width.try_into()?, height.try_into()?))
}

/// The pictures of a row: those that stand in it, then those of the videos.
fn pictures(row: &ReadRow, videos: &mut Videos) -> anyhow::Result<Vec<Recorded>> {
    let mut found = Vec::new();
    for file in &row.images {
        found.push(Recorded::of_file(file)?);
    }
    for pixels in videos.at(row.episode, row.timestamp)? {
        found.push(Recorded::of(pixels)?);
    }
    Ok(found)
}

/// What `retake dataset export` says of the robot in `env_args`.
struct Kwargs {
    robot: String,
    hz: f64,
    groups: Vec<(String, usize)>,
}

fn kwargs(path: &Path, env_args: &serde_json::Value) -> anyhow::Result<Kwargs> {
    let found = env_args.get("env_kwargs");
    let hz = found.and_then(|kwargs| kwargs.get("control_freq")).and_then(serde_json::Value::as_f64);
    let groups = found.and_then(|kwargs| kwargs.get("groups")).cloned();
    let groups: Option<Vec<(String, usize)>> = groups.and_then(|groups| serde_json::from_value(groups).ok());
    let robot = found.and_then(|kwargs| kwargs.get("robot")).and_then(serde_json::Value::as_str);
    match (hz, groups) {
        (Some(hz), Some(groups)) => Ok(Kwargs { robot: robot_name(robot.unwrap_or_default()), hz, groups }),
        (_, None) => bail!(
            "{}: its env_args do not say which groups its actions move, as those of our exports do: robosuite's actions are not \
             positions, and cannot join what is recorded here",
            path.display()
        ),
        (None, Some(_)) => bail!("{}: its env_args have no control_freq", path.display()),
    }
}

fn hdf5(path: &Path, dir: &Path, name: &str) -> anyhow::Result<(u64, String)> {
    let reader = retake_robomimic::read(path)?;
    let Kwargs { robot, hz, groups } = kwargs(path, reader.env_args())?;
    let named = |(name, width): &(String, usize)| {
        (name.clone(), (0..*width).map(|index| format!("{name}{index}")).collect::<Vec<_>>())
    };
    let groups: Vec<(String, Vec<String>)> = groups.iter().map(named).collect();
    let what = Imported {
        robot,
        hz,
        groups: groups.clone(),
        cameras: Vec::new(),
        origin: path.display().to_string(),
    };
    let mut importer = Importer::new(dir, name, what, retake_bus::wall_now())?;
    let progress = Progress::new("importing", reader.names().len() as u64);
    let mut segments = 0;
    for (done, demo) in reader.demos().enumerate() {
        let demo = demo?;
        progress.at(done as u64, &demo.name);
        if text(&demo, "segment").is_some() {
            // It is a part of another demo.
            segments += 1;
            continue;
        }
        one(&mut importer, path, &demo, &groups)?;
    }
    let left = if segments > 0 { format!("; {segments} segments are parts of them") } else { String::new() };
    Ok((importer.finish()?, left))
}

fn text<'a>(demo: &'a Demo, attribute: &str) -> Option<&'a str> {
    demo.attributes.get(attribute).and_then(Attribute::text)
}

fn one(
    importer: &mut Importer,
    path: &Path,
    demo: &Demo,
    groups: &[(String, Vec<String>)],
) -> anyhow::Result<()> {
    let column = |name: &str, width: usize| -> anyhow::Result<Vec<f64>> {
        let found: Option<&Array> = demo.columns.get(name);
        match found.filter(|array| array.width() == width) {
            Some(array) => Ok(array.numbers.to_f64()),
            None => bail!("{}, {}: it has no {name} of {width} values", path.display(), demo.name),
        }
    };
    let width: usize = groups.iter().map(|(_, values)| values.len()).sum();
    let commands = column("commands", width)?;
    let mut measured = Vec::new();
    for (group, values) in groups {
        measured.push(column(&format!("obs/{group}_pos"), values.len())?);
    }
    importer.begin(text(demo, "task").unwrap_or_default(), text(demo, "operator").unwrap_or_default())?;
    for step in 0..demo.samples {
        let of = |values: &[f64], width: usize| {
            values.get(step * width..(step + 1) * width).unwrap_or_default().to_vec()
        };
        let measured = measured.iter().zip(groups).map(|(values, (_, names))| of(values, names.len()));
        importer.step(&ImportedStep {
            measured: measured.collect(),
            command: cut(&of(&commands, width), groups),
            ..ImportedStep::default()
        })?;
    }
    importer.end(text(demo, "verdict") != Some("failure"))?;
    Ok(())
}
