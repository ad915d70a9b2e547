# Something large, so that the cache of nodes has room and takes no page in between.
radix create room
radix insert room {{1 << 60}} 1
radix delete room {{1 << 60}}
# A tree that the pool does not help.
radix create torn gfp=GFP_KERNEL
radix insert torn 9 1
echo {{high}} > /proc/self/fail-nth
radix insert torn {{1 << 6 * (high - 1)}} 2
radix stat torn
radix create safe
radix create hog gfp=GFP_KERNEL
# The pools, first the other CPU's.
taskset -pc 1 $$
radix preload
radix preload_end
taskset -pc 0 $$
echo 1 > /proc/self/fail-nth
radix preload
radix preload
radix preload_end
radix pool
radix fill hog 0 9999 64
radix insert safe {{1 << 6 * (11 - left)}} 1
radix pool
