oom trigger
