kmem create mine {{4096 / fit / 8 * 8}}
kmem alloc mine {{fit}}
kmem create line 64
kmem alloc line 8
kmem free line:0+{{c * 64}}
kmem free line:0+{{b * 64}}
kmem free line:0+{{a * 64}}
kmem show line
kmem create part 1024
kmem alloc part 16
kmem free part:1 part:1 part:1
kmem free part:2 part:2 part:2
kmem free part:3 part:3 part:3
kmem show part
kmem create pair 96
kmem alloc pair
taskset -pc 1 $$
kmem alloc pair
taskset -pc 0 $$
kmem create gone 128
kmem alloc gone 65
kmem stat gone
kmem scatter gone 100
kmem shrink gone
kmem create built {{stride - 8}} ctor
kmem stat built
