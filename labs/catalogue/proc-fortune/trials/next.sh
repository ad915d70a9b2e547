# Somebody reads while others write.
echo The first of {{a}} > /proc/fortune
echo The second of {{a}} > /proc/fortune
cat /proc/fortune
echo The third of {{b}} > /proc/fortune
