#!/bin/bash
# run-check-functions.sh BUILD - `fairlead check --functions`, for programs that check functions of their own by
# fl_check; and what becomes of threads where nobody checks.
# shellcheck source=checking.sh
. "$(dirname "$0")/checking.sh"

program functions -I"$root/include" "$build/src/libfairlead.a" <<'END'
#include <assert.h>
#include <errno.h>
#include <fairlead/explore.h>
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int counter;
static void *count(void *arg)
{
	if (arg)
		pthread_mutex_lock(&lock);
	counter++;
	if (arg)
		pthread_mutex_unlock(&lock);
	return arg;
}
static void both(void *arg)
{
	pthread_t thread;
	pthread_create(&thread, NULL, count, arg);
	count(arg);
	pthread_join(thread, NULL);
	assert(counter == 2);
}
int main(void)
{
	const fl_check_options every = {.exhaustive = true};
	fl_check_result broken = {0}, right = {0};
	int error = fl_check(both, NULL, NULL, &broken);
	if (error == -ENOSYS)
		return 3;
	if (error != 1 || broken.verdict != FL_CHECK_ASSERTION || counter != 0)
		return 1;
	error = fl_check(both, &lock, &every, &right);
	printf("%s; %d, %d, %d\n", broken.text, error, right.exhausted, (int)right.schedules);
	return 0;
}
END
check "fl_check finds a failure and goes on" ends 0 check --functions ./functions
check "... and has seen both schedules of what is right" says "counter == 2' failed; 0, 1, 2$"
check "without the library, it says so" fails env -u LD_LIBRARY_PATH ./functions
program outside -I"$root/include" "$build/src/libfairlead.a" <<'END'
#include <errno.h>
#include <fairlead/explore.h>
#include <pthread.h>
#include <stdlib.h>
#include <threads.h>
static void *work(void *arg)
{
	return arg;
}
static int work11(void *arg)
{
	return arg != NULL;
}
static void nothing(void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, work, arg) == 0)
		pthread_join(thread, NULL);
}
int main(int argc, char **argv)
{
	int which = argc > 1 ? atoi(argv[1]) : 0, error;
	pthread_t thread;
	thrd_t thread11;

	if (which == 1)
		pthread_create(&thread, NULL, work, NULL);
	error = fl_check(nothing, NULL, NULL, NULL);
	if (error != 0 && error != -ENOSYS)
		return 1;
	if (which == 2 || error == -ENOSYS)
		nothing(NULL);
	if (which == 3)
		thrd_create(&thread11, work11, NULL);
	if (which == 4)
		pthread_exit(NULL);
	return 0;
}
END
check "threads beside a check, by itself" ./outside
check "... and none with the library" ends 0 check --functions ./outside
# outside CALL LINE - it ends with what is said of the call, and where that is.
outside() {
	local said
	ends 125 check --functions ./outside "$3" || return
	said=$(grep -F "$1() outside of fl_check" err) || return
	said=$(addr2line -e ./outside "$(grep -oE '0x[0-9a-f]+' <<<"$said")")
	echo "$said"
	[[ $said == */outside.c:$2 || $said == */outside.c:$2\ * ]]
}
check "a thread before a check is said" outside pthread_create 28 1
check "... and one behind it" outside pthread_create 18 2
check "... and one of C11" outside thrd_create 35 3
check "... and the end of the first one" outside pthread_exit 37 4
program constructor <<'END'
#include <pthread.h>
static void *work(void *arg)
{
	return arg;
}
__attribute__((constructor)) static void begin(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, work, NULL);
	pthread_join(thread, NULL);
}
int main(void)
{
	return 0;
}
END
check "a thread before main is said" refuses "pthread_create() before main(), in " check ./constructor
tap_end
