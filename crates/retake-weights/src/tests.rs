use std::collections::BTreeMap;

use proptest::prelude::*;
use retake_labels::Class;

use crate::{CAP, Keep, Scheme, WeightError, solve, thin};

type Counts = BTreeMap<Class, u64>;

fn counts(demo: u64, policy: u64, intervention: u64, pre: u64) -> Counts {
    [
        (Class::Demo, demo),
        (Class::Policy, policy),
        (Class::Correction, intervention),
        (Class::PreIntervention, pre),
    ]
    .into()
}

/// Class counts of Sirius's nut assembly, and the weights its authors' notebook gives for them: interventions, policy, before
/// interventions, and IWR's interventions and others. The second and third counts are the ones that its rounded shares leave.
#[test]
fn the_weights_of_siriuss_notebook_come_out() {
    let rows = [
        (counts(6916, 12_617, 2384, 1827), [4.98, 0.389, 0.026, 4.98, 0.556]),
        (counts(6916, 37_373, 4748, 3950), [5.58, 0.521, 0.027, 5.58, 0.549]),
        (counts(6916, 82_749, 7098, 5447), [7.20, 0.532, 0.038, 7.20, 0.537]),
    ];
    let published = Scheme::Sirius { ratio: 0.5, pre: 0.002 };
    for (counts, [intervention, policy, pre, iwr, others]) in rows {
        let sirius = solve(&published, &counts).unwrap();
        let near = |class, published: f64, digits: f64| {
            let weight = sirius.weight(class, false);
            assert!(
                (weight - published).abs() <= 0.5 * digits + 1e-9,
                "{class:?}: {weight}, published {published}"
            );
        };
        near(Class::Correction, intervention, 0.01);
        near(Class::Policy, policy, 0.001);
        near(Class::PreIntervention, pre, 0.001);
        near(Class::Demo, 1.0, 1e-9);
        let balanced = solve(&Scheme::Iwr, &counts).unwrap();
        assert!((balanced.weight(Class::Correction, false) - iwr).abs() <= 0.005);
        for class in [Class::Demo, Class::Policy, Class::PreIntervention] {
            assert!((balanced.weight(class, false) - others).abs() <= 0.0005);
        }
    }
}

#[test]
fn what_each_scheme_learns_from() {
    let table: Vec<(Scheme, [bool; 7], [bool; 7])> = vec![
        // idle, policy, pre-intervention, rewind, recovery, correction, demo: in any attempt, and in an untouched success.
        (
            Scheme::Uniform,
            [false, true, true, false, true, true, true],
            [false, true, true, false, true, true, true],
        ),
        (
            Scheme::SIRIUS,
            [false, true, true, false, true, true, true],
            [false, true, true, false, true, true, true],
        ),
        (
            Scheme::Iwr,
            [false, true, true, false, true, true, true],
            [false, true, true, false, true, true, true],
        ),
        (
            Scheme::HgDagger,
            [false, false, false, false, true, true, true],
            [false, false, false, false, true, true, true],
        ),
        (
            Scheme::Rac,
            [false, false, false, false, true, true, true],
            [false, true, false, false, true, true, true],
        ),
    ];
    for (scheme, any, untouched) in table {
        assert_eq!(Class::ALL.map(|class| scheme.learns(class, false)), any, "{scheme}");
        assert_eq!(Class::ALL.map(|class| scheme.learns(class, true)), untouched, "{scheme}");
    }
}

#[test]
fn racs_policy_steps_weigh_only_in_untouched_successes() {
    let solution = solve(&Scheme::Rac, &counts(10, 30, 10, 0)).unwrap();
    assert_eq!(solution.weight(Class::Policy, true), 1.0);
    assert_eq!(solution.weight(Class::Policy, false), 0.0);
    assert_eq!(solution.weight(Class::Correction, false), 1.0);
}

#[test]
fn what_cannot_be_had_is_replaced_and_noted() {
    let solved = |scheme: &Scheme, counts: &Counts| solve(scheme, counts).unwrap();
    let masses = |scheme: &Scheme, counts: &Counts| {
        let solution = solved(scheme, counts);
        let mass = |class| solution.classes.get(&class).map_or(0.0, |of| (of.mass * 1e6).round() / 1e6);
        (
            [Class::Demo, Class::Policy, Class::Correction, Class::PreIntervention].map(mass),
            solution.notes.len(),
        )
    };
    let sirius = Scheme::SIRIUS;
    // No interventions; nothing else; no policy; nearly all demonstrations; interventions so few that they would weigh 50.
    assert_eq!(masses(&sirius, &counts(40, 60, 0, 0)), ([0.4, 0.6, 0.0, 0.0], 1));
    assert_eq!(masses(&sirius, &counts(0, 0, 10, 0)), ([0.0, 0.0, 1.0, 0.0], 1));
    assert_eq!(masses(&sirius, &counts(50, 0, 50, 0)), ([0.5, 0.0, 0.5, 0.0], 1));
    assert_eq!(masses(&sirius, &counts(80, 10, 10, 0)), ([0.499, 0.001, 0.5, 0.0], 1));
    assert_eq!(masses(&sirius, &counts(200, 790, 10, 0)), ([0.5, 0.3, 0.2, 0.0], 1));
    assert_eq!(masses(&sirius, &counts(0, 990, 10, 0)), ([0.0, 0.8, 0.2, 0.0], 1));
    // There is only what led to interventions besides them, and it is to weigh nothing: the loss is the interventions'.
    assert_eq!(masses(&sirius, &counts(0, 0, 50, 50)), ([0.0, 0.0, 1.0, 0.0], 1));
    // And where they cannot carry all of it, the mean falls.
    let few = solved(&sirius, &counts(0, 0, 1, 99));
    assert_eq!((few.classes[&Class::Correction].weight, few.notes.len()), (CAP, 3));
    assert_eq!(masses(&Scheme::Iwr, &counts(0, 0, 10, 0)), ([0.0, 0.0, 1.0, 0.0], 1));
    assert_eq!(masses(&Scheme::Iwr, &counts(50, 50, 0, 0)), ([0.5, 0.5, 0.0, 0.0], 1));
    assert_eq!(masses(&Scheme::Iwr, &counts(40, 40, 20, 0)), ([0.25, 0.25, 0.5, 0.0], 0));
}

#[test]
fn nothing_to_learn_from_is_an_error() {
    let nothing = |scheme: &str| Err(WeightError::Nothing(scheme.into()));
    assert_eq!(solve(&Scheme::Uniform, &Counts::new()), nothing("uniform"));
    assert_eq!(solve(&Scheme::HgDagger, &counts(0, 0, 0, 0)), nothing("hg-dagger"));
    let table: Scheme = "table:demo=1,policy=0".parse().unwrap();
    assert_eq!(solve(&table, &counts(0, 10, 0, 0)), nothing("table:policy=0,demo=1"));
}

#[test]
fn a_tables_weights_are_relative() {
    let table: Scheme = "table:demo=3,correction=6,policy=0".parse().unwrap();
    let solution = solve(&table, &counts(10, 10, 10, 0)).unwrap();
    assert_eq!(
        [Class::Demo, Class::Policy, Class::Correction].map(|class| solution.weight(class, false)),
        [1.0, 0.0, 2.0]
    );
    // Ten of weight 1 and ten of weight 2: as good as 900/50 = 18.
    assert!((solution.effective - 18.0).abs() < 1e-9);
}

#[test]
fn schemes_are_read_and_written_alike() {
    for text in [
        "uniform",
        "sirius",
        "sirius:ratio=0.3,pre=0.002",
        "iwr",
        "hg-dagger",
        "rac",
        "table:policy=0.5,demo=1",
    ] {
        let scheme: Scheme = text.parse().unwrap();
        assert_eq!(scheme.to_string(), text);
        let json = serde_json::to_string(&scheme).unwrap();
        assert_eq!(serde_json::from_str::<Scheme>(&json).unwrap(), scheme);
    }
    for bad in [
        "",
        "bc",
        "iwr:0.5",
        "sirius:0.5",
        "sirius:ratio=1",
        "sirius:ratio=0",
        "sirius:pre=-0.1",
        "sirius:ratio=0.9,pre=0.1",
        "sirius:ratio=NaN",
        "sirius:share=0.5",
        "table:",
        "table:demo",
        "table:demo=x",
        "table:demo=-1",
        "table:demo=inf",
        "table:demo=0",
        "table:expert=1",
        "table:idle=1",
        "table:demo=1,rewind=0",
    ] {
        assert!(bad.parse::<Scheme>().is_err(), "{bad}");
    }
    for keep in Keep::ALL {
        assert_eq!(keep.to_string().parse(), Ok(keep));
    }
    assert!("fifo".parse::<Keep>().is_err());
}

fn attempts() -> Vec<Vec<Class>> {
    use Class::{Correction as C, Demo as D, Policy as P, PreIntervention as B, Rewind as R};
    vec![vec![D, D], vec![P, P, P], vec![P, B, C, C, C, P], vec![P, B, R, C, P, P], vec![P, P]]
}

#[test]
fn ways_of_keeping() {
    // The policy's own steps that are kept with a budget of four, per attempt.
    let policys = |keep| {
        let kept = thin(&attempts(), keep, 4, 7);
        let counts: Vec<usize> = kept
            .iter()
            .zip(attempts())
            .map(|(kept, classes)| {
                let policys = |class: &Class| matches!(class, Class::Policy | Class::PreIntervention);
                kept.iter().zip(&classes).filter(|(kept, class)| **kept && policys(class)).count()
            })
            .collect();
        counts
    };
    assert_eq!(policys(Keep::Newest), [0, 0, 0, 2, 2]);
    assert_eq!(policys(Keep::Oldest), [0, 3, 1, 0, 0]);
    assert_eq!(policys(Keep::MostIntervened), [0, 0, 3, 1, 0]);
    assert_eq!(policys(Keep::LeastIntervened), [0, 2, 0, 0, 2]);
    assert_eq!(policys(Keep::Random).iter().sum::<usize>(), 4);
    assert_eq!(thin(&attempts(), Keep::Random, 4, 7), thin(&attempts(), Keep::Random, 4, 7));
    assert!(
        (0..20).any(|seed| thin(&attempts(), Keep::Random, 4, seed) != thin(&attempts(), Keep::Random, 4, 7))
    );
    // Of an attempt that is kept in part, the first steps are.
    assert_eq!(thin(&attempts(), Keep::Oldest, 4, 7)[2], [true, false, true, true, true, false]);
}

fn any_class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

fn any_scheme() -> impl Strategy<Value = Scheme> {
    prop_oneof![
        Just(Scheme::Uniform),
        (0.01..0.95, 0.0..0.04).prop_map(|(ratio, pre)| Scheme::Sirius { ratio, pre }),
        Just(Scheme::Iwr),
        Just(Scheme::HgDagger),
        Just(Scheme::Rac),
        prop::collection::btree_map(any_class(), 0.0..5.0, 1..7).prop_map(Scheme::Table),
    ]
}

proptest! {
    #[test]
    fn weights_can_be_trained_with(
        scheme in any_scheme(),
        all in prop::collection::btree_map(any_class(), prop_oneof![Just(0_u64), 1_u64..5, 0_u64..100_000], 0..7),
    ) {
        let counts: Counts = all.into_iter().filter(|(class, _)| scheme.learns(*class, true)).collect();
        let Ok(solution) = solve(&scheme, &counts) else {
            let learnt = |(class, count): (&Class, &u64)| {
                *count > 0 && !matches!(&scheme, Scheme::Table(table) if table[class] == 0.0)
            };
            prop_assert!(!counts.iter().any(learnt), "refused {counts:?}");
            return Ok(());
        };
        let total: u64 = counts.values().sum();
        let mass: f64 = solution.classes.values().map(|of| of.mass).sum();
        let mean = solution.classes.values().map(|of| of.count as f64 * of.weight).sum::<f64>() / total as f64;
        prop_assert!((mean - mass).abs() < 1e-9);
        let nobody = solution.notes.iter().any(|note| note.contains("nobody"));
        prop_assert!(if nobody { mass < 1.0 } else { (mass - 1.0).abs() < 1e-9 }, "{solution:?}");
        for (class, of) in &solution.classes {
            prop_assert!(of.weight.is_finite() && of.weight >= 0.0 && of.weight <= CAP + 1e-9, "{class:?} {of:?}");
            prop_assert!((of.weight * of.share - of.mass).abs() < 1e-9);
        }
        prop_assert!(solution.effective <= total as f64 * (1.0 + 1e-9) && solution.effective > 0.0);
        let wanted: f64 = solution.classes.values().map(|of| of.target).sum();
        prop_assert!((wanted - 1.0).abs() < 1e-9, "{solution:?}");
    }

    #[test]
    fn keeping_drops_no_human_and_uses_its_budget(
        attempts in prop::collection::vec(prop::collection::vec(any_class(), 0..30), 0..8),
        keep in prop::sample::select(Keep::ALL.to_vec()),
        budget in 0_usize..80,
        seed: u64,
    ) {
        let kept = thin(&attempts, keep, budget, seed);
        let (mut policys, mut there) = (0, 0);
        for (kept, classes) in kept.iter().zip(&attempts) {
            prop_assert_eq!(kept.len(), classes.len());
            for (kept, class) in kept.iter().zip(classes) {
                if matches!(class, Class::Policy | Class::PreIntervention) {
                    there += 1;
                    policys += usize::from(*kept);
                } else {
                    prop_assert!(*kept);
                }
            }
        }
        prop_assert_eq!(policys, budget.min(there));
    }
}
