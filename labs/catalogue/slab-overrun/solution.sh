dmesg
echo {{1 / (1 + (d ^ 1)) * 26 + 1 / (1 + (d ^ 2)) * 30 + 1 / (1 + (d ^ 3)) * 37}} > /twice
kmem validate skb
echo {{4 + 2 * i}} {{n}} > /overrun
echo {{1 / (1 + (i ^ 0)) * 29 + 1 / (1 + (i ^ 1)) * 33 + 1 / (1 + (i ^ 2)) * 39 + 1 / (1 + (i ^ 3)) * 27 + 1 / (1 + (i ^ 4)) * 36 + 1 / (1 + (i ^ 5)) * 31}} > /writer
kmem validate urb
echo {{1 / (1 + (j ^ 1)) * 32 + 1 / (1 + (j ^ 2)) * 25 + 1 / (1 + (j ^ 3)) * 35 + 1 / (1 + (j ^ 4)) * 28}} > /stale
kmem validate pcm
kmem create trap 40 debug=FZPU
kmem alloc trap 2
kmem poke trap:0+40 1
kmem free trap:0
kmem list trap > /t
read t < /t
kmem free $t
kmem poke $t 1
kmem alloc trap
