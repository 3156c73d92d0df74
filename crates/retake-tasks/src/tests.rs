#[test]
fn files_parse() {
    for text in crate::Task::files() {
        crate::Task::from_toml(text).unwrap();
    }
}
