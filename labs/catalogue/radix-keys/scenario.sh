# An empty tree to look at.
radix create t
