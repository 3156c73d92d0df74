//! Compiles the message definitions in pure Rust: no `protoc` is needed.

use std::{env, fs, path::PathBuf};

use prost_build::Config;

const FILES: [&str; 7] = [
    "retake/v1/header.proto",
    "retake/v1/robot.proto",
    "retake/v1/policy.proto",
    "retake/v1/operator.proto",
    "retake/v1/episode.proto",
    "retake/v1/recorder.proto",
    "foxglove/CompressedImage.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).open_files(FILES)?;
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    Config::new().compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
