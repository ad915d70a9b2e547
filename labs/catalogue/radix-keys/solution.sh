radix create mine
radix insert mine {{target}} {{item}}
radix path mine {{target}}
# Only the lowest six bits differ.
radix insert mine {{(target & 63) ^ 32 | target >> 6 << 6}} {{sibling}}
radix insert mine {{(top << 12) + (middle << 6) + leaf}} {{leaf}}
radix path mine {{(top << 12) + (middle << 6) + leaf}}
radix insert mine {{target}} 1
radix stat mine
radix create short
radix insert short 5 1
radix insert short 4096 2
radix stat short
radix delete short 4096
radix stat short
radix create highest
radix insert highest 18446744073709551615 1
