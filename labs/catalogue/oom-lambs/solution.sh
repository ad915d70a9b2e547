mount -t cgroup -o oom oom /mnt/oom-killer
cd /mnt/oom-killer
mkdir lambs
echo {{p}} > /mnt/oom-killer/lambs/oom.priority
echo {{103 + k}} > /mnt/oom-killer/lambs/tasks
mkdir sheep
echo 256 > sheep/oom.priority
echo {{102 + k}} > sheep/tasks
mkdir invincibles
echo 0 > /mnt/oom-killer/invincibles/oom.priority
echo {{100 + k}} > /mnt/oom-killer/invincibles/tasks
