# Root's own updater has run wild.
spawn editor uid=500 vm=60M rss=15M age=3h
spawn update vm={{l + 90}}M rss={{l + 80}}M age=20m
spawn shell uid=500 vm=8M rss=2M age=3h
