# A tree to explore with; its nodes are allocated with GFP_ATOMIC, as those of the page cache are.
radix create t
radix insert t 5 105
