# Two sparse slabs; of the first, somebody holds one address.
conn open {{many}}
conn close 0 {{a}}
conn close {{a + 4}} 55
conn close 56 {{56 + b}}
conn close {{56 + b + 5}} 111
conn reap
conn hold {{a + 2}}
conn vacate {{56 + b + 1}}
conn vacate {{a + 1}}
