mkdir -p /containers
mount -t container -o cpuacct none /containers
mkdir /containers/mail /containers/web /containers/web/cgi /containers/batch /containers/night
# One thread a line.
echo {{100 + k}} > /containers/mail/tasks
echo {{101 + k}} > /containers/mail/tasks
echo {{102 + k}} > /containers/mail/tasks
echo {{103 + k}} > /containers/web/tasks
echo {{104 + k}} > /containers/web/tasks
echo {{105 + k}} > /containers/web/cgi/tasks
rmdir /containers/web
echo $$ > /containers/batch/tasks
spin {{s}}
echo $$ > /containers/tasks
cat /containers/batch/cpuacct.usage
echo 'rmdir /containers$1' > /agent
chmod 755 /agent
echo /agent > /containers/release_agent
echo 1 > /containers/night/notify_on_release
