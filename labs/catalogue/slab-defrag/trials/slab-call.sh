# One sparse slab.
conn open {{many}}
conn close 0 {{a}}
conn close {{a + 4}} 55
conn reap
conn vacate {{a + 1}}
