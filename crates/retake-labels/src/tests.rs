use std::time::Duration;

use proptest::prelude::*;
use retake_wire::pb::SegmentKind::{
    self, Correction, Demo, Hold, Policy, Recovery, Reset, Rewind, Unspecified,
};

use crate::{Class, Label, Rule, Step, combined, label};

const RULE: Rule = Rule { pre_intervention: Duration::from_millis(750), edge: Duration::from_millis(100) };

fn steps(period_ms: i64, kinds: &[(SegmentKind, usize)]) -> Vec<Step> {
    let kinds = kinds.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count));
    kinds.zip(0..).map(|(kind, index)| Step { at_nanos: index * period_ms * 1_000_000, kind }).collect()
}

/// Runs of equal classes.
fn classes(labels: &[Label]) -> Vec<(Class, usize)> {
    let mut runs: Vec<(Class, usize)> = Vec::new();
    for label in labels {
        match runs.last_mut() {
            Some((class, count)) if *class == label.class => *count += 1,
            _ => runs.push((label.class, 1)),
        }
    }
    runs
}

/// As Sirius's loader has it: 15 steps at 20 Hz.
#[test]
fn fifteen_steps_at_twenty_hertz_lead_to_an_intervention() {
    let labels = label(&steps(50, &[(Policy, 40), (Correction, 20), (Policy, 40)]), &RULE);
    let expected =
        [(Class::Policy, 25), (Class::PreIntervention, 15), (Class::Correction, 20), (Class::Policy, 40)];
    assert_eq!(classes(&labels), expected);
}

#[test]
fn the_window_is_time_and_not_a_number_of_steps() {
    for (period, before) in [(20, 37), (10, 75), (1, 750), (100, 7)] {
        let labels = label(&steps(period, &[(Policy, 800), (Recovery, 1)]), &RULE);
        assert_eq!(classes(&labels)[1], (Class::PreIntervention, before), "{period} ms");
    }
}

/// Sirius's offline script ran past both: its arrays wrapped around.
#[test]
fn the_window_ends_at_an_earlier_intervention_and_at_the_start() {
    let labels = label(&steps(50, &[(Policy, 3), (Rewind, 4), (Policy, 5), (Correction, 1)]), &RULE);
    let expected = [
        (Class::PreIntervention, 3),
        (Class::Rewind, 4),
        (Class::PreIntervention, 5),
        (Class::Correction, 1),
    ];
    assert_eq!(classes(&labels), expected);
    let numbers: Vec<u32> = labels.iter().map(|label| label.intervention).collect();
    assert_eq!(numbers, [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
}

#[test]
fn what_nobody_drove_is_idle_and_hides_nothing() {
    let labels = label(
        &steps(50, &[(Policy, 10), (Hold, 2), (Rewind, 3), (Hold, 2), (Recovery, 3), (Hold, 9)]),
        &RULE,
    );
    let expected = [
        (Class::PreIntervention, 10),
        (Class::Idle, 2),
        (Class::Rewind, 3),
        (Class::Idle, 2),
        (Class::Recovery, 3),
        (Class::Idle, 9),
    ];
    assert_eq!(
        classes(&labels),
        expected,
        "the hold counts in time: 13 steps of the policy fit, 10 are there"
    );
    assert_eq!(labels.iter().map(|label| label.intervention).max(), Some(1), "rewind and recovery are one");
    assert!(label(&steps(50, &[(Reset, 3), (Unspecified, 2)]), &RULE).iter().all(|l| l.class == Class::Idle));
}

#[test]
fn a_demonstration_is_no_intervention() {
    let labels = label(&steps(50, &[(Hold, 4), (Demo, 30)]), &RULE);
    assert_eq!(classes(&labels), [(Class::Idle, 4), (Class::Demo, 30)]);
    assert!(labels.iter().all(|label| label.intervention == 0));
}

#[test]
fn edges_are_around_changes_of_who_drives() {
    let labels = label(&steps(50, &[(Policy, 6), (Recovery, 4), (Correction, 6)]), &RULE);
    let edges: Vec<usize> =
        labels.iter().enumerate().filter(|(_, label)| label.edge).map(|(index, _)| index).collect();
    assert_eq!(edges, [4, 5, 6, 7, 8], "the same hand goes on from recovery to correction");
}

#[test]
fn a_step_is_what_its_group_with_a_human_is() {
    for (groups, whole) in [
        (&[][..], Class::Idle),
        (&[Class::Policy, Class::Idle], Class::Policy),
        (&[Class::Policy, Class::Correction], Class::Correction),
        (&[Class::PreIntervention, Class::Policy], Class::PreIntervention),
        (&[Class::Rewind, Class::Idle], Class::Rewind),
        (&[Class::Demo, Class::PreIntervention], Class::Demo),
    ] {
        assert_eq!(combined(groups.iter().copied()), whole, "{groups:?}");
    }
}

#[test]
fn numbers_and_names_are_those_of_exported_data() {
    let names = ["idle", "policy", "pre-intervention", "rewind", "recovery", "correction", "demo"];
    for (number, (class, name)) in Class::ALL.into_iter().zip(names).enumerate() {
        assert_eq!((usize::from(class.number()), class.name()), (number, name));
        assert_eq!(serde_json::to_string(&class).unwrap(), format!("{name:?}"));
    }
}

/// The same said slowly, step by step, with nothing shared but the table of kinds.
fn slow(steps: &[Step], rule: &Rule) -> Vec<Label> {
    let raw = |index: usize| Class::of_segment(steps[index].kind);
    let human = |index: usize| matches!(raw(index), Class::Rewind | Class::Recovery | Class::Correction);
    let apart = |a: usize, b: usize| i128::from(steps[b].at_nanos) - i128::from(steps[a].at_nanos);
    let fits = |span: Duration, nanos: i128| nanos >= 0 && nanos <= i128::try_from(span.as_nanos()).unwrap();
    // Starts: human now, and the last step that somebody drove was not.
    let starts: Vec<usize> = (0..steps.len())
        .filter(|&i| human(i) && !(0..i).rev().find(|&j| raw(j) != Class::Idle).is_some_and(human))
        .collect();
    let driver = |index: usize| match raw(index) {
        Class::Idle => "nobody",
        Class::Policy | Class::PreIntervention => "policy",
        Class::Rewind => "rewinder",
        Class::Recovery | Class::Correction | Class::Demo => "human",
    };
    let changes: Vec<usize> = (1..steps.len()).filter(|&i| driver(i) != driver(i - 1)).collect();
    let one = |i: usize| {
        let mut class = raw(i);
        let numbered = |start: usize| {
            let before = starts.iter().filter(|&&s| s <= start);
            u32::try_from(before.count()).unwrap()
        };
        let mut intervention = 0;
        if class == Class::Policy {
            // The next step that somebody else than the policy drove decides.
            let next = (i + 1..steps.len()).find(|&j| !matches!(raw(j), Class::Policy | Class::Idle));
            if let Some(next) =
                next.filter(|&next| human(next) && fits(rule.pre_intervention, apart(i, next)))
            {
                class = Class::PreIntervention;
                intervention = numbered(next);
            }
        } else if human(i)
            || (class == Class::Idle && (0..i).rev().find(|&j| raw(j) != Class::Idle).is_some_and(human))
        {
            intervention = numbered(i);
        }
        let edge = changes.iter().any(|&change| {
            if change <= i { fits(rule.edge, apart(change, i)) } else { fits(rule.edge, apart(i, change)) }
        });
        Label { class, edge, intervention }
    };
    (0..steps.len()).map(one).collect()
}

fn any_kind() -> impl Strategy<Value = SegmentKind> {
    prop::sample::select(vec![
        Policy,
        Policy,
        Policy,
        Hold,
        Rewind,
        Recovery,
        Correction,
        Demo,
        Reset,
        Unspecified,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_label_is_the_slow_ones(
        runs in prop::collection::vec((any_kind(), 1..12_usize, 0..120_000_000_i64), 0..14),
        (window, edge) in (0..900_u64, 0..300_u64),
    ) {
        let mut at_nanos = -500_000_000;
        let mut steps = Vec::new();
        for (kind, count, period) in runs {
            for _ in 0..count {
                steps.push(Step { at_nanos, kind });
                at_nanos += period;
            }
        }
        let rule = Rule {
            pre_intervention: Duration::from_millis(window),
            edge: Duration::from_millis(edge),
        };
        prop_assert_eq!(label(&steps, &rule), slow(&steps, &rule));
    }
}
