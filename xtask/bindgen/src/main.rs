//! Turns the compiled browser half into what a browser loads, and weighs it.
//!
//! A package of its own, so that a check or a test run does not pay for it. The version of the
//! library is the version of the `wasm-bindgen` crate, by one lock file: nothing can drift.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a build tool talks to its caller")]

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use flate2::{Compression, write::GzEncoder};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["bind", wasm, folder] => bind(Path::new(wasm), Path::new(folder)),
        ["weigh", files @ ..] => files.iter().try_for_each(|file| weigh(Path::new(file))),
        _ => Err("usage: xtask-bindgen bind WASM FOLDER | weigh FILE…".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// `truecount.js` and `truecount.wasm`, the names the pages ask for.
fn bind(wasm: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .omit_default_module_path(true)
        .out_name("truecount")
        .generate(folder)?;
    std::fs::rename(folder.join("truecount_bg.wasm"), folder.join("truecount.wasm"))?;
    Ok(())
}

/// Prints a file's name, size and gzipped size; a missing file weighs nothing and is not printed.
fn weigh(file: &Path) -> Result<(), Box<dyn Error>> {
    if !file.is_file() {
        return Ok(());
    }
    let bytes = std::fs::read(file)?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&bytes)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    println!("{name} {} {}", bytes.len(), packed.finish()?.len());
    Ok(())
}
