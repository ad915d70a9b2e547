kill -9 -1
mount -t cgroup -o memory,oom none /groups
mkdir /groups/web
echo {{a}}M > /groups/web/memory.limit_in_bytes
echo $$ > /groups/web/tasks
memhog 5M &
echo $$ > /groups/tasks
sleep 1
echo {{d}} > /groups/web/oom.delay
rescue /groups/web/oom.notify /groups/web/memory.limit_in_bytes {{c}}M &
echo notify > /proc/sys/vm/oom_policy
hoard {{h}}M &
sleep 1
