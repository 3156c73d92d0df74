//! Why no pad is found.

use std::{fs, path::Path};

/// What this machine offers for reading gamepads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputProbe {
    /// `/dev/input/event*`, and whether this user can open each for reading and writing.
    pub devices: Vec<(String, bool)>,
    /// `/dev/input` exists.
    pub input_folder: bool,
    /// udev runs and keeps its database: without it no device is known to be a joystick.
    pub udev: bool,
    /// This looks like the inside of a container.
    pub container: bool,
    /// The group that device files of this kind usually belong to exists, and whether this process is in it.
    pub input_group: Option<bool>,
}

impl InputProbe {
    /// Looks below `root`, which is `/` but in tests.
    pub fn read(root: &Path) -> Self {
        let folder = root.join("dev/input");
        let mut devices: Vec<(String, bool)> = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.starts_with("event"))
            .map(|name| {
                let usable = fs::OpenOptions::new().read(true).write(true).open(folder.join(&name)).is_ok();
                (name, usable)
            })
            .collect();
        devices.sort_by_key(|(name, _)| (name.len(), name.clone()));
        Self {
            devices,
            input_folder: folder.is_dir(),
            udev: root.join("run/udev/data").is_dir(),
            container: [".dockerenv", "run/.containerenv"].iter().any(|mark| root.join(mark).exists()),
            input_group: in_input_group(root),
        }
    }

    /// What is missing, one sentence each that says what to do; never empty.
    pub fn advice(&self) -> Vec<String> {
        let mut advice = Vec::new();
        let refused: Vec<&str> =
            self.devices.iter().filter(|(_, usable)| !usable).map(|(name, _)| name.as_str()).collect();
        if !self.input_folder {
            advice.push(
                "/dev/input does not exist: this machine has no input devices, or does not show them.".into(),
            );
        } else if self.devices.is_empty() {
            advice.push(
                "/dev/input has no event device: plug the pad in, or pair it, and look at `dmesg` if nothing comes."
                    .into(),
            );
        } else if !refused.is_empty() {
            advice.push(format!("You may not open {} in /dev/input.", refused.join(", ")));
            match self.input_group {
                Some(false) => {
                    advice.push("Run `sudo usermod -aG input $USER`, then log out and in again.".into());
                }
                Some(true) => advice.push(
                    "You are in the group `input`, but these devices belong to another: see `ls -l /dev/input`.".into(),
                ),
                None => advice.push("There is no group `input`: see `ls -l /dev/input` for who may open them.".into()),
            }
        }
        if self.container && (!self.input_folder || self.devices.is_empty()) {
            advice.push(
                "This looks like a container: start it with `-v /dev/input:/dev/input -v /run/udev:/run/udev:ro \
                 --device-cgroup-rule 'c 13:* rw'`."
                    .into(),
            );
        }
        if self.input_folder && !self.udev {
            advice.push(
                "udev's database, /run/udev/data, is missing, so no device is known to be a gamepad: start udev, or \
                 set GILRS_DISABLE_UDEV=1."
                    .into(),
            );
        }
        if advice.is_empty() {
            advice.push(
                "All input devices can be opened, but none of them is a gamepad: switch the pad on, or plug it in.".into(),
            );
        }
        advice
    }
}

/// Whether this process is in the group `input`; `None` if there is no such group or it cannot be told.
fn in_input_group(root: &Path) -> Option<bool> {
    let groups = fs::read_to_string(root.join("etc/group")).ok()?;
    let id = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some("input")).then(|| fields.nth(1)).flatten()
    })?;
    let status = fs::read_to_string(root.join("proc/self/status")).ok()?;
    let mine = status.lines().find_map(|line| line.strip_prefix("Groups:"))?;
    Some(mine.split_whitespace().any(|group| group == id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn nothing_at_all_in_a_container() {
        let root = machine(&[(".dockerenv", "")]);
        let advice = InputProbe::read(root.path()).advice();
        assert_eq!(advice.len(), 2);
        assert!(advice[0].starts_with("/dev/input does not exist"));
        assert!(advice[1].starts_with("This looks like a container"));
    }

    #[test]
    fn devices_that_may_not_be_opened() {
        // A folder cannot be opened for writing, whoever runs the tests.
        let root = machine(&[
            ("dev/input/event3/x", ""),
            ("dev/input/event12/x", ""),
            ("dev/input/mouse0", ""),
            ("run/udev/data/x", ""),
            ("etc/group", "root:x:0:\ninput:x:104:other\n"),
            ("proc/self/status", "Name:\ttest\nGroups:\t4 27 1000\n"),
        ]);
        let probe = InputProbe::read(root.path());
        assert_eq!(probe.devices, [("event3".to_owned(), false), ("event12".to_owned(), false)]);
        assert_eq!(probe.input_group, Some(false));
        assert_eq!(
            probe.advice(),
            [
                "You may not open event3, event12 in /dev/input.",
                "Run `sudo usermod -aG input $USER`, then log out and in again."
            ]
        );
    }

    #[test]
    fn a_member_of_the_group_is_not_told_to_join_it() {
        let root = machine(&[
            ("dev/input/event3/x", ""),
            ("run/udev/data/x", ""),
            ("etc/group", "input:x:104:\n"),
            ("proc/self/status", "Groups:\t104 1000\n"),
        ]);
        let advice = InputProbe::read(root.path()).advice();
        assert!(advice[1].starts_with("You are in the group"), "{advice:?}");
    }

    #[test]
    fn everything_is_fine_but_there_is_no_pad() {
        let root = machine(&[("dev/input/event0", ""), ("run/udev/data/x", "")]);
        let advice = InputProbe::read(root.path()).advice();
        assert_eq!(advice.len(), 1);
        assert!(advice[0].starts_with("All input devices can be opened"));
    }

    #[test]
    fn no_udev_and_no_devices() {
        let root = machine(&[("dev/input/mice", "")]);
        let advice = InputProbe::read(root.path()).advice();
        assert!(advice[0].starts_with("/dev/input has no event device"));
        assert!(advice[1].starts_with("udev's database"));
    }
}
