//! What the page can be switched between: hosts, panes, themes.

use labs::protocol::Host;
use words::choices as say;

/// Where the kernel runs, as the host switch offers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In this page, in a Web Worker.
    Browser,
    /// In a process of the server.
    Server,
    /// On a machine under QEMU, which the server runs.
    Qemu,
}

impl Place {
    /// All places, in the order of the switch.
    pub const ALL: [Place; 3] = [Place::Browser, Place::Server, Place::Qemu];

    /// The name by which the server's list of hosts and the switch's options go.
    pub fn id(self) -> &'static str {
        match self {
            Place::Browser => Host::Wasm.name(),
            Place::Server => Host::Native.name(),
            Place::Qemu => Host::Qemu.name(),
        }
    }

    /// The place with this name.
    pub fn from_id(id: &str) -> Option<Place> {
        Place::ALL.into_iter().find(|place| place.id() == id)
    }

    /// What the switch shows.
    pub fn label(self) -> &'static str {
        match self {
            Place::Browser => say::place_browser(),
            Place::Server => say::place_server(),
            Place::Qemu => say::place_qemu(),
        }
    }
}

/// How the page stands with its kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The host is being started.
    Connecting,
    /// The kernel answers.
    Live,
    /// The kernel is gone, and why.
    Down(String),
}

/// What is known of the server's hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// The question is still open.
    Unknown,
    /// The server offers these, by [`Place::id`].
    Offered(Vec<String>),
    /// There is no server to ask, and how that showed.
    Unreachable(String),
}

/// The parts of the page that a narrow screen shows one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The console.
    Console,
    /// The radix tree.
    Tree,
    /// Zones and frames.
    Memory,
    /// The slab caches.
    Slab,
    /// The trace.
    Events,
    /// The handout of the lab that is open.
    Lab,
    /// Process containers.
    Containers,
    /// The tasks.
    Tasks,
    /// The scheduler: run queues as trees, and who ran when.
    Sched,
    /// Memory that runs out: whom the OOM killer chooses, and why.
    Oom,
}

impl Pane {
    /// All panes, in the order of the tabs.
    pub const ALL: [Pane; 10] = [
        Pane::Console,
        Pane::Tree,
        Pane::Memory,
        Pane::Slab,
        Pane::Events,
        Pane::Lab,
        Pane::Containers,
        Pane::Tasks,
        Pane::Sched,
        Pane::Oom,
    ];

    /// What the tab shows.
    pub fn title(self) -> &'static str {
        match self {
            Pane::Console => say::pane_console(),
            Pane::Tree => say::pane_tree(),
            Pane::Memory => say::pane_memory(),
            Pane::Slab => say::pane_slab(),
            Pane::Events => say::pane_events(),
            Pane::Lab => say::pane_lab(),
            Pane::Containers => say::pane_containers(),
            Pane::Tasks => say::pane_tasks(),
            Pane::Sched => say::pane_scheduler(),
            Pane::Oom => say::pane_oom(),
        }
    }

    /// Its name in settings and in the ids of elements.
    pub fn label(self) -> &'static str {
        match self {
            Pane::Console => "console",
            Pane::Tree => "tree",
            Pane::Memory => "memory",
            Pane::Slab => "slab",
            Pane::Events => "events",
            Pane::Lab => "lab",
            Pane::Containers => "containers",
            Pane::Tasks => "tasks",
            Pane::Sched => "scheduler",
            Pane::Oom => "oom",
        }
    }

    /// Whether a wide screen shows this pane below the tree, one at a time with its like.
    pub fn is_lower(self) -> bool {
        matches!(
            self,
            Pane::Memory
                | Pane::Slab
                | Pane::Events
                | Pane::Containers
                | Pane::Tasks
                | Pane::Sched
                | Pane::Oom
        )
    }
}

/// Which colours the page wears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system prefers.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The name under which it is remembered.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The theme of this name; anything unknown is [`Theme::Auto`].
    pub fn from_name(name: &str) -> Theme {
        match name {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::Auto,
        }
    }

    /// The next one round.
    pub fn next(self) -> Theme {
        match self {
            Theme::Auto => Theme::Light,
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::Auto,
        }
    }
}
