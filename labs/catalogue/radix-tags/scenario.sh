# A line of 64 bytes, a page of 64 lines, and an old file of eight pages.
echo 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde > /line
cat /line /line /line /line /line /line /line /line > /lines
cat /lines /lines /lines /lines /lines /lines /lines /lines > /page
cat /page /page /page /page /page /page /page /page > /old
# The pages of a book, four of them dirty.
radix create book
radix fill book 0 300
radix tag_set book {{done}} 0
radix tag_set book {{busy}} 0
radix tag_set book {{dropped}} 0
radix tag_set book {{waiting}} 0
# A tree to explore with.
radix create t
radix fill t 0 300
