/*
 * c11_once - C11's threads: each thread makes the key for its own storage if nobody has made it yet.
 *
 * Breaks: both threads see that there is no key, and each makes one.
 * Mended: call_once.
 */
#include <assert.h>
#include <stdatomic.h>
#include <threads.h>

static tss_t key;
static atomic_int made;
#ifdef MENDED
static once_flag once = ONCE_FLAG_INIT;
#endif

static void make_key(void)
{
	int before = atomic_fetch_add(&made, 1);
	assert(before == 0); /* here */
	tss_create(&key, NULL);
}

static int use(void *value)
{
#ifndef MENDED
	if (atomic_load(&made) == 0)
		make_key();
	return value ? 0 : 1;
#else
	call_once(&once, make_key);
	tss_set(key, value);
	return tss_get(key) == value ? 0 : 1;
#endif
}

int main(void)
{
	thrd_t threads[2];
	int results[2], value = 1;
	for (int i = 0; i < 2; i++)
		thrd_create(&threads[i], use, &value);
	for (int i = 0; i < 2; i++)
		thrd_join(threads[i], &results[i]);
	return results[0] + results[1];
}
