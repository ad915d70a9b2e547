# What runs on a small server: so many of one kind, a mail server with three threads, three web servers.
spawn sshd count={{k}}
spawn master threads=3
spawn httpd count=3
