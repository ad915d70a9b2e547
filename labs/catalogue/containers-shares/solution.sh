kill -9 -1
mkdir -p /containers/cpu
mount -t container -o cpu,cpuacct cpu /containers/cpu
cd /containers/cpu
mkdir web web/anna web/bert mail backup
echo {{a * 100}} > web/cpu.shares
echo {{b * 100}} > mail/cpu.shares
echo {{(100 - a - b) * 100}} > backup/cpu.shares
echo 3072 > web/anna/cpu.shares
echo 1024 > web/bert/cpu.shares
echo 0 > web/anna/tasks
spawn spin
echo 0 > web/bert/tasks
spawn spin count={{n}}
echo 0 > mail/tasks
spawn spin
echo 0 > backup/tasks
spawn spin count=2
echo 0 > tasks
