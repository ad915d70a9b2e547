# Lines that every session of the lab begins with.
radix create t
