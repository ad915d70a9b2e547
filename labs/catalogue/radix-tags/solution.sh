radix gang_lookup_tag book 0 10 0
# Page after page: writeback starts, writeback ends.
radix tag_set book {{done}} 1
radix tag_clear book {{done}} 0
radix tag_get book {{done}} 1
radix tag_clear book {{done}} 1
radix tag_set book {{busy}} 1
radix tag_clear book {{busy}} 0
# A page that is dropped takes its tags along; a new one gets its own.
radix delete book {{dropped}}
radix insert book {{far}} {{words}}
radix tag_set book {{far}} 0
radix tag_set book {{far}} 1
cat /page /page /page /page /page /page /page /page > /eight
cat /eight /eight /eight /eight /eight /eight /eight /eight > /long
radix stat /long
# What is missing, by powers of two: in /p0 they are empty, in /p1 they are not.
mkdir /p0 /p1
touch /p0/1 /p0/2 /p0/4 /p0/8 /p0/16 /p0/32
cat /page > /p1/1
cat /p1/1 /p1/1 > /p1/2
cat /p1/2 /p1/2 > /p1/4
cat /p1/4 /p1/4 > /p1/8
cat /p1/8 /p1/8 > /p1/16
cat /p1/16 /p1/16 > /p1/32
cat /p{{long - 64 & 1}}/1 /p{{long - 64 >> 1 & 1}}/2 /p{{long - 64 >> 2 & 1}}/4 >> /long
cat /p{{long - 64 >> 3 & 1}}/8 /p{{long - 64 >> 4 & 1}}/16 /p{{long - 64 >> 5 & 1}}/32 >> /long
radix stat /long
> /old
