# 64, 128, 256, 512 and three times 1024 bytes: 64 are left, and the last fortune has as many.
t=.; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune; echo $t > /proc/fortune; echo $t > /proc/fortune
echo Of {{a}}: this fortune ends where the pot does, to the byte..... > /proc/fortune
cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null
cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null
