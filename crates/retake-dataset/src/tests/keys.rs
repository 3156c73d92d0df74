//! Names of attempts, and how they are divided.

use crate::{Key, split};

fn key(recording: &str, run: u32, episode: u64) -> Key {
    Key { recording: recording.into(), run, episode }
}

#[test]
fn a_key_is_its_text() {
    for (key, text) in [
        (key("rec", 0, 3), "rec/3"),
        (key("rec", 1, 3), "rec/3@1"),
        (key("with/slash", 0, 1), "with/slash/1"),
        (key("at@sign", 2, 18_446_744_073_709_551_615), "at@sign/18446744073709551615@2"),
    ] {
        assert_eq!(key.to_string(), text);
        assert_eq!(Key::try_from(text.to_owned()).unwrap(), key);
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(
            (json.as_str(), serde_json::from_str::<Key>(&json).unwrap()),
            (&*format!("{text:?}"), key)
        );
    }
    for text in ["", "rec", "/3", "rec/", "rec/-1", "rec/3@", "rec/@1", "rec/3@x", "rec/3@1@2", "rec/x"] {
        let error = Key::try_from(text.to_owned()).unwrap_err();
        assert!(error.contains("does not name an attempt"), "{text}: {error}");
    }
}

#[test]
fn a_split_is_drawn_by_its_seed_whatever_the_order() {
    let keys: Vec<Key> = (1..=50).map(|episode| key("rec", 0, episode)).collect();
    let drawn = split(&keys, 0.2, 7).unwrap();
    assert_eq!((drawn.train.len(), drawn.valid.len()), (40, 10));
    let mut turned: Vec<Key> = keys.iter().rev().cloned().collect();
    turned.extend(keys.iter().take(9).cloned());
    assert_eq!(split(&turned, 0.2, 7).unwrap(), drawn, "order and repetition are nothing");
    assert_ne!(split(&keys, 0.2, 8).unwrap().valid, drawn.valid);
    let mut all = [drawn.train.clone(), drawn.valid.clone()].concat();
    all.sort();
    assert_eq!(all, keys, "each on one side");
    assert_eq!(split(&keys, 0.0, 1).unwrap().valid, []);
    assert_eq!(split(&keys, 1.0, 1).unwrap().train, []);
    for share in [-0.1, 1.1, f64::NAN, 0.001, 0.999] {
        assert!(split(&keys, share, 1).is_err(), "{share}");
    }
}
