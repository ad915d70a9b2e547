//! Pages of the manual: the shell itself, and what is no command.

use super::{Page, page};

pub(super) static PAGES: &[Page] = &[
    page! { "apropos", "Lists the pages of the manual in whose name, summary or text WORD stands, in capitals or not. `man -k` is the same.",
    ["apropos slab" => ""], [], ["man", "help"] },
    page! { "echo", "Prints its words with a blank between each two, and ends the line; -n does not. With > it is how a file of the kernel is written to.",
    ["echo $$ is my number" => "", "echo 3 > /proc/self/fail-nth" => "the third allocation from now fails"], [], ["cat", "shell"] },
    page! { "exit", "Switches the machine off. Nothing runs after it; the page can step back to before it.", ["exit" => ""], [], ["poweroff"] },
    page! { "false", "Does nothing, with status 1.", ["false || echo so it was" => ""], [], ["true", "shell"] },
    page! { "help", "Lists the commands with a line each; with COMMAND, how that one is called and what its subcommands are. The Tab key offers what may come next, from the same table.",
    ["help kmem" => ""], ["there is no command" => "programs of /bin are texts: cat /bin/NAME"], ["man", "apropos"] },
    page! { "man",
    "Shows a page of this manual: what a command does, examples, errors. Besides commands there are intro, where the kernel's state is; shell, how lines are written; syscalls, how programs are. -k finds the pages that tell of WORD.\n\
     Pages go to the console alone, behind what the line prints, wherever its output goes; the line has to say `man` in these letters.",
    ["man kmem" => "", "man -k swap" => ""],
    ["there is no page" => "man -k WORD finds those that there are"], ["help", "apropos"] },
    page! { "poweroff", "Switches the machine off. Nothing runs after it; the page can step back to before it.", ["poweroff" => ""], [], ["exit"] },
    page! { "true", "Does nothing, with status 0.", ["true && echo so it is" => ""], [], ["false", "shell"] },
    page! { "intro",
    "What the kernel knows stands in files, which are made as they are read; many can be written to.\n\
     Memory: /proc/meminfo, /proc/buddyinfo, /proc/zoneinfo, /proc/vmstat, /proc/slabinfo, /sys/slab/CACHE/.\n\
     Tasks: /proc/PID/stat, status, sched, maps, cmdline; /proc/self is the shell's. /proc/loadavg, /proc/stat, /proc/schedstat.\n\
     Containers: /proc/containers, /proc/PID/container, and the files of each hierarchy that is mounted.\n\
     When memory runs out: /proc/PID/oom_score and oom_adj; /proc/sys/vm/oom_policy, oom_victim, panic_on_oom, oom_kill_allocating_task, oom_dump_tasks; /dev/mem_notify.\n\
     What happened: /sys/kernel/debug/tracing/trace, and dmesg. To make something fail: echo N > /proc/self/fail-nth, and the N-th allocation from then on does.",
    ["cat /proc/meminfo /proc/loadavg" => "", "cat /sys/kernel/debug/tracing/trace" => ""],
    [], ["shell", "help", "ls"] },
    page! { "shell",
    "A line is commands: A; B one after the other, A && B if A succeeded, A || B if it failed, A & beside what follows. # begins a comment.\n\
     Words: 'as it is', \"with $NAME in it\", \\ before a character that would mean something. NAME=value sets a variable; $NAME and ${NAME} are its value, $? the last status, $$ the shell's number, $! that of the last program put into the background.\n\
     Files: > FILE writes, >> FILE adds, < FILE reads. There are no wildcards, no loops, and no pipes but those with names (mkfifo).\n\
     A word that is no command names a program of /bin, or by its path any. Commands take no time; it passes in sleep, in wait, and while a program runs in the foreground.\n\
     The status is 0, or 1 if the kernel refused, 2 for a call that was wrong, 127 if there is no such command. A line has 4,000,000 steps, and is interrupted then.",
    ["name=world; echo \"hello, $name\" > /a; cat /a" => "",
     "false || echo failed with $?" => "", "spin 1s & wait; echo $!" => ""],
    ["command not found" => "help lists them, and ls /bin", "syntax error" => "the line was not begun: nothing of it ran",
     "step limit reached" => "it took more than a line may"],
    ["help", "intro", "syscalls"] },
    page! { "syscalls",
    "A program is a text file that may be executed (chmod 755), a statement a line; # begins a comment. Each call below is a system call; one that fails says a negative error number. cat /bin/server shows some in use.\n\
     NAME = VALUE, CALL ARGUMENT..., NAME = CALL ARGUMENT...\n\
     VALUE: operands with * / %, + -, == != < <= > >=, not, and, or, in this order. OPERAND: 42, 64M, 10ms, -ENOENT, $NAME, $1, $#, $*, \"text\"; $1 else VALUE is VALUE if there is no $1.\n\
     if VALUE, else if VALUE, else, end; while VALUE, end; forever, end; repeat VALUE, end; break, continue; on SIGNAL, end: runs when the signal comes.\n\
     $? is what the last call said, $error that as a sentence, $$ the program's number, $status how its child ended, $line what getline has read.",
    ["echo 'print \"$$ says $1\"' > /p; chmod 755 /p; /p hello" => "",
     "cat /bin/server" => ""],
    [], ["shell", "spawn", "chmod"] },
];
