//! Views of tasks, from kernels that run programs.

use alloc::string::String;
use alloc::vec;

use kernel_core::machine::MachineConfig;
use kernel_core::mem::Ram;

use super::super::testing::{Silence, kernel};
use super::*;
use crate::view::View;
use crate::view::task::{PageKind, Signals, TaskView};

fn tree(kernel: &Kernel) -> TasksView {
    tasks(kernel, TaskOrder::Tree, false, 0, 1000)
}

fn one(kernel: &Kernel, pid: u32) -> TaskView {
    task(kernel, pid, 0).unwrap_or_else(|| panic!("there is no task {pid}"))
}

/// Each row's number with how many bars of a tree stand before it.
fn shape(view: &TasksView) -> Vec<(u32, u32)> {
    view.rows.iter().map(|row| (row.pid, row.depth)).collect()
}

#[test]
fn tasks_stand_behind_their_parents() {
    let kernel = kernel(&["spawn a", "spawn b ppid=100", "spawn c ppid=100", "spawn d"]);
    let view = tree(&kernel);
    assert_eq!(
        shape(&view),
        [(1, 0), (2, 1), (100, 1), (101, 2), (102, 2), (103, 1)]
    );
    // Behind kthreadd and 100 others follow below init; behind 101 one more below 100.
    let rails: Vec<u64> = view.rows.iter().map(|row| row.rails).collect();
    assert_eq!(rails, [0, 0b10, 0b10, 0b110, 0b010, 0]);
    assert_eq!((view.processes, view.threads), (6, 6));
    assert_eq!(view.states.iter().sum::<u32>(), 6);
    assert_eq!(view.rows[1].marks, KERNEL);
    assert_eq!(view.rows[2].marks, STAGED);
    assert_eq!(view.rows[0].ppid, 0);
    assert_eq!(view.rows[3].ppid, 100);
    let table = view.table();
    assert!(
        table
            .rows
            .iter()
            .all(|row| row.len() == table.columns.len())
    );
}

#[test]
fn a_window_is_cut_from_the_list() {
    let config = MachineConfig::parse("mem=256M").unwrap();
    let mut kernel = Kernel::boot(Ram::new(config.frames).unwrap(), &config).unwrap();
    let status = kernel.run_line(&mut Silence, b"spawn many count=3000");
    assert_eq!(status, 0);
    let whole = tasks(&kernel, TaskOrder::Tree, false, 0, u32::MAX);
    assert_eq!(whole.rows.len(), TASKS_MAX as usize);
    assert_eq!((whole.before, whole.after), (0, 3002 - TASKS_MAX));
    for order in [TaskOrder::Tree, TaskOrder::Pid] {
        let view = tasks(&kernel, order, false, 2000, 10);
        let pids: Vec<u32> = view.rows.iter().map(|row| row.pid).collect();
        assert_eq!(pids, (2098..2108).collect::<Vec<u32>>(), "{order:?}");
        assert_eq!((view.before, view.after), (2000, 992));
        let beyond = tasks(&kernel, order, false, u32::MAX, 10);
        assert_eq!(
            (beyond.before, beyond.after, beyond.rows.len()),
            (3002, 0, 0)
        );
    }
    assert_eq!(tasks(&kernel, TaskOrder::Name, true, 0, 0).rows, []);
}

#[test]
fn tasks_are_put_in_order() {
    let kernel = kernel(&[
        "spawn b uid=5 nice=3 vm=10M rss=1M",
        "spawn a uid=7 nice=-3 vm=1M rss=512K threads=3",
        "spawn ab vm=64K rss=4K age=10s utime=5s",
    ]);
    let order = |order, is_descending| -> Vec<u32> {
        let view = tasks(&kernel, order, is_descending, 0, 100);
        view.rows.iter().map(|row| row.pid).collect()
    };
    // `a` has three threads, 101 to 103, but is one process.
    assert_eq!(order(TaskOrder::Pid, true), [104, 101, 100, 2, 1]);
    assert_eq!(order(TaskOrder::Name, false), [101, 104, 100, 2, 1]);
    assert_eq!(order(TaskOrder::User, true)[..2], [101, 100]);
    assert_eq!(order(TaskOrder::Nice, false)[0], 101);
    assert_eq!(order(TaskOrder::Size, true)[..2], [100, 101]);
    assert_eq!(order(TaskOrder::Resident, true)[..2], [100, 101]);
    assert_eq!(order(TaskOrder::Threads, true)[0], 101);
    assert_eq!(order(TaskOrder::Time, true)[0], 104);
    assert_eq!(order(TaskOrder::Cpu, true)[0], 104);
    let view = tasks(&kernel, TaskOrder::Cpu, true, 0, 1);
    assert_eq!(view.rows[0].permille(view.now), 500);
    assert_eq!(view.rows[0].start, -10_000_000_000);
}

#[test]
fn threads_stand_below_their_process() {
    let mut kernel = kernel(&["threads 2 1s &", "sleep 100ms"]);
    let view = tree(&kernel);
    assert_eq!(shape(&view), [(1, 0), (2, 1), (100, 1), (101, 2), (102, 2)]);
    assert_eq!((view.processes, view.threads), (3, 5));
    let thread = view.rows.last().expect("there are rows");
    assert!(thread.is_thread() && thread.tgid == 100 && thread.threads == 3);
    let one = one(&kernel, 102);
    let pids: Vec<u32> = one.threads.iter().map(|kin| kin.pid).collect();
    assert_eq!(pids, [100, 101, 102]);
    let mm = one.mm.expect("it has an address space");
    assert_eq!(mm.users, 3);
    assert_eq!(mm.sharers, [], "one address space is nobody else's");
    assert_eq!(kernel.run_line(&mut Silence, b"wait"), 0);
    assert_eq!(tree(&kernel).threads, 2);
}

#[test]
fn a_fork_shares_pages_until_one_writes() {
    // The parent fills 16 pages and forks; the child writes to eight of them.
    let mut kernel = kernel(&["cow 64K &"]);
    let mut waited = 0;
    while task(&kernel, 101, 0).is_none() {
        assert_eq!(kernel.run_line(&mut Silence, b"sleep 10us"), 0);
        waited += 1;
        assert!(waited < 1000, "it never forks");
    }
    let [parent, child] = [100, 101].map(|pid| one(&kernel, pid));
    let (parent, child) = (parent.mm.unwrap(), child.mm.unwrap());
    let memory = |page: &&crate::view::task::PageRow| page.number >> 10 == 0x4000_0000 >> 22;
    let of_parent: Vec<_> = parent.pages.iter().filter(memory).collect();
    let of_child: Vec<_> = child.pages.iter().filter(memory).collect();
    assert_eq!(of_parent.len(), 16);
    let shared = |pages: &[&crate::view::task::PageRow]| {
        let shared = pages.iter();
        shared
            .filter(|page| page.kind == PageKind::CopyOnWrite)
            .count()
    };
    let before = shared(&of_parent);
    assert!(before > 0);
    assert_eq!(shared(&of_child), before);
    for page in &of_parent {
        let theirs = child.page(page.address()).expect("the child has it, too");
        let is_shared = page.kind == PageKind::CopyOnWrite;
        assert_eq!(theirs.frame() == page.frame(), is_shared, "{page:?}");
        assert_eq!(page.mapped, 1 + u32::from(is_shared));
        if is_shared {
            assert!(!page.is_writable() && !theirs.is_writable());
            let names: Vec<u32> = parent.sharers_of(page).map(|kin| kin.pid).collect();
            assert_eq!(names, [101]);
        }
    }
    // Half a second later the child has written to half of them.
    assert_eq!(kernel.run_line(&mut Silence, b"sleep 200ms"), 0);
    let child = one(&kernel, 101).mm.unwrap();
    let of_child: Vec<_> = child.pages.iter().filter(memory).collect();
    assert_eq!(shared(&of_child), 8);
    let own = of_child
        .iter()
        .filter(|page| page.kind == PageKind::Private);
    assert!(own.clone().count() == 8 && own.clone().all(|page| page.is_writable()));
    let parent = one(&kernel, 100).mm.unwrap();
    let of_parent: Vec<_> = parent.pages.iter().filter(memory).collect();
    assert_eq!(shared(&of_parent), 8);
    // Every used entry hangs in a table that the directory leads to.
    for mm in [&parent, &child] {
        let used: u32 = mm.tables.iter().map(|table| table.used).sum();
        assert_eq!(used as usize, mm.pages.len());
        assert!(
            mm.pages
                .iter()
                .all(|page| mm.table(page.address()).is_some())
        );
        assert!(
            mm.pages
                .iter()
                .all(|page| mm.area(page.address()).is_some())
        );
        assert_eq!(mm.anon + mm.file, used);
    }
}

#[test]
fn areas_are_those_of_maps() {
    let kernel = kernel(&["memhog 64K &", "sleep 100ms"]);
    let view = one(&kernel, 100);
    let mm = view.mm.as_ref().expect("it has an address space");
    let names: Vec<(&str, &str)> = mm
        .areas
        .iter()
        .map(|area| (&*area.rights, &*area.name))
        .collect();
    assert_eq!(names[0], ("r-xp", "/bin/memhog"));
    assert_eq!(names.last(), Some(&("rw-p", "[stack]")));
    let present: u32 = mm.areas.iter().map(|area| area.present).sum();
    assert_eq!(present as usize, mm.pages.len());
    assert_eq!(mm.pages[0].kind, PageKind::File);
    assert!(
        view.objects
            .iter()
            .any(|(name, at)| name == "mm_struct" && *at == mm.at)
    );
    let table = view.table();
    assert!(table.rows.iter().any(|row| row[1] == "08048000-08049000"));
    assert!(
        table
            .rows
            .iter()
            .any(|row| row[0] == "page" && row[1] == "08048000")
    );
}

#[test]
fn a_large_address_space_comes_in_parts() {
    let kernel = kernel(&["memhog 12M &", "sleep 2s"]);
    let whole = one(&kernel, 100).mm.expect("it has an address space");
    assert_eq!((whole.before, whole.pages.len()), (0, PAGES));
    assert!(whole.after > 1000, "{}", whole.after);
    let last = whole.pages[PAGES - 1];
    let rest = task(&kernel, 100, last.address() + 4096)
        .and_then(|view| view.mm)
        .unwrap();
    assert_eq!(rest.before as usize, PAGES);
    assert_eq!(rest.pages.len() as u32, whole.after);
    assert_eq!(rest.areas, whole.areas, "areas count all of their pages");
}

/// Pages of a view.
const PAGES: usize = 2048;

#[test]
fn where_a_program_is_is_told() {
    let kernel = kernel(&["server 7 &", "sleep 1ms"]);
    let view = one(&kernel, 100);
    let program = view.program.as_ref().expect("it runs a program");
    assert!(program.text.starts_with("# server"));
    assert_eq!(program.current(), Some("sleep $pause_for"));
    assert_eq!(program.arguments, ["server", "7"]);
    let requests = program
        .variables
        .iter()
        .find(|(name, _)| name == "requests");
    assert_eq!(requests, Some(&("requests".into(), 7)));
    assert!(program.deadline > view.now);
    assert_eq!(view.waits_for(), Some("time to pass"));
    assert_eq!(Signals::names(view.signals.caught), "TERM");
    let open: Vec<(u32, &str)> = view
        .files
        .iter()
        .map(|file| (file.fd, &*file.path))
        .collect();
    assert_eq!(open[0].0, 0);
    assert!(
        open.iter().all(|(_, path)| path.starts_with("/dev/")),
        "{open:?}"
    );
    assert_eq!(view.cwd, "/");
    assert_eq!(view.parent.map(|kin| kin.pid), Some(1));
}

#[test]
fn a_zombie_has_its_end_left() {
    let mut kernel = kernel(&[
        "echo 'child = fork' > /z",
        "echo 'if $child == 0' >> /z",
        "echo 'exit 7' >> /z",
        "echo 'end' >> /z",
        "echo 'pause' >> /z",
        "chmod 755 /z",
        "/z &",
        "sleep 100ms",
    ]);
    let view = one(&kernel, 101);
    assert!(view.row.is_zombie());
    assert_eq!((view.mm.as_ref(), view.program.as_ref()), (None, None));
    assert_eq!(view.files, []);
    assert_eq!(view.end().as_deref(), Some("ended with status 7"));
    let said: String = view.sentence();
    assert_eq!(said, "101 z is a zombie, ended with status 7");
    assert_eq!(tree(&kernel).states[3], 1);
    assert_eq!(kernel.run_line(&mut Silence, b"kill 100"), 0);
    assert_eq!(kernel.run_line(&mut Silence, b"sleep 1ms"), 0);
    assert!(task(&kernel, 101, 0).is_none(), "init has asked");
}

#[test]
fn containers_and_nonsense() {
    let kernel = kernel(&[
        "mkdir /containers",
        "mount -t container -o cpu,cpuacct none /containers",
        "mkdir /containers/guests",
        "echo $$ > /containers/guests/tasks",
    ]);
    let view = one(&kernel, 1);
    assert_eq!(
        view.containers,
        vec![("cpuacct,cpu".into(), "/guests".into())]
    );
    assert!(view.mm.is_none() && view.program.is_none());
    for pid in [0, 3, 99, 100_000, u32::MAX] {
        assert!(task(&kernel, pid, u32::MAX).is_none(), "{pid}");
    }
    for order in [TaskOrder::Tree, TaskOrder::Cpu] {
        let view = tasks(&kernel, order, true, 1, 1);
        assert_eq!(view.rows.len(), 1, "{order:?}");
    }
}
