# Daemons, so that numbers of processes differ; a server, a cache, the server's workers, one of which leaks.
spawn daemon count={{k}} uid=2 vm=1M rss=200K
spawn httpd uid=33 vm=20M rss=6M
spawn cache uid=500 vm=30M rss=20M
spawn worker uid=33 vm=6M rss=1M ppid={{100 + k}} count={{w}}
spawn leak uid=33 vm={{l}}M rss=40M ppid={{100 + k}}
