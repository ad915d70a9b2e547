# What was moved, and what could not be, is closed afterwards: with a reference too many it would
# never be freed.
conn open {{many}}
conn close 0 {{a}}
conn close {{a + 4}} 55
conn close 56 {{56 + b}}
conn close {{56 + b + 5}} 111
conn reap
conn hold {{a + 3}}
conn vacate {{56 + b + 1}}
conn vacate {{a + 1}}
conn put {{a + 3}}
conn close 0 55
conn close 112 223
conn reap
