//! Triangles into pixels: exact spans, nearest wins.

use crate::{
    clip::Lit,
    number::{byte, first_centre, single},
};

/// A corner on the image plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Projected {
    x: f64,
    y: f64,
    /// One over depth: linear across a flat triangle on the image, so it can be interpolated as it is.
    nearness: f64,
    diffuse: f64,
    gloss: f64,
}

/// Focal length and centre of the image, in samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lens {
    pub(crate) focal: f64,
    pub(crate) centre_x: f64,
    pub(crate) centre_y: f64,
}

impl Lens {
    pub(crate) fn project(&self, lit: &Lit) -> Projected {
        let nearness = 1.0 / f64::from(lit.position.z);
        Projected {
            x: self.centre_x + self.focal * f64::from(lit.position.x) * nearness,
            y: self.centre_y + self.focal * f64::from(lit.position.y) * nearness,
            nearness,
            diffuse: f64::from(lit.diffuse),
            gloss: f64::from(lit.gloss),
        }
    }
}

/// Samples per pixel along each axis: enough to soften edges, few enough for a millisecond.
pub(crate) const SAMPLES: usize = 2;

/// Samples being painted.
#[derive(Debug)]
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) colour: Vec<[u8; 3]>,
    /// One over depth of what was painted; zero where nothing was.
    pub(crate) nearness: Vec<f32>,
    /// The table at this sample lies in shadow.
    pub(crate) shadow: Vec<bool>,
}

impl Canvas {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        let count = width * height;
        Self {
            width,
            height,
            colour: vec![[0; 3]; count],
            nearness: vec![0.0; count],
            shadow: vec![false; count],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.nearness.fill(0.0);
        self.shadow.fill(false);
    }

    /// Paints a triangle if it faces the camera.
    pub(crate) fn paint(&mut self, corners: [Projected; 3], colour: [f32; 3]) {
        let [a, b, c] = corners;
        let area = doubled_area(&corners);
        if !is_visible(area) {
            return;
        }
        let slope = |value: fn(&Projected) -> f64| -> [f64; 3] {
            let (ab, ac) = (value(&b) - value(&a), value(&c) - value(&a));
            let dx = (ab * (c.y - a.y) - ac * (b.y - a.y)) / area;
            let dy = (ac * (b.x - a.x) - ab * (c.x - a.x)) / area;
            [value(&a) - dx * a.x - dy * a.y, dx, dy]
        };
        let (nearness, diffuse, gloss) = (slope(|p| p.nearness), slope(|p| p.diffuse), slope(|p| p.gloss));
        let width = self.width;
        for_each_span(&corners, width, self.height, |row, from, to| {
            let (x, y) = (from as f64 + 0.5, row as f64 + 0.5);
            let [mut near, mut light, mut shine] =
                [nearness, diffuse, gloss].map(|s| single(s[0] + s[1] * x + s[2] * y));
            let [near_step, light_step, shine_step] = [nearness, diffuse, gloss].map(|s| single(s[1]));
            let range = row * width + from..row * width + to;
            for (depth, pixel) in self.nearness[range.clone()].iter_mut().zip(&mut self.colour[range]) {
                if near > *depth {
                    *depth = near;
                    *pixel = colour.map(|channel| byte(channel * light + shine));
                }
                near += near_step;
                light += light_step;
                shine += shine_step;
            }
        });
    }

    /// Marks what a triangle of a shadow, already flat on the table, covers. A closed body covers each point of its
    /// shadow with one triangle of each orientation, so painting one of the two is enough.
    pub(crate) fn darken(&mut self, corners: [Projected; 3]) {
        if !is_visible(doubled_area(&corners)) {
            return;
        }
        let width = self.width;
        for_each_span(&corners, width, self.height, |row, from, to| {
            self.shadow[row * width + from..row * width + to].fill(true);
        });
    }
}

/// Positive where the corners run clockwise on the image.
fn doubled_area([a, b, c]: &[Projected; 3]) -> f64 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// With y down, counter-clockwise seen from outside is negative; NaN is not visible.
fn is_visible(area: f64) -> bool {
    area < 0.0
}

/// Calls `span(row, from, to)` for every row of samples whose centres lie inside. Triangles that share an edge share no
/// sample and leave none out, because both compute the crossing of that edge from the same corner.
fn for_each_span(
    corners: &[Projected; 3],
    width: usize,
    height: usize,
    mut span: impl FnMut(usize, usize, usize),
) {
    let [a, b, c] = corners;
    let top = first_centre(a.y.min(b.y).min(c.y), height);
    let bottom = first_centre(a.y.max(b.y).max(c.y), height);
    let edges = [edge(a, b), edge(b, c), edge(c, a)];
    for row in top..bottom {
        let y = row as f64 + 0.5;
        let (mut left, mut right) = (f64::NEG_INFINITY, f64::INFINITY);
        for edge in &edges {
            let crossing = edge.x + (y - edge.y) * edge.slope;
            match edge.side {
                Side::Left => left = left.max(crossing),
                Side::Right => right = right.min(crossing),
                Side::Level => {}
            }
        }
        let (from, to) = (first_centre(left, width), first_centre(right, width));
        if from < to {
            span(row, from, to);
        }
    }
}

enum Side {
    Left,
    Right,
    Level,
}

struct Edge {
    x: f64,
    y: f64,
    slope: f64,
    side: Side,
}

fn edge(from: &Projected, to: &Projected) -> Edge {
    let (upper, lower, side) = if from.y < to.y {
        (from, to, Side::Left)
    } else if from.y > to.y {
        (to, from, Side::Right)
    } else {
        (from, to, Side::Level)
    };
    Edge { x: upper.x, y: upper.y, slope: (lower.x - upper.x) / (lower.y - upper.y), side }
}
