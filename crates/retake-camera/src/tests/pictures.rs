//! Known scenes and the pixels they must give.

use nalgebra::{Isometry3, Vector3};

use crate::{CameraView, Item, Renderer, Scene, Shape};

const RED: [f32; 4] = [0.9, 0.1, 0.1, 1.0];
const BLUE: [f32; 4] = [0.1, 0.1, 0.9, 1.0];

fn cube(at: [f64; 3], edge: f64, rgba: [f32; 4]) -> Item {
    Item {
        shape: Shape::Box { size: Vector3::repeat(edge) },
        pose: Isometry3::translation(at[0], at[1], at[2]),
        rgba,
    }
}

fn ahead() -> CameraView {
    CameraView::looking_at([0.0, 0.0, 0.5], [1.0, 0.0, 0.5], 1.0)
}

fn render(camera: &CameraView, items: Vec<Item>) -> Vec<u8> {
    Renderer::new(64, 48).render(camera, &Scene { items }).to_vec()
}

fn pixel(image: &[u8], x: usize, y: usize) -> [u8; 3] {
    std::array::from_fn(|channel| image[(y * 64 + x) * 3 + channel])
}

fn is_red([r, g, b]: [u8; 3]) -> bool {
    u16::from(r) > 2 * u16::from(g) && u16::from(r) > 2 * u16::from(b)
}

fn is_blue([r, g, b]: [u8; 3]) -> bool {
    u16::from(b) > 2 * u16::from(g) && u16::from(b) > 2 * u16::from(r)
}

#[test]
fn a_red_box_ahead_is_red_in_the_middle_and_nowhere_else() {
    let image = render(&ahead(), vec![cube([1.0, 0.0, 0.5], 0.2, RED)]);
    assert!(is_red(pixel(&image, 32, 24)));
    for (x, y) in [(2, 2), (61, 2), (2, 45), (61, 45)] {
        assert!(!is_red(pixel(&image, x, y)));
    }
    let expected = (0.2 / 0.9 / (2.0 * 0.5_f64.tan()) * 48.0).powi(2);
    let count = (0..64 * 48).filter(|i| is_red(pixel(&image, i % 64, i / 64))).count() as f64;
    assert!((count / expected - 1.0).abs() < 0.2, "{count} red pixels, expected about {expected:.0}");
}

#[test]
fn left_is_left_and_up_is_up() {
    let left = cube([1.0, 0.25, 0.5], 0.2, RED);
    let above = cube([1.0, 0.0, 0.75], 0.2, BLUE);
    let image = render(&ahead(), vec![left, above]);
    assert!(is_red(pixel(&image, 20, 24)));
    assert!(is_blue(pixel(&image, 32, 11)));
}

#[test]
fn the_nearer_hides_the_farther_in_either_order() {
    let near = cube([0.6, 0.0, 0.5], 0.1, BLUE);
    let far = cube([1.5, 0.0, 0.5], 0.5, RED);
    for items in [vec![near, far], vec![far, near]] {
        let image = render(&ahead(), items);
        assert!(is_blue(pixel(&image, 32, 24)));
        assert!(is_red(pixel(&image, 39, 24)));
    }
}

#[test]
fn what_is_behind_the_camera_is_not_seen() {
    let image = render(&ahead(), vec![cube([-1.0, 0.0, 0.5], 0.5, RED)]);
    assert_eq!(image, render(&ahead(), vec![]));
}

#[test]
fn a_beam_that_reaches_past_the_camera_ends_at_the_edge_and_does_not_wrap() {
    let beam = Item {
        shape: Shape::Box { size: Vector3::new(6.0, 0.1, 0.1) },
        pose: Isometry3::translation(0.0, 0.2, 0.5),
        rgba: RED,
    };
    let image = render(&ahead(), vec![beam]);
    assert!(is_red(pixel(&image, 1, 24)), "it leaves the image on the left");
    for y in 0..48 {
        for x in 34..64 {
            assert!(!is_red(pixel(&image, x, y)), "nothing of it on the right, but at {x}, {y}");
        }
    }
}

#[test]
fn inside_a_box_one_sees_out() {
    let image = render(&ahead(), vec![cube([0.0, 0.0, 0.5], 0.3, RED), cube([1.0, 0.0, 0.5], 0.2, BLUE)]);
    assert!(is_blue(pixel(&image, 32, 24)));
}

#[test]
fn a_box_over_the_table_throws_a_shadow() {
    let camera = CameraView::looking_at([0.3, -0.6, 0.7], [0.0, 0.0, 0.0], 1.0);
    let bare = render(&camera, vec![]);
    let image = render(&camera, vec![cube([0.0, 0.0, 0.1], 0.2, RED)]);
    let darker = (0..64 * 48).filter(|i| {
        let (before, after) = (pixel(&bare, i % 64, i / 64), pixel(&image, i % 64, i / 64));
        !is_red(after) && u16::from(after[1]) * 10 < u16::from(before[1]) * 8
    });
    assert!(darker.count() > 20);
}

#[test]
fn round_things_are_round() {
    for shape in [Shape::Sphere { radius: 0.1 }, Shape::Cylinder { radius: 0.1, length: 0.2 }] {
        let item = Item { shape, pose: Isometry3::translation(0.5, 0.0, 0.1), rgba: RED };
        let camera = CameraView::looking_at([0.501, 0.0, 1.2], [0.5, 0.0, 0.1], 0.5);
        let image = render(&camera, vec![item]);
        let count = (0..64 * 48).filter(|i| is_red(pixel(&image, i % 64, i / 64))).count() as f64;
        let depth = if matches!(shape, Shape::Sphere { .. }) { 1.1 } else { 1.0 };
        let expected = std::f64::consts::PI * (0.1 / depth * 24.0 / 0.25_f64.tan()).powi(2);
        assert!((count / expected - 1.0).abs() < 0.1, "{shape:?}: {count} pixels, expected {expected:.0}");
    }
}

#[test]
fn the_same_scene_gives_the_same_bytes_whatever_was_drawn_before() {
    let items = vec![cube([0.6, 0.1, 0.1], 0.2, RED), cube([0.9, -0.2, 0.3], 0.2, BLUE)];
    let fresh = render(&ahead(), items.clone());
    let mut used = Renderer::new(64, 48);
    used.render(&ahead(), &Scene { items: vec![cube([0.5, 0.0, 0.5], 0.4, BLUE)] });
    assert_eq!(used.render(&ahead(), &Scene { items }), fresh);
}

#[test]
fn numbers_that_are_none_draw_nothing_and_do_not_panic() {
    let broken = [f64::NAN, f64::INFINITY, 1e300].map(|x| cube([x, 0.0, 0.5], 0.2, RED));
    let image = render(&ahead(), broken.to_vec());
    assert!((0..64 * 48).all(|i| !is_red(pixel(&image, i % 64, i / 64))));
}

/// Coarse picture of a fixed scene: mean of each 16×16 block. Catches a change of light, lens or colours, and lets
/// rounding differ.
#[test]
fn the_reference_scene_looks_as_it_was_approved() {
    let camera = CameraView::looking_at([1.2, 0.5, 0.7], [0.4, 0.0, 0.1], 0.8);
    let items = vec![
        cube([0.4, 0.0, 0.1], 0.2, RED),
        Item {
            shape: Shape::Sphere { radius: 0.1 },
            pose: Isometry3::translation(0.5, 0.3, 0.1),
            rgba: BLUE,
        },
    ];
    let image = render(&camera, items);
    let mut blocks = Vec::new();
    for row in 0..3 {
        for column in 0..4 {
            let mut sum = [0_u32; 3];
            for (y, x) in (0..16).flat_map(|y| (0..16).map(move |x| (y, x))) {
                let colour = pixel(&image, column * 16 + x, row * 16 + y);
                sum.iter_mut().zip(colour).for_each(|(total, channel)| *total += u32::from(channel));
            }
            blocks.push(sum.map(|total| total / 256));
        }
    }
    for (index, (seen, approved)) in blocks.iter().zip(APPROVED).enumerate() {
        let off = seen.iter().zip(approved).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
        assert!(off <= 3, "block {index} is {seen:?}, approved {approved:?}; all: {blocks:?}");
    }
}

const APPROVED: [[u32; 3]; 12] = [
    [193, 197, 201],
    [193, 197, 201],
    [193, 197, 201],
    [193, 197, 201],
    [180, 178, 174],
    [170, 121, 119],
    [146, 97, 130],
    [174, 173, 177],
    [178, 175, 170],
    [179, 176, 171],
    [139, 137, 160],
    [171, 168, 171],
];
