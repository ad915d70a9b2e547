echo -17 > /proc/{{100 + k}}/oom_adj
spawn one uid=500 vm=100M rss=2M
spawn two uid=500 vm=40M ppid={{104 + k}} count=2
oom trigger
kill -9 {{106 + k}} {{104 + k}}
echo 4 > /proc/{{101 + k}}/oom_adj
echo -3 > /proc/{{103 + k}}/oom_adj
