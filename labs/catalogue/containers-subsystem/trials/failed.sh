# pids refuses forks, and cpuset whoever joins a container without CPUs. Both are asked after tasklimit.
mkdir /c /p
mount -t container -o cpuset,tasklimit none /c
mkdir /c/a
mount -t container -o pids none /p
mkdir /p/x
spawn one
echo 1 > /p/x/pids.max
echo $$ > /p/x/tasks
spawn two
spawn three
echo $$ > /c/a/tasks
