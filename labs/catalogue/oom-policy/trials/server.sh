# A forking server, and somebody else who has the memory.
spawn httpd uid=33 vm=30M rss=8M age=1d
spawn worker uid=33 vm=25M rss=3M ppid=100 count={{w}} age=1h
spawn index uid=500 vm={{l + 5}}M rss={{l}}M age=2h
