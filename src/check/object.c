/*
 * check/object.c - see object.h. A table of lists, found by address; each execution begins with empty ones.
 */
#include "object.h"

#include "pool.h"
#include "shadow.h"

#define BUCKETS 4096u

struct bucket {
	uint64_t number; /* of the run that it is of */
	struct object *first;
};

/* The last one holds the robust mutexes. */
static struct bucket *table;

void object_begin(void)
{
	table = raw_map(NULL, (BUCKETS + 1) * sizeof(*table), true);
}

static struct bucket *bucket_of(uintptr_t address)
{
	struct bucket *bucket = &table[(address >> 2 ^ address >> 14) % BUCKETS];

	if (bucket->number != run->number) {
		bucket->number = run->number;
		bucket->first = NULL;
	}
	return bucket;
}

struct object *object_find(uintptr_t address)
{
	struct object *object = bucket_of(address)->first;

	while (object != NULL && object->address != address)
		object = object->next;
	return object;
}

static struct object *add(uintptr_t address, enum object_kind kind)
{
	struct bucket *bucket = bucket_of(address);
	struct object *object = pool_take(sizeof(*object));

	object->address = address;
	object->kind = (uint8_t)kind;
	object->holder = NOBODY;
	object->next = bucket->first;
	bucket->first = object;
	shadow_count_object(address, 1);
	return object;
}

struct object *object_get(uintptr_t address, enum object_kind kind)
{
	struct object *object = object_find(address);

	if (object != NULL && object->kind == kind)
		return object;
	return object_make(address, kind);
}

void object_drop(uintptr_t address)
{
	struct object **at = &bucket_of(address)->first;

	while (*at != NULL && (*at)->address != address)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = (*at)->next;
	shadow_count_object(address, -1);
}

struct object *object_make(uintptr_t address, enum object_kind kind)
{
	object_drop(address);
	return add(address, kind);
}

void object_drop_range(uintptr_t from, size_t size, uintptr_t pc)
{
	uintptr_t at = from;

	while ((at = shadow_next_object(at, from + size)) != 0) {
		struct object *object = object_find(at);
		const char *wrong = object != NULL && object->kind != OBJECT_ATOMIC ? object_in_use(object) : NULL;

		if (wrong != NULL)
			fail(CHECK_MISUSE, pc, "memory is freed with a %s in it that %s", object_name(object->kind),
			     wrong);
		if (object != NULL)
			object_drop(at);
		at++;
	}
}

const char *object_in_use(const struct object *object)
{
	if (object->holder != NOBODY)
		return object->kind == OBJECT_ONCE ? "is being done" : "is held";
	if (object->kind == OBJECT_RWLOCK && !mask_empty(&object->readers))
		return "is held for reading";
	if (object->first != NULL)
		return "threads wait for";
	return NULL;
}

const char *object_name(enum object_kind kind)
{
	static const char *const names[] = {
		[OBJECT_ATOMIC] = "atomic",       [OBJECT_MUTEX] = "mutex",
		[OBJECT_RWLOCK] = "rwlock",       [OBJECT_CONDITION] = "condition variable",
		[OBJECT_SEMAPHORE] = "semaphore", [OBJECT_BARRIER] = "barrier",
		[OBJECT_ONCE] = "once control",   [OBJECT_SPIN] = "spin lock",
		[OBJECT_FUTEX] = "futex",         [OBJECT_OTHER] = "object",
	};
	return names[kind];
}

static struct bucket *robust(void)
{
	struct bucket *bucket = &table[BUCKETS];

	if (bucket->number != run->number)
		*bucket = (struct bucket){run->number, NULL};
	return bucket;
}

void object_note_robust(struct object *object)
{
	object->robust = true;
	object->next_robust = robust()->first;
	robust()->first = object;
}

void object_each_robust(void (*each)(struct object *))
{
	for (struct object *object = robust()->first; object != NULL; object = object->next_robust)
		each(object);
}

void object_queue(struct object *object, struct thread *thread)
{
	thread->next_waiter = NULL;
	thread->waits_on = object;
	if (object->first == NULL)
		object->first = thread;
	else
		object->last->next_waiter = thread;
	object->last = thread;
}

void object_unqueue(struct object *object, struct thread *thread)
{
	struct thread **at = &object->first;
	struct thread *before = NULL;

	while (*at != NULL && *at != thread) {
		before = *at;
		at = &(*at)->next_waiter;
	}
	if (*at == NULL)
		return;
	*at = thread->next_waiter;
	if (object->last == thread)
		object->last = before;
	thread->waits_on = NULL;
}

uint32_t *clock_new(void)
{
	return pool_take((memory->asked.weak ? CLOCK_WORDS : THREADS) * sizeof(uint32_t));
}

static void join(uint32_t *to, const uint32_t *from, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (from[i] > to[i])
			to[i] = from[i];
	}
}

void clock_join(uint32_t *to, const uint32_t *from)
{
	join(to, from, run->n_threads);
	if (UNLIKELY(memory->asked.weak)) {
		join(to + CLOCK_VIEW, from + CLOCK_VIEW, run->n_threads);
		join(to + CLOCK_TOTAL, from + CLOCK_TOTAL, 1);
	}
}

static size_t clock_size(void)
{
	return (memory->asked.weak ? CLOCK_WORDS : run->n_threads) * sizeof(uint32_t);
}

void clock_clear(uint32_t *clock)
{
	raw_fill(clock, 0, clock_size());
}

void clock_copy(uint32_t *to, const uint32_t *from)
{
	raw_copy(to, from, clock_size());
}

void clock_tick(struct thread *thread)
{
	thread->clock[thread->id]++;
}

void clock_acquire(struct object *object)
{
	if (object->clock != NULL)
		clock_join(self()->clock, object->clock);
}

void clock_release(struct object *object)
{
	if (object->clock == NULL)
		object->clock = clock_new();
	clock_join(object->clock, self()->clock);
	clock_tick(self());
}

void clock_set(struct object *object)
{
	if (object->clock == NULL)
		object->clock = clock_new();
	clock_copy(object->clock, self()->clock);
	clock_tick(self());
}

void clock_start(struct thread *thread)
{
	thread->clock = clock_new();
	clock_join(thread->clock, self()->clock);
	clock_tick(self());
	thread->clock[thread->id]++;
}

void clock_join_thread(struct thread *thread)
{
	clock_join(self()->clock, thread->clock);
}
