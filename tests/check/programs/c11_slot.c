/*
 * c11_slot - C11's threads, lock and condition: a slot whose taker looks once and then waits.
 *
 * Breaks: a second taker is woken with the first, finds the slot empty and takes what is not there.
 * Mended: looks again after each wait.
 */
#include <assert.h>
#include <threads.h>

static mtx_t lock;
static cnd_t changed;
static int items;

static int take(void *unused)
{
	(void)unused;
	mtx_lock(&lock);
#ifndef MENDED
	if (items == 0)
#else
	while (items == 0)
#endif
		cnd_wait(&changed, &lock);
	items--;
	assert(items >= 0); /* here */
	mtx_unlock(&lock);
	return 0;
}

static int put(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		mtx_lock(&lock);
		items++;
		cnd_broadcast(&changed);
		mtx_unlock(&lock);
	}
	return 0;
}

int main(void)
{
	thrd_t takers[2], putter;
	mtx_init(&lock, mtx_plain);
	cnd_init(&changed);
	for (int i = 0; i < 2; i++)
		thrd_create(&takers[i], take, NULL);
	thrd_create(&putter, put, NULL);
	for (int i = 0; i < 2; i++)
		thrd_join(takers[i], NULL);
	thrd_join(putter, NULL);
	cnd_destroy(&changed);
	mtx_destroy(&lock);
	return items;
}
