# A night's work against a program that was started a while ago.
spawn model uid=500 vm={{l + 15}}M rss={{l + 12}}M age=9h utime=8h
spawn album uid=500 vm={{l}}M rss={{l - 8}}M age=9h utime=2s
spawn editor uid=500 vm=20M rss=9M age=9h
