mount -t cgroup -o oom oom /mnt/oom-killer
mkdir /mnt/oom-killer/lambs
echo 256 > /mnt/oom-killer/lambs/oom.priority
echo {{100 + k}} > /mnt/oom-killer/lambs/tasks
mkdir /mnt/oom-killer/sheep
echo 100 > /mnt/oom-killer/sheep/oom.priority
echo {{103 + k}} > /mnt/oom-killer/sheep/tasks
echo priority_cpuset > /proc/sys/vm/oom_policy
