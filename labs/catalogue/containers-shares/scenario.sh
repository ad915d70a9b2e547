# A program of the students' own kind: a count of nanoseconds, as per cent of ten seconds.
echo '# percent NANOSECONDS: how many per cent of ten seconds that is.' > /percent
echo 'half = $1 + 50ms' >> /percent
echo 'percent = $half / 100ms' >> /percent
echo 'print $percent' >> /percent
chmod 755 /percent
