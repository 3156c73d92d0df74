use std::path::Path;

use retake_labels::Class::{Correction, Idle, Policy, Rewind};

use crate::{
    Attribute, Numbers,
    columns::Column,
    segments::runs,
    verify::{Promise, add, verify},
    writer::Writer,
};

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
