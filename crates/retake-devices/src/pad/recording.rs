//! Writes what a pad says to a file, on the way.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::JoinHandle,
};

use retake_units::MonoTime;

use super::{Feel, PadEvent, PadSource, Stamped, write_line};

/// Events that may wait for the disk: at 1000 events a second, four seconds.
const QUEUE: usize = 4096;

/// A source that keeps a copy of everything it gives, as a stream that [`super::RecordedSource`] replays. A thread of its
/// own writes, so that a slow disk never delays the operator; what does not fit into the queue is missing from the file,
/// and said so once.
#[derive(Debug)]
pub struct Recording<S> {
    source: S,
    start: Option<MonoTime>,
    lines: Option<SyncSender<Stamped>>,
    writer: Option<JoinHandle<io::Result<()>>>,
    lost: u64,
}

impl<S: PadSource> Recording<S> {
    /// Records `source` into a new file at `path`.
    ///
    /// # Errors
    /// If the file or the thread cannot be made.
    pub fn create(source: S, path: &Path) -> io::Result<Self> {
        Self::into_writer(source, BufWriter::new(File::create(path)?))
    }

    /// Records `source` into `out`.
    ///
    /// # Errors
    /// If the thread cannot be made.
    pub fn into_writer(source: S, out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, queue) = sync_channel(QUEUE);
        let writer = std::thread::Builder::new()
            .name("pad-record".to_owned())
            .spawn(move || write_all(&queue, out))?;
        Ok(Self { source, start: None, lines: Some(lines), writer: Some(writer), lost: 0 })
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// If something could not be written, or did not fit into the queue.
    pub fn finish(mut self) -> io::Result<()> {
        self.lines = None;
        if let Some(Ok(written)) = self.writer.take().map(JoinHandle::join) {
            written?;
        }
        if self.lost > 0 {
            return Err(io::Error::other(format!("{} events are missing from the pad recording", self.lost)));
        }
        Ok(())
    }

    fn keep(&mut self, stamped: Stamped) -> Option<String> {
        match self.lines.as_ref()?.try_send(stamped) {
            Ok(()) => None,
            Err(TrySendError::Full(_)) => {
                self.lost += 1;
                (self.lost == 1)
                    .then(|| "The disk is too slow for the pad recording; it has a hole.".to_owned())
            }
            Err(TrySendError::Disconnected(_)) => {
                self.lines = None;
                let why = match self.writer.take().map(JoinHandle::join) {
                    Some(Ok(Err(error))) => error.to_string(),
                    _ => "its thread ended".to_owned(),
                };
                self.lost += 1;
                Some(format!("The pad is not being recorded any more: {why}."))
            }
        }
    }
}

impl<S: PadSource> PadSource for Recording<S> {
    fn poll(&mut self, now: MonoTime, events: &mut Vec<(MonoTime, PadEvent)>) {
        let start = *self.start.get_or_insert(now);
        let first = events.len();
        self.source.poll(now, events);
        for index in first..events.len() {
            let (at, event) = &events[index];
            let stamped =
                Stamped { at_nanos: at.nanos().saturating_sub(start.nanos()), event: event.clone() };
            if let Some(text) = self.keep(stamped) {
                events.push((now, PadEvent::Note { text }));
            }
        }
    }

    fn feel(&mut self, feel: Feel) {
        self.source.feel(feel);
    }
}

impl<S> Drop for Recording<S> {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(writer) = self.writer.take() {
            // Whoever wants to know calls `finish`.
            let _ = writer.join();
        }
    }
}

/// Writes lines, and makes them safe from a crash of this process whenever none is waiting.
fn write_all(queue: &Receiver<Stamped>, mut out: impl Write) -> io::Result<()> {
    while let Ok(stamped) = queue.recv() {
        write_line(&mut out, &stamped)?;
        for more in queue.try_iter() {
            write_line(&mut out, &more)?;
        }
        out.flush()?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pad::{Button, RecordedSource, ScriptedSource, parse_stream};

    #[test]
    fn a_recording_replays_to_the_same_events() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let (source, send, _felt) = ScriptedSource::new();
        let mut recording = Recording::create(source, path.path()).unwrap();
        let mut seen = Vec::new();
        for step in 0..20_u64 {
            send.send(PadEvent::Button { button: Button::North, pressed: step % 2 == 0 }).unwrap();
            recording.poll(MonoTime::from_nanos(1000 + step * 10), &mut seen);
        }
        recording.finish().unwrap();
        let stream = parse_stream(&std::fs::read_to_string(path.path()).unwrap()).unwrap();
        let mut replayed = RecordedSource::new(stream);
        let mut again = Vec::new();
        for step in 0..20 {
            replayed.poll(MonoTime::from_nanos(1000 + step * 10), &mut again);
        }
        assert!(replayed.finished());
        assert_eq!(again, seen);
    }

    #[test]
    fn a_full_disk_is_told_once() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (source, send, _felt) = ScriptedSource::new();
        let mut recording = Recording::into_writer(source, Full).unwrap();
        let mut events = Vec::new();
        for step in 0..10_000 {
            send.send(PadEvent::Disconnected).unwrap();
            recording.poll(MonoTime::from_nanos(step), &mut events);
        }
        let told: Vec<_> =
            events.iter().filter(|(_, event)| matches!(event, PadEvent::Note { .. })).collect();
        assert!((1..=2).contains(&told.len()), "{told:?}");
    }
}
