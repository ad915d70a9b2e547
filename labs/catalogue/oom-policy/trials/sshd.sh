# Nobody has much, and root's door is a little larger than a game.
spawn sshd vm=9M rss=6M age=5d
spawn daemon uid=2 vm=4M rss=1M age=5d count=4
spawn game uid=500 vm=9M rss=5M age=10m
