# The same small server. The filter is the mail server's child.
spawn sshd count={{k}}
spawn maild
spawn filter ppid={{100 + k}}
spawn game
spawn backup
