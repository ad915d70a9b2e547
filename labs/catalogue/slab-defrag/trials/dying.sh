# A slab with two objects that were never written to, and one that is dying.
conn reserve 2
conn open {{many}}
conn close 2 {{a}}
conn close {{a + 4}} 55
conn close 56 {{56 + b}}
conn close {{56 + b + 5}} 111
conn reap
conn close {{a + 2}}
conn vacate {{56 + b + 1}}
conn vacate {{a + 1}}
conn reap
conn put 0 1
