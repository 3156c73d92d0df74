//! What happens to a moving robot's deployment.

use rand::Rng as _;
use retake_wire::{
    Topic,
    pb::{Act, Owner},
};
use rustix::process::Signal;

use super::{
    campaign::{Campaign, IDLE, Stopper, millis},
    hand::{Hand, Order},
    link::{Bytes, Wire},
    mangle::Fault,
    mode::{Engage, Rivalry, Trouble},
    node::Kind,
};

const DEAF: Wire = Wire { up: Bytes::Deaf, down: Bytes::Deaf };

impl Campaign {
    pub(super) fn trouble(&mut self, trouble: Trouble, engage: Engage) -> anyhow::Result<()> {
        match trouble {
            Trouble::None => self.let_go(engage),
            Trouble::Bytes(kind, wire) => {
                self.station.relay.link(kind)?.set(wire);
                if kind == Kind::Alice && wire.up == Bytes::Stall && engage != Engage::Policy {
                    self.due(Stopper::OperatorLost);
                    self.station.pass(millis(300));
                } else {
                    self.meanwhile(engage);
                }
                // A wrong sequence number makes zenoh refuse all that follows on this connection; only a new one helps.
                if [wire.up, wire.down].iter().any(|bytes| matches!(bytes, Bytes::Flip { .. })) {
                    self.station.relay.link(kind)?.cut(false);
                }
            }
            Trouble::Cut { link, torn } => {
                if torn {
                    self.station.relay.link(link)?.set(Wire { up: Bytes::Stall, down: Bytes::Stall });
                    self.station.pass(millis(15));
                }
                self.station.relay.link(link)?.cut(torn);
                self.station.relay.link(link)?.set(Wire::default());
                self.meanwhile(engage);
            }
            Trouble::Deaf(kind) => {
                self.station.relay.link(kind)?.set(DEAF);
                self.station.relay.link(kind)?.cut(false);
                self.meanwhile(engage);
            }
            Trouble::Messages(topic, fault) => {
                self.station.relay.set(topic, fault);
                self.meanwhile(engage);
            }
            Trouble::Kill(kind) => self.kill(kind)?,
            Trouble::Freeze { who, least_ms, most_ms } => {
                let span = self.random.random_range(least_ms..=most_ms);
                if who == Kind::Alice && span > 150 {
                    self.due(Stopper::OperatorLost);
                }
                self.station.signal(who, Signal::STOP)?;
                self.station.pass(millis(span));
                self.station.signal(who, Signal::CONT)?;
            }
            Trouble::Rival(rivalry) => self.rival(rivalry),
            Trouble::Stop { by, lossy } => self.stop(by, lossy),
            Trouble::ResumeAgain => self.resume_again(),
            Trouble::OldChunk => self.old_chunk(),
        }
        self.station.relay.clear();
        for kind in Kind::ALL {
            self.station.relay.link(kind)?.set(Wire::default());
        }
        // The hands stay where they are for a while: what was lost must not come back by itself.
        let watch = self.random.random_range(80..200);
        self.station.pass(millis(watch));
        Ok(())
    }

    /// In the middle of the trouble the operator lets go, or goes on.
    fn meanwhile(&mut self, engage: Engage) {
        let span = self.random.random_range(200..400);
        if self.random.random_bool(0.5) {
            self.station.pass(millis(span / 2));
            self.let_go(engage);
            self.station.pass(millis(span / 2));
        } else {
            self.station.pass(millis(span));
        }
    }

    /// The buttons go up, the stick stays pushed.
    fn let_go(&mut self, engage: Engage) {
        match engage {
            Engage::Human | Engage::Rewind => {
                self.due(Stopper::Released);
                let stick = self.stick();
                self.station.hand(Kind::Alice, Hand { stick, ..IDLE });
            }
            Engage::Policy => self.station.order(Kind::Alice, Order::Act(Act::Pause)),
        }
    }

    fn kill(&mut self, kind: Kind) -> anyhow::Result<()> {
        match kind {
            Kind::Alice => self.due(Stopper::OperatorLost),
            Kind::Intervention => self.due(Stopper::ArbiterLost),
            Kind::Driver | Kind::Policy | Kind::Bob => {}
        }
        self.station.kill(kind)?;
        let dead = self.random.random_range(60..300);
        self.station.pass(millis(dead));
        self.station.restart(kind)?;
        self.station.pass(millis(150));
        Ok(())
    }

    fn rival(&mut self, rivalry: Rivalry) {
        let stick = self.stick().map(|value| -value);
        match rivalry {
            Rivalry::Clutch => {
                self.station.hand(Kind::Bob, IDLE);
                self.station.pass(millis(60));
                self.station.hand(Kind::Bob, Hand { clutch: true, stick, ..IDLE });
                self.station.pass(millis(200));
                self.let_go(Engage::Human);
                self.station.pass(millis(150));
            }
            Rivalry::Request => {
                self.station.hand(Kind::Bob, Hand { clutch: true, stick, ..IDLE });
                self.station.pass(millis(60));
                self.station.order(Kind::Bob, Order::Act(Act::RequestLease));
                self.station.pass(millis(80));
                self.station.order(Kind::Alice, Order::Act(Act::ReleaseLease));
                self.station.pass(millis(150));
                self.station.hand(Kind::Bob, IDLE);
                self.station.pass(millis(40));
                self.station.hand(Kind::Bob, Hand { clutch: true, stick, ..IDLE });
                self.station.pass(millis(150));
            }
            Rivalry::Acts => {
                self.station.hand(Kind::Bob, IDLE);
                for act in [Act::Resume, Act::Pause, Act::ClearStop, Act::ReleaseLease, Act::RewindTap] {
                    self.station.order(Kind::Bob, Order::Act(act));
                    self.station.pass(millis(40));
                }
                self.station.hand(Kind::Bob, Hand { rewind: true, stick, ..IDLE });
                self.station.pass(millis(60));
            }
        }
    }

    fn stop(&mut self, by: Kind, lossy: bool) {
        if by == Kind::Bob {
            self.station.hand(Kind::Bob, IDLE);
            self.station.pass(millis(60));
        }
        if lossy {
            self.station.relay.set(Topic::Input, Fault::Drop(0.6));
        }
        self.due(Stopper::StopPressed);
        self.station.order(by, Order::Act(Act::Stop));
        self.station.pass(millis(200));
        let stick = self.stick();
        // Everything that moves the robot otherwise.
        self.station.hand(Kind::Alice, Hand { stick, ..IDLE });
        self.station.pass(millis(40));
        self.station.hand(Kind::Alice, Hand { clutch: true, stick, ..IDLE });
        self.station.order(Kind::Alice, Order::Act(Act::Resume));
        self.station.pass(millis(120));
        self.station.hand(Kind::Alice, Hand { rewind: true, stick, ..IDLE });
        self.station.pass(millis(120));
    }

    /// While the link repeats what is less than 60 ms old, the policy is resumed and at once paused.
    fn resume_again(&mut self) {
        self.station.order(Kind::Alice, Order::Act(Act::Pause));
        self.station.wait(millis(200), |view| view.owned_by(Owner::Hold));
        self.station.pass(millis(100));
        self.station.relay.set(Topic::Input, Fault::Replay { ms: 60 });
        self.station.order(Kind::Alice, Order::Act(Act::Resume));
        self.station.pass(millis(25));
        self.station.order(Kind::Alice, Order::Act(Act::Pause));
        self.station.pass(millis(350));
    }

    fn old_chunk(&mut self) {
        let stick = self.stick();
        self.station.relay.set(Topic::Proposal, Fault::Drop(1.0));
        self.station.hand(Kind::Alice, Hand { clutch: true, stick, ..IDLE });
        self.station.wait(millis(60), |view| view.owned_by(Owner::Human));
        self.station.hand(Kind::Alice, IDLE);
        self.station.wait(millis(60), |view| view.owned_by(Owner::Hold));
        self.station.order(Kind::Alice, Order::Act(Act::Resume));
        self.station.pass(millis(250));
    }
}
