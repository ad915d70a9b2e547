# What the administrator has said.
spawn db uid=27 vm=400M rss={{l + 60}}M age=3h oom_adj=-5
spawn cache uid=500 vm=20M rss=10M age=3h oom_adj=5
spawn album uid=500 vm={{l}}M rss={{l - 9}}M age=3h
