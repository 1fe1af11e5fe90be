/*
 * shared_counter.c - how do processes count together, and what if one of them is killed in the middle of it?
 *
 * The number and its lock are in a segment that has no name: children inherit it, and it is gone with the last process.
 * Five processes add 1 a hundred times each. Before them another one has been killed while it held the lock: who comes
 * next is told, sees to it that what the lock protects is whole, and says so.
 */
#include <errno.h>
#include <fairlead/owner.h>
#include <fairlead/segment.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct tally {
	fl_lock lock;
	uint64_t count, twice; /* `twice` is two times `count`, whenever nobody holds the lock */
};

static const fl_segment_type tally_type = FL_SEGMENT_TYPE(struct tally, 1);

static int make(void *tally, void *arg)
{
	(void)arg;
	fl_lock_init_shared(&((struct tally *)tally)->lock);
	return 0;
}

static int add_one(struct tally *tally)
{
	int error = fl_lock_acquire(&tally->lock);

	if (error == -EOWNERDEAD) {
		printf("somebody died in there: %llu and %llu\n", (unsigned long long)tally->count,
		       (unsigned long long)tally->twice);
		tally->count = tally->twice / 2;
		error = fl_lock_mend(&tally->lock);
	}
	if (error != 0)
		return error;
	tally->count++;
	tally->twice += 2;
	fl_lock_release(&tally->lock);
	return 0;
}

/* A process that is killed halfway. */
static void die(struct tally *tally)
{
	if (fl_lock_acquire(&tally->lock) == 0) {
		tally->count++;
		raise(SIGKILL);
	}
}

int main(void)
{
	fl_segment *segment;
	struct tally *tally;

	if (fl_segment_open(&segment, NULL, NULL) != 0 ||
	    fl_segment_object(segment, "tally", &tally_type, make, NULL, (void **)&tally) < 0) {
		fprintf(stderr, "%s\n", fl_segment_why());
		return 1;
	}
	for (int process = 0; process < 6; process++) {
		if (fork() == 0) {
			if (process == 0)
				die(tally);
			for (int i = 0; i < 100; i++)
				if (add_one(tally) != 0)
					return 1;
			return 0;
		}
		if (process == 0)
			wait(NULL);
	}
	while (wait(NULL) > 0)
		;
	printf("%llu and %llu\n", (unsigned long long)tally->count, (unsigned long long)tally->twice);
	fl_segment_close(segment);
	return 0;
}
