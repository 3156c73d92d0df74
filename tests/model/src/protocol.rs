//! Each way of working in sentences. The state machine has tables.

use retake_authority::{Move, Protocol, Stage};

/// Where a step leads, if the protocol allows it.
pub(crate) fn lead(protocol: Protocol, stage: Stage, step: Move) -> Option<Stage> {
    match step {
        Move::Resume => resume(protocol, stage),
        Move::TakeOver => take_over(protocol, stage),
        Move::Rewind => rewind(protocol, stage),
        Move::MarkRecovery => mark(protocol, stage, Stage::Recovery),
        Move::MarkCorrection => mark(protocol, stage, Stage::Correction),
    }
}

/// The policy may be given the robot, but not in a demonstration, and in RaC not after a human has driven.
fn resume(protocol: Protocol, stage: Stage) -> Option<Stage> {
    let allowed = match protocol {
        Protocol::Demo => false,
        Protocol::Rac => matches!(stage, Stage::Fresh | Stage::Policy),
        Protocol::Free | Protocol::Sirius | Protocol::HgDagger | Protocol::HilSerl => {
            reached(protocol, stage)
        }
    };
    allowed.then_some(Stage::Policy)
}

/// A human may always take over. What that is called depends on whether the policy has driven.
fn take_over(protocol: Protocol, stage: Stage) -> Option<Stage> {
    let led = match stage {
        Stage::Fresh if protocol == Protocol::HilSerl => Stage::Correction,
        Stage::Fresh | Stage::Demo => Stage::Demo,
        Stage::Policy if protocol == Protocol::Rac => Stage::Recovery,
        Stage::Policy => Stage::Correction,
        Stage::Recovery | Stage::Correction => stage,
    };
    reached(protocol, stage).then_some(led)
}

/// Going back belongs to free work, to demonstrations and to RaC's recovery. It names nothing new, except that from the policy
/// on it is the beginning of an intervention.
fn rewind(protocol: Protocol, stage: Stage) -> Option<Stage> {
    let allowed = match protocol {
        Protocol::Sirius | Protocol::HgDagger | Protocol::HilSerl => false,
        Protocol::Rac => stage != Stage::Correction,
        Protocol::Free | Protocol::Demo => reached(protocol, stage),
    };
    let led = match stage {
        Stage::Fresh => Stage::Fresh,
        Stage::Policy | Stage::Demo | Stage::Recovery | Stage::Correction => take_over(protocol, stage)?,
    };
    allowed.then_some(led)
}

/// Marks belong to interventions, in free work both ways and in RaC only onwards.
fn mark(protocol: Protocol, stage: Stage, marked: Stage) -> Option<Stage> {
    let intervening = matches!(stage, Stage::Recovery | Stage::Correction);
    let onwards = !(stage == Stage::Correction && marked == Stage::Recovery);
    let allowed = match protocol {
        Protocol::Free => intervening,
        Protocol::Rac => intervening && onwards,
        Protocol::Sirius | Protocol::HgDagger | Protocol::HilSerl | Protocol::Demo => false,
    };
    allowed.then_some(marked)
}

/// The stage exists in the protocol at all.
fn reached(protocol: Protocol, stage: Stage) -> bool {
    match stage {
        Stage::Fresh => true,
        Stage::Demo => protocol != Protocol::HilSerl,
        Stage::Policy | Stage::Correction => protocol != Protocol::Demo,
        Stage::Recovery => matches!(protocol, Protocol::Free | Protocol::Rac),
    }
}
