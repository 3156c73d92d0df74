//! The wire of one run, in words, for whoever looks for a cause.
#![expect(clippy::wildcard_enum_match_arm, reason = "only what is on the wiretaps is told")]

use std::fmt::Write as _;

use retake_units::MonoTime;
use retake_wire::Message;

use super::{
    check::Violation,
    child::{Event, What},
    wiretap::Frame,
};

/// One line per message that matters.
pub(crate) fn text(events: &[Event], violations: &[Violation]) -> String {
    let start = events.first().map_or(MonoTime::ZERO, |event| event.at);
    let mut lines: Vec<(MonoTime, String)> = violations
        .iter()
        .map(|violation| (violation.at, format!("UNSAFE {}: {}", violation.what.name(), violation.detail)))
        .collect();
    for event in events {
        let who = event.who.name();
        match &event.what {
            What::Started => lines.push((event.at, format!("{who} started"))),
            What::Frame(frame) => {
                let Frame { arrived, message, .. } = frame.as_ref();
                if let Some(text) = line(message) {
                    let way = if *arrived { "<-" } else { "->" };
                    lines.push((event.at, format!("{who} {way} {text}")));
                }
            }
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    lines.iter().fold(String::new(), |mut text, (at, line)| {
        let _ = writeln!(text, "{:9.3} {line}", at.since(start).as_secs_f64() * 1e3);
        text
    })
}

fn line(message: &Message) -> Option<String> {
    let round =
        |values: &[f64]| values.iter().map(|value| format!("{value:.4}")).collect::<Vec<_>>().join(" ");
    Some(match message {
        Message::Input(input) => {
            let header = input.header.unwrap_or_default();
            let (clutch, rewind) = (input.clutch, input.rewind);
            let acts: Vec<_> = input.acts().collect();
            format!(
                "input {} clutch {clutch} rewind {rewind} acts {acts:?} twist {}",
                header.seq,
                round(&input.twist)
            )
        }
        Message::Proposal(proposal) => {
            let header = proposal.header.unwrap_or_default();
            format!(
                "proposal {} epoch {} of observation {}",
                header.seq, header.epoch, proposal.observation_seq
            )
        }
        Message::Command(command) => {
            let header = command.header.unwrap_or_default();
            let arm = command.position.first().map(|arm| round(&arm.values)).unwrap_or_default();
            format!(
                "command {} tick {} epoch {} stop {} {arm}",
                header.seq, command.tick, header.epoch, command.stop
            )
        }
        Message::Applied(applied) => {
            let arm = applied.position.first().map(|arm| round(&arm.values)).unwrap_or_default();
            format!("applied tick {} {:?} tripped {} {arm}", applied.tick, applied.outcome(), applied.tripped)
        }
        Message::Status(status) => {
            let groups: Vec<_> = status.groups.iter().map(|group| (group.owner(), group.cause())).collect();
            format!(
                "status epoch {} {:?} stopped {} {groups:?} {:?}",
                status.epoch,
                status.phase(),
                status.stopped,
                status.operator
            )
        }
        Message::Notice(notice) => format!("notice {}: {}", notice.code, notice.text),
        Message::Observation(observation) => {
            let arm = observation.position.first().map(|arm| round(&arm.values)).unwrap_or_default();
            format!("observation resets {} {arm}", observation.resets)
        }
        _ => return None,
    })
}
