# A night's work has run wild; to end all others would not help.
spawn editor uid=500 vm=20M rss=9M age=3h
spawn mail uid=8 vm=20M rss=8M age=3h
spawn model uid=500 vm=300M rss={{l * 3}}M age=12h utime=10h
