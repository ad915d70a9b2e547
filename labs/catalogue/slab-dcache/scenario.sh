# A source tree: dir0 and dir1, 8600 files each.
mkdir -p /usr/src
mount -t srcfs -o dirs=2,files=8600 none /usr/src
