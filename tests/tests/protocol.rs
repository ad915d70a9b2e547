//! Whatever a client sends, a session answers; and its views are the same on every host.

use kernel_core::slab::Allocator;
use labs::protocol::{Host, Request, Response, View, ViewRequest, decode, decode_first, encode};
use labs::view::task::TaskOrder;
use labs::view::{CacheSlabsView, CallView, EntityView, PlaceState, View as _, ahead};
use labs::{HostMemory, Session};
use tests::host::{self, Driver};
use tests::log_gen::Subject;
use tests::{Random, Settings, log_gen};

/// Requests of every kind, with sensible and with absurd contents.
fn requests(random: &mut Random) -> Vec<Request> {
    let number = random.bits() as u32;
    let node = *random.pick(&[
        0,
        1,
        511,
        512,
        4096,
        100_000,
        u32::MAX,
        number,
        number % 200_000,
    ]);
    let since = *random.pick(&[0, 5, 100, 1000, u64::MAX]);
    let max = *random.pick(&[0, 1, 50, u32::MAX]);
    let texts = [
        "",
        "t",
        "radix",
        "radix i",
        "radix insert ",
        "cat /pr",
        "cat /proc/",
        "echo é",
        "\"",
        "/",
        "nobody",
    ];
    let text = |random: &mut Random| random.pick(&texts).to_string();
    let caches = [
        "",
        "a",
        "b",
        "movable",
        "watched",
        "dentry",
        "kmem_handle",
        "kmem_cache",
        "nobody",
    ];
    let cache = |random: &mut Random| random.pick(&caches).to_string();
    vec![
        Request::State,
        Request::View(ViewRequest::Radix {
            name: String::new(),
        }),
        Request::View(ViewRequest::Radix { name: text(random) }),
        Request::View(ViewRequest::RadixNode { node }),
        Request::View(ViewRequest::Memory),
        Request::View(ViewRequest::Slab),
        Request::View(ViewRequest::Events { since, max }),
        Request::View(ViewRequest::Object { at: node }),
        Request::View(ViewRequest::Cache {
            name: cache(random),
            from: *random.pick(&[0, 1, 7, u32::MAX]),
            max,
        }),
        Request::View(ViewRequest::Defrag {
            step: *random.pick(&[0, 1, 7, 30, u32::MAX]),
            cache: cache(random),
        }),
        Request::View(ViewRequest::Containers {
            hierarchy: *random.pick(&[0, 1, 2, u32::MAX]),
            from: *random.pick(&[0, 1, 7, u32::MAX]),
            max,
        }),
        Request::View(ViewRequest::Callbacks {
            step: *random.pick(&[0, 1, 7, 30, u32::MAX]),
        }),
        Request::View(ViewRequest::Tasks {
            order: *random.pick(&[TaskOrder::Tree, TaskOrder::Cpu, TaskOrder::Name]),
            is_descending: max.is_multiple_of(2),
            from: *random.pick(&[0, 1, 7, u32::MAX]),
            max,
        }),
        Request::View(ViewRequest::Task {
            pid: *random.pick(&[0, 1, 2, 100, 101, 102, u32::MAX]),
            from: *random.pick(&[0, 1, 0x4000_0000, u32::MAX]),
        }),
        Request::View(ViewRequest::Sched),
        Request::View(ViewRequest::Oom {
            step: random.one_in(2).then_some(node),
            decision: node,
            from: node,
            max: number,
        }),
        Request::View(ViewRequest::OomToll { step: node }),
        Request::View(ViewRequest::Timeline {
            step: *random.pick(&[0, 1, 7, 30, u32::MAX]),
            from_ns: *random.pick(&[0, 1, 5_000_000, u64::MAX]),
            to_ns: *random.pick(&[0, 2, 9_000_000, u64::MAX]),
        }),
        Request::Complete { line: text(random) },
        Request::Seek {
            step: *random.pick(&[0, 1, 7, 30, u32::MAX]),
        },
        Request::View(ViewRequest::Radix {
            name: String::new(),
        }),
        Request::View(ViewRequest::Memory),
        Request::Log,
    ]
}

/// Logs about the whole kernel, about tasks, and about slab caches under each allocator in turn.
fn log_of(seed: u64) -> Request {
    let slabs = Allocator::ALL.map(Subject::Slab);
    let subject = match seed % 4 {
        0 => Subject::Kernel,
        1 => Subject::Tasks,
        _ => slabs[seed as usize / 2 % slabs.len()],
    };
    Request::Replay {
        log: log_gen::join(&log_gen::generate_about(subject, seed)),
        each_line: false,
    }
}

/// The three faces of a view agree with each other as far as can be told from outside.
fn check_faces(view: &View) {
    let (table, sentence) = match view {
        View::Radix(view) => (view.table(), view.sentence()),
        View::RadixNode(view) => (view.table(), view.sentence()),
        View::Memory(view) => (view.table(), view.sentence()),
        View::Slab(view) => (view.table(), view.sentence()),
        View::Events(view) => (view.table(), view.sentence()),
        View::Object(view) => (view.table(), view.sentence()),
        View::Changes(view) => (view.table(), view.sentence()),
        View::Cache(view) => (view.table(), view.sentence()),
        View::Defrag(view) => (view.table(), view.sentence()),
        View::Containers(view) => (view.table(), view.sentence()),
        View::Callbacks(view) => (view.table(), view.sentence()),
        View::Tasks(view) => (view.table(), view.sentence()),
        View::Task(view) => (view.table(), view.sentence()),
        View::Sched(view) => (view.table(), view.sentence()),
        View::Timeline(view) => (view.table(), view.sentence()),
        View::Oom(view) => (view.table(), view.sentence()),
        View::OomToll(view) => (view.table(), view.sentence()),
        View::OomPolicies(view) => (view.table(), view.sentence()),
        View::OomWhatIf(view) => (view.table(), view.sentence()),
    };
    assert!(!sentence.is_empty() && !table.caption.is_empty());
    for row in &table.rows {
        assert_eq!(row.len(), table.columns.len(), "{}: {row:?}", table.caption);
    }
    match view {
        View::Radix(radix) => {
            let items: u32 = radix
                .nodes
                .iter()
                .filter(|node| node.level == 0)
                .map(|node| node.present.count_ones())
                .sum();
            assert_eq!(u64::from(items), radix.items, "{sentence}");
            assert_eq!(
                radix
                    .nodes
                    .first()
                    .map_or(radix.height, |root| u32::from(root.level) + 1),
                radix.height
            );
            for (index, node) in radix.nodes.iter().enumerate().skip(1) {
                let parent = &radix.nodes[node.parent as usize];
                assert!((node.parent as usize) < index, "a child before its parent");
                assert_eq!(parent.level, node.level + 1);
                assert_eq!(parent.present >> node.parent_slot & 1, 1);
                for tag in 0..2 {
                    let above = parent.tags[tag] >> node.parent_slot & 1 == 1;
                    assert_eq!(
                        above,
                        node.tags[tag] != 0,
                        "tag {tag} is not the children's"
                    );
                }
            }
        }
        View::Memory(memory) => {
            assert_eq!(memory.frames.len(), memory.frames_total as usize);
            for zone in &memory.zones {
                let blocks = zone.free_blocks.iter().zip(0..);
                let free: u32 = blocks.map(|(count, order)| count << order).sum();
                assert_eq!(free, zone.free, "zone {}", zone.name);
            }
            let free: u32 = memory
                .zones
                .iter()
                .map(|zone| zone.free + zone.per_cpu.iter().sum::<u32>())
                .sum();
            assert_eq!(free, memory.frames_free);
        }
        View::Slab(slab) => {
            for cache in &slab.caches {
                // SLOB makes room for an object when it is wanted.
                let room = match slab.allocator.as_str() {
                    "slob" => cache.active_objects,
                    _ => cache.slabs * cache.objects_per_slab,
                };
                assert_eq!(cache.total_objects, room, "{}", cache.name);
                assert!(
                    cache.active_objects <= cache.total_objects,
                    "{}",
                    cache.name
                );
            }
        }
        View::Events(events) => {
            for pair in events.events.windows(2) {
                // Events have gaps where `tracing_on` was 0.
                assert!(pair[0].number < pair[1].number);
                assert!(pair[0].step <= pair[1].step);
            }
        }
        View::RadixNode(node) => assert_eq!(node.slots.len(), 64),
        View::Object(object) => assert_eq!(object.bytes.len() as u32, object.size.min(4096)),
        View::Changes(changes) => assert!(changes.from <= changes.to),
        View::Tasks(tasks) => {
            let states: u32 = tasks.states.iter().sum();
            assert_eq!(states, tasks.processes, "{sentence}");
            let rows = tasks.before + tasks.rows.len() as u32 + tasks.after;
            assert!(
                rows == tasks.threads || rows == tasks.processes,
                "{sentence}"
            );
        }
        View::Task(task) => {
            if let Some(mm) = &task.mm {
                let used: u32 = mm.tables.iter().map(|table| table.used).sum();
                assert_eq!(used, mm.anon + mm.file, "{sentence}");
                assert_eq!(used, mm.before + mm.pages.len() as u32 + mm.after);
                let present: u32 = mm.areas.iter().map(|area| area.present).sum();
                assert_eq!(used, present, "{sentence}");
            }
        }
        View::Cache(cache) => check_cache(cache),
        View::Defrag(defrag) => {
            check_cache(&defrag.before);
            check_cache(&defrag.after);
            let counts = defrag.fates;
            let all = counts.spared + counts.kept + counts.freed + counts.moved;
            let listed = defrag.vacated.iter().map(|slab| slab.fates.len() as u32);
            assert!(listed.sum::<u32>() <= all, "{sentence}");
            for slab in &defrag.vacated {
                assert!(slab.pinned <= slab.objects && slab.left <= slab.objects);
            }
        }
        View::Containers(view) => {
            for task in &view.tasks {
                assert_eq!(task.containers.len(), view.hierarchies.len());
            }
            for hierarchy in &view.hierarchies {
                for container in &hierarchy.containers {
                    let parent = container.parent.map(|place| place as usize);
                    let parent = parent.map(|place| &hierarchy.containers[place]);
                    assert!(parent.is_none_or(|it| it.depth + 1 == container.depth));
                }
            }
        }
        View::Callbacks(view) => {
            assert!(!view.calls.is_empty());
            assert!(view.calls.is_sorted_by_key(|call| call.event));
            let refused = |call: &&CallView| !call.errno.is_empty() && !call.subsystem.is_empty();
            let refused = view.calls.iter().filter(refused).count() as u32;
            assert!(refused <= view.refused && view.refused <= refused + view.omitted);
            assert!(view.calls.iter().all(|call| !call.because.is_empty()));
        }
        View::Sched(sched) => {
            for cpu in &sched.cpus {
                for queue in &cpu.queues {
                    let ahead = |pair: &[EntityView]| ahead(pair[1].vruntime, pair[0].vruntime);
                    assert!(queue.nodes.windows(2).all(|pair| ahead(pair) >= 0));
                }
                let (reasons, next) = cpu.why();
                assert!(!reasons.is_empty());
                assert_eq!(next.is_some(), cpu.nr_running > 0, "{sentence}");
            }
        }
        View::Oom(oom) => {
            assert!((oom.shown as usize) < oom.decisions.len());
            for candidate in &oom.decision.candidates {
                let last = candidate.factors.last();
                assert!(last.is_none_or(|last| last.after == candidate.points));
            }
        }
        View::OomToll(toll) => {
            let listed = toll.kills.len() as u32 + toll.omitted;
            assert_eq!(listed, toll.sum.killed, "{sentence}");
        }
        View::OomPolicies(policies) => {
            for run in &policies.runs {
                assert!(run.lines <= policies.steps && run.failed <= run.lines);
            }
        }
        View::OomWhatIf(what_if) => {
            let [was, would] = [&what_if.was, &what_if.would].map(|side| side.marks.len());
            assert!(what_if.same as usize <= was.min(would));
        }
        View::Timeline(timeline) => {
            let busy = timeline.busy_ns();
            // Where the last call took a CPU beyond the end, it will run less next time.
            let ends = timeline.spans.iter().map(|span| span.end_ns);
            let ahead = if timeline.columns == 0 {
                ends.max().unwrap_or(0).saturating_sub(timeline.end_ns)
            } else {
                10_000_000
            };
            let length = timeline.end_ns - timeline.begin_ns + ahead;
            assert!(busy <= length * u64::from(timeline.cpus), "{sentence}");
            let (groups, tasks) = timeline.shares();
            assert_eq!(groups.first().map_or(0, |root| root.ns), busy);
            let ideal: u64 = tasks.iter().map(|share| share.ideal_ns).sum();
            assert!(ideal <= length * u64::from(timeline.cpus), "{sentence}");
            for span in &timeline.spans {
                assert!(span.start_ns <= span.end_ns && span.end_ns <= timeline.end_ns + ahead);
            }
        }
    }
}

/// A cache's slabs agree with its counts and with each other.
fn check_cache(view: &CacheSlabsView) {
    let CacheSlabsView {
        cache,
        slabs,
        before,
        after,
        ..
    } = view;
    assert!(slabs.is_sorted_by_key(|slab| slab.frame));
    let bytes: u32 = view.layout.iter().map(|part| part.to - part.from).sum();
    assert_eq!(bytes, cache.size, "{}", cache.name);
    for slab in slabs {
        assert!(
            slab.chain
                .iter()
                .all(|&number| { slab.places[usize::from(number)].state == PlaceState::Free })
        );
        assert!(slab.places.is_sorted_by_key(|place| place.at));
    }
    if view.allocator == "slob" {
        return;
    }
    assert_eq!(before + slabs.len() as u32 + after, cache.slabs);
    let count = |state| {
        slabs
            .iter()
            .map(|slab| slab.count(state) as u32)
            .sum::<u32>()
    };
    if before + after == 0 {
        assert_eq!(
            count(PlaceState::InUse),
            cache.active_objects,
            "{}",
            cache.name
        );
        assert_eq!(count(PlaceState::Kept), cache.kept, "{}", cache.name);
    }
    for slab in slabs {
        assert_eq!(slab.places.len() as u32, cache.objects_per_slab);
        assert_eq!(slab.in_use as usize, slab.count(PlaceState::InUse));
    }
}

#[test]
fn views_of_random_kernels_are_sound() {
    let mut session = host::Native::new();
    for seed in 0..120 {
        let _ = session.request(log_of(seed));
        for request in requests(&mut Random::new(seed)) {
            match session.request(request.clone()) {
                Ok(Response::View(Some(view))) => {
                    check_faces(&view);
                    // Every node that the tree names can be looked at.
                    if let View::Radix(radix) = view {
                        for node in radix.nodes.iter().take(20) {
                            let asked = Request::View(ViewRequest::RadixNode { node: node.node });
                            match session.request(asked) {
                                Ok(Response::View(Some(View::RadixNode(shown)))) => {
                                    assert_eq!(
                                        (shown.present, shown.tags),
                                        (node.present, node.tags)
                                    );
                                }
                                other => panic!("seed {seed}: {other:?}"),
                            }
                        }
                    }
                }
                Ok(Response::Error { message }) => panic!("seed {seed}: {request:?}: {message}"),
                Ok(_) => {}
                Err(error) => panic!("seed {seed}: {error}"),
            }
        }
    }
}

#[test]
fn views_are_the_same_on_all_hosts() {
    let settings = Settings::find();
    let mut here = host::Native::new();
    for host in [Host::Wasm, Host::Qemu] {
        let mut there = host::connect(host, &settings).expect("the host starts");
        for seed in 300..330 {
            let boot = log_of(seed);
            assert_eq!(
                there.request(boot.clone()),
                here.request(boot),
                "seed {seed} on {host:?}"
            );
            for request in requests(&mut Random::new(seed)) {
                let expected = here.request(request.clone());
                assert_eq!(
                    there.request(request.clone()),
                    expected,
                    "seed {seed} on {host:?}: {request:?}"
                );
            }
        }
    }
}

#[test]
fn malformed_messages_are_answered() {
    let mut random = Random::new(99);
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    session.set_budget(100_000);
    session.set_replay_limit(100_000);
    let (mut refused, mut understood) = (0, 0);
    for round in 0..4_000 {
        let mut samples: Vec<Vec<u8>> = requests(&mut random).iter().map(encode).collect();
        samples.push(encode(&Request::Open {
            header: "mem=1M".to_string(),
        }));
        samples.push(encode(&Request::Run {
            lines: vec![b"radix create t".to_vec(), b"radix fill t 0 9".to_vec()],
        }));
        samples.push(encode(&Request::Replay {
            log: b"mem=1M\ntrue\n".to_vec(),
            each_line: true,
        }));
        let mut message = random.pick(&samples).clone();
        for _ in 0..random.below(4) {
            let at = random.below(message.len() as u64 + 1) as usize;
            match random.below(4) {
                0 => message.truncate(at),
                1 => message.insert(at, random.bits() as u8),
                2 if at < message.len() => message[at] = random.bits() as u8,
                _ => message.extend_from_slice(&random.bits().to_le_bytes()[..at % 8]),
            }
        }
        let answer = session.handle_bytes(&message);
        let read = decode::<Response>(&answer);
        // What a page reads of it before it has come across rarer views is the same, or nothing.
        match (decode_first(&answer), &read) {
            (Some(first), read) => assert_eq!(&first, read, "round {round}: {message:?}"),
            (None, Ok(Response::View(Some(view)))) => assert!(
                !matches!(
                    view,
                    View::Radix(_)
                        | View::RadixNode(_)
                        | View::Memory(_)
                        | View::Slab(_)
                        | View::Events(_)
                ),
                "round {round}: {message:?}"
            ),
            (None, read) => panic!("round {round}: {message:?} is left to others: {read:?}"),
        }
        match read {
            Ok(Response::Error { message }) => {
                assert!(!message.is_empty());
                refused += 1;
            }
            Ok(_) => understood += 1,
            Err(error) => panic!("round {round}: {message:?} is answered by nonsense: {error}"),
        }
    }
    assert!(
        refused > 500 && understood > 500,
        "{refused} refused, {understood} understood"
    );
}

/// The text of the refusal of a request that is refused.
fn refusal(driver: &mut dyn Driver, request: Request) -> String {
    match driver.request(request) {
        Ok(Response::Error { message }) => message,
        Ok(other) => panic!("{:.200}", format!("{other:?}")),
        Err(error) => panic!("{:?} is lost: {error}", driver.host()),
    }
}

fn ran(driver: &mut dyn Driver, line: &str) -> Vec<u8> {
    match driver.request(Request::Run {
        lines: vec![line.as_bytes().to_vec()],
    }) {
        Ok(Response::Ran { lines, .. }) => {
            lines.into_iter().flat_map(|report| report.text).collect()
        }
        Ok(other) => panic!("{:.200}", format!("{other:?}")),
        Err(error) => panic!("{:?} is lost: {error}", driver.host()),
    }
}

/// Sizes that would not fit into memory or into a message are refused or cut short, and the
/// session goes on.
#[test]
fn no_size_ends_a_session() {
    let settings = Settings::find();
    let mut texts = Vec::new();
    for host in host::ALL {
        let mut driver = host::connect(host, &settings).expect("the host starts");
        let driver = &mut *driver;
        // Eight million lines.
        let log = vec![b'\n'; 8_000_000];
        let said = refusal(
            driver,
            Request::Replay {
                log,
                each_line: false,
            },
        );
        assert!(said.contains("8000000 lines"), "{said}");
        // A line that prints without end, and several of them in one request.
        let endless = "radix gang_lookup t 0 4294967295";
        assert_eq!(ran(driver, "radix create t"), b"");
        assert_eq!(ran(driver, "radix fill t 0 1000000"), b"1000000\n");
        let text = ran(driver, endless);
        assert!(
            text.len() > 1_000_000 && text.len() < 9 << 20,
            "{} bytes",
            text.len()
        );
        texts.push(text);
        let lines = vec![endless.as_bytes().to_vec(); 20];
        match driver.request(Request::Run { lines }) {
            Ok(Response::Ran { lines, .. }) => assert!(lines.len() < 20, "{} lines", lines.len()),
            other => panic!("{host:?}: {:.200}", format!("{other:?}")),
        }
        let log = format!(
            "radix create t\nradix fill t 0 1000000\n{}",
            format!("{endless}\n").repeat(20)
        );
        let said = refusal(
            driver,
            Request::Replay {
                log: log.into_bytes(),
                each_line: true,
            },
        );
        assert!(said.contains("prints more"), "{said}");
        // A tree of more nodes than a picture can carry.
        match driver.request(Request::Open {
            header: "mem=512M".to_string(),
        }) {
            Ok(Response::Opened { .. }) => {}
            other => panic!("{host:?}: {:.200}", format!("{other:?}")),
        }
        ran(driver, "radix create t");
        ran(driver, "radix fill t 0 300000 64");
        let said = refusal(
            driver,
            Request::View(ViewRequest::Radix {
                name: "t".to_string(),
            }),
        );
        assert!(said.contains("nodes"), "{said}");
        assert_eq!(
            ran(driver, "radix stat t"),
            b"height 5 nodes 304765 items 300000\n"
        );
    }
    assert!(
        texts.iter().all(|text| *text == texts[0]),
        "the hosts print different endless lines"
    );
}

/// What a session writes as its log is what it has run.
#[test]
fn a_carriage_return_at_a_lines_end_is_no_part_of_it() {
    let mut driver = host::Native::new();
    for line in ["echo a\r", "echo b\r\r\r", "\r"] {
        let expected = line.trim_end_matches('\r');
        assert_eq!(
            ran(&mut driver, line),
            if expected.is_empty() {
                vec![]
            } else {
                format!("{}\n", &expected[5..]).into_bytes()
            }
        );
    }
    let before = driver.request(Request::State);
    let log = match driver.request(Request::Log) {
        Ok(Response::Log(log)) => log,
        other => panic!("{other:?}"),
    };
    assert!(!log.contains(&b'\r'));
    driver.replay(&log, false).expect("a log runs");
    assert_eq!(driver.request(Request::State), before);
}
