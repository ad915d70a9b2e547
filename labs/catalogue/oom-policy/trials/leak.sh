# Much address space and little memory; a database; and one that leaks.
spawn browser uid=500 vm=2G rss=3M age=2h utime=40s
spawn db uid=27 vm=400M rss=12M age=3d
spawn viewer uid=500 vm={{l + 8}}M rss={{l}}M age=3h utime=5s
spawn editor uid=500 vm=60M rss=9M age=3h
