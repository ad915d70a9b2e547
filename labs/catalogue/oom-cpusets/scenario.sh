# Two halves of a machine, each with a node of memory: left and right; and who works there.
mkdir -p /dev/cpuset /mnt/oom-killer
mount -t container -o cpuset cpuset /dev/cpuset
mkdir /dev/cpuset/left /dev/cpuset/right
echo 0 > /dev/cpuset/left/cpus
echo 0 > /dev/cpuset/left/mems
echo 1 > /dev/cpuset/right/cpus
echo 1 > /dev/cpuset/right/mems
spawn daemon count={{k}} uid=2 vm=1M rss=200K age=1d
spawn thumbs uid=500 vm={{m}}M rss=12M
spawn shop uid=33 vm=50M rss=16M
spawn render uid=500 vm={{n}}M rss=14M
spawn mail uid=8 vm=30M rss=9M
echo {{100 + k}} > /dev/cpuset/left/tasks
echo {{101 + k}} > /dev/cpuset/left/tasks
echo {{102 + k}} > /dev/cpuset/right/tasks
echo {{103 + k}} > /dev/cpuset/right/tasks
