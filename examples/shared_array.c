/*
 * shared_array.c - two processes write numbers that belong together, and are killed: does a third one see half of them?
 *
 * Not of an Array. Each child writes a million times its own number, again and again, until it is killed at some
 * instant. Whatever the parent reads was written by one of them in one piece, and so is what is left at the end.
 */
#include <fairlead/array.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define N 1000000

static int numbers[N];

static int write_for_ever(fl_array *array, int number)
{
	for (int i = 0; i < N; i++)
		numbers[i] = number;
	while (fl_array_write(array, 0, N, numbers) == 0)
		;
	return 1;
}

static int is_torn(const fl_array *array)
{
	if (fl_array_read(array, 0, N, numbers) != 0)
		return 1;
	for (int i = 1; i < N; i++)
		if (numbers[i] != numbers[0])
			return 1;
	return 0;
}

int main(void)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(int, 1);
	fl_segment *segment;
	fl_array array;
	pid_t children[2];
	int torn = 0;

	if (fl_segment_open(&segment, NULL, NULL) != 0 || fl_segment_array(segment, "numbers", &type, N, &array) < 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		if (children[i] == 0)
			return write_for_ever(&array, i + 1);
	}
	for (int i = 0; i < 50 || numbers[0] == 0; i++) {
		if (i == 20)
			kill(children[0], SIGKILL);
		torn += is_torn(&array);
	}
	kill(children[1], SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("torn: %d, and at the end: %d\n", torn, is_torn(&array));
}
