# Daemons, so that numbers of processes differ; a database; a game; a backup of root's; an editor.
spawn daemon count={{k}} uid=2 vm=1M rss=200K age=1d
spawn db uid=27 vm={{m}}M rss=4M age=2m
spawn game uid=500 vm={{g}}M rss=8M utime=2000s age=2h
spawn backup vm=60M rss=2M age=1h
spawn editor uid=500 vm=16M rss=3M age=10m
