//! A checkpoint: a directory with `manifest.json`, `policy.safetensors` and, so that training can go on, `training.safetensors`.
//!
//! It is written beside its place, synced, and renamed, so at any moment either the former checkpoint is there or the new one. Nothing
//! of a checkpoint is code, and nothing is believed: sizes are bounded by what the network needs, hashes and shapes are compared.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    LearnError, Policy, Record, Resume, Shape, TrainConfig, Trained,
    adam::Adam,
    mlp,
    model::widths,
    scaling::{Normalisation, Scaling},
    train::State,
};

mod directory;
mod tensors;

#[cfg(test)]
pub(crate) use directory::Step;
use tensors::Named;

/// Changes whenever checkpoints of before can no longer be read.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
const POLICY: &str = "policy.safetensors";
const TRAINING: &str = "training.safetensors";
/// The longest manifest that is read.
const MANIFEST_BYTES: u64 = 4 << 20;

/// What the caller wants to be known of a policy: observation keys, action space, rates, scheme, the robot, its version.
pub type About = BTreeMap<String, serde_json::Value>;

/// What a checkpoint is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// What goes into the policy and comes out.
    pub shape: Shape,
    /// How it was trained.
    pub config: TrainConfig,
    /// [`crate::Samples::digest`] of the data.
    pub data: String,
    /// What happened in training.
    pub record: Record,
    /// The file with the network and its normalisation.
    pub policy: FileDigest,
    /// The file with what training needs to go on, if it was kept.
    pub training: Option<FileDigest>,
    /// What the caller wants to be known.
    pub about: About,
}

/// By what a file is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// What a checkpoint holds beside the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: it can be served, and trained on from its weights.
    Policy,
    /// Also the state of training, three to four times as large: it can be resumed.
    Training,
}

impl Trained {
    /// Writes the checkpoint `dir`, in place of a former one if there is one.
    ///
    /// # Errors
    /// If a file cannot be written, or `dir` is something else than a checkpoint. Then what was there is still there.
    pub fn save(&self, dir: &Path, about: &About, keep: Keep) -> Result<Manifest, LearnError> {
        self.save_by(dir, about, keep, &mut |_| Ok(()))
    }

    pub(crate) fn save_by(
        &self,
        dir: &Path,
        about: &About,
        keep: Keep,
        before: &mut directory::Before<'_>,
    ) -> Result<Manifest, LearnError> {
        let policy = tensors::bytes(&policy_tensors(self.policy()), dir)?;
        let training = match keep {
            Keep::Policy => None,
            Keep::Training => Some(tensors::bytes(&training_tensors(self.policy(), self.resume()), dir)?),
        };
        let manifest = Manifest {
            format: FORMAT,
            shape: self.policy().shape.clone(),
            config: self.config().clone(),
            data: self.resume().data.clone(),
            record: self.record().clone(),
            policy: tensors::digest(&policy),
            training: training.as_deref().map(tensors::digest),
            about: about.clone(),
        };
        let text = serde_json::to_vec_pretty(&manifest).map_err(|error| {
            LearnError::checkpoint(dir, format!("its manifest cannot be written: {error}"))
        })?;
        let files = [Some((POLICY, policy)), training.map(|bytes| (TRAINING, bytes)), Some((MANIFEST, text))];
        directory::write(dir, files.into_iter().flatten(), before)?;
        Ok(manifest)
    }
}

pub(crate) fn load(dir: &Path) -> Result<(Policy, Manifest), LearnError> {
    let manifest = manifest(dir)?;
    let layout = mlp::layout(&widths(&manifest.shape, &manifest.config.network));
    let path = dir.join(POLICY);
    let mut read = tensors::read(&path, &manifest.policy, &policy_layout(&layout, &manifest.shape))?;
    let normalisation = split_normalisation(&mut read);
    let policy = Policy::new(
        manifest.shape.clone(),
        manifest.config.network.clone(),
        manifest.config.seed,
        normalisation,
        read,
    )?;
    Ok((policy, manifest))
}

impl Resume {
    /// Reads from a checkpoint what training needs to go on.
    ///
    /// # Errors
    /// As [`Policy::load`]; also if the checkpoint was saved without it.
    pub fn load(dir: &Path) -> Result<Self, LearnError> {
        let (policy, manifest) = load(dir)?;
        let Some(digest) = &manifest.training else {
            return Err(LearnError::Start(format!(
                "{} was saved without the state of training; start from its weights, or from scratch",
                dir.display()
            )));
        };
        let layout = mlp::layout(&widths(&manifest.shape, &manifest.config.network));
        let parts = if manifest.record.best.is_some() { 4 } else { 3 };
        let names: Vec<_> = PARTS[..parts].iter().flat_map(|part| part_layout(part, &layout)).collect();
        let mut read = tensors::read(&dir.join(TRAINING), digest, &names)?.into_iter();
        let mut part = || read.by_ref().take(layout.len()).collect::<Vec<_>>();
        let (values, mean, square) = (part(), part(), part());
        let best = manifest.record.best.map(|_| part());
        Ok(Self {
            config: manifest.config,
            data: manifest.data,
            normalisation: policy.normalisation,
            state: State { values, adam: Adam { mean, square }, best },
            record: manifest.record,
        })
    }
}

/// What there is of each parameter in the state of training; the best only if there is one.
const PARTS: [&str; 4] = ["values", "mean", "square", "best"];
const SCALES: [&str; 4] = ["observation.mean", "observation.spread", "action.mean", "action.spread"];

fn part_layout(part: &str, layout: &[(String, Vec<usize>)]) -> Vec<(String, Vec<usize>)> {
    layout.iter().map(|(name, shape)| (format!("{part}.{name}"), shape.clone())).collect()
}

fn policy_layout(layout: &[(String, Vec<usize>)], shape: &Shape) -> Vec<(String, Vec<usize>)> {
    let lengths = [shape.observations, shape.observations, shape.actions(), shape.actions()];
    let scales = SCALES.iter().zip(lengths).map(|(name, length)| ((*name).to_owned(), vec![length]));
    layout.iter().cloned().chain(scales).collect()
}

fn policy_tensors(policy: &Policy) -> Vec<Named<'_>> {
    let layout = mlp::layout(&widths(&policy.shape, &policy.network));
    let Normalisation { observation, action } = &policy.normalisation;
    let scales = [&observation.mean, &observation.spread, &action.mean, &action.spread];
    let values = policy.values.iter().chain(scales);
    let names = policy_layout(&layout, &policy.shape);
    names.into_iter().zip(values).map(|((name, shape), values)| Named { name, shape, values }).collect()
}

fn training_tensors<'a>(policy: &Policy, resume: &'a Resume) -> Vec<Named<'a>> {
    let layout = mlp::layout(&widths(&policy.shape, &policy.network));
    let State { values, adam, best } = &resume.state;
    let parts = [Some(values), Some(&adam.mean), Some(&adam.square), best.as_ref()];
    let parts = PARTS.iter().zip(parts).filter_map(|(part, values)| Some((part, values?)));
    parts
        .flat_map(|(part, values)| part_layout(part, &layout).into_iter().zip(values))
        .map(|((name, shape), values)| Named { name, shape, values })
        .collect()
}

/// Takes the scales off the end of a policy's tensors.
fn split_normalisation(read: &mut Vec<Vec<f32>>) -> Normalisation {
    let mut scales = read.split_off(read.len() - SCALES.len()).into_iter();
    let mut scaling =
        || Scaling { mean: scales.next().unwrap_or_default(), spread: scales.next().unwrap_or_default() };
    Normalisation { observation: scaling(), action: scaling() }
}

fn manifest(dir: &Path) -> Result<Manifest, LearnError> {
    /// What every version of the format has.
    #[derive(Deserialize)]
    struct Any {
        format: u32,
    }
    let path = dir.join(MANIFEST);
    let bytes = directory::read(&path, MANIFEST_BYTES)?;
    let not_ours = |error: serde_json::Error| {
        LearnError::checkpoint(&path, format!("{error}; restore it, or train the policy again"))
    };
    let Any { format } = serde_json::from_slice(&bytes).map_err(not_ours)?;
    if format != FORMAT {
        let why = format!(
            "it has format {format}, and this version reads format {FORMAT}; use the version that wrote it"
        );
        return Err(LearnError::checkpoint(&path, why));
    }
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(not_ours)?;
    let bounds = manifest.shape.check().and_then(|()| manifest.config.check());
    bounds.map_err(|error| LearnError::checkpoint(&path, error.to_string()))?;
    Ok(manifest)
}
