//! Robot time passes faster than the processor's: counted in this thread's own processor time, so that a busy machine
//! does not make it slow.

use retake_scripted::Script;
use retake_tests::{Deployment, seconds};
use rustix::time::{ClockId, clock_gettime};

#[test]
fn five_supervised_episodes_run_ten_times_faster_than_real_time() {
    let mut run =
        Deployment::new("nut-on-peg", "expert:wrong-turn").episodes(5).script(Script::Supervisor).start();
    let began = processor_seconds();
    run.to_end();
    let (robot, real) = (seconds(run.now()), processor_seconds() - began);
    println!("{robot:.1} s of robot time in {real:.2} s: {:.0} times real time", robot / real);
    assert_eq!(run.seen().verdicts().len(), 5);
    assert!(robot > 10.0 * real, "{robot} s of robot time took {real} s");
}

fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    std::time::Duration::try_from(time).unwrap().as_secs_f64()
}
