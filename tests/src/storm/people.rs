//! Operators whose hands do anything.

use retake_model::Random;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Act, Beacon, DriveMode, Header, OperatorInput},
};

use super::TICK;

pub(super) struct Operator {
    name: String,
    random: Random,
    beacon: Beacon,
    input: OperatorInput,
    session: u64,
    seq: u64,
    next: MonoTime,
    /// Says nothing for so many periods.
    silent: u64,
    /// Keeps still for so many periods.
    still: u64,
}

impl Operator {
    pub(super) fn new(name: &str, seed: u64, next: MonoTime) -> Self {
        let mut random = Random::new(seed);
        let input = OperatorInput {
            operator: name.into(),
            device: "storm".into(),
            valid: true,
            twist: vec![0.0; 6],
            ..OperatorInput::default()
        };
        let session = random.next();
        Self {
            name: name.into(),
            random,
            beacon: Beacon::default(),
            input,
            session,
            seq: 0,
            next,
            silent: 0,
            still: 0,
        }
    }

    /// Something new with the hands, for a while.
    fn move_hands(&mut self) {
        let random = &mut self.random;
        self.still = random.below(40);
        self.input.clutch = random.one_in(2);
        self.input.rewind = random.one_in(5);
        self.input.precision = random.one_in(4);
        self.input.valid = !random.one_in(40);
        let push = if random.one_in(4) { 0.0 } else { 1.0 };
        self.input.twist = (0..6).map(|_| random.signed() * push).collect();
        // Operators of storms only ever close: what opens under their hand was opened by another.
        self.input.gripper = random.signed().max(0.0);
        let groups: &[&str] =
            [&[][..], &["arm"], &["gripper"], &["arm", "gripper"]][random.pick(&[0, 0, 1, 2, 3], 0)];
        self.input.groups = groups.iter().map(|&group| group.into()).collect();
        self.input.mode = if random.one_in(3) { DriveMode::Residual } else { DriveMode::Direct }.into();
    }

    fn acts(&mut self) -> Vec<i32> {
        let common = [
            Act::Resume,
            Act::Resume,
            Act::Resume,
            Act::ClearStop,
            Act::NextEpisode,
            Act::Pause,
            Act::RewindTap,
        ];
        let rare = [
            Act::Stop,
            Act::ReleaseLease,
            Act::RequestLease,
            Act::MarkRecovery,
            Act::MarkCorrection,
            Act::Success,
            Act::Failure,
            Act::Discard,
        ];
        let mut acts = Vec::new();
        if self.random.one_in(12) {
            acts.push(self.random.pick(&common, Act::Resume).into());
        }
        if self.random.one_in(60) {
            acts.push(self.random.pick(&rare, Act::Pause).into());
        }
        acts
    }
}

impl Node for Operator {
    fn name(&self) -> &str {
        &self.name
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Beacon]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Input]
    }

    fn receive(&mut self, _: MonoTime, message: &Message, _: &mut Outbox) {
        if let Message::Beacon(beacon) = message {
            self.beacon = *beacon;
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.next = self.next + TICK;
        if self.silent > 0 {
            self.silent -= 1;
            return;
        }
        if self.random.one_in(300) {
            self.silent = self.random.below(60);
        }
        if self.random.one_in(500) {
            // The station starts again.
            (self.session, self.seq) = (self.random.next(), 0);
        }
        match self.still {
            0 => self.move_hands(),
            _ => self.still -= 1,
        }
        self.seq += 1;
        let header = Header {
            epoch: self.beacon.epoch,
            seq: self.seq,
            beacon: self.beacon.nonce,
            // A clock that means nothing.
            sent_nanos: self.random.next().cast_signed(),
            session: self.session,
        };
        let acts = self.acts();
        out.publish(OperatorInput { header: Some(header), acts, ..self.input.clone() });
        let _ = now;
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
