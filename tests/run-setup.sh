#!/bin/bash
# run-setup.sh - scripts/setup installs what is missing, only that, and says what to type where it may not.
#
# It runs with a PATH of its own, in which dpkg-query, apt-get, id and sudo are stand-ins: dpkg-query knows the
# packages in the file `installed`, apt-get writes down how it was called, adds what it "installs" to that file, and
# knows the packages in `known`.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"

bin=$scratch/bin
mkdir "$bin"
for tool in sh bash env sed sort tr cat grep true; do
	ln -s "$(type -P $tool)" "$bin/$tool"
done

# stand_in NAME - writes standard input as a program of that name.
stand_in() {
	{ echo '#!/bin/sh'; echo "cd '$scratch'"; cat; } >"$bin/$1"
	chmod +x "$bin/$1"
}

stand_in dpkg-query <<'EOF'
shift 2
for package; do
	grep -qx "$package" installed && echo "installed $package"
done
true
EOF
stand_in apt-get <<'EOF'
echo "$*" >>calls
[ "$1" = install ] || exit 0
shift
for word; do
	case $word in
	-*) ;;
	*) grep -qx "$word" known || exit 100; echo "$word" >>installed ;;
	esac
done
EOF
stand_in id <<'EOF'
cat user
EOF

everything=(gcc libc6-dev meson ninja-build pkg-config check clang g++ binutils python3 clang-22
	libnsync-dev libck-dev libglib2.0-dev libtbb-dev libabsl-dev libzmq3-dev libuv1-dev libboost-dev
	libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev gstreamer1.0-plugins-bad scdoc man-db
	libturbojpeg0-dev libyuv-dev libinih-dev libwebsockets-dev libjansson-dev libxxhash-dev libdw-dev libelf-dev
	libncurses-dev libavformat-dev libavcodec-dev libavdevice-dev libavutil-dev libswscale-dev python3-websockets
	ffmpeg python3-imageio forensics-samples-files chromium chromium-driver libcurl4-openssl-dev)

# begin USER PACKAGE... - a machine on which these packages are missing.
begin() {
	echo "$1" >"$scratch/user"
	shift
	: >"$scratch/calls"
	printf '%s\n' "${everything[@]}" >"$scratch/known"
	printf '%s\n' "${everything[@]}" | grep -vxF -f <(printf '%s\n' "$@") >"$scratch/installed"
	rm -f "$bin/sudo"
}

setup() {
	PATH=$bin "$root/scripts/setup" test </dev/null >"$scratch/answer" 2>&1
}

installs() {
	grep '^install' "$scratch/calls" | tr ' ' '\n' | grep -vxE 'install|-.*' | tr '\n' ' '
}

says() {
	grep -qF -- "$1" "$scratch/answer"
}

begin 1000 nothing
check "all there: it succeeds without any rights" setup
check "and does not call apt-get" fails test -s "$scratch/calls"
check "and says nothing" fails test -s "$scratch/answer"

begin 0 check meson
check "two are missing, root: it succeeds" setup
check "it installs these two" test "$(installs)" = "check meson "
check "after one update" test "$(grep -c '^update' "$scratch/calls")" = 1
check "and has nothing to do the second time" setup
check "so it does not" test "$(grep -c '^install' "$scratch/calls")" = 1

begin 1000 check meson
check "neither root nor sudo: it fails" fails setup
check "it names what is missing" says "missing, and not mine to install: check meson"
check "and what to type" says "apt-get update && apt-get install -y --no-install-recommends check meson"
check "and does not call apt-get" fails test -s "$scratch/calls"

begin 1000 check
stand_in sudo <<'EOF'
[ "$1" = -n ] && shift
echo "as root: $1" >>sudo-calls
exec "$@"
EOF
check "with sudo: it succeeds" setup
check "through sudo" grep -q 'as root: apt-get' "$scratch/sudo-calls"
check "it installs what is missing" test "$(installs)" = "check "

begin 0 clang-22
sed -i '/clang-22/d' "$scratch/known"
check "an optional package that no mirror has: it goes on" setup
check "and says so" says "going on without clang-22"

begin 0 clang-22 libcurl4-openssl-dev
sed -i '/clang-22/d' "$scratch/known"
check "another optional package, that the mirror has, is missing too: it goes on" setup
check "and installs that one" grep -qx libcurl4-openssl-dev "$scratch/installed"

begin 0 check
sed -i '/^check$/d' "$scratch/known"
check "a needed package that no mirror has: it fails" fails setup
check "and says what is missing" says "missing, and not mine to install: check"

begin 1000 meson
stand_in meson </dev/null
check "a tool that no package brought counts as there" setup
tap_end
