dcache lookup /usr/src/dir1 file 400
find /usr/src -name core
pages alloc 5
dcache open /usr/src/dir1 file {{n}}
dcache lookup /usr/src/dir1 file 400
dcache lookup /usr/src/dir0 file 8600 20
dcache lookup /usr/src/dir1 file 8600 20
dcache prune 16900
# The page of an open file, and one of a file that is not.
dcache show /usr/src/dir1/file0 > /d
read word address rest < /d
kmem vacate $address
dcache show /usr/src/dir0/file2000 > /d
read word address rest < /d
kmem vacate $address
kmem defrag
stat /usr/src/dir1/file{{f}}
cat /usr/src/dir0/core.{{m}}
kmem stat dentry
