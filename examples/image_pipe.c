/*
 * image_pipe.c - how does another process get the images?
 *
 * By a pipe, if need be: it needs no library. What it costs: every image is copied into the kernel and out again, for
 * each reader; a reader that is slow keeps the camera waiting, and one that is stopped keeps it waiting for ever (make
 * bench ARGS=frames: "pipe"). image_channel.c is for the same and has none of this.
 *
 * Prints how many images the other process got, and that all were whole.
 */
#include <fairlead/frame.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IMAGES = 200 };

static unsigned char pixels[320 * 240 * 3];
static fl_frame_info info;

/* A pipe gives what is there, which may be less than a whole image. */
static bool read_image(int from)
{
	for (size_t got = 0; got < info.size;) {
		ssize_t n = read(from, pixels + got, info.size - got);

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static int look(int from)
{
	int n = 0, whole = 0;

	for (; read_image(from); n++)
		whole += pixels[0] == n % 256 && memcmp(pixels, pixels + 1, info.size - 1) == 0;
	printf("%d images, %d of them whole\n", n, whole);
	return 0;
}

int main(void)
{
	int ends[2];

	if (fl_frame_info_init(&info, FL_PIXELS_RGB24, 320, 240) < 0 || pipe(ends) != 0)
		return 1;
	if (fork() == 0)
		return close(ends[1]) != 0 || look(ends[0]);
	for (int i = 0; i < IMAGES; i++) {
		memset(pixels, i % 256, info.size);
		if (write(ends[1], pixels, info.size) != (ssize_t)info.size) /* a blocking pipe takes all of it */
			return 1;
	}
	close(ends[1]);
	return wait(NULL) < 0;
}
