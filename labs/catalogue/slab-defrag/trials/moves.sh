# Two sparse slabs, emptied one by one, and then many at once.
conn open {{many}}
conn close 0 {{a}}
conn close {{a + 4}} 55
conn close 56 {{56 + b}}
conn close {{56 + b + 5}} 111
conn reap
conn vacate {{a + 1}}
conn vacate {{56 + b + 1}}
kmem shrink conn
conn open 1600
conn close {{many + 1}} {{many + 1599}} 10
conn close {{many + 2}} {{many + 1599}} 10
conn close {{many + 3}} {{many + 1599}} 10
conn close {{many + 4}} {{many + 1599}} 10
conn close {{many + 5}} {{many + 1599}} 10
conn close {{many + 6}} {{many + 1599}} 10
conn close {{many + 7}} {{many + 1599}} 10
conn close {{many + 8}} {{many + 1599}} 10
conn close {{many + 9}} {{many + 1599}} 10
conn reap
kmem defrag
