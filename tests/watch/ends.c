/*
 * tests/watch/ends.c - programs that end in all ways, after they have used a lock that is called `counted` as often as
 * their second argument says.
 */
#define _GNU_SOURCE
#include "cases.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t counted = PTHREAD_MUTEX_INITIALIZER;
static int times;
static char **arguments;

static void count(void)
{
	for (int i = 0; i < times; i++) {
		pthread_mutex_lock(&counted);
		pthread_mutex_unlock(&counted);
	}
}

static void returns(void)
{
	count();
}

static void exits_at_once(void)
{
	count();
	_exit(5);
}

static void is_killed(void)
{
	count();
	kill(getpid(), SIGKILL);
}

static void crashes(void)
{
	pthread_mutex_lock(&counted); /* and holds it */
	pthread_mutex_unlock(&counted);
	times--;
	count();
	pthread_mutex_lock(&counted);
	times = 0;
	raise(SIGSEGV);
}

/* The child's notes are its own; what the parent does then is its own, too. */
static void forks(void)
{
	pid_t child;

	pthread_mutex_lock(&counted);
	pthread_mutex_unlock(&counted);
	child = fork();
	if (child == 0) {
		count();
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

/* Becomes this program again, which returns. */
static void becomes_another(void)
{
	pthread_mutex_lock(&counted);
	pthread_mutex_unlock(&counted);
	memcpy(arguments[1], "returns", sizeof("returns")); /* which is shorter */
	execv("/proc/self/exe", arguments);
	exit(97);
}

/* Closes every descriptor that it has, as daemons do. */
static void closes_all(void)
{
	pthread_mutex_lock(&counted);
	pthread_mutex_unlock(&counted);
	closefrom(3);
	times--;
	count();
}

/* Holds a lock while the clock goes on, and says for how many nanoseconds at least; others wait meanwhile. */
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t is_held;

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void *waits(void *argument)
{
	pthread_barrier_wait(&is_held);
	pthread_mutex_lock(&held);
	pthread_mutex_unlock(&held);
	return argument;
}

static void holds(void)
{
	pthread_t threads[3];
	long long since;

	pthread_barrier_init(&is_held, NULL, 4);
	for (int i = 0; i < 3; i++)
		MUST(pthread_create(&threads[i], NULL, waits, NULL));
	pthread_mutex_lock(&held);
	since = now();
	pthread_barrier_wait(&is_held);
	usleep(300000);
	printf("%lld\n", now() - since);
	pthread_mutex_unlock(&held);
	for (int i = 0; i < 3; i++)
		MUST(pthread_join(threads[i], NULL));
}

static const struct watch_case cases[] = {
	{"returns", returns}, {"exits-at-once", exits_at_once},     {"is-killed", is_killed},   {"crashes", crashes},
	{"forks", forks},     {"becomes-another", becomes_another}, {"closes-all", closes_all}, {"holds", holds},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	arguments = argv;
	times = argc > 2 ? atoi(argv[2]) : 1;
	return run_case(cases, argc, argv);
}
