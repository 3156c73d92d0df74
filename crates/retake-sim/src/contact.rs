//! How hard the arm presses on what it touches.
//!
//! A contact is counted between a link of the arm and any body, and between what the hand holds and any body: a peg that jams in a
//! hole pushes back on the arm as a wall does. Not counted is the grip itself: the fingers on an object that both of them touch.
//! Nor is the weight of a held object, which it also rests with on the table while it is taken. Normal forces only, over the
//! engine's last step (4 ms).

use rapier3d::dynamics::RigidBodyHandle;
use rapier3d::geometry::ColliderHandle;
use rapier3d::math::Vector;
use rapier3d::pipeline::PhysicsWorld;

use crate::arm::{Arm, ROBOT};
use crate::convert::norm;

/// A body that takes part in a contact, and whether it is a link of the arm.
#[derive(Clone, Copy)]
struct Side {
    body: RigidBodyHandle,
    robot: bool,
}

/// Two bodies that touch, and the force between them.
struct Touch {
    sides: [Side; 2],
    force: Vector,
}

/// The largest force of the arm, and of what it holds, on any one body, newtons.
pub(crate) fn largest(world: &PhysicsWorld, arm: &Arm, objects: &[RigidBodyHandle]) -> f64 {
    let touches = touches(world);
    let fingers = arm.fingers();
    let between = |a: RigidBodyHandle, b: RigidBodyHandle| {
        touches.iter().any(|touch| touch.sides.iter().all(|side| side.body == a || side.body == b))
    };
    let held = |body: RigidBodyHandle| {
        objects.contains(&body) && fingers.iter().all(|finger| between(*finger, body))
    };
    touches.iter().map(|touch| counted(world, touch, &fingers, held)).fold(0.0, f64::max)
}

/// As much of the force between two bodies as the arm is answerable for.
fn counted(
    world: &PhysicsWorld,
    touch: &Touch,
    fingers: &[RigidBodyHandle],
    held: impl Fn(RigidBodyHandle) -> bool,
) -> f64 {
    let force = norm(&touch.force);
    let [first, second] = touch.sides;
    match (first.robot, second.robot) {
        (true, true) => 0.0,
        (true, false) | (false, true) => {
            let (link, other) = if first.robot { (first, second) } else { (second, first) };
            if fingers.contains(&link.body) && held(other.body) { 0.0 } else { force }
        }
        (false, false) => {
            let carried = touch.sides.iter().find(|side| held(side.body));
            carried.map_or(0.0, |side| (force - weight(world, side.body)).max(0.0))
        }
    }
}

fn weight(world: &PhysicsWorld, body: RigidBodyHandle) -> f64 {
    let mass = world.bodies.get(body).map_or(0.0, |body| f64::from(body.mass()));
    mass * norm(&world.gravity)
}

/// Every two bodies that press on each other.
fn touches(world: &PhysicsWorld) -> Vec<Touch> {
    let dt = world.integration_parameters.dt;
    let mut touches: Vec<Touch> = Vec::new();
    for pair in world.contact_pairs() {
        let impulse = pair.total_impulse();
        let sides = (side(world, pair.collider1), side(world, pair.collider2));
        let (Some(first), Some(second)) = sides else { continue };
        if dt <= 0.0 || impulse == Vector::ZERO {
            continue;
        }
        let force = impulse / dt;
        // A link or an object may touch with several of its parts at once.
        let same = |touch: &&mut Touch| touch.sides.map(|side| side.body) == [first.body, second.body];
        let turned = |touch: &&mut Touch| touch.sides.map(|side| side.body) == [second.body, first.body];
        if let Some(touch) = touches.iter_mut().find(same) {
            touch.force += force;
        } else if let Some(touch) = touches.iter_mut().find(turned) {
            touch.force -= force;
        } else {
            touches.push(Touch { sides: [first, second], force });
        }
    }
    touches
}

fn side(world: &PhysicsWorld, collider: ColliderHandle) -> Option<Side> {
    let collider = world.colliders.get(collider)?;
    let robot = collider.collision_groups().memberships.contains(ROBOT);
    Some(Side { body: collider.parent()?, robot })
}
