//! How the viewer is divided: scene and cameras above, who drives below them, plots and events at the bottom.

use rerun::blueprint::components::{PanelState, PlayState};
use rerun::blueprint::{
    Blueprint, BlueprintPanel, ContainerLike, Horizontal, SelectionPanel, Spatial2DView, Spatial3DView,
    StateTimelineView, Tabs, TextLogView, TimePanel, TimeSeriesView, Vertical,
};
use retake_wire::pb;

use crate::{
    events::EVENTS,
    logger::ROBOT_TIME,
    scene::WORLD,
    series::{AUTHORITY, BANDS, GROUPS, TWIST},
    status::HEALTH,
};

pub(crate) fn blueprint(descriptor: &pb::RobotDescriptor) -> Blueprint {
    let scene = Spatial3DView::new("Scene").with_origin(WORLD);
    let cameras: Vec<ContainerLike> = descriptor
        .cameras
        .iter()
        .map(|camera| {
            Spatial2DView::new(camera.name.as_str()).with_origin(format!("cameras/{}", camera.name)).into()
        })
        .collect();
    let above = if cameras.is_empty() {
        Horizontal::new([scene.into()])
    } else {
        Horizontal::new([scene.into(), Vertical::new(cameras).into()]).with_column_shares([2.4, 1.0])
    };
    let bands =
        TimeSeriesView::new("Who drives: policy blue, human green, rewind purple, hold amber, stop red")
            .with_origin(BANDS);
    let authority =
        Tabs::new([bands.into(), StateTimelineView::new("The same in words").with_origin(AUTHORITY).into()]);

    let mut plots: Vec<ContainerLike> = descriptor
        .groups
        .iter()
        .map(|group| {
            TimeSeriesView::new(format!("{}: measured, command, proposal", group.name))
                .with_origin(format!("{GROUPS}/{}", group.name))
                .into()
        })
        .collect();
    plots.push(TimeSeriesView::new("Operator's velocity").with_origin(TWIST).into());
    plots.push(TimeSeriesView::new("Health").with_origin(HEALTH).into());
    let events = TextLogView::new("Events").with_origin(EVENTS);
    let below = Horizontal::new([Tabs::new(plots).into(), events.into()]).with_column_shares([1.6, 1.0]);

    Blueprint::new(
        Vertical::new([above.into(), authority.into(), below.into()]).with_row_shares([3.0, 1.0, 1.6]),
    )
    .with_auto_layout(false)
    .with_auto_views(false)
    .with_blueprint_panel(BlueprintPanel::from_state(PanelState::Collapsed))
    .with_selection_panel(SelectionPanel::from_state(PanelState::Collapsed))
    .with_time_panel(
        TimePanel::new()
            .with_state(PanelState::Collapsed)
            .with_timeline(ROBOT_TIME)
            .with_play_state(PlayState::Following),
    )
}
