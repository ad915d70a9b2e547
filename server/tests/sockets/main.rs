//! The server over real sockets: what a browser, a hurried student and a hostile page would see.
//!
//! Nothing here waits for a fixed time. What happens "soon" is polled for, up to [`PATIENCE`],
//! which only a broken server exhausts.

mod api;
mod assets;
mod backup;
mod class;
mod client;
mod demo;
mod durability;
mod kernel;
mod labs_of_catalogue;
mod links;
mod live;
mod native;
mod postgres;
mod program;
mod qemu;
mod site;
mod store;

use std::time::Duration;

/// How long a test waits for what should happen at once, on the most loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);
