# From large to small: whatever the pot holds already, what is left is a sum of these.
echo $t > /proc/fortune
echo $t > /proc/fortune
echo $t > /proc/fortune
echo $t > /proc/fortune
t=.; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; echo $t > /proc/fortune
t=.; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; echo $t > /proc/fortune
t=.; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; echo $t > /proc/fortune
t=.; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; echo $t > /proc/fortune
t=.; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; echo $t > /proc/fortune
t=.; t=$t${t}o; t=$t${t}o; t=$t${t}o; echo $t > /proc/fortune
t=.; t=$t${t}o; t=$t${t}o; echo $t > /proc/fortune
t=.; t=$t${t}o; echo $t > /proc/fortune
echo . > /proc/fortune
echo > /proc/fortune
