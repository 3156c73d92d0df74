//! A world's whole state as bytes: what [`crate::World::restore`] needs to go on as if it had never left.
//!
//! Layout: four letters that name the version, a checksum of the rest, the rest. The checksum tells a damaged snapshot
//! from a good one before the engine is given any of it; it is no protection against forgery.

use rapier3d::pipeline::PhysicsWorld;
use serde::{Deserialize, Serialize};

use crate::digest::Fnv;
use crate::error::SimError;
use crate::world::Control;

/// Largest snapshot taken or accepted, bytes. A world of one arm and a few objects needs about 30 kB; the bound keeps a
/// damaged or hostile length from filling the memory.
pub const SNAPSHOT_LIMIT: usize = 4 << 20;

const VERSION: [u8; 4] = *b"RTS2";
const HEADER: usize = VERSION.len() + 8;

/// The complete state of a world, opaque. Only a world of the same task takes it back.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    bytes: Vec<u8>,
}

impl Snapshot {
    /// The bytes, at most [`SNAPSHOT_LIMIT`], for storing or sending.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes bytes from [`Snapshot::as_bytes`]; `None` when there are too many. Whether they mean anything is found
    /// out by [`crate::World::restore`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= SNAPSHOT_LIMIT).then(|| Self { bytes: bytes.to_vec() })
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({} bytes)", self.bytes.len())
    }
}

#[derive(Serialize)]
struct Outgoing<'a> {
    task: &'a str,
    fingerprint: u64,
    control: &'a Control,
    physics: &'a PhysicsWorld,
}

/// The part that is read first, so that a snapshot of another task is told from a damaged one.
#[derive(Deserialize)]
struct Label {
    task: String,
    fingerprint: u64,
}

pub(crate) fn save(
    task: &str,
    fingerprint: u64,
    control: &Control,
    physics: &PhysicsWorld,
) -> Result<Snapshot, SimError> {
    let body = postcard::to_allocvec(&Outgoing { task, fingerprint, control, physics })
        .map_err(|_error| SimError::SnapshotDamaged)?;
    let size = HEADER + body.len();
    if size > SNAPSHOT_LIMIT {
        return Err(SimError::SnapshotSize { got: size });
    }
    let mut bytes = Vec::with_capacity(size);
    bytes.extend_from_slice(&VERSION);
    bytes.extend_from_slice(&checksum(&body).to_le_bytes());
    bytes.extend_from_slice(&body);
    Ok(Snapshot { bytes })
}

pub(crate) fn load(
    snapshot: &Snapshot,
    task: &str,
    fingerprint: u64,
) -> Result<(Control, PhysicsWorld), SimError> {
    let body = body(&snapshot.bytes).ok_or(SimError::SnapshotDamaged)?;
    let (label, rest) =
        postcard::take_from_bytes::<Label>(body).map_err(|_error| SimError::SnapshotDamaged)?;
    if label.task != task || label.fingerprint != fingerprint {
        return Err(SimError::SnapshotTask { got: label.task, expected: task.to_owned() });
    }
    postcard::from_bytes(rest).map_err(|_error| SimError::SnapshotDamaged)
}

fn body(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(&VERSION)?;
    let (sum, body) = rest.split_first_chunk::<8>()?;
    (checksum(body).to_le_bytes() == *sum).then_some(body)
}

fn checksum(body: &[u8]) -> u64 {
    let mut hash = Fnv::new();
    hash.add_bytes(body);
    hash.value()
}
