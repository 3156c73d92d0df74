/// Numbers of a dataset. Integers of at most 64 bits and booleans are exact, and so are both kinds of float.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// 32-bit floats, as robomimic likes them.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// Integers.
    I64(Vec<i64>),
}

impl Numbers {
    /// How many.
    pub const fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    /// There are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All as 64-bit floats. Integers beyond 2⁵³ are rounded.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Self::F32(values) => values.iter().map(|value| f64::from(*value)).collect(),
            Self::F64(values) => values.clone(),
            Self::I64(values) => values.iter().map(|value| *value as f64).collect(),
        }
    }

    /// None of them is infinite or not a number.
    pub fn is_finite(&self) -> bool {
        match self {
            Self::F32(values) => values.iter().all(|value| value.is_finite()),
            Self::F64(values) => values.iter().all(|value| value.is_finite()),
            Self::I64(_) => true,
        }
    }
}

/// Numbers with a shape, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extent of each dimension. The first is the number of steps.
    pub shape: Vec<usize>,
    /// The numbers, last dimension fastest.
    pub numbers: Numbers,
}

impl Array {
    /// Numbers per step.
    pub fn width(&self) -> usize {
        self.shape.iter().skip(1).product()
    }
}

/// Value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// Text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// Something else: its kind, in words.
    Other(String),
}

impl Attribute {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::Float(_) | Self::Other(_) => None,
        }
    }

    /// The integer, if it is one.
    pub const fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Text(_) | Self::Float(_) | Self::Other(_) => None,
        }
    }
}
