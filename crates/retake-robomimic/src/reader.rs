//! Reads robomimic files, whoever wrote them.
//!
//! `hdf5-pure` reads: it fetches what is asked for and no more, takes every size in a file for a claim, and shares no code with the
//! library that writes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use hdf5_pure::{
    AttrValue, ChunkCacheConfig, DType, Dataset, Error, File, FileAccessProperties, Group,
    MetadataCacheConfig,
};

use crate::{Array, Attribute, Limits, Numbers, RobomimicError, deep::deep};

/// One demo.
#[derive(Clone, Debug, PartialEq)]
pub struct Demo {
    /// Its name, `demo_<number>`.
    pub name: String,
    /// Steps, as its attribute `num_samples` says and its actions confirm.
    pub samples: usize,
    /// Its attributes.
    pub attributes: BTreeMap<String, Attribute>,
    /// `actions`, (steps, values).
    pub actions: Array,
    /// Numeric datasets of one or two dimensions, by their names below the demo: `rewards`, `obs/tool_pos` and so on. `actions` is
    /// not among them.
    pub columns: BTreeMap<String, Array>,
    /// Extents of datasets with more dimensions. They are not read; [`Reader::picture`] does, one by one.
    pub pictures: BTreeMap<String, Vec<usize>>,
    /// Datasets of other kinds.
    pub others: Vec<String>,
}

/// An open file. Demos are read one by one, as they are asked for.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    limits: Limits,
    data: Group,
    names: Vec<String>,
    masks: BTreeMap<String, Vec<String>>,
    env_args: serde_json::Value,
    total: Option<i64>,
}

/// Opens a robomimic file, whoever wrote it. Nothing in it is believed without looking, and memory is bounded by [`Limits`].
///
/// # Errors
/// If it is not one, or what is common to all demos is damaged. Each names the file and the place in it.
pub fn read(path: &Path) -> Result<Reader, RobomimicError> {
    Reader::open(path, Limits::default())
}

impl Reader {
    /// As [`read`], with other limits.
    ///
    /// # Errors
    /// As [`read`].
    pub fn open(path: &Path, limits: Limits) -> Result<Self, RobomimicError> {
        deep(path, || Self::opened(path, limits))
    }

    fn opened(path: &Path, limits: Limits) -> Result<Self, RobomimicError> {
        let about = fs::metadata(path).map_err(RobomimicError::io("open", path))?;
        let wrong = |place: &str, why: &dyn ToString| RobomimicError::file(path, place, why.to_string());
        if !about.is_file() || about.len() == 0 {
            let what = if about.is_file() { "it is empty" } else { "it is not a file" };
            return Err(wrong("all of it", &what));
        }
        let access = FileAccessProperties::new()
            .with_metadata_cache(MetadataCacheConfig::new(4 << 20))
            .with_chunk_cache(ChunkCacheConfig::disabled());
        let file =
            File::open_streaming_with_options(path, access).map_err(|error| wrong("its start", &error))?;
        let data = file.group("data").map_err(|error| {
            wrong("/data", &format!("it is not a robomimic file, or it is damaged: {error}"))
        })?;
        let mut reader = Self {
            path: path.to_owned(),
            limits,
            data,
            names: Vec::new(),
            masks: BTreeMap::new(),
            env_args: serde_json::Value::Null,
            total: None,
        };
        reader.names = reader.demo_names()?;
        let mut attributes = reader.attributes(&reader.data, "/data")?;
        reader.total = attributes.get("total").and_then(Attribute::integer);
        if let Some(text) = attributes.remove("env_args").as_ref().and_then(Attribute::text) {
            let parsed = serde_json::from_str(text);
            reader.env_args = parsed.map_err(|error| wrong("/data, attribute env_args", &error))?;
        }
        reader.masks = reader.read_masks(&file)?;
        Ok(reader)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of its demos, by their numbers.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Names of demos behind each filter key.
    pub const fn masks(&self) -> &BTreeMap<String, Vec<String>> {
        &self.masks
    }

    /// What `env_args` says; null without any.
    pub const fn env_args(&self) -> &serde_json::Value {
        &self.env_args
    }

    /// What `total` says.
    pub const fn total(&self) -> Option<i64> {
        self.total
    }

    /// All demos, one by one.
    pub const fn demos(&self) -> Demos<'_> {
        Demos { reader: self, next: 0 }
    }

    fn at<'a>(&'a self, place: &'a str) -> impl Fn(Error) -> RobomimicError + 'a {
        move |error| self.wrong(place, error)
    }

    fn wrong(&self, place: &str, why: impl ToString) -> RobomimicError {
        RobomimicError::file(&self.path, place, why)
    }

    fn demo_names(&self) -> Result<Vec<String>, RobomimicError> {
        let children = self.data.groups().map_err(self.at("/data"))?;
        if children.len() > self.limits.demos {
            return Err(self.wrong("/data", format!("it claims to have {} demos", children.len())));
        }
        let mut numbered: Vec<(u64, String)> = Vec::with_capacity(children.len());
        for name in children {
            let number = name.strip_prefix("demo_").and_then(|number| number.parse().ok());
            match number {
                Some(number) => numbered.push((number, name)),
                None => return Err(self.wrong(&format!("/data/{name}"), "it is not a demo_<number>")),
            }
        }
        numbered.sort();
        Ok(numbered.into_iter().map(|(_, name)| name).collect())
    }

    fn attributes(&self, group: &Group, place: &str) -> Result<BTreeMap<String, Attribute>, RobomimicError> {
        let mut found = BTreeMap::new();
        let mut stored: Vec<(String, AttrValue)> =
            group.attrs().map_err(self.at(place))?.into_iter().collect();
        stored.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, value) in stored {
            let value = if let Some(text) = value.as_str() {
                if text.len() > self.limits.text_bytes {
                    return Err(self.wrong(&format!("{place}, attribute {name}"), "its text is too long"));
                }
                Attribute::Text(text.to_owned())
            } else if let Some(number) = value.as_i64() {
                Attribute::Integer(number)
            } else if let Some(number) = value.as_f64() {
                Attribute::Float(number)
            } else {
                Attribute::Other(value.type_name().to_owned())
            };
            found.insert(name, value);
        }
        Ok(found)
    }

    fn read_masks(&self, file: &File) -> Result<BTreeMap<String, Vec<String>>, RobomimicError> {
        let mut masks = BTreeMap::new();
        let names = file.root().groups().map_err(self.at("/"))?;
        if !names.iter().any(|name| name == "mask") {
            return Ok(masks);
        }
        let group = file.group("mask").map_err(self.at("/mask"))?;
        for name in group.datasets().map_err(self.at("/mask"))? {
            let place = format!("/mask/{name}");
            let dataset = group.dataset(&name).map_err(self.at(&place))?;
            let shape = self.shape(&dataset, &place)?;
            let count = shape.iter().product::<usize>();
            if count > self.limits.demos {
                return Err(self.wrong(&place, format!("it claims to name {count} demos")));
            }
            self.fits(&dataset, &shape, &place)?;
            let options = hdf5_pure::VlenStringReadOptions::new()
                .with_max_elements(self.limits.demos)
                .with_max_payload_bytes(self.limits.text_bytes);
            let kind = dataset.dtype().map_err(self.at(&place))?;
            let names = if matches!(kind, DType::VariableLengthString) {
                dataset.read_vlen_strings(options)
            } else {
                dataset.read_string()
            };
            masks.insert(name, names.map_err(self.at(&place))?);
        }
        Ok(masks)
    }

    fn shape(&self, dataset: &Dataset, place: &str) -> Result<Vec<usize>, RobomimicError> {
        let extents = dataset.shape().map_err(self.at(place))?;
        let shape: Option<Vec<usize>> = extents.iter().map(|extent| usize::try_from(*extent).ok()).collect();
        let fits = |shape: &Vec<usize>| {
            shape.iter().try_fold(1_usize, |all, extent| all.checked_mul(*extent)).is_some()
        };
        shape.filter(fits).ok_or_else(|| self.wrong(place, format!("it claims to have extents {extents:?}")))
    }

    /// Bytes of a dataset, if neither it nor a chunk of it is beyond what is believed.
    fn fits(&self, dataset: &Dataset, shape: &[usize], place: &str) -> Result<u64, RobomimicError> {
        let element = dataset.element_size().map_err(self.at(place))?;
        let size = |extents: &[u64]| {
            extents.iter().try_fold(element, |all, extent| all.checked_mul(*extent)).unwrap_or(u64::MAX)
        };
        let bytes = size(&shape.iter().map(|extent| *extent as u64).collect::<Vec<_>>());
        if bytes > self.limits.dataset_bytes {
            return Err(self.wrong(place, format!("it claims to have {bytes} bytes")));
        }
        let chunk = dataset.chunk_shape().map_err(self.at(place))?.unwrap_or_default();
        let chunk = if chunk.is_empty() { 0 } else { size(&chunk) };
        if chunk > self.limits.chunk_bytes.max(bytes) {
            return Err(self.wrong(place, format!("it claims to have chunks of {chunk} bytes")));
        }
        Ok(bytes)
    }

    /// Reads the demo called `name`.
    ///
    /// # Errors
    /// If there is none, or something of it is damaged or too large.
    pub fn demo(&self, name: &str) -> Result<Demo, RobomimicError> {
        deep(&self.path, || self.read_demo(name))
    }

    fn read_demo(&self, name: &str) -> Result<Demo, RobomimicError> {
        let place = format!("/data/{name}");
        let group = self.data.group(name).map_err(self.at(&place))?;
        let attributes = self.attributes(&group, &place)?;
        let samples = attributes.get("num_samples").and_then(Attribute::integer);
        let samples = samples.and_then(|samples| usize::try_from(samples).ok());
        let samples = samples.ok_or_else(|| self.wrong(&place, "it has no usable num_samples"))?;
        let empty = Array { shape: vec![0, 0], numbers: Numbers::F32(Vec::new()) };
        let mut demo = Demo {
            name: name.to_owned(),
            samples,
            attributes,
            actions: empty,
            columns: BTreeMap::new(),
            pictures: BTreeMap::new(),
            others: Vec::new(),
        };
        let mut left = self.limits.demo_bytes;
        self.columns(&group, &place, "", &mut demo, &mut left)?;
        for inner in group.groups().map_err(self.at(&place))? {
            if matches!(inner.as_str(), "obs" | "next_obs") {
                let place = format!("{place}/{inner}");
                let group = group.group(&inner).map_err(self.at(&place))?;
                self.columns(&group, &place, &format!("{inner}/"), &mut demo, &mut left)?;
            }
        }
        let actions =
            demo.columns.remove("actions").ok_or_else(|| self.wrong(&place, "it has no actions"))?;
        if actions.shape.len() != 2 || actions.shape.first() != Some(&samples) {
            let why = format!("extents {:?} are not (num_samples = {samples}, values)", actions.shape);
            return Err(self.wrong(&format!("{place}/actions"), why));
        }
        demo.actions = actions;
        Ok(demo)
    }

    fn columns(
        &self,
        group: &Group,
        place: &str,
        prefix: &str,
        demo: &mut Demo,
        left: &mut u64,
    ) -> Result<(), RobomimicError> {
        for name in group.datasets().map_err(self.at(place))? {
            let place = format!("{place}/{name}");
            let dataset = group.dataset(&name).map_err(self.at(&place))?;
            let shape = self.shape(&dataset, &place)?;
            if shape.len() > 2 {
                demo.pictures.insert(format!("{prefix}{name}"), shape);
                continue;
            }
            let bytes = self.fits(&dataset, &shape, &place)?;
            *left = left.checked_sub(bytes).ok_or_else(|| self.wrong(&place, "the demo is too large"))?;
            match Self::numbers(&dataset).map_err(self.at(&place))? {
                Some(numbers) if numbers.len() == shape.iter().product::<usize>() => {
                    demo.columns.insert(format!("{prefix}{name}"), Array { shape, numbers });
                }
                Some(_) => return Err(self.wrong(&place, "it holds less than it claims")),
                None => demo.others.push(format!("{prefix}{name}")),
            }
        }
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the library may learn of more, none of them numbers")]
    fn numbers(dataset: &Dataset) -> Result<Option<Numbers>, Error> {
        Ok(Some(match dataset.dtype()? {
            DType::F32 => Numbers::F32(dataset.read_f32()?),
            DType::F64 => Numbers::F64(dataset.read_f64()?),
            DType::I8 | DType::I16 | DType::I32 | DType::I64 | DType::U8 | DType::U16 | DType::U32 => {
                Numbers::I64(dataset.read_i64()?)
            }
            // Beyond 2⁶³ there is nothing that these files count.
            DType::U64 => {
                let values = dataset.read_u64()?;
                Numbers::I64(
                    values.into_iter().map(|value| i64::try_from(value).unwrap_or(i64::MAX)).collect(),
                )
            }
            // h5py's booleans are such.
            DType::Enum(_) if dataset.element_size()? == 1 => {
                Numbers::I64(dataset.read_raw()?.into_iter().map(i64::from).collect())
            }
            _ => return Ok(None),
        }))
    }

    /// Bytes of one step of a dataset with three or more dimensions, as [`Demo::pictures`] names it.
    ///
    /// # Errors
    /// If there is none, it is damaged, or too large.
    pub fn picture(&self, demo: &str, dataset: &str, step: usize) -> Result<Vec<u8>, RobomimicError> {
        deep(&self.path, || self.read_picture(demo, dataset, step))
    }

    fn read_picture(&self, demo: &str, dataset: &str, step: usize) -> Result<Vec<u8>, RobomimicError> {
        let place = format!("/data/{demo}/{dataset}");
        let found = self.data.dataset(&format!("{demo}/{dataset}")).map_err(self.at(&place))?;
        let shape = self.shape(&found, &place)?;
        let mut one = shape.clone();
        if let Some(steps) = one.first_mut() {
            if step >= *steps {
                return Err(self.wrong(&place, format!("it has no step {step}")));
            }
            *steps = 1;
        }
        let bytes = self.fits(&found, &one, &place)?;
        let read = found.read_raw_rows(step as u64, 1).map_err(self.at(&place))?;
        if read.len() as u64 == bytes { Ok(read) } else { Err(self.wrong(&place, "it is cut off")) }
    }
}

/// Reads demos one by one. See [`Reader::demos`].
#[derive(Debug)]
pub struct Demos<'a> {
    reader: &'a Reader,
    next: usize,
}

impl Iterator for Demos<'_> {
    type Item = Result<Demo, RobomimicError>;

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.reader.names.get(self.next)?;
        self.next += 1;
        Some(self.reader.demo(name))
    }
}
