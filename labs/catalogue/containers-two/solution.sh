mkdir -p /containers/cpu /containers/mem /containers/freezer /containers/no
mount -t container -o cpu,cpuacct cpu /containers/cpu
mount -t container -o memory,pids mem /containers/mem
mount -t container -o freezer night /containers/freezer
mount -t container -o cpu,devices no /containers/no
mkdir -p /containers/cpu/guests /containers/cpu/system /containers/mem/mail /containers/mem/rest /containers/freezer/night
echo 9216 > /containers/cpu/guests/cpu.shares
echo 1024 > /containers/cpu/system/cpu.shares
echo {{100 + k}} > /containers/cpu/system/tasks
echo {{103 + k}} > /containers/cpu/system/tasks
echo {{101 + k}} > /containers/cpu/guests/tasks
echo {{102 + k}} > /containers/cpu/guests/tasks
echo {{m}}M > /containers/mem/mail/memory.limit_in_bytes
echo {{100 + k}} > /containers/mem/mail/tasks
echo {{101 + k}} > /containers/mem/mail/tasks
echo {{102 + k}} > /containers/mem/rest/tasks
echo {{103 + k}} > /containers/mem/rest/tasks
echo {{103 + k}} > /containers/freezer/night/tasks
echo FROZEN > /containers/freezer/night/freezer.state
