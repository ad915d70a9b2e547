# The bomb is in one container, the shell in its sibling; the limit is above both.
mkdir /c
mount -t container -o tasklimit none /c
mkdir /c/a /c/a/b /c/a/d /c/d
echo {{max}} > /c/a/tasklimit.max
echo $$ > /c/a/b/tasks
forkbomb &
sleep 1
echo $$ > /c/tasks
echo $$ > /c/a/d/tasks
