# The second allocation fails; then there is memory again.
conn open {{many}}
conn close 0 {{a}}
conn close {{a + 4}} 55
conn reap
kmem fail conn 2
conn vacate {{a + 1}}
conn vacate {{a + 2}}
