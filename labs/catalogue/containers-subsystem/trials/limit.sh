# A fork bomb fills the container. Then the limit is lowered, and nobody comes in the place of one
# that is killed; at last it is raised.
mkdir /c
mount -t container -o tasklimit none /c
mkdir /c/a /c/a/b /c/a/d /c/d
echo {{max}} > /c/a/tasklimit.max
echo $$ > /c/a/tasks
forkbomb &
sleep 1
echo 1 > /c/a/tasklimit.max
kill -KILL 101
sleep 1
spawn none
echo {{max + 1}} > /c/a/tasklimit.max
