/*
 * image_locked.c - a camera writes an image, another thread reads it: is that safe?
 *
 * Not by itself: the reader sees the upper half of one image and the lower half of the one before. The answer that
 * everybody gives first is a lock, and `get`, which copies the image under it. It is right. What it costs: each reader
 * copies each image, and while one copies the camera has to wait. image_event.c does not poll; image_channel.c does not
 * copy, nor wait.
 *
 * Prints how many of the images it got were torn.
 */
#include <fairlead/guard.h>
#include <fairlead/thread.h>
#include <stdio.h>
#include <string.h>

enum { SIZE = 100000, IMAGES = 2000 };

static struct image {
	fl_lock lock;
	unsigned number;
	unsigned char pixels[SIZE];
} image;

static void put(unsigned number)
{
	fl_with (&image.lock) {
		memset(image.pixels, (int)(number % 256), SIZE);
		image.number = number;
	}
}

static unsigned get(unsigned char *ret_pixels)
{
	fl_guard(&image.lock);
	memcpy(ret_pixels, image.pixels, SIZE);
	return image.number;
}

static void *camera(void *arg)
{
	for (unsigned i = 0; i < IMAGES;)
		put(++i);
	return arg;
}

int main(void)
{
	static unsigned char copy[SIZE];
	unsigned number, torn = 0;
	fl_thread *thread;

	if (fl_thread_start(&thread, NULL, camera, NULL) < 0)
		return 1;
	do {
		number = get(copy); /* again and again: it polls */
		torn += copy[0] != number % 256 || memcmp(copy, copy + 1, SIZE - 1) != 0;
	} while (number < IMAGES);
	printf("image %u was the last; %u were torn\n", number, torn);
	return fl_thread_join(thread, NULL);
}
