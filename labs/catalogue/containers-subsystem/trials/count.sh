# A program with children, threads that end, and two that are killed.
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
echo $$ > /c/a/b/tasks
/many {{n}} &
threads 3 20ms &
sleep 1
kill -KILL 105 {{104 + n}}
sleep 1
