//! Writes the file, demo by demo.
//!
//! Of the two libraries that this crate knows HDF5 by, `rust-hdf5` writes: it puts a dataset into the file chunk by chunk, so that
//! pictures need memory for one of them, and adding a demo costs the same however many there are.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use retake_dataset::Frame;
use rust_hdf5::{DatatypeMessage, H5File, H5Group, Hdf5Error};

use crate::{Attribute, Numbers, RobomimicError, columns::Column, picture};

/// Compresses well enough, and quickly.
const DEFLATE: u32 = 4;

/// Pictures of one camera, one per step.
#[derive(Debug)]
pub(crate) struct Film<'a> {
    /// Name of the dataset below the demo.
    pub(crate) name: String,
    /// Height and width.
    pub(crate) size: [usize; 2],
    pub(crate) frames: Vec<&'a Arc<Frame>>,
}

/// A file that is being written, under another name.
pub(crate) struct Writer {
    path: PathBuf,
    file: H5File,
    data: H5Group,
}

impl Writer {
    /// Begins a file at `path`; what an earlier try left there is lost.
    pub(crate) fn create(path: &Path) -> Result<Self, RobomimicError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(RobomimicError::io("remove", path)(error));
            }
            Ok(()) | Err(_) => {}
        }
        let place = |error: Hdf5Error| RobomimicError::file(path, "/data", error);
        let file = H5File::create(path).map_err(place)?;
        let data = file.create_group("data").map_err(place)?;
        Ok(Self { path: path.to_owned(), file, data })
    }

    fn at<'a>(&'a self, place: &'a str) -> impl Fn(Hdf5Error) -> RobomimicError + 'a {
        move |error| RobomimicError::file(&self.path, place, error)
    }

    /// Writes a demo. A picture that is none comes back in words.
    pub(crate) fn demo(
        &self,
        name: &str,
        attributes: &[(&str, Attribute)],
        columns: &[Column],
        films: &[Film<'_>],
    ) -> Result<(), RobomimicError> {
        let place = format!("/data/{name}");
        let at = self.at(&place);
        let demo = self.data.create_group(name).map_err(&at)?;
        for (key, value) in attributes {
            attribute(&demo, key, value).map_err(&at)?;
        }
        let (obs, next) =
            (demo.create_group("obs").map_err(&at)?, demo.create_group("next_obs").map_err(&at)?);
        let home = |name: &str| -> (&H5Group, String) {
            match name.split_once('/') {
                Some(("obs", rest)) => (&obs, rest.to_owned()),
                Some((_, rest)) => (&next, rest.to_owned()),
                None => (&demo, name.to_owned()),
            }
        };
        for column in columns {
            let (group, name) = home(&column.name);
            put(group, &name, column).map_err(&at)?;
        }
        for film in films {
            let (group, name) = home(&film.name);
            self.film(group, &format!("{place}/{}", film.name), &name, film)?;
        }
        Ok(())
    }

    fn film(&self, group: &H5Group, place: &str, name: &str, film: &Film<'_>) -> Result<(), RobomimicError> {
        let at = self.at(place);
        let [height, width] = film.size;
        let dataset = group
            .new_dataset::<u8>()
            .shape([film.frames.len(), height, width, 3])
            .chunk(&[1, height, width, 3])
            .deflate(DEFLATE)
            .create(name)
            .map_err(&at)?;
        for (index, frame) in film.frames.iter().enumerate() {
            let wrong = |why| RobomimicError::file(&self.path, &format!("{place}, picture {index}"), why);
            let picture = picture::decode(&frame.jpeg).map_err(wrong)?;
            if picture.size != film.size {
                return Err(wrong(format!("its size is {:?}, not {:?}", picture.size, film.size)));
            }
            dataset.write_chunk(index, &picture.rgb).map_err(&at)?;
        }
        Ok(())
    }

    /// Writes what concerns all demos, and closes the file. It is on the disk then.
    ///
    /// Masks without demos are left out: the stock loader stumbles over them.
    pub(crate) fn finish(
        self,
        env_args: &str,
        total: i64,
        masks: &[(String, Vec<String>)],
    ) -> Result<(), RobomimicError> {
        self.data.set_attr_string("env_args", env_args).map_err(self.at("/data"))?;
        self.data.set_attr_numeric("total", &total).map_err(self.at("/data"))?;
        let mask = self.file.create_group("mask").map_err(self.at("/mask"))?;
        for (name, demos) in masks.iter().filter(|(_, demos)| !demos.is_empty()) {
            names(&mask, name, demos).map_err(self.at(&format!("/mask/{name}")))?;
        }
        let Self { path, file, data } = self;
        drop((data, mask));
        file.close().map_err(|error| RobomimicError::file(&path, "its end", error))
    }
}

fn attribute(group: &H5Group, key: &str, value: &Attribute) -> Result<(), Hdf5Error> {
    match value {
        Attribute::Text(text) | Attribute::Other(text) => group.set_attr_string(key, text),
        Attribute::Integer(number) => group.set_attr_numeric(key, number),
        Attribute::Float(number) => group.set_attr_numeric(key, number),
    }
}

fn put(group: &H5Group, name: &str, column: &Column) -> Result<(), Hdf5Error> {
    let shape = |count: usize| match column.width {
        Some(width) => vec![count / width.max(1), width],
        None => vec![count],
    };
    match &column.numbers {
        Numbers::F32(values) => {
            group.new_dataset::<f32>().shape(shape(values.len())).create(name)?.write_raw(values)
        }
        Numbers::F64(values) => {
            group.new_dataset::<f64>().shape(shape(values.len())).create(name)?.write_raw(values)
        }
        Numbers::I64(values) => {
            group.new_dataset::<i64>().shape(shape(values.len())).create(name)?.write_raw(values)
        }
    }
}

/// Names of demos, as robomimic writes them: byte strings of one length, padded with zeros.
fn names(mask: &H5Group, name: &str, demos: &[String]) -> Result<(), Hdf5Error> {
    let longest = demos.iter().map(String::len).max().unwrap_or(0);
    let size = u32::try_from(longest).map_err(|error| Hdf5Error::InvalidState(error.to_string()))?;
    let datatype = DatatypeMessage::FixedString { size, padding: 1, charset: 0 };
    let padded = |demo: &String| {
        let mut bytes = demo.clone().into_bytes();
        bytes.resize(longest, 0);
        bytes
    };
    let bytes: Vec<u8> = demos.iter().flat_map(padded).collect();
    mask.new_dataset::<u8>().datatype(datatype).shape([demos.len()]).create(name)?.write_raw_bytes(&bytes)
}
