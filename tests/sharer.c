/*
 * sharer.c DIRECTORY SEGMENT NAME STEP... - a process that uses shared objects, for the tests that are scripts
 * (run-ps.sh). NAME is what it calls itself and its thread.
 *
 * A step is VERB:OBJECT, and is done in their order: each verb has its kind of object, which is made if it is not
 * there. A verb that begins with `want-` says "ready" first, since it may block for ever. After the last one it says
 * "ready", and leaves when its standard input ends. `tick:OBJECT` sets and clears an event, without end.
 */
#include <errno.h>
#include <fairlead/segment.h>
#include <fairlead/time.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static fl_segment *segment;

static void say_ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void fail(const char *what, int error)
{
	fprintf(stderr, "sharer: %s: %s: %s\n", what, strerror(-error), fl_segment_why());
	exit(1);
}

static int lock(const char *name)
{
	fl_lock *object;
	int error = fl_segment_lock(segment, name, &object);

	return error < 0 ? error : fl_lock_acquire(object);
}

static int rlock(const char *name)
{
	fl_rlock *object;
	int error = fl_segment_rlock(segment, name, &object);

	return error < 0 ? error : fl_rlock_acquire(object);
}

static int read_side(const char *name)
{
	fl_rwlock *object;
	int error = fl_segment_rwlock(segment, name, 4, &object);

	return error < 0 ? error : fl_rwlock_acquire_read(object);
}

static int write_side(const char *name)
{
	fl_rwlock *object;
	int error = fl_segment_rwlock(segment, name, 4, &object);

	return error < 0 ? error : fl_rwlock_acquire_write(object);
}

static int condition(const char *name)
{
	fl_condition *object;
	int error = fl_segment_condition(segment, name, &object);

	if (error < 0 || (error = fl_condition_acquire(object)) != 0)
		return error;
	while (error == 0)
		error = fl_condition_wait(object);
	return error;
}

static int seat(const char *name)
{
	fl_semaphore *object;
	int error = fl_segment_semaphore_holders(segment, name, 3, &object);

	return error < 0 ? error : fl_semaphore_acquire(object);
}

static int permit(const char *name)
{
	fl_semaphore *object;
	int error = fl_segment_semaphore(segment, name, 3, &object);

	return error < 0 ? error : fl_semaphore_acquire(object);
}

static int set(const char *name)
{
	fl_event *object;
	int error = fl_segment_event(segment, name, &object);

	if (error >= 0)
		fl_event_set(object);
	return error;
}

static int tick(const char *name)
{
	fl_event *object;
	int error = fl_segment_event(segment, name, &object);

	if (error < 0)
		return error;
	for (;;) {
		fl_event_set(object);
		fl_event_clear(object);
	}
}

static int event(const char *name)
{
	fl_event *object;
	int error = fl_segment_event(segment, name, &object);

	return error < 0 ? error : fl_event_wait(object);
}

static int barrier(const char *name)
{
	fl_barrier *object;
	int error = fl_segment_barrier(segment, name, 3, &object);

	return error < 0 ? error : fl_barrier_wait(object);
}

static int stay(void *unused)
{
	(void)unused;
	say_ready();
	while (getchar() != EOF)
		;
	exit(0);
}

static int once(const char *name)
{
	fl_once *object;
	int error = fl_segment_once(segment, name, &object);

	return error < 0 ? error : fl_once_call(object, stay, NULL);
}

static int number(const char *name)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(uint64_t, 1);
	void *object;

	return fl_segment_object(segment, name, &type, NULL, NULL, &object);
}

static const struct {
	const char *verb;
	int (*act)(const char *name);
} verbs[] = {
	{"lock", lock},       {"rlock", rlock},   {"read", read_side}, {"write", write_side}, {"condition", condition},
	{"seat", seat},       {"permit", permit}, {"set", set},        {"tick", tick},        {"event", event},
	{"barrier", barrier}, {"once", once},     {"number", number},
};

static void step(const char *text)
{
	const char *colon = strchr(text, ':');
	bool want = strncmp(text, "want-", 5) == 0;
	const char *verb = want ? text + 5 : text;

	for (size_t i = 0; colon && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		int result;

		if (strlen(verbs[i].verb) != (size_t)(colon - verb) ||
		    memcmp(verbs[i].verb, verb, (size_t)(colon - verb)) != 0)
			continue;
		if (want)
			say_ready();
		result = verbs[i].act(colon + 1);
		if (result < 0 && result != -EOWNERDEAD)
			fail(text, result);
		return;
	}
	fail(text, -EINVAL);
}

int main(int argc, char **argv)
{
	fl_segment_options options = {0};
	int error;

	if (argc < 4)
		return 2;
	options.directory = argv[1];
	options.process = argv[3];
	prctl(PR_SET_NAME, argv[3]);
	signal(SIGPIPE, SIG_IGN); /* nobody may listen any more */
	error = fl_segment_open(&segment, argv[2], &options);
	if (error != 0)
		fail(argv[2], error);
	for (int i = 4; i < argc; i++)
		step(argv[i]);
	say_ready();
	while (getchar() != EOF)
		;
	fl_segment_close(segment);
	return 0;
}
