//! The Glass Kernel on a bare x86_64 machine. (Documentation follows.)

#![cfg_attr(feature = "image", no_std, no_main)]

#[cfg(feature = "image")]
extern crate alloc;

#[cfg(feature = "image")]
mod metal;

/// Says how to get the image; this build is not it.
#[cfg(not(feature = "image"))]
fn main() {
    eprintln!(
        "this is not the image: build it with `cargo build --profile boot -p boot --features image`"
    );
    std::process::exit(2);
}
