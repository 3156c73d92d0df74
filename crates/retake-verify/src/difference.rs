//! Where two messages differ first, in words.

use retake_wire::Message;

/// A field and its two values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) field: String,
    pub(crate) left: String,
    pub(crate) right: String,
}

/// The first field in which two messages differ, as their printed forms tell.
pub(crate) fn first(left: &Message, right: &Message) -> Difference {
    let (left, right) = (format!("{left:#?}"), format!("{right:#?}"));
    let mut others = right.lines();
    let mut path = Path::default();
    for line in left.lines() {
        let other = others.next().unwrap_or("nothing");
        let field = path.step(line);
        if line != other {
            return Difference { field, left: value(line), right: value(other) };
        }
    }
    // Numbers that are not numbers print alike, whatever their bits.
    let same = "as printed the same, in bits not".to_owned();
    Difference { field: "a value that is no number".to_owned(), left: same.clone(), right: same }
}

fn value(line: &str) -> String {
    let line = line.trim().trim_end_matches(',');
    let value = line.split_once(": ").map_or(line, |(_, value)| value);
    if value == "]" || value == "}" || value == ")" { "nothing more".to_owned() } else { value.to_owned() }
}

/// Where in a pretty-printed value a line is.
#[derive(Debug, Default)]
struct Path(Vec<Frame>);

#[derive(Debug)]
struct Frame {
    name: String,
    is_list: bool,
    elements: usize,
}

impl Path {
    /// Goes on to `line`, and names the field it is about.
    fn step(&mut self, line: &str) -> String {
        let line = line.trim();
        if line.starts_with(['}', ']', ')']) {
            let inside = self.text();
            self.0.pop();
            return inside;
        }
        let named = line.split_once(": ").map(|(name, _)| name.to_owned());
        let name = match (named, self.0.last_mut()) {
            (Some(name), _) => name,
            (None, Some(frame)) if frame.is_list => {
                frame.elements += 1;
                format!("[{}]", frame.elements - 1)
            }
            (None, _) => String::new(),
        };
        let opens = line.ends_with(['{', '[', '(']);
        self.0.push(Frame { name, is_list: line.ends_with('['), elements: 0 });
        let text = self.text();
        if !opens {
            self.0.pop();
        }
        text
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for frame in self.0.iter().filter(|frame| !frame.name.is_empty()) {
            if !text.is_empty() && !frame.name.starts_with('[') {
                text.push('.');
            }
            text.push_str(&frame.name);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use retake_wire::pb::{Command, GroupTick, GroupValues, Header, OperatorInput, Owner, TickRecord};

    use super::*;

    fn told(left: impl Into<Message>, right: impl Into<Message>) -> [String; 3] {
        let Difference { field, left, right } = first(&left.into(), &right.into());
        [field, left, right]
    }

    #[test]
    fn the_first_differing_field_is_named_with_its_place() {
        let group = |command: f64| GroupTick { command: vec![1.0, command], ..GroupTick::default() };
        let tick = |owner: Owner, command| TickRecord {
            tick: 7,
            groups: vec![group(0.0), GroupTick { owner: owner.into(), ..group(command) }],
            input: Some(OperatorInput { header: Some(Header::default()), ..OperatorInput::default() }),
            ..TickRecord::default()
        };
        assert_eq!(
            told(tick(Owner::Hold, 0.1), tick(Owner::Hold, 0.1_f64.next_up())),
            ["groups[1].command[1]", "0.1", "0.10000000000000002"]
        );
        assert_eq!(
            told(tick(Owner::Hold, 0.1), tick(Owner::Policy, 0.2)),
            ["groups[1].owner", "Hold", "Policy"]
        );
        let mut other = tick(Owner::Hold, 0.1);
        other.input.as_mut().unwrap().clutch = true;
        assert_eq!(told(tick(Owner::Hold, 0.1), other), ["input.clutch", "false", "true"]);
    }

    #[test]
    fn lists_of_different_length_and_bits_that_do_not_print_are_told() {
        let command = |values: &[f64]| Command {
            position: vec![GroupValues { values: values.to_vec() }],
            ..Command::default()
        };
        let [field, left, right] = told(command(&[1.0, 2.0]), command(&[1.0]));
        assert_eq!(
            (field.as_str(), left.as_str(), right.as_str()),
            ("position[0].values[1]", "2.0", "nothing more")
        );
        let nan = |bits| command(&[f64::from_bits(bits)]);
        assert_eq!(
            told(nan(0x7ff8_0000_0000_0000), nan(0x7ff8_0000_0000_0001))[0],
            "a value that is no number"
        );
    }
}
