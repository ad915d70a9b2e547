# Another CPU closes one as soon as get has returned.
conn open {{many}}
conn close 0 {{a}}
conn close {{a + 4}} 55
conn reap
conn race {{a + 2}}
conn vacate {{a + 1}}
conn reap
