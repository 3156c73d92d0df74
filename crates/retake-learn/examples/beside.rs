//! One half of `scripts/bench_learning.py`, which says what it is for. Not a tool for users.
//!
//! `beside prepare DIR WIDTH equal|groups STEPS` writes data, first weights and order; `beside train DIR` trains on them; `beside serve DIR
//! SECONDS` answers one observation every 20 ms. The last two print a line of JSON.

#![expect(clippy::print_stdout, reason = "prints its figures")]
#![expect(clippy::disallowed_methods, reason = "measures time")]

use std::{
    error::Error,
    fs,
    ops::ControlFlow,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _};
use retake_learn::{About, Keep, Network, Order, Policy, Samples, Shape, Start, TrainConfig, Use, train};
use safetensors::{Dtype, tensor::TensorView};

const ROWS: usize = 20_000;
const OBSERVATIONS: usize = 20;
const GROUPS: [usize; 2] = [6, 1];
const PERIOD: Duration = Duration::from_millis(20);

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["prepare", dir, width, weights, steps] => {
            prepare(Path::new(dir), width.parse()?, weights == "groups", steps.parse()?)
        }
        ["train", dir] => run(Path::new(dir)),
        ["serve", dir, seconds] => serve(Path::new(dir), seconds.parse()?),
        _ => Err("see the head of examples/beside.rs".into()),
    }
}

/// Data like a robot's: smooth observations, actions that depend on them with some noise, and Sirius's weights of a first round.
fn samples(groups: bool) -> Result<Samples, Box<dyn Error>> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let actions: usize = GROUPS.iter().sum();
    let mixing: Vec<f32> = (0..OBSERVATIONS * actions).map(|_| rng.random_range(-0.5..0.5)).collect();
    let mut data = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in 0..ROWS {
        let (time, episode) = ((row % 200) as f32 / 200.0, row / 200);
        let observation: Vec<f32> = (0..OBSERVATIONS)
            .map(|value| (time * (1.0 + value as f32) + episode as f32).sin() + rng.random_range(-0.05..0.05))
            .collect();
        for action in 0..actions {
            let sum: f32 =
                observation.iter().zip(&mixing[action * OBSERVATIONS..]).map(|(x, mix)| x * mix).sum();
            let noise: f32 = (0..4).map(|_| rng.random_range(-0.3..0.3)).sum();
            data.1.push((2.0 * sum).tanh() + noise);
        }
        data.0.extend(observation);
        let weight = [1.0, 4.98, 0.389, 0.026][(row / 20) % 4];
        data.2.extend([weight, if groups && row % 5 == 0 { 0.0 } else { weight }]);
        data.3.push(u32::try_from(episode)?);
    }
    let shape = Shape { observations: OBSERVATIONS, groups: GROUPS.to_vec() };
    Ok(Samples::new(shape, data.0, data.1, data.2, data.3)?)
}

fn prepare(dir: &Path, width: usize, groups: bool, steps: u64) -> Outcome {
    fs::create_dir_all(dir)?;
    let samples = samples(groups)?;
    let config = TrainConfig {
        network: Network::Mixture { hidden: vec![width, width], modes: 5, min_std: 1e-4 },
        learning_rate: 1e-4,
        steps,
        weights: Use::Loss,
        validation: 0.0,
        validate_every: steps,
        gradient_clip: 0.0,
        ..TrainConfig::default()
    };
    let start = TrainConfig { steps: 0, ..config.clone() };
    train(&samples, &start, Start::Scratch, &mut |_| ControlFlow::Continue(()))?.save(
        &dir.join("start"),
        &About::new(),
        Keep::Policy,
    )?;
    let mut order = Order::new(&samples, &config)?;
    let rows: Vec<u8> =
        (0..steps).flat_map(|step| order.rows(step)).flat_map(|row| i64::from(row).to_le_bytes()).collect();
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let (x, y, w) = (bytes(samples.observations()), bytes(samples.actions()), bytes(samples.weights()));
    let order_shape = vec![usize::try_from(steps)?, config.batch];
    let views = [
        ("observations", TensorView::new(Dtype::F32, vec![ROWS, OBSERVATIONS], &x)?),
        ("actions", TensorView::new(Dtype::F32, vec![ROWS, samples.shape().actions()], &y)?),
        ("weights", TensorView::new(Dtype::F32, vec![ROWS, GROUPS.len()], &w)?),
        ("order", TensorView::new(Dtype::I64, order_shape, &rows)?),
    ];
    fs::write(dir.join("data.safetensors"), safetensors::serialize(views, None)?)?;
    fs::write(dir.join("config.json"), serde_json::to_string(&(config, groups))?)?;
    Ok(())
}

fn run(dir: &Path) -> Outcome {
    let (config, groups): (TrainConfig, bool) =
        serde_json::from_str(&fs::read_to_string(dir.join("config.json"))?)?;
    let samples = samples(groups)?;
    let (mut first, mut last) = (None, (Instant::now(), processor()));
    let trained = train(&samples, &config, Start::Scratch, &mut |_| {
        last = (Instant::now(), processor());
        first.get_or_insert(last);
        ControlFlow::Continue(())
    })?;
    let first = first.unwrap_or(last);
    let (steps, seconds) = ((config.steps - 1) as f64, (last.0 - first.0).as_secs_f64());
    let cpu_ms = 1e3 * (last.1 - first.1) / steps;
    let loss = trained.policy().loss(&samples)?;
    let steps_per_s = steps / seconds;
    println!("{}", serde_json::json!({ "loss": loss, "steps_per_s": steps_per_s, "cpu_ms": cpu_ms }));
    Ok(())
}

/// Processor time of this process, in seconds.
fn processor() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

fn serve(dir: &Path, seconds: u64) -> Outcome {
    let (policy, _) = Policy::load(&dir.join("start"))?;
    let samples = samples(false)?;
    let mut micros = Vec::new();
    let begin = Instant::now();
    for (tick, observation) in
        (1..=seconds * 50).zip(samples.observations().chunks_exact(OBSERVATIONS).cycle())
    {
        let due = begin + PERIOD * u32::try_from(tick)?;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let asked = Instant::now();
        let action = policy.act(observation)?;
        micros.push(asked.elapsed().as_secs_f64() * 1e6);
        std::hint::black_box(action);
    }
    println!("{}", serde_json::json!({ "micros": micros }));
    Ok(())
}
