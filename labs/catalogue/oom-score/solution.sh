echo -17 > /proc/{{100 + k}}/oom_adj
echo 4 > /proc/{{101 + k}}/oom_adj
echo -3 > /proc/{{103 + k}}/oom_adj
