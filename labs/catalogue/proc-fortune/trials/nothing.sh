# A program that writes no byte at all: to an empty pot, and later.
echo 'fd = open /proc/fortune append' > /put
echo 'memory = mmap 4K shared' >> /put
echo 'taken = write $fd $memory 0' >> /put
echo 'print took $taken' >> /put
chmod 755 /put
/put
echo Nothing is {{b}} > /proc/fortune
/put
