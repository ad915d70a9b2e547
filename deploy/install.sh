#!/bin/sh
# Installs the Glass Kernel's server, page and boot image on a machine with systemd, or into a folder.
#
#   deploy/install.sh [--prefix DIR] [--no-build] [--no-service]
#
#   --prefix DIR   where it goes [/opt/glass-kernel]
#   --no-build     install what `cargo xtask build` and `cargo build --release -p server` have left
#   --no-service   no systemd units, no user, no configuration: the files alone (for a container)
#
# With DESTDIR set, everything goes below that folder, and neither users are made nor systemd told:
# so a package can be made of it, and the script tried without harm. Running it again upgrades;
# the configuration and the data stay as they are.
set -eu

prefix=/opt/glass-kernel
build=yes
service=yes
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=${2:?"--prefix wants a folder"}; shift 2 ;;
        --no-build) build=no; shift ;;
        --no-service) service=no; shift ;;
        -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "install.sh: there is no option '$1'; --help lists them" >&2; exit 2 ;;
    esac
done
case $prefix in
    /*) ;;
    *) echo "install.sh: --prefix wants a path from the root, not '$prefix'" >&2; exit 2 ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
dest=${DESTDIR:-}
home=$dest$prefix

if [ "$build" = yes ]; then
    (cd "$root" && cargo xtask build && cargo build --release -p server)
fi
for made in "$target/dist/index.html" "$target/boot/boot" "$target/release/server"; do
    if [ ! -e "$made" ]; then
        echo "install.sh: $made is missing: leave out --no-build" >&2
        exit 1
    fi
done

# A file appears whole or not at all: a server that runs keeps the one that it has open.
put() { # MODE FROM TO
    install -D -m "$1" "$2" "$3.new"
    mv -f "$3.new" "$3"
}

put 755 "$target/release/server" "$home/bin/glass-kernel-server"
put 644 "$target/boot/boot" "$home/share/boot-image"
put 644 "$root/LICENSE-MIT" "$home/share/LICENSE-MIT"
put 644 "$root/LICENSE-APACHE" "$home/share/LICENSE-APACHE"
put 644 "$root/THIRD-PARTY.md" "$home/share/THIRD-PARTY.md"
# The page is a folder, which two renames put in the place of the one before.
rm -rf "$home/share/page.new" "$home/share/page.old"
cp -R "$target/dist" "$home/share/page.new"
chmod -R u=rwX,go=rX "$home/share/page.new"
if [ -d "$home/share/page" ]; then mv "$home/share/page" "$home/share/page.old"; fi
mv "$home/share/page.new" "$home/share/page"
rm -rf "$home/share/page.old"
echo "installed in $home"

if [ "$service" = no ]; then exit 0; fi

units=$dest/etc/systemd/system
mkdir -p "$units"
for unit in glass-kernel.service glass-kernel-backup.service glass-kernel-backup.timer; do
    sed "s|/opt/glass-kernel|$prefix|g" "$root/deploy/$unit" > "$units/$unit.new"
    chmod 644 "$units/$unit.new"
    mv -f "$units/$unit.new" "$units/$unit"
done
config=$dest/etc/glass-kernel.conf
if [ -e "$config" ]; then
    echo "$config is left as it is"
else
    mkdir -p "$(dirname "$config")"
    sed "s|/opt/glass-kernel|$prefix|g" "$root/deploy/glass-kernel.conf" > "$config"
    chmod 644 "$config"
    echo "$config holds the server's options"
fi

if [ -n "$dest" ]; then exit 0; fi

if ! getent passwd glass-kernel > /dev/null; then
    useradd --system --home-dir /var/lib/glass-kernel --shell /usr/sbin/nologin glass-kernel
fi
if ! command -v qemu-system-x86_64 > /dev/null; then
    echo "there is no QEMU here: install qemu-system-x86, or take --boot-image out of $config"
fi
systemctl daemon-reload
if systemctl --quiet is-active glass-kernel; then
    systemctl restart glass-kernel
    echo "the server runs in its new version"
else
    echo "now: systemctl enable --now glass-kernel glass-kernel-backup.timer"
fi
