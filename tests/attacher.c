/*
 * attacher.c DIRECTORY SEGMENT PROCESS [OBJECT...] - a process that is attached to a segment, for the tests that are
 * scripts (run-segments.sh). A DIRECTORY of - is the user's own.
 *
 * It makes the objects, which are numbers, says "ready", and leaves when its standard input ends.
 */
#include <fairlead/segment.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what)
{
	fprintf(stderr, "attacher: %s: %s\n", what, fl_segment_why());
	return 1;
}

int main(int argc, char **argv)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(uint64_t, 7);
	fl_segment_options options = {0};
	fl_segment *segment;
	void *object;

	if (argc < 4)
		return 2;
	options.directory = strcmp(argv[1], "-") == 0 ? NULL : argv[1];
	options.process = argv[3];
	if (fl_segment_open(&segment, argv[2], &options) != 0)
		return fail(argv[2]);
	for (int i = 4; i < argc; i++)
		if (fl_segment_object(segment, argv[i], &type, NULL, NULL, &object) < 0)
			return fail(argv[i]);
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	fl_segment_close(segment);
	return 0;
}
