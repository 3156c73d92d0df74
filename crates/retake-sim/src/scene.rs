//! The table and the task's objects in the engine.

use nalgebra::{Isometry3, Vector3};
use rapier3d::dynamics::{RigidBodyBuilder, RigidBodyHandle};
use rapier3d::geometry::ColliderBuilder;
use rapier3d::pipeline::PhysicsWorld;
use retake_kinematics::Shape;
use retake_tasks::{Object, Task};

use crate::arm::{FIXED, MOVABLE, ROBOT, groups, shape};
use crate::convert::{pose, real, vector};

/// Height of the floor, which catches what falls off the table, metres.
const FLOOR: f64 = -0.75;
/// Half its extent.
const FLOOR_HALF: Vector3<f64> = Vector3::new(5.0, 5.0, 0.5);

/// Puts the floor, the table and all objects into `world`; returns the objects' bodies in task order.
pub(crate) fn build(task: &Task, world: &mut PhysicsWorld, poses: &[Isometry3<f64>]) -> Vec<RigidBodyHandle> {
    let table = &task.table;
    let half = table.size / 2.0;
    world.insert(
        RigidBodyBuilder::fixed().translation(vector(&table.centre)),
        ColliderBuilder::cuboid(real(half.x), real(half.y), real(half.z))
            .friction(real(table.friction))
            .collision_groups(groups(FIXED, ROBOT | MOVABLE)),
    );
    let floor = vector(&Vector3::new(0.0, 0.0, FLOOR - FLOOR_HALF.z));
    world.insert(
        RigidBodyBuilder::fixed().translation(floor),
        ColliderBuilder::cuboid(real(FLOOR_HALF.x), real(FLOOR_HALF.y), real(FLOOR_HALF.z))
            .friction(real(table.friction))
            .collision_groups(groups(FIXED, ROBOT | MOVABLE)),
    );
    task.objects.iter().zip(poses).map(|(object, at)| insert(world, object, at)).collect()
}

fn insert(world: &mut PhysicsWorld, object: &Object, at: &Isometry3<f64>) -> RigidBodyHandle {
    let (builder, member, meets) = if object.fixed {
        (RigidBodyBuilder::fixed(), FIXED, ROBOT | MOVABLE)
    } else {
        (RigidBodyBuilder::dynamic().can_sleep(false), MOVABLE, ROBOT | FIXED | MOVABLE)
    };
    let body = world.insert_body(builder.pose(pose(at)));
    let volume: f64 = object.parts.iter().map(|part| volume(&part.shape)).sum();
    for part in &object.parts {
        let (shape, turn) = shape(&part.shape);
        let collider = ColliderBuilder::new(shape)
            .position(pose(&(part.origin * turn)))
            .density(real(object.mass / volume))
            .friction(real(object.friction))
            .collision_groups(groups(member, meets));
        world.insert_collider(collider, Some(body));
    }
    body
}

fn volume(shape: &Shape) -> f64 {
    match shape {
        Shape::Box { size } => size.x * size.y * size.z,
        Shape::Cylinder { radius, length } => std::f64::consts::PI * radius * radius * length,
        Shape::Sphere { radius } => 4.0 / 3.0 * std::f64::consts::PI * radius.powi(3),
    }
}
