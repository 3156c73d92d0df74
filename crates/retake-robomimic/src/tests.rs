use std::{collections::BTreeMap, path::Path};

use retake_labels::Class::{self, Correction, Demo, Idle, Policy, PreIntervention, Recovery, Rewind};

use crate::{
    Attribute, Numbers,
    columns::Column,
    segments::{runs, shares},
    verify::{Promise, add, verify},
    writer::Writer,
};

fn shared(counts: &[(Class, u64)]) -> BTreeMap<Class, f64> {
    shares(&counts.iter().copied().collect())
}

fn is(counts: &[(Class, u64)], expected: &[(Class, f64)]) {
    let found = shared(counts);
    assert_eq!(
        found.keys().copied().collect::<Vec<_>>(),
        expected.iter().map(|(class, _)| *class).collect::<Vec<_>>()
    );
    let close = expected.iter().all(|(class, share)| (found[class] - share).abs() < 1e-12);
    assert!(close, "{counts:?}: {found:?}, not {expected:?}");
}

#[test]
fn shares_are_sirius_s() {
    // A tenth are demonstrations, and stay it.
    is(
        &[(Policy, 70), (Correction, 15), (Recovery, 5), (Demo, 10)],
        &[(Policy, 0.4), (Recovery, 0.125), (Correction, 0.375), (Demo, 0.1)],
    );
    // What is not learnt from changes nothing.
    is(
        &[(Policy, 6), (Correction, 2), (Idle, 50), (Rewind, 50), (PreIntervention, 50)],
        &[(Policy, 0.5), (Correction, 0.5)],
    );
    is(&[(Policy, 3), (Demo, 1)], &[(Policy, 0.75), (Demo, 0.25)]);
    is(&[(Recovery, 1), (Correction, 3)], &[(Recovery, 0.25), (Correction, 0.75)]);
    is(&[(Correction, 1), (Demo, 3)], &[(Correction, 0.5), (Demo, 0.5)]);
    is(&[(Correction, 1), (Demo, 98), (Policy, 1)], &[(Policy, 0.001), (Correction, 0.5), (Demo, 0.499)]);
    is(&[(Idle, 3)], &[]);
    is(&[], &[]);
}

#[test]
fn shares_are_shares_whatever_there_is() {
    for mut code in 0..4_u64.pow(7) {
        let mut counts = Vec::new();
        for class in Class::ALL {
            counts.push((class, [0, 1, 30, 1_000_000][usize::try_from(code % 4).unwrap()]));
            code /= 4;
        }
        let found = shared(&counts);
        assert!(found.values().all(|share| *share > 0.0), "{counts:?}: {found:?}");
        assert!(
            found.is_empty() || (found.values().sum::<f64>() - 1.0).abs() < 1e-9,
            "{counts:?}: {found:?}"
        );
    }
}

#[test]
fn runs_cover_all_but_what_nobody_drove() {
    let classes = [Idle, Policy, Policy, Idle, Idle, Rewind, Correction, Correction, Idle];
    assert_eq!(runs(&classes), [(Policy, 1..3), (Rewind, 5..6), (Correction, 6..8)]);
    assert!(runs(&[]).is_empty());
}

/// A demo of two steps in a file, and what is promised of it.
fn written(path: &Path, steps: i64, ticks: Vec<f64>, mask: &str) -> Promise {
    let column = |name: &str, width, numbers| Column { name: name.into(), width, numbers };
    let columns = [
        column("actions", Some(1), Numbers::F32(vec![0.5, -0.5])),
        column("commands", Some(1), Numbers::F64(ticks)),
    ];
    let mut sum = 0;
    columns.iter().for_each(|column| add(&mut sum, &column.name, &column.numbers));
    let writer = Writer::create(path).unwrap();
    writer.demo("demo_0", &[("num_samples", Attribute::Integer(steps))], &columns, &[]).unwrap();
    writer.finish("{}", 2, &[("train".to_owned(), vec![mask.to_owned()])]).unwrap();
    Promise { name: "demo_0".into(), steps: 2, sum }
}

#[test]
fn a_file_that_is_not_what_was_promised_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.hdf5");
    let mask = |demo: &str| vec![("train".to_owned(), vec![demo.to_owned()])];
    let look = |promise: Promise, demo: &str| verify(&path, &[promise], &mask(demo), &mut |_| {});
    let refused = |found: Result<(), crate::RobomimicError>, why: &str| {
        let error = found.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    let good = written(&path, 2, vec![1.0, 2.0], "demo_0");
    look(good.clone(), "demo_0").unwrap();
    refused(look(Promise { sum: good.sum ^ 1, ..good.clone() }, "demo_0"), "not what was written");
    refused(look(Promise { steps: 3, ..good.clone() }, "demo_0"), "total");
    refused(look(Promise { name: "demo_1".into(), ..good.clone() }, "demo_0"), "not those that were written");
    refused(look(good, "demo_1"), "/mask/train");
    refused(look(written(&path, 2, vec![1.0, f64::NAN], "demo_0"), "demo_0"), "no number");
    refused(look(written(&path, 1, vec![1.0, 2.0], "demo_0"), "demo_0"), "num_samples = 1");
    refused(look(written(&path, 2, vec![1.0, 2.0, 3.0], "demo_0"), "demo_0"), "extents [3, 1] for 2 steps");
    refused(look(written(&path, 2, vec![1.0, 2.0], "demo_7"), "demo_7"), "there is no demo_7");
}
