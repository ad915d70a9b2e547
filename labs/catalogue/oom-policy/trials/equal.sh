# Two alike, but for when they were started.
spawn report uid=500 vm={{l}}M rss={{l - 20}}M age=6h utime=3s
spawn report uid=500 vm={{l}}M rss={{l - 20}}M age=2m utime=3s
spawn report uid=500 vm={{l}}M rss={{l - 20}}M age=5h utime=3s
