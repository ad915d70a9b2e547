# A reader who comes too early.
cat /proc/fortune
