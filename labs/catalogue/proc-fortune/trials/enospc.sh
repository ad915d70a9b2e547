# The same; and the line at the end brings one that is a byte too long.
t=.; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune
t=$t${t}o; echo $t > /proc/fortune; echo $t > /proc/fortune; echo $t > /proc/fortune
cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null
cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null; cat /proc/fortune > /dev/null
