use retake_deployment::Settings;
use retake_node::{Lockstep, Node};
use retake_scripted::Script;
use retake_tasks::Task;
use retake_units::MonoTime;
use retake_wire::Message;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mut settings = Settings::simulated("arm", Task::by_name(&a[1]).unwrap(), a[2].parse().unwrap()).unwrap();
    (settings.episodes, settings.seed) = (a[4].parse().unwrap(), 1);
    if a[3] == "none" { settings.supervision = retake_authority::Supervision::Optional; }
    let script = if a[3]=="none" { Script::Unattended } else { a[3].parse().unwrap() };
    let t = MonoTime::ZERO;
    let nodes: Vec<Box<dyn Node>> = vec![Box::new(settings.sim(t).unwrap()), Box::new(settings.policy(t)), Box::new(settings.arbiter(t)), Box::new(settings.scripted(script, t))];
    let mut l = Lockstep::new(nodes, t);
    l.set_tap(|now, from, m| match m {
        Message::Episode(e) => println!("{:.2} {e:?}", now.nanos() as f64/1e9),
        Message::Segment(e) if e.group=="arm" => println!("{:.2} segment ep{} {:?} {:?} {}..{} {:?}->{:?}", now.nanos() as f64/1e9, e.episode, e.kind(), e.owner(), e.start_tick, e.end_tick, e.began(), e.ended()),
        Message::Notice(n) => println!("{:.2} {from} {n:?}", now.nanos() as f64/1e9),
        _ => {}
    });
    let w = std::time::Instant::now();
    l.run_until(MonoTime::from_nanos(3600_000_000_000)).unwrap();
    println!("{:?} sim {:.1}s wall {:?}", l.finished(), l.now().nanos() as f64/1e9, w.elapsed());
    l.finish().unwrap();
}
