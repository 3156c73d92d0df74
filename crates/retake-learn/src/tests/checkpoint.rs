use std::{fs, io, path::Path};

use super::{go_on, reach, small};
use crate::{
    About, Keep, LearnError, Network, Policy, Resume, Start, TrainConfig, Trained, checkpoint::Step, train,
};

fn trained(seed: u64) -> Trained {
    train(&reach(50), &TrainConfig { seed, ..small() }, Start::Scratch, &mut go_on).unwrap()
}

fn about() -> About {
    [("version".to_owned(), serde_json::json!({"name": "brave-otter", "rate": 20.5}))].into()
}

fn save(trained: &Trained, dir: &Path) {
    trained.save(dir, &about(), Keep::Training).unwrap();
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_loaded_is_what_was_saved() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("new/policy");
    let trained = trained(7);
    save(&trained, &dir);
    assert_eq!(names(&dir), ["manifest.json", "policy.safetensors", "training.safetensors"]);
    assert_eq!(names(dir.parent().unwrap()), ["policy"], "nothing else is left");
    let (policy, manifest) = Policy::load(&dir).unwrap();
    assert_eq!(policy.act(&[0.3, -0.2]).unwrap(), trained.policy().act(&[0.3, -0.2]).unwrap());
    assert_eq!(policy.values, trained.policy().values);
    assert_eq!(manifest.about, about());
    assert_eq!(manifest.data, reach(50).digest());
    assert_eq!(&manifest.record, trained.record());
    assert_eq!(&manifest.config, trained.config());
    let resume = Resume::load(&dir).unwrap();
    assert_eq!(resume.state, trained.resume().state);
    assert_eq!(resume.normalisation, trained.resume().normalisation);
}

#[test]
fn the_same_seed_and_data_give_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| place.path().join(name));
    save(&trained(7), &a);
    // Beside another training, which must not change anything.
    std::thread::scope(|scope| {
        scope.spawn(|| save(&trained(8), &c));
        save(&trained(7), &b);
    });
    let same =
        |x: &Path, y: &Path, name: &str| fs::read(x.join(name)).unwrap() == fs::read(y.join(name)).unwrap();
    for name in names(&a) {
        assert!(same(&a, &b, &name), "{name}");
        assert!(!same(&a, &c, &name), "{name}");
    }
}

#[test]
fn a_saved_training_goes_on_to_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    let [whole, part] = ["whole", "part"].map(|name| place.path().join(name));
    save(&trained(7), &whole);
    let stopped = train(&reach(50), &small(), Start::Scratch, &mut |progress| {
        if progress.step == 33 {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    });
    save(&stopped.unwrap(), &part);
    let resume = Start::Resume(Box::new(Resume::load(&part).unwrap()));
    save(&train(&reach(50), &small(), resume, &mut go_on).unwrap(), &part);
    for name in names(&whole) {
        assert_eq!(fs::read(whole.join(&name)).unwrap(), fs::read(part.join(&name)).unwrap(), "{name}");
    }
}

#[test]
fn without_the_state_of_training_it_is_served_but_not_resumed() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("policy");
    trained(7).save(&dir, &about(), Keep::Policy).unwrap();
    assert_eq!(names(&dir), ["manifest.json", "policy.safetensors"]);
    Policy::load(&dir).unwrap();
    assert!(Resume::load(&dir).unwrap_err().to_string().contains("saved without the state of training"));
}

#[test]
fn whatever_fails_while_saving_the_former_stays() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("policy");
    save(&trained(7), &dir);
    let former = Policy::load(&dir).unwrap().0.values;
    let next = trained(8);
    for fails in [Step::Beside, Step::Write, Step::Sync, Step::Replace] {
        for after in 0..3 {
            let mut count = 0;
            let result = next.save_by(&dir, &about(), Keep::Training, &mut |step| {
                count += usize::from(step == fails);
                if step == fails && count > after {
                    Err(io::Error::from(io::ErrorKind::StorageFull))
                } else {
                    Ok(())
                }
            });
            if count <= after {
                // There are fewer such steps.
                save(&trained(7), &dir);
                continue;
            }
            assert!(matches!(result, Err(LearnError::Io { .. })), "{fails:?}");
            assert_eq!(names(place.path()), ["policy"], "{fails:?}: nothing is left beside");
            assert_eq!(Policy::load(&dir).unwrap().0.values, former, "{fails:?}");
            save(&trained(7), &dir);
        }
    }
    save(&next, &dir);
    assert_eq!(Policy::load(&dir).unwrap().0.values, next.policy().values);
    assert_eq!(names(place.path()), ["policy"]);
}

#[test]
fn what_is_no_checkpoint_is_never_replaced() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("thesis");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("chapter.tex"), "years of work").unwrap();
    let error = trained(7).save(&dir, &about(), Keep::Policy).unwrap_err();
    assert!(error.to_string().contains("holds something else"), "{error}");
    assert_eq!(names(&dir), ["chapter.tex"]);
    assert!(trained(7).save(Path::new("/"), &about(), Keep::Policy).is_err());
}

#[test]
fn what_was_damaged_is_not_loaded() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("policy");
    let trained = trained(7);
    let check = |what: &str, reason: &str| {
        let error = Resume::load(&dir).unwrap_err().to_string();
        assert!(error.contains(reason), "{what}: {error:?} should say {reason:?}");
        save(&trained, &dir);
    };
    save(&trained, &dir);
    for name in ["policy.safetensors", "training.safetensors"] {
        let whole = fs::read(dir.join(name)).unwrap();
        for at in [0, 9, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(dir.join(name), bytes).unwrap();
            check("a flipped bit", "length or hash differs");
        }
        fs::write(dir.join(name), &whole[..whole.len() - 1]).unwrap();
        check("a cut", "length or hash differs");
        fs::write(dir.join(name), vec![0; whole.len() + (1 << 20)]).unwrap();
        check("a long file", "is longer than");
        fs::remove_file(dir.join(name)).unwrap();
        check("a missing file", "cannot open");
    }
    let manifest = fs::read_to_string(dir.join("manifest.json")).unwrap();
    let change = |from: &str, to: &str, reason: &str| {
        assert!(manifest.contains(from), "{from}");
        fs::write(dir.join("manifest.json"), manifest.replace(from, to)).unwrap();
        check(from, reason);
    };
    change("\"format\": 1", "\"format\": 2", "reads format 1");
    change("\"modes\": 2", "\"modes\": 3", "and should be F32");
    change("\"modes\": 2", "\"modes\": 3000000", "must be between 1 and 64");
    change("\"observations\": 2", "\"observations\": 3", "and should be F32");
    change("\"about\"", "\"abut\"", "unknown field");
    change("\"shape\"", "\"sha", "restore it, or train the policy again");
}

/// Files that agree with their manifest, but not with the network.
#[test]
fn tensors_that_are_not_the_networks_are_not_loaded() {
    let place = tempfile::tempdir().unwrap();
    let [dir, other] = ["a", "b"].map(|name| place.path().join(name));
    save(&trained(7), &dir);
    let network = Network::Mixture { hidden: vec![16, 16], modes: 2, min_std: 1e-4 };
    save(
        &train(&reach(50), &TrainConfig { network, ..small() }, Start::Scratch, &mut go_on).unwrap(),
        &other,
    );
    let manifest = |dir: &Path| -> serde_json::Value {
        serde_json::from_slice(&fs::read(dir.join("manifest.json")).unwrap()).unwrap()
    };
    let mut mixed = manifest(&dir);
    mixed["policy"] = manifest(&other)["policy"].clone();
    fs::write(dir.join("manifest.json"), mixed.to_string()).unwrap();
    fs::copy(other.join("policy.safetensors"), dir.join("policy.safetensors")).unwrap();
    let error = Policy::load(&dir).unwrap_err().to_string();
    assert!(error.contains("holds 10 tensors, and its network has 8"), "{error}");
}
