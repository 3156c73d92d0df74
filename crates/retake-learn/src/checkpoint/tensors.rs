use std::path::Path;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest as _, Sha256};

use super::{FileDigest, directory};
use crate::{LearnError, samples::hex};

/// What a file may hold beside the values: names, shapes and offsets.
const HEADER_BYTES: u64 = 64 << 10;

/// A tensor to be written.
pub(super) struct Named<'a> {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: &'a [f32],
}

/// The bytes of a safetensors file: the same tensors give the same bytes.
pub(super) fn bytes(tensors: &[Named<'_>], dir: &Path) -> Result<Vec<u8>, LearnError> {
    let raw: Vec<Vec<u8>> = tensors
        .iter()
        .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&raw).map(|(tensor, raw)| {
        Ok((tensor.name.as_str(), TensorView::new(Dtype::F32, tensor.shape.clone(), raw)?))
    });
    views
        .collect::<Result<Vec<_>, _>>()
        .and_then(|views| safetensors::serialize(views, None))
        .map_err(|error| LearnError::checkpoint(dir, format!("its tensors cannot be written: {error}")))
}

pub(super) fn digest(bytes: &[u8]) -> FileDigest {
    FileDigest { bytes: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)) }
}

/// Reads exactly the tensors of `layout`, in its order.
pub(super) fn read(
    path: &Path,
    expected: &FileDigest,
    layout: &[(String, Vec<usize>)],
) -> Result<Vec<Vec<f32>>, LearnError> {
    let refuse = |why: String| {
        Err(LearnError::checkpoint(path, format!("{why}; restore it, or train the policy again")))
    };
    let values: usize = layout.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    let bytes = directory::read(path, 4 * values as u64 + HEADER_BYTES)?;
    if digest(&bytes) != *expected {
        return refuse("it is not the file that the manifest describes: its length or hash differs".into());
    }
    let file = match SafeTensors::deserialize(&bytes) {
        Ok(file) => file,
        Err(error) => return refuse(format!("it is not a safetensors file: {error}")),
    };
    if file.len() != layout.len() {
        return refuse(format!("it holds {} tensors, and its network has {}", file.len(), layout.len()));
    }
    let mut read = Vec::with_capacity(layout.len());
    for (name, shape) in layout {
        let Ok(tensor) = file.tensor(name) else {
            return refuse(format!("{name} is missing"));
        };
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            return refuse(format!(
                "{name} is {:?} {:?} and should be F32 {shape:?}",
                tensor.dtype(),
                tensor.shape()
            ));
        }
        let values: Vec<f32> =
            tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return refuse(format!("{name} has values that are not finite"));
        }
        read.push(values);
    }
    Ok(read)
}
