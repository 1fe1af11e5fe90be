/*
 * reference_count - gives its reference back by one atomic step, and asks whether it was the last by another.
 *
 * Breaks: both threads subtract, both then read 0, and both free.
 * Mended: the subtraction's own result says who was last.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct image {
	atomic_int references;
	char pixels[16];
};

static int is_last(struct image *image)
{
#ifndef MENDED
	atomic_fetch_sub(&image->references, 1);
	return atomic_load(&image->references) == 0; /* here */
#else
	return atomic_fetch_sub(&image->references, 1) == 1;
#endif
}

static void *give_back(void *image)
{
	if (is_last(image))
		free(image); /* here */
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	struct image *image = malloc(sizeof(*image));
	assert(image);
	atomic_init(&image->references, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, give_back, image);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
