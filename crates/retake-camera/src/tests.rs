mod deployment;
mod pictures;
