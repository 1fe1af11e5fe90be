/*
 * shared_value.c - how do processes count together, if all that they share is one number?
 *
 * By a Value, in a segment without a name, which children inherit. fl_value_add loads, adds and stores in one step, so
 * nothing is lost, and who is killed has added or has not: here a sixth process is, after its hundredth.
 *
 * Prints 600, every time. lost_updates.c has what happens in two steps.
 */
#include <fairlead/segment.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	fl_segment *segment;
	fl_value_int64 *count;

	if (fl_segment_open(&segment, NULL, NULL) != 0 || fl_segment_value_int64(segment, "count", 0, &count) < 0)
		return 1;
	for (int process = 0; process < 6; process++) {
		if (fork() == 0) {
			for (int i = 0; i < 100; i++)
				fl_value_add(count, 1);
			if (process == 5)
				raise(SIGKILL);
			return 0;
		}
	}
	while (wait(NULL) > 0)
		;
	printf("%" PRId64 "\n", fl_value_get(count));
	return 0;
}
