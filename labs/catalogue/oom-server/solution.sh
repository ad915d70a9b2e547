oom trigger
echo 1 > /proc/sys/vm/oom_dump_tasks
echo -2 > /proc/{{100 + k}}/oom_adj
