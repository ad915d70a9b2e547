# Daemons, so that numbers of processes differ; the ledger; the shop; an indexer; a crawler.
spawn daemon count={{k}} uid=2 vm=1M rss=200K age=1d
spawn ledger uid=27 vm=120M rss=6M
spawn shop uid=33 vm=90M rss=8M
spawn indexer uid=500 vm=30M rss=8M
spawn crawler uid=500 vm=6M rss=3M
mkdir -p /mnt/oom-killer
