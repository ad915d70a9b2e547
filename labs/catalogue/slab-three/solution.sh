kmem create even {{(4096 - 48 - 4 * k) / k / 8 * 8}}
kmem stat even
kmem create many {{1 / (1 + (c ^ 5)) * 368 + 1 / (1 + (c ^ 6)) * 448 + 1 / (1 + (c ^ 7)) * 504}}
kmem stat many
kmem create queue 128
echo queue {{limit}} {{limit / 2}} 0 > /proc/slabinfo
kmem alloc queue {{limit / 2 - keep}}
kmem stat queue
echo slob > /router
echo slub > /hunt
echo slab > /lines
