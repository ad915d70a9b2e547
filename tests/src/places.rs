//! Every view of the page: where it is, and what is done to see it. What holds for all of them is tried in each:
//! accessibility (`access.rs`), what they look like (`pictures.rs`).

use serde_json::json;

use crate::page::Page;

/// A view.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// What it is called.
    pub name: &'static str,
    /// What the page's address has besides: a query, a fragment.
    pub address: &'static str,
    /// What is done there, one after the other; see [`act`].
    pub steps: &'static [&'static str],
}

impl Place {
    /// Goes there, as if nobody had ever been to `url`.
    #[track_caller]
    pub fn visit(&self, page: &mut Page, url: &str) {
        page.browser.goto("about:blank").expect("the browser lives");
        let origin = json!({"origin": url.trim_end_matches('/'), "storageTypes": "all"});
        page.browser
            .call("Storage.clearDataForOrigin", origin)
            .expect("chromium can");
        page.open(&format!("{url}{}", self.address));
        page.settle();
        self.steps.iter().for_each(|step| act(page, step));
    }
}

/// Does one thing: `# LINE` runs a line; `click`, `see` (wait for it), `at` (wait until it has the focus) and
/// `focus` take a selector; `press` takes a key, `pane` a pane's name.
#[track_caller]
pub fn act(page: &mut Page, step: &str) {
    let (verb, what) = step.split_once(' ').expect("a verb and an object");
    let quoted = json!(what);
    match verb {
        "#" => {
            page.eval("document.querySelector('#tab-console')?.click()");
            page.line(what);
        }
        "pane" => {
            page.eval(&format!("document.querySelector('#tab-{what}')?.click()"));
            page.wait(&format!(
                "document.querySelector('#pane-{what}').checkVisibility()"
            ));
            page.settle();
        }
        "click" => {
            // The code that draws it may still be on its way.
            page.wait(&format!("document.querySelector({quoted})"));
            page.eval(&format!("document.querySelector({quoted}).click()"));
            page.settle();
        }
        "see" => page.wait(&format!(
            "document.querySelector({quoted})?.checkVisibility()"
        )),
        "at" => {
            page.wait(&format!("document.activeElement.matches({quoted})"));
            page.settle();
        }
        "focus" => {
            page.wait(&format!("document.querySelector({quoted})"));
            page.eval(&format!("document.querySelector({quoted}).focus()"));
        }
        "press" => page.press(what, 0),
        _ => panic!("{verb}?"),
    }
}

/// All of them.
pub const PLACES: &[Place] = &[
    Place {
        name: "console",
        address: "",
        steps: &[
            "# radix create t",
            "# radix fill t 0 200 64",
            "# cat /proc/slabinfo",
            "# nonsense",
        ],
    },
    Place {
        name: "the past",
        address: "",
        steps: &[
            "# radix create t",
            "# radix insert t 1 1",
            "click #step-back",
        ],
    },
    Place {
        name: "tree",
        address: "",
        steps: &[
            "# radix create t",
            "# radix fill t 0 300 64",
            "# radix tag_set t 64 0",
            "# radix tag_set t 128 1",
            "pane tree",
        ],
    },
    Place {
        name: "node",
        address: "",
        steps: &[
            "# radix create t",
            "# radix insert t 1 1",
            "# radix insert t 4096 7",
            "# radix tag_set t 4096 0",
            "pane tree",
            "focus #radix-canvas",
            "press ArrowDown",
            "press ArrowDown",
            "press Enter",
            "see table.slots",
        ],
    },
    Place {
        name: "tree table",
        address: "",
        steps: &[
            "# radix create t",
            "# radix insert t 4096 7",
            "pane tree",
            "click #tree-table-toggle",
        ],
    },
    Place {
        name: "memory",
        address: "",
        steps: &["# kmem create m 64; kmem alloc m 1000", "pane memory"],
    },
    Place {
        name: "memory table",
        address: "",
        steps: &["pane memory", "click #memory-table-toggle"],
    },
    Place {
        name: "slab",
        address: "",
        steps: &["pane slab"],
    },
    Place {
        name: "slab table",
        address: "",
        steps: &["pane slab", "click #slab-table-toggle"],
    },
    Place {
        name: "no containers",
        address: "",
        steps: &["pane containers", "see #containers-first"],
    },
    Place {
        name: "containers",
        address: "",
        steps: &[
            "# mkdir /c /d; mount -t cgroup -o cpu,memory,pids x /c; mount -t cgroup -o cpuset,freezer y /d",
            "# mkdir /c/a /c/a/b /d/s; echo 1 > /c/a/notify_on_release; echo 3 > /c/a/pids.max",
            "# spin 1h & sleep 0.1",
            "# echo $$ > /c/a/tasks",
            "# echo $$ > /d/s/tasks",
            "pane containers",
            "click .container-name[data-path='/a']",
            "see #container-forms",
            "click #past-close",
        ],
    },
    Place {
        name: "containers table",
        address: "",
        steps: &[
            "# mkdir /c; mount -t container -o cpu,memory x /c",
            "pane containers",
            "click #containers-table-toggle",
            "see #containers-table",
        ],
    },
    Place {
        name: "callbacks",
        address: "",
        steps: &[
            "# mkdir /c; mount -t cgroup -o cpuset,freezer x /c; mkdir /c/a",
            "# echo $$ > /c/a/tasks",
            "pane containers",
            "click #containers-film",
            "see #calls .call",
            "click #calls .call:last-child button",
            "see .stage.refused",
        ],
    },
    Place {
        name: "cache",
        address: "",
        steps: &[
            "# kmem create m 64 debug=FZPU",
            "# kmem alloc m 40",
            "# kmem poke m:1+64 1",
            "pane slab",
            "click [data-cache=m]",
            "at #slab-canvas",
        ],
    },
    Place {
        name: "defragmentation",
        address: "",
        steps: &[
            "# kmem create m 64 ops=movable",
            "# kmem alloc m 1000",
            "# kmem scatter m 80",
            "# kmem defrag",
            "pane slab",
            "click [data-cache=m]",
            "click #slab-film",
            "see #film-meters",
        ],
    },
    Place {
        name: "two allocators",
        address: "",
        steps: &[
            "# kmem create m 64",
            "# kmem alloc m 100",
            "click #ask",
            "click #past-tab-compare",
            "click #compare-slab",
            "see #compare-slabs",
        ],
    },
    Place {
        name: "tasks",
        address: "",
        steps: &[
            "# spawn a nice=5",
            "# spawn b ppid=100",
            "pane tasks",
            "see [data-pid=\"101\"]",
        ],
    },
    Place {
        name: "a task",
        address: "",
        steps: &[
            "# cow 64K &",
            "# sleep 300ms",
            "pane tasks",
            "click [data-pid=\"100\"]",
            "see #task-space",
            "click #task-cont",
        ],
    },
    Place {
        name: "a task as a table",
        address: "",
        steps: &[
            "# server &",
            "# sleep 1ms",
            "pane tasks",
            "click [data-pid=\"100\"]",
            "see #task-program",
            "click #tasks-table-toggle",
        ],
    },
    Place {
        name: "scheduler",
        address: "",
        steps: &[
            "# mkdir /c; mount -t container -o cpu cpu /c; mkdir /c/guests",
            "# spawn spin; spawn spin; spawn spin; echo 101 > /c/guests/tasks",
            "# sleep 1",
            "pane scheduler",
            "click .sched-why",
            "see #sched-shares",
        ],
    },
    Place {
        name: "out of memory",
        address: "",
        steps: &[
            "# spawn hog vm=100M caps=none; spawn kid ppid=100; spawn db vm=8M oom_adj=3",
            "# oom trigger",
            "pane oom",
            "see #oom-waterfall",
        ],
    },
    Place {
        name: "what if",
        address: "",
        steps: &[
            "# spawn hog vm=100M caps=none; spawn kid ppid=100; spawn db vm=8M oom_adj=3",
            "# oom trigger",
            "pane oom",
            "click #oom-if-ask",
            "see #oom-if-table",
            "click #oom-compare-run",
            "see #oom-compare-table",
        ],
    },
    Place {
        name: "who is next",
        address: "",
        steps: &[
            "# spawn hog vm=100M caps=none; spawn db vm=8M oom_adj=3",
            "pane oom",
            "click #oom-next",
            "see #oom-ask",
        ],
    },
    Place {
        name: "scheduler table",
        address: "",
        steps: &[
            "# spawn spin; sleep 1",
            "pane scheduler",
            "click #scheduler-table-toggle",
        ],
    },
    Place {
        name: "events",
        address: "",
        steps: &[
            "# radix create t",
            "# radix insert t 1 1",
            "pane events",
            "click .event-text",
        ],
    },
    Place {
        name: "events table",
        address: "",
        steps: &[
            "# radix create t",
            "pane events",
            "click #events-table-toggle",
            "see #events-table",
        ],
    },
    Place {
        name: "the tour",
        address: "",
        steps: &["click #way-tour", "see #tour-text"],
    },
    Place {
        name: "finding",
        address: "",
        steps: &["click #open-search", "see #search-field"],
    },
    Place {
        name: "playground",
        address: "",
        steps: &["click #open-playground", "see #playground-title"],
    },
    Place {
        name: "glossary",
        address: "#glossary",
        steps: &["see #glossary-title"],
    },
    Place {
        name: "layout",
        address: "",
        steps: &["click #layout", "see #layout-title"],
    },
    Place {
        name: "lecture hall",
        address: "",
        steps: &[
            "# radix create t",
            "# radix fill t 0 300 64",
            "click #hall",
            "see #hall-leave",
        ],
    },
    Place {
        name: "help",
        address: "",
        steps: &["click #help"],
    },
    Place {
        name: "where am I",
        address: "",
        steps: &[
            "# radix create t",
            "click #help",
            "click #where-am-i",
            "see #where-facts",
        ],
    },
    Place {
        name: "performance",
        address: "",
        steps: &[
            "click #help",
            "click #performance-link",
            "see #performance-table",
        ],
    },
    Place {
        name: "log",
        address: "",
        steps: &["click #log"],
    },
    Place {
        name: "sessions",
        address: "",
        steps: &["# radix create t", "click #sessions", "see #sessions-table"],
    },
    Place {
        name: "share",
        address: "",
        steps: &["click #share", "see #share-link"],
    },
    Place {
        name: "catalogue",
        address: "?student=",
        steps: &["click #labs", "see .lab-entry"],
    },
    Place {
        name: "name",
        address: "#lab=radix-keys",
        steps: &["see #student-name"],
    },
    Place {
        name: "lab",
        address: "?student=Ada#lab=radix-keys",
        steps: &[
            "at #lab-title",
            "click .run-all",
            "click .predict .reveal",
            "see .anyway",
            "click .anyway",
            "see [data-outcome]",
            "click [data-question=twice] .reveal",
            "click #lab-check",
            "see .check.failed",
            "click .hint",
            "see .hints li",
        ],
    },
    Place {
        name: "lab and questions about the past",
        address: "?student=Ada#lab=radix-keys",
        steps: &["at #lab-title", "click #ask"],
    },
    Place {
        name: "changes",
        address: "",
        steps: &[
            "# radix create t",
            "# radix insert t 1 1",
            "click #ask",
            "click #past-tab-changes",
        ],
    },
    Place {
        name: "object",
        address: "",
        // Opened first: it makes the console narrower, and lines are followed to where they end.
        steps: &[
            "click #ask",
            "click #past-tab-object",
            "# radix create t",
            "# radix insert t 1 1",
        ],
    },
    Place {
        name: "search",
        address: "",
        steps: &["# radix create t", "click #ask", "click #past-tab-search"],
    },
    Place {
        name: "edit",
        address: "",
        steps: &["# radix create t", "click #ask", "click #past-tab-edit"],
    },
    Place {
        name: "compare",
        address: "",
        steps: &["# radix create t", "click #ask", "click #past-tab-compare"],
    },
    Place {
        name: "export",
        address: "",
        steps: &["# radix create t", "click #ask", "click #past-tab-export"],
    },
];
