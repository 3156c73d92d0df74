//! Files that belong together: one of rows, one video per camera, one of attempts. An interrupted export goes on after the last
//! complete set.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use arrow_schema::SchemaRef;

use crate::{
    LerobotError,
    camera::Camera,
    episodes::{self, EpisodeMeta, FileNumber},
    table::TableWriter,
};

#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) number: FileNumber,
    pub(crate) data: TableWriter,
    pub(crate) rows: u64,
    pub(crate) episodes: Vec<EpisodeMeta>,
}

pub(crate) fn data_path(dir: &Path, number: FileNumber) -> PathBuf {
    dir.join("data").join(number.path("parquet"))
}

pub(crate) fn episodes_path(dir: &Path, number: FileNumber) -> PathBuf {
    dir.join("meta/episodes").join(number.path("parquet"))
}

pub(crate) fn video_path(dir: &Path, camera: &str, number: FileNumber) -> PathBuf {
    dir.join(format!("videos/observation.images.{camera}")).join(number.path("mp4"))
}

fn folder_of(path: &Path) -> Result<(), LerobotError> {
    path.parent().map_or(Ok(()), |above| fs::create_dir_all(above).map_err(LerobotError::io("create", above)))
}

fn sync_folder_of(path: &Path) -> Result<(), LerobotError> {
    let Some(above) = path.parent() else { return Ok(()) };
    File::open(above).and_then(|dir| dir.sync_all()).map_err(LerobotError::io("sync", above))
}

impl Set {
    /// Begins one. Videos are begun with their first picture, when its size is known.
    pub(crate) fn begin(
        dir: &Path,
        number: FileNumber,
        schema: SchemaRef,
        videos: &[String],
    ) -> Result<Self, LerobotError> {
        let data = data_path(dir, number);
        folder_of(&data)?;
        folder_of(&episodes_path(dir, number))?;
        for camera in videos {
            folder_of(&video_path(dir, camera, number))?;
        }
        Ok(Self { number, data: TableWriter::create(&data, schema)?, rows: 0, episodes: Vec::new() })
    }

    /// Makes its files complete and durable.
    pub(crate) fn finish(
        self,
        dir: &Path,
        (fps, videos): (u32, &[String]),
        cameras: &mut [Camera],
    ) -> Result<(), LerobotError> {
        let paths = [data_path(dir, self.number), episodes_path(dir, self.number)];
        self.data.finish()?;
        let [data, about] = &paths;
        episodes::write(about, self.number, (fps, videos), &self.episodes)?;
        for camera in cameras {
            camera.finish()?;
        }
        sync_folder_of(data)?;
        sync_folder_of(about)?;
        videos.iter().try_for_each(|camera| sync_folder_of(&video_path(dir, camera, self.number)))
    }
}
