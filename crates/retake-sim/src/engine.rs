//! How the physics engine is set up. Every number here was chosen by running the tasks (see `examples/success.rs` and
//! `examples/speed.rs`); what was tried is said beside it. Double precision was tried too: no more tasks solved, no
//! faster, and snapshots twice the size.

use rapier3d::math::Vector;
use rapier3d::pipeline::PhysicsWorld;

use crate::convert::real;

/// Longest time between two looks at what touches what, seconds.
pub(crate) const ENGINE_STEP: f64 = 0.004;
/// Parts of one engine step over which the contacts found in it are solved and the joints' dynamics brought up to date.
const SOLVER_STEPS: usize = 2;
/// Extra sweeps over contacts and friction in each part.
const RELAXATIONS: usize = 2;
/// Contacts as springs, hertz and damping ratio. The engine's 30 Hz lets 40 N fingers sink 3 mm into a cube, at 300 Hz
/// it is 0.05 mm; at 600 Hz and more the solver no longer settles within its sweeps and held things creep.
const CONTACT: (f64, f64) = (300.0, 5.0);
/// Greatest speed at which overlap is pushed apart, m/s. Low, so that a finger that closes on an edge does not shoot
/// the object away.
const SEPARATION_SPEED: f64 = 0.5;
const GRAVITY: f64 = 9.81;

/// An empty world with the settings that make a friction grasp hold.
pub(crate) fn world() -> PhysicsWorld {
    let mut world = PhysicsWorld::new();
    world.gravity = Vector::new(0.0, 0.0, real(-GRAVITY));
    let settings = &mut world.integration_parameters;
    settings.num_solver_iterations = SOLVER_STEPS;
    settings.num_internal_stabilization_iterations = RELAXATIONS;
    for softness in [&mut settings.contact_softness, &mut settings.static_contact_softness] {
        softness.natural_frequency = real(CONTACT.0);
        softness.damping_ratio = real(CONTACT.1);
    }
    settings.normalized_max_corrective_velocity = real(SEPARATION_SPEED);
    // Off, because the engine reuses old contact points until a pair has moved by 5 cm, more than our objects are
    // large: half the grasps closed on points that were no longer there.
    settings.contact_recycling = false;
    // On, because a held object otherwise turns slowly in the fingers under its own weight.
    settings.friction_in_bias_pass = true;
    world
}
