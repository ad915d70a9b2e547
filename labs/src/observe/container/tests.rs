use alloc::format;

use super::super::testing::{Silence, kernel};
use super::*;
use crate::view::View;

fn all(kernel: &Kernel) -> ContainersView {
    containers(kernel, 0, 0, u32::MAX)
}

fn find_dir<'a>(view: &'a ContainersView, dir: &str) -> &'a ContainerView {
    let mut all = view.hierarchies.iter().flat_map(|hierarchy| {
        let containers = hierarchy.containers.iter();
        containers.map(move |container| (hierarchy.dir(container), container))
    });
    let found = all.find(|(at, _)| at.as_deref() == Some(dir));
    found.unwrap_or_else(|| panic!("no {dir}: {view:?}")).1
}

/// What a control file says, in words.
fn says(container: &ContainerView, file: &str) -> String {
    let meter = container.meters.iter().find(|meter| meter.file == file);
    meter
        .unwrap_or_else(|| panic!("no {file}: {container:?}"))
        .reading
        .words()
}

#[test]
fn the_article_s_two_hierarchies_stand_side_by_side() {
    let mut kernel = kernel(&[
        "mkdir -p /containers/cpu /containers/mem",
        "mount -t container -o cpu cpu /containers/cpu",
        "mount -t cgroup -o memory,pids,freezer,release_agent=/bye m /containers/mem",
        "mkdir /containers/cpu/guests /containers/cpu/sys /containers/cpu/guests/g1",
        "mkdir /containers/mem/a",
        "echo 90 > /containers/cpu/guests/cpu.shares; echo 10 > /containers/cpu/sys/cpu.shares",
        "echo 1 > /containers/mem/a/notify_on_release; echo 64K > /containers/mem/a/memory.limit_in_bytes",
        "echo 3 > /containers/mem/a/pids.max; echo $$ > /containers/mem/a/tasks",
        "spin 1h & spin 1h & sleep 0.1",
        "echo 0 > /containers/cpu/sys/tasks",
    ]);
    let view = all(&kernel);
    let [cpu, mem] = &view.hierarchies[..] else {
        panic!("{view:?}")
    };
    assert_eq!(
        (&*cpu.file_system, &*mem.file_system),
        ("container", "cgroup")
    );
    assert_eq!(cpu.mounts, ["/containers/cpu"]);
    assert_eq!(
        mem.subsystems,
        ["pids", "freezer", "memory"],
        "the last one bound first"
    );
    assert_eq!(
        (mem.release_agent.as_str(), cpu.release_agent.as_str()),
        ("/bye", "")
    );
    assert_eq!(
        view.unbound,
        ["cpuset", "cpuacct", "devices", "debug", "oom"]
    );
    let paths: Vec<(&str, u32, Option<u32>)> = cpu
        .containers
        .iter()
        .map(|it| (it.path.as_str(), it.depth, it.parent))
        .collect();
    assert_eq!(
        paths,
        [
            ("/", 0, None),
            ("/guests", 1, Some(0)),
            ("/guests/g1", 2, Some(1)),
            ("/sys", 1, Some(0))
        ]
    );
    assert_eq!(says(&cpu.containers[1], "cpu.shares"), "90 of 100");
    assert_eq!(says(&cpu.containers[2], "cpu.shares"), "1024 of 1024");
    assert_eq!(says(&cpu.containers[0], "cpu.shares"), "1024");
    let a = find_dir(&view, "/containers/mem/a");
    assert_eq!(says(a, "pids.current"), "3 of 3");
    assert_eq!(says(a, "freezer.state"), "THAWED");
    assert!(says(a, "memory.usage_in_bytes").ends_with(" of 64 KiB"));
    assert_eq!(says(a, "memory.failcnt"), "0");
    assert_eq!((a.tasks, a.flags()), (3, "notify_on_release"));
    assert_eq!(find_dir(&view, "/containers/cpu/sys").tasks, 1);

    // Everybody is in one container of each hierarchy, and `tasks` says the same.
    assert_eq!(view.shell, 1);
    let shell = view.tasks.iter().find(|task| task.pid == 1).unwrap();
    let sys = find_dir(&view, "/containers/cpu/sys");
    assert_eq!(shell.containers, [sys.id, a.id]);
    for (place, hierarchy) in view.hierarchies.iter().enumerate() {
        for container in &hierarchy.containers {
            let dots = view
                .tasks
                .iter()
                .filter(|it| it.containers[place] == container.id);
            assert_eq!(dots.count() as u32, container.tasks, "{container:?}");
            let real = container::tasks(&kernel.mem, Ref::new(container.at));
            assert_eq!(real.count() as u32, container.tasks);
        }
        let all: u32 = hierarchy.containers.iter().map(|it| it.tasks).sum();
        assert_eq!(all, view.tasks_total, "no zombies here");
    }
    let spin = view.tasks.iter().find(|task| task.comm == "spin").unwrap();
    assert_eq!(spin.state_word(), "running");

    // Looking changes nothing, and an empty cpuset says so.
    let frames = kernel.frames_hash();
    assert_eq!(all(&kernel), view);
    assert_eq!(kernel.frames_hash(), frames);
    for line in [
        "mkdir /s; mount -t cpuset none /s; mkdir /s/new",
        "mkdir /t; mount -t cgroup -o devices,cpuacct,debug d /t; mkdir /t/x",
        "echo a > /t/x/devices.deny; echo 'c 1:3 rw' > /t/x/devices.allow",
    ] {
        assert_eq!(kernel.run_line(&mut Silence, line.as_bytes()), 0, "{line}");
    }
    let view = all(&kernel);
    let new = find_dir(&view, "/s/new");
    assert_eq!(
        (says(new, "cpus").as_str(), says(new, "mems").as_str()),
        ("none", "none")
    );
    assert_eq!(says(find_dir(&view, "/s"), "cpus"), "0-1");
    let x = find_dir(&view, "/t/x");
    assert_eq!(says(x, "devices.list"), "c 1:3 rw");
    assert_eq!(says(x, "cpuacct.usage"), "0.000 of 200.000 ms");
    assert_eq!(says(find_dir(&view, "/t"), "devices.list"), "a *:* rwm");
}

#[test]
fn a_hierarchy_lives_on_and_is_seen_at_each_of_its_places() {
    let mut kernel = kernel(&[
        "mkdir /c /d '/e e'",
        "mount -t cgroup -o cpu x /c; mkdir /c/a",
        "mount -t cgroup -o cpu x /d",
        "mount -t cgroup -o cpu x '/e e'",
        "umount /c",
    ]);
    let view = all(&kernel);
    assert_eq!(view.hierarchies[0].mounts, ["/d", "/e e"]);
    assert_eq!(find_dir(&view, "/d/a").name(), "a");
    for line in ["umount /d", "umount '/e e'"] {
        assert_eq!(kernel.run_line(&mut Silence, line.as_bytes()), 0);
    }
    let view = all(&kernel);
    let [hierarchy] = &view.hierarchies[..] else {
        panic!("{view:?}")
    };
    assert!(hierarchy.mounts.is_empty() && hierarchy.containers.len() == 2);
    assert_eq!(hierarchy.dir(&hierarchy.containers[1]), None);
    assert!(view.sentence().contains("cpu mounted nowhere"));
    assert_eq!(view.table().rows[1][0], "/a");
}

#[test]
fn thousands_of_containers_come_in_parts() {
    let mut kernel = kernel(&["mkdir /c; mount -t cgroup -o debug x /c"]);
    for hundred in 0..20 {
        let names: String = (0..100)
            .map(|it| format!(" /c/g{}", hundred * 100 + it))
            .collect();
        let line = ["mkdir", &names].concat();
        assert_eq!(kernel.run_line(&mut Silence, line.as_bytes()), 0);
    }
    let id = all(&kernel).hierarchies[0].id;
    let part = |hierarchy, from, max| {
        let view = containers(&kernel, hierarchy, from, max);
        let it = &view.hierarchies[0];
        let first = it.containers.first().map(|it| it.path.clone());
        (it.before, first, it.containers.len(), it.after)
    };
    let name = |path: &str| Some(path.to_string());
    assert_eq!(part(id, 0, 200), (0, name("/"), 200, 1801));
    assert_eq!(part(id, 200, 200), (200, name("/g199"), 200, 1601));
    assert_eq!(part(id, 1990, 200), (1990, name("/g1989"), 11, 0));
    assert_eq!(part(id, u32::MAX, 200), (2000, name("/g1999"), 1, 0));
    assert_eq!(
        part(id + 1, 200, 3),
        (0, name("/"), 3, 1998),
        "another hierarchy's window"
    );
    assert_eq!(part(id, 0, 0), (0, None, 0, 2001));
    assert_eq!(part(id, 0, u32::MAX).2, 1024);
    let view = containers(&kernel, id, 300, 10);
    assert!(
        view.hierarchies[0]
            .containers
            .iter()
            .all(|it| it.parent.is_none() && it.depth == 1)
    );
    assert!(view.sentence().contains("10 containers are listed"));
}

#[test]
fn crowds_are_cut_and_still_counted() {
    let mut kernel = kernel(&[
        "mkdir /c /d; mount -t cgroup -o pids x /c; mount -t cgroup -o debug y /d; mkdir /c/a /c/b",
    ]);
    let spawn = |kernel: &mut Kernel, count: u32| {
        for _ in 0..count {
            assert_eq!(kernel.run_line(&mut Silence, b"spawn t"), 0);
        }
    };
    spawn(&mut kernel, 215);
    kernel.run_line(&mut Silence, b"echo 0 > /c/a/tasks");
    spawn(&mut kernel, 5);
    let view = all(&kernel);
    let [pids, debug] = &view.hierarchies[..] else {
        panic!("{view:?}")
    };
    let tops = [pids.containers[0].tasks, debug.containers[0].tasks];
    assert_eq!(tops[0] + pids.containers[1].tasks, tops[1]);
    let dots = |place: usize, id: u32| {
        let dots = view.tasks.iter().filter(|it| it.containers[place] == id);
        dots.count()
    };
    assert!(
        (200..215).contains(&dots(0, pids.containers[0].id)),
        "the crowd is cut"
    );
    assert_eq!(
        dots(0, pids.containers[1].id) as u32,
        pids.containers[1].tasks
    );
    assert!(view.tasks.is_sorted_by_key(|task| task.pid));
    let row = &view.table().rows[0];
    assert!(row[3].ends_with(" more"), "{row:?}");
}
