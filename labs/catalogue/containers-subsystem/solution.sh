# The bomb fills web, with the shell beside it in db; then the shell moves up one level.
echo {{max}} > /limits/web/pids.max
echo $$ > /limits/web/db/tasks
forkbomb &
sleep 1
echo $$ > /limits/web/tasks
