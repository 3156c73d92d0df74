//! One camera's pictures on their way into a dataset.

use std::{num::NonZeroU32, path::PathBuf, sync::Arc};

use retake_dataset::Frame;

use crate::{
    LerobotError,
    h264::{VideoEncoder, units},
    mp4::VideoWriter,
    picture::{self, Rgb, Yuv},
    stats::{Histogram, Summary},
};

/// A camera, across all files.
#[derive(Debug, Default)]
pub(crate) struct Camera {
    /// Width and height of its pictures, which never change.
    pub(crate) size: Option<(usize, usize)>,
    /// The last picture, for the next row often has the same.
    last: Option<Arc<Frame>>,
    rgb: Rgb,
    yuv: Option<Yuv>,
    histogram: Histogram,
    video: Option<(VideoWriter, VideoEncoder)>,
}

impl Camera {
    /// One whose pictures have this size, if it is known.
    pub(crate) fn new(size: Option<(usize, usize)>) -> Self {
        Self { size, ..Self::default() }
    }

    /// Takes in a row's picture: into the video at `video`, if it goes to one, and into the statistics if it is `sampled`.
    pub(crate) fn take(
        &mut self,
        frame: &Arc<Frame>,
        sampled: bool,
        video: Option<(PathBuf, NonZeroU32)>,
    ) -> Result<(), String> {
        let same = self.last.as_ref().is_some_and(|last| last.jpeg == frame.jpeg);
        if !same {
            self.see(frame)?;
        }
        if (sampled || video.is_some()) && self.rgb.bytes.is_empty() {
            self.rgb = picture::decode(&frame.jpeg)?;
        }
        if sampled {
            self.histogram.add(&self.rgb.bytes, self.rgb.size);
        }
        match video {
            Some(video) => self.encode(video).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    fn see(&mut self, frame: &Arc<Frame>) -> Result<(), String> {
        let size = picture::size(&frame.jpeg)?;
        let known = *self.size.get_or_insert(size);
        if size != known {
            let ((width, height), (w, h)) = (size, known);
            return Err(format!("its pictures are {width}×{height}, and those before them {w}×{h}"));
        }
        self.last = Some(Arc::clone(frame));
        (self.rgb, self.yuv) = (Rgb::default(), None);
        Ok(())
    }

    fn encode(&mut self, (path, fps): (PathBuf, NonZeroU32)) -> Result<(), LerobotError> {
        let (width, height) = self.rgb.size;
        if !width.is_multiple_of(2) || !height.is_multiple_of(2) {
            let why =
                format!("a video's sides are even, and the pictures are {width}×{height}: export images");
            return Err(LerobotError::Refused(why));
        }
        let (writer, encoder) = match &mut self.video {
            Some(open) => open,
            None => {
                let sides = (u16::try_from(width), u16::try_from(height));
                let (Ok(wide), Ok(high)) = sides else {
                    return Err(LerobotError::file(&path)("its pictures are too large"));
                };
                let writer = VideoWriter::create(&path, fps, (wide, high))?;
                self.video.insert((writer, VideoEncoder::new(fps).map_err(LerobotError::file(&path))?))
            }
        };
        let yuv = self.yuv.get_or_insert_with(|| Yuv::of(&self.rgb));
        let stream = encoder.encode(yuv).map_err(LerobotError::file(&path))?;
        writer.frame(units(stream))
    }

    /// An attempt begins: with a key frame, and statistics of its own.
    pub(crate) fn begin(&mut self) {
        self.histogram = Histogram::default();
        if let Some((_, encoder)) = &mut self.video {
            encoder.restart();
        }
    }

    /// Statistics of the attempt so far.
    pub(crate) fn stats(&self) -> Summary {
        self.histogram.summary()
    }

    /// Bytes in the present file.
    pub(crate) fn bytes(&self) -> u64 {
        self.video.as_ref().map_or(0, |(writer, _)| writer.bytes())
    }

    /// Ends the present file.
    pub(crate) fn finish(&mut self) -> Result<(), LerobotError> {
        self.video.take().map_or(Ok(()), |(writer, _)| writer.finish())
    }
}
