/*
 * producer.c - a program that serves a frame channel, for the tests of the command: producer NAME FORMAT WIDTHxHEIGHT.
 *
 * It publishes a frame for each line of its standard input, and says "ready" when it serves and "done" after each line;
 * so a script knows what has happened, and nothing has to be waited for by time. A line `stream N` publishes a frame
 * every N milliseconds until the next line comes, and `file PATH` makes the bytes of that file the frame. At the end of
 * the input it ends; `quiet` ends it without closing the channel, as a kill does.
 *
 * FORMAT is a FourCC, or NONE. All bytes of an image are 128, which is the same gray in every format.
 */
#include <fairlead/frames.h>
#include <fairlead/time.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static fl_frames *frames;
static fl_frame_info info;
static uint8_t *picture;

static void give_up(const char *what)
{
	fprintf(stderr, "producer: %s\n", what);
	_exit(1);
}

static void describe(const char *format, const char *size)
{
	unsigned width, height;
	uint32_t fourcc;

	if (sscanf(size, "%ux%u", &width, &height) != 2 || strlen(format) != 4)
		give_up("producer NAME FORMAT WIDTHxHEIGHT");
	fourcc = FL_FOURCC(format[0], format[1], format[2], format[3]);
	if (fl_frame_info_init(&info, fourcc, width, height) == 0) {
		picture = malloc(info.size);
		memset(picture, 128, info.size);
		return;
	}
	info = (fl_frame_info){.width = width, .height = height, .size = 64};
	info.format = strcmp(format, "NONE") == 0 ? FL_PIXELS_NONE : fourcc;
	picture = calloc(1, info.size);
}

static void publish(void)
{
	void *data;

	if (fl_frames_loan(frames, info.size, &data) != 0)
		give_up("no loan");
	memcpy(data, picture, info.size);
	info.captured = fl_now() - FL_MS(40);
	if (fl_frames_publish(frames, &info) < 0)
		give_up("not published");
}

/* The bytes of a file become the frame. */
static void read_picture(const char *path)
{
	FILE *from = fopen(path, "r");

	free(picture);
	picture = malloc(1 << 20);
	if (!from || !picture)
		give_up(path);
	info.size = fread(picture, 1, 1 << 20, from);
	fclose(from);
}

static void stream(int milliseconds)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	do
		publish();
	while (poll(&input, 1, milliseconds) == 0);
}

int main(int argc, char **argv)
{
	char line[500];
	int n;

	setbuf(stdin, NULL); /* so that poll sees what there is */
	if (argc != 4)
		give_up("producer NAME FORMAT WIDTHxHEIGHT");
	describe(argv[2], argv[3]);
	if (fl_frames_create(&frames, &(fl_frames_options){.name = argv[1]}) != 0 || fl_frames_serve(frames) != 0)
		give_up("cannot serve");
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (strcmp(line, "quiet") == 0)
			_exit(0);
		if (strncmp(line, "file ", 5) == 0)
			read_picture(line + 5);
		printf("done\n");
		fflush(stdout);
		if (sscanf(line, "stream %d", &n) == 1)
			stream(n);
		else
			publish();
	}
	fl_frames_close(frames);
	free(picture);
	return 0;
}
