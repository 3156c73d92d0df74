//! Sets of groups.

use super::*;

fn members(set: GroupSet) -> Vec<usize> {
    set.iter().collect()
}

#[test]
fn the_first_groups_are_those_and_no_others() {
    assert_eq!(members(GroupSet::first(0)), [0; 0]);
    assert_eq!(members(GroupSet::first(2)), [0, 1]);
    assert_eq!(members(GroupSet::first(7)), [0, 1, 2, 3, 4, 5, 6]);
    for all in [MAX_GROUPS, MAX_GROUPS + 1, usize::MAX] {
        assert_eq!(GroupSet::first(all), GroupSet::ALL);
    }
}

#[test]
fn a_group_that_is_in_a_set_stays_in_it() {
    let arm = GroupSet::NONE.with(ARM);
    assert_eq!(arm.with(ARM), arm);
    assert_eq!(arm.or(arm), arm);
    assert_eq!(members(arm.or(GroupSet::first(3))), [0, 1, 2]);
    assert_eq!(members(GroupSet::first(3).without(arm)), [1, 2]);
    assert_eq!(members(GroupSet::first(3).and(GroupSet::NONE.with(2).with(5))), [2]);
}

#[test]
fn there_are_no_groups_beyond_the_most_there_can_be() {
    assert_eq!(GroupSet::NONE.with(MAX_GROUPS), GroupSet::NONE);
    assert!(!GroupSet::ALL.contains(MAX_GROUPS));
    assert_eq!(members(GroupSet::ALL).len(), MAX_GROUPS);
}
