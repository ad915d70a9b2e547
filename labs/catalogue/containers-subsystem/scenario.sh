# A hierarchy with a limit on tasks: the kernel's own, which came to Linux eight years after containers.
spawn worker
mkdir /limits
mount -t container -o pids none /limits
mkdir /limits/web /limits/web/db /limits/mail
