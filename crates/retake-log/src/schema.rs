//! What each channel says about its own bytes.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use retake_wire::Topic;

use crate::LogError;

/// Per topic the definition files it needs and no others, so that small segments stay small.
#[derive(Debug)]
pub(crate) struct Schemas(BTreeMap<Topic, Vec<u8>>);

impl Schemas {
    pub(crate) fn new() -> Result<Self, LogError> {
        let all = FileDescriptorSet::decode(retake_wire::DESCRIPTORS)
            .map_err(|error| LogError::Definitions(error.to_string()))?;
        let files: BTreeMap<&str, &FileDescriptorProto> =
            all.file.iter().map(|file| (file.name(), file)).collect();
        let mut schemas = BTreeMap::new();
        for topic in Topic::ALL {
            let home = home_of(topic.schema(), &all)
                .ok_or_else(|| LogError::Definitions(format!("{} is defined nowhere", topic.schema())))?;
            let mut needed = BTreeSet::new();
            collect(home, &files, &mut needed);
            // In the order of the whole set: a file comes after what it imports.
            let file = all.file.iter().filter(|file| needed.contains(file.name())).cloned().collect();
            schemas.insert(*topic, FileDescriptorSet { file }.encode_to_vec());
        }
        Ok(Self(schemas))
    }

    pub(crate) fn of(&self, topic: Topic) -> &[u8] {
        self.0.get(&topic).map_or(&[], Vec::as_slice)
    }
}

fn home_of<'a>(schema: &str, all: &'a FileDescriptorSet) -> Option<&'a str> {
    let (package, name) = schema.rsplit_once('.')?;
    let defines = |file: &&FileDescriptorProto| {
        file.package() == package && file.message_type.iter().any(|message| message.name() == name)
    };
    all.file.iter().find(defines).map(FileDescriptorProto::name)
}

fn collect<'a>(
    name: &'a str,
    files: &BTreeMap<&str, &'a FileDescriptorProto>,
    needed: &mut BTreeSet<&'a str>,
) {
    if needed.insert(name)
        && let Some(file) = files.get(name)
    {
        for import in &file.dependency {
            collect(import, files, needed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_has_its_definition_and_all_it_imports() {
        let schemas = Schemas::new().unwrap();
        for topic in Topic::ALL {
            let set = FileDescriptorSet::decode(schemas.of(*topic)).unwrap();
            let mut seen = BTreeSet::new();
            for file in &set.file {
                assert!(file.dependency.iter().all(|import| seen.contains(import.as_str())), "{topic:?}");
                seen.insert(file.name().to_owned());
            }
            assert!(home_of(topic.schema(), &set).is_some(), "{topic:?}");
        }
    }
}
