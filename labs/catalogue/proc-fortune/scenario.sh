# A text of 1023 letters: with its newline, a fortune of 1024 bytes.
t=.; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o; t=$t${t}o
