/*
 * shared_counter.c - how do processes count together, and what if one of them is killed in the middle of it?
 *
 * The numbers and their lock are in a segment without a name, which children inherit. Five processes add 1 a hundred
 * times each; a first one is killed while it holds the lock. Who comes next is told, and puts the numbers right.
 */
#include <errno.h>
#include <fairlead/segment.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct tally {
	unsigned count, twice; /* 2 * count, whenever nobody holds the lock */
};

static int add_one(struct tally *tally, fl_lock *lock, int die)
{
	int error = fl_lock_acquire(lock);

	if (error == -EOWNERDEAD) {
		printf("somebody died in there: %u and %u\n", tally->count, tally->twice);
		tally->count = tally->twice / 2;
		error = fl_lock_mend(lock);
	}
	if (error != 0)
		return error;
	tally->count++;
	if (die)
		raise(SIGKILL);
	tally->twice += 2;
	fl_lock_release(lock);
	return 0;
}

int main(void)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(struct tally, 1);
	fl_segment *segment;
	void *tally;
	fl_lock *lock;

	if (fl_segment_open(&segment, NULL, NULL) != 0 || fl_segment_lock(segment, "lock", &lock) < 0 ||
	    fl_segment_object(segment, "tally", &type, NULL, NULL, &tally) < 0)
		return 1;
	for (int process = 0; process < 6; process++) {
		if (fork() == 0) {
			for (int i = 0; i < 100; i++)
				if (add_one(tally, lock, process == 0) != 0)
					return 1;
			return 0;
		}
		if (process == 0)
			wait(NULL);
	}
	while (wait(NULL) > 0)
		;
	printf("%u and %u\n", ((struct tally *)tally)->count, ((struct tally *)tally)->twice);
}
