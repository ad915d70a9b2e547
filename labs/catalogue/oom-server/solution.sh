echo -2 > /proc/{{100 + k}}/oom_adj
