/*
 * check/local.c - data of a thread: keys with destructors, of POSIX and C11, and thread_local objects of C++.
 */
#include "object.h"
#include "pool.h"
#include "thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <threads.h>

static struct key {
	uint32_t age; /* odd: in use; grows with each making and deletion */
	void (*destructor)(void *);
} keys[KEYS], kept[KEYS];
static unsigned made, kept_made; /* entries of `keys` that were ever in use are the first so many */
static void *early[KEYS];        /* values that were set before main */

void local_keep(void)
{
	raw_copy(kept, keys, sizeof(keys));
	kept_made = made;
}

void local_restore(void)
{
	raw_copy(keys, kept, made * sizeof(keys[0]));
	made = kept_made;
}

static int make(pthread_key_t *ret_key, void (*destructor)(void *))
{
	for (unsigned i = 0; i < KEYS; i++) {
		if (keys[i].age % 2 == 0) {
			keys[i].age++;
			keys[i].destructor = destructor;
			made = i >= made ? i + 1 : made;
			*ret_key = i;
			return 0;
		}
	}
	return EAGAIN;
}

static bool valid(pthread_key_t key)
{
	return key < KEYS && keys[key].age % 2 == 1;
}

static void *get(pthread_key_t key)
{
	struct thread *thread;

	if (!valid(key))
		return NULL;
	if (!controlled())
		return early[key];
	thread = self();
	if (thread->key_age[key] == keys[key].age)
		return thread->keys[key];
	return thread->id == 0 && keys[key].age == kept[key].age ? early[key] : NULL;
}

static int set(pthread_key_t key, const void *value)
{
	if (!valid(key))
		return EINVAL;
	if (!controlled()) {
		early[key] = (void *)(uintptr_t)value;
		return 0;
	}
	self()->keys[key] = (void *)(uintptr_t)value;
	self()->key_age[key] = keys[key].age;
	return 0;
}

static int delete (pthread_key_t key)
{
	if (!valid(key))
		return EINVAL;
	keys[key].age++;
	return 0;
}

EXPORT int pthread_key_create(pthread_key_t *ret_key, void (*destructor)(void *))
{
	return make(ret_key, destructor);
}

EXPORT int pthread_key_delete(pthread_key_t key)
{
	return delete (key);
}

EXPORT void *pthread_getspecific(pthread_key_t key)
{
	return get(key);
}

EXPORT int pthread_setspecific(pthread_key_t key, const void *value)
{
	return set(key, value);
}

EXPORT int tss_create(tss_t *ret_key, tss_dtor_t destructor)
{
	return make(ret_key, destructor) == 0 ? thrd_success : thrd_error;
}

EXPORT void tss_delete(tss_t key)
{
	delete (key);
}

EXPORT void *tss_get(tss_t key)
{
	return get(key);
}

EXPORT int tss_set(tss_t key, void *value)
{
	return set(key, value) == 0 ? thrd_success : thrd_error;
}

typedef int at_exit_function(void (*)(void *), void *, void *);

/* One that was made before main is destroyed by the C library, at the end of the process. */
static int early_object(void (*call)(void *), void *object, void *library)
{
	at_exit_function *real = (at_exit_function *)dlsym(RTLD_NEXT, "__cxa_thread_atexit_impl");

	return real(call, object, library);
}

EXPORT int __cxa_thread_atexit_impl(void (*call)(void *), void *object, void *library);
int __cxa_thread_atexit_impl(void (*call)(void *), void *object, void *library)
{
	struct cleanup *cleanup;

	if (!controlled())
		return early_object(call, object, library);
	cleanup = pool_take(sizeof(*cleanup));
	*cleanup = (struct cleanup){self()->at_exit, call, object};
	self()->at_exit = cleanup;
	return 0;
}

void thread_finish_objects(struct thread *thread)
{
	while (thread->at_exit != NULL) {
		struct cleanup *cleanup = thread->at_exit;

		thread->at_exit = cleanup->next;
		cleanup->call(cleanup->arg);
	}
}

static bool finish_keys(struct thread *thread)
{
	bool any = false;

	for (unsigned i = 0; i < made; i++) {
		void *value = get(i);

		if (value == NULL || keys[i].destructor == NULL)
			continue;
		thread->keys[i] = NULL;
		any = true;
		keys[i].destructor(value);
	}
	return any;
}

void thread_finish_data(struct thread *thread)
{
	thread_finish_objects(thread);
	for (unsigned round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS && finish_keys(thread); round++)
		continue;
}

/* A robust mutex that the thread still holds goes on to the next one that wants it. */
static void give_up(struct object *object)
{
	if (object->holder != (int)self()->id)
		return;
	object->inconsistent = true;
	object->holder = NOBODY;
	object->count = 0;
	clock_release(object);
	run_changed(object->address);
}

void thread_give_up_locks(struct thread *thread)
{
	(void)thread;
	object_each_robust(give_up);
}
