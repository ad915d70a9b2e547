# A full pot, read to its end.
echo Of {{a}}: this fortune begins where the pot does, at 0.......... > /proc/fortune
t=.; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune; echo $t > /proc/fortune; echo $t > /proc/fortune
cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null
cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null
cat /proc/fortune > /dev/null
