mkdir -p /dev/cpuset
mount -t container -o cpuset,cpuacct cpuset /dev/cpuset
mkdir -p /dev/cpuset/web /dev/cpuset/db
echo 0-{{w}} > /dev/cpuset/web/cpus
echo 0 > /dev/cpuset/web/mems
echo {{d}}-{{d + 1}} > /dev/cpuset/db/cpus
echo 1 > /dev/cpuset/db/mems
echo 1 > /dev/cpuset/db/cpu_exclusive
mkdir /dev/cpuset/db/log
echo {{d + 1}} > /dev/cpuset/db/log/cpus
echo 1 > /dev/cpuset/db/log/mems
echo {{100 + k}} > /dev/cpuset/web/tasks
echo {{101 + k}} > /dev/cpuset/web/tasks
echo {{102 + k}} > /dev/cpuset/db/tasks
echo {{103 + k}} > /dev/cpuset/db/log/tasks
taskset -pc 0 {{102 + k}}
taskset -pc {{d}} {{102 + k}}
