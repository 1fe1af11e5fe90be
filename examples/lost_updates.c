/*
 * lost_updates.c - is `value = value + 1` safe if each of its two steps is?
 *
 * No. Five processes add 1 to a Value a hundred times each, by a get and a set. Neither is ever torn, but who sets an
 * old number plus one wipes out what the others have added in between. To show it every day, each process waits in its
 * first round until all have got the 0: then all five set 1, and four updates are lost for certain.
 *
 * Prints how far they counted. shared_value.c mends it by fl_value_add; the Value's own lock would do, too.
 */
#include <fairlead/segment.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 5
#define ROUNDS 100

static void count(fl_value_int64 *value, fl_barrier *all_have_got)
{
	for (int i = 0; i < ROUNDS; i++) {
		int64_t old = fl_value_get(value);

		if (i == 0)
			fl_barrier_wait(all_have_got);
		fl_value_set(value, old + 1);
	}
}

int main(void)
{
	fl_segment *segment;
	fl_value_int64 *value;
	fl_barrier *all_have_got;
	int64_t reached;

	if (fl_segment_open(&segment, NULL, NULL) != 0 || fl_segment_value_int64(segment, "count", 0, &value) < 0 ||
	    fl_segment_barrier(segment, "got", PROCESSES, &all_have_got) < 0)
		return 1;
	for (int process = 0; process < PROCESSES; process++) {
		if (fork() == 0) {
			count(value, all_have_got);
			return 0;
		}
	}
	while (wait(NULL) > 0)
		;
	reached = fl_value_get(value);
	printf("counted to %" PRId64 " instead of %d: %" PRId64 " updates lost\n", reached, PROCESSES * ROUNDS,
	       PROCESSES * ROUNDS - reached);
	return 0;
}
