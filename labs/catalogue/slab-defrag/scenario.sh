# A cache whose objects can be moved, after a long day: of ten objects, nine are free.
kmem create mine 120 ops=movable
kmem alloc mine {{count}}
kmem scatter mine 90
