mod operators;
mod studies;
mod task;
