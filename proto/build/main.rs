//! Compiles the contracts, and makes Rust of what they say in options: who may call, what is valid, what is personal.

mod contract;
mod emit;

use std::{
    env,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

use prost_reflect::DescriptorPool;

#[expect(clippy::print_stdout, reason = "a build script talks to cargo on its standard output")]
fn main() -> Result<(), Box<dyn Error>> {
    for folder in ["linju", "google", "buf", "build"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut files = Vec::new();
    contracts_in("linju".as_ref(), &mut files)?;
    files.sort();
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    // Only this encoding keeps the custom options; the set handed to tonic below has lost them and does not need them.
    let descriptors = compiler.encode_file_descriptor_set();
    fs::write(out.join("linju.bin"), &descriptors)?;

    let contract = contract::Contract::read(&DescriptorPool::decode(descriptors.as_slice())?)?;
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    // A message with personal fields is printed without its content; `emit` writes that.
    config.skip_debug(contract.personal_messages());
    tonic_prost_build::configure()
        .codec_path("crate::codec::ContractCodec")
        .compile_fds_with_config(compiler.file_descriptor_set(), config)?;

    fs::write(out.join("contract.rs"), emit::rust(&contract)?)?;
    Ok(())
}

/// Every contract below a folder.
fn contracts_in(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            contracts_in(&path, found)?;
        } else if path.extension().is_some_and(|end| end == "proto") {
            found.push(path);
        }
    }
    Ok(())
}
