# A larger server: logins, two web servers, a database and its log.
spawn sshd count={{k}}
spawn httpd count=2
spawn mysqld
spawn logger
