# a is full, and d, which is in it, has room for one.
echo "repeat \$1" > /many
echo "child = fork" >> /many
echo "if \$child == 0" >> /many
echo pause >> /many
echo end >> /many
echo end >> /many
echo pause >> /many
chmod 755 /many
mkdir /c
mount -t container -o tasklimit none /c
mkdir /c/a /c/a/b /c/a/d /c/d
/many {{many}} &
sleep 1
echo 2 > /c/a/tasklimit.max
echo 1 > /c/a/d/tasklimit.max
echo 101 > /c/a/b/tasks
echo 102 > /c/a/b/tasks
