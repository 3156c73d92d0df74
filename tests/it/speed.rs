//! Robot time passes faster than real time.

use retake_scripted::Script;
use retake_tests::{Deployment, seconds};

#[test]
#[expect(clippy::disallowed_methods, reason = "the one test of how fast a deployment runs")]
fn five_supervised_episodes_run_ten_times_faster_than_real_time() {
    let mut run =
        Deployment::new("nut-on-peg", "expert:wrong-turn").episodes(5).script(Script::Supervisor).start();
    let began = std::time::Instant::now();
    run.to_end();
    let (robot, real) = (seconds(run.now()), began.elapsed().as_secs_f64());
    println!("{robot:.1} s of robot time in {real:.2} s: {:.0} times real time", robot / real);
    assert_eq!(run.seen().verdicts().len(), 5);
    assert!(robot > 10.0 * real, "{robot} s of robot time took {real} s");
}
