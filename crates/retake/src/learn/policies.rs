//! `retake policy`: which checkpoint is served.

use retake_learn::Policy;
use retake_policy::{Serving, Store};

use super::PolicyCommand;
use crate::log::print;

pub(crate) fn run(command: &PolicyCommand) -> anyhow::Result<()> {
    match command {
        PolicyCommand::Ls { folder } => ls(&Store::at(folder)),
        PolicyCommand::Announce { checkpoint } => {
            // A trailing slash or a dot still names the folder.
            let real = checkpoint.canonicalize().unwrap_or_else(|_| checkpoint.clone());
            let name = real.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            Store::of(&real).announce(&name)?;
            print(format!("{name} is announced: served from the next episode on\n"))
        }
        PolicyCommand::Back { folder } => {
            let version = Store::at(folder).back()?;
            print(format!("{version} is announced again: served from the next episode on\n"))
        }
    }
}

fn ls(store: &Store) -> anyhow::Result<()> {
    let Serving { version: served, former } = store.serving()?.unwrap_or_default();
    let rows = store.versions()?.into_iter().map(|name| {
        let standing = if name == served {
            "announced"
        } else if former.last() == Some(&name) {
            "before"
        } else {
            ""
        };
        match Policy::load(&store.path(&name)) {
            Ok((_, manifest)) => {
                let about = |key: &str| {
                    manifest.about.get(key).and_then(|value| value.as_str()).unwrap_or("-").to_owned()
                };
                let best =
                    manifest.record.best.map_or_else(|| "-".to_owned(), |best| format!("{:.3}", best.loss));
                [
                    name,
                    standing.into(),
                    about("task"),
                    about("scheme"),
                    manifest.record.step.to_string(),
                    best,
                ]
            }
            Err(error) => {
                [name, standing.into(), error.to_string(), String::new(), String::new(), String::new()]
            }
        }
    });
    let mut text = String::new();
    retake_log::table(&mut text, ["checkpoint", "", "task", "scheme", "steps", "held out"], rows.collect());
    print(text)
}
