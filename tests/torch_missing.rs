//! Without libtorch: what the reader is told.

#![cfg(feature = "torch")]

use std::fs;
use std::path::Path;

use foreshadow::train::{Device, TorchPlugin};

fn told(libtorch: &Path, plugin: &Path, device: Device) -> String {
    TorchPlugin::open(libtorch, plugin, device).expect_err("nothing is there").to_string()
}

#[test]
fn each_missing_part_is_named_with_its_place_and_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let plugin = at.join("libforeshadow_torch.so");
    let place = at.display();
    let get = "`make torch` fetches and builds both";

    let text = told(at, &plugin, Device::Cpu);
    let rest = format!("{get}, or name the `lib` folder of another copy");
    assert_eq!(text, format!("training needs libtorch 2.11, and {place} has no libc10.so; {rest}"));

    fs::create_dir(at.join("lib")).unwrap();
    fs::write(at.join("lib/libc10.so"), "").unwrap();
    fs::write(at.join("lib/libtorch_cpu.so"), "").unwrap();
    let text = told(at, &plugin, Device::Cuda);
    assert!(text.contains(&format!("{place}/lib has no libtorch_cuda.so; {get}")), "{text}");

    let text = told(&at.join("lib"), &plugin, Device::Cpu);
    let missing = format!("training needs the library of engine-torch, not at {place}/libfo");
    assert!(text.starts_with(&missing) && text.ends_with(get), "{text}");
}

#[test]
fn another_version_of_libtorch_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let plugin = at.join("libforeshadow_torch.so");
    fs::create_dir(at.join("lib")).unwrap();
    for file in ["lib/libc10.so", "lib/libtorch_cpu.so", "libforeshadow_torch.so"] {
        fs::write(at.join(file), "").unwrap();
    }
    fs::write(at.join("version.py"), "from x import y\n__version__ = '2.1.1+cu130'\n").unwrap();
    let text = told(at, &plugin, Device::Cpu);
    assert!(text.contains("/lib holds libtorch 2.1.1+cu130, training needs 2.11; "), "{text}");

    // The zip's own file goes first, and with the right version the loader gets to see the libraries.
    fs::write(at.join("build-version"), "2.11.0+cpu\n").unwrap();
    let text = told(at, &plugin, Device::Cpu);
    assert!(text.contains("/lib/libc10.so could not be opened: "), "{text}");
}

#[test]
fn the_usual_places_are_those_of_make_torch() {
    let program = Path::new("/home/me/foreshadow/target/release/foreshadow");
    let torch = Path::new("/home/me/foreshadow/target/torch");
    assert_eq!(TorchPlugin::usual_libtorch(program), torch.join("torch/lib"));
    assert_eq!(TorchPlugin::usual_plugin(program), torch.join("libforeshadow_torch.so"));
}
