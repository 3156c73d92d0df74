//! The whole zenoh configuration, generated; no file of the user's is merged into it.

use std::path::Path;

use retake_wire::MAX_MESSAGE_BYTES;
use serde_json::{Value, json};

use crate::{BusError, Endpoints};

/// Time a put of the record lane may wait for a receiver that does not read, before zenoh closes that link.
const PATIENCE_MS: u64 = 30_000;
/// Time a put of anything else may wait. Bounded far below a control period; paid once per congestion, not per message.
const DROP_AFTER_US: u64 = 100;
/// Time a camera frame of many fragments may take, on the camera's own thread.
const FRAGMENTS_US: u64 = 20_000;
/// zenoh's largest queue, so that a short starvation of its sending thread loses nothing.
const BATCHES: u64 = 16;

pub(crate) fn zenoh_config(endpoints: &Endpoints) -> Result<zenoh::Config, BusError> {
    let mut config = zenoh::Config::default();
    for (key, value) in settings(endpoints) {
        config
            .insert_json5(key, &value.to_string())
            .map_err(BusError::zenoh(&format!("take the setting {key}")))?;
    }
    Ok(config)
}

fn settings(endpoints: &Endpoints) -> Vec<(&'static str, Value)> {
    let queue = json!({
        "control": BATCHES, "real_time": BATCHES, "interactive_high": BATCHES, "interactive_low": BATCHES,
        "data_high": BATCHES, "data": BATCHES, "data_low": BATCHES, "background": BATCHES,
    });
    let mut settings = vec![
        ("mode", json!("peer")),
        ("scouting/multicast/enabled", json!(false)),
        ("scouting/gossip/enabled", json!(false)),
        ("listen/endpoints", json!(endpoints.listen)),
        ("listen/timeout_ms", json!(0)),
        ("listen/exit_on_failure", json!(true)),
        ("connect/endpoints", json!(endpoints.connect)),
        ("connect/timeout_ms", json!(-1)),
        ("connect/exit_on_failure", json!(false)),
        ("connect/retry", json!({"period_init_ms": 50, "period_max_ms": 500, "period_increase_factor": 1.5})),
        // Start-up does not wait here: `wait_for_peers` knows the names of those to wait for.
        ("open/return_conditions/connect_scouted", json!(false)),
        ("timestamping/enabled", json!(false)),
        ("adminspace/enabled", json!(false)),
        ("transport/shared_memory/enabled", json!(false)),
        ("transport/unicast/max_sessions", json!(64)),
        ("transport/unicast/accept_pending", json!(32)),
        ("transport/link/protocols", json!(["tcp", "tls"])),
        // A stopped process must not lose its link, and with it what it has not read, before the lane gives up.
        ("transport/link/tx/lease", json!(PATIENCE_MS)),
        ("transport/link/tx/queue/size", queue),
        ("transport/link/tx/queue/congestion_control/drop/wait_before_drop", json!(DROP_AFTER_US)),
        (
            "transport/link/tx/queue/congestion_control/drop/max_wait_before_drop_fragments",
            json!(FRAGMENTS_US),
        ),
        ("transport/link/tx/queue/congestion_control/block/wait_before_close", json!(PATIENCE_MS * 1000)),
        ("transport/link/rx/max_message_size", json!(MAX_MESSAGE_BYTES + (1 << 20))),
    ];
    if let Some(tls) = &endpoints.tls {
        let path = |path: &Path| json!(path.display().to_string());
        settings.extend([
            ("transport/link/tls/root_ca_certificate", path(&tls.ca)),
            ("transport/link/tls/listen_certificate", path(&tls.cert)),
            ("transport/link/tls/listen_private_key", path(&tls.key)),
            ("transport/link/tls/connect_certificate", path(&tls.cert)),
            ("transport/link/tls/connect_private_key", path(&tls.key)),
            ("transport/link/tls/enable_mtls", json!(true)),
            ("transport/link/tls/verify_name_on_connect", json!(true)),
            ("transport/link/tls/close_link_on_expiration", json!(true)),
        ]);
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tls;

    #[test]
    fn zenoh_accepts_every_setting_and_keeps_it() {
        let tls = Tls { ca: "/ca".into(), cert: "/cert".into(), key: "/key".into() };
        let endpoints =
            Endpoints { listen: vec!["tcp/127.0.0.1:7600".into()], connect: vec![], tls: Some(tls) };
        let config = zenoh_config(&endpoints).unwrap();
        for key in
            ["scouting/multicast/enabled", "scouting/gossip/enabled", "transport/shared_memory/enabled"]
        {
            assert_eq!(config.get_json(key).unwrap(), "false", "{key}");
        }
        assert_eq!(config.get_json("listen/endpoints").unwrap(), r#"["tcp/127.0.0.1:7600"]"#);
        assert_eq!(config.get_json("transport/link/tls/enable_mtls").unwrap(), "true");
    }
}
