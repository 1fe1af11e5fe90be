/*
 * check/places.c - see places.h. Three tables: places by name, pairs by their places, and for each object of this run
 * who wrote and who touched it last. When one is full, what comes later is not told apart.
 */
#include "places.h"

#define OBJECTS 1024u
#define NARROW 8u

struct last {
	uint64_t run;
	uintptr_t object;
	struct place *writer, *toucher;
	unsigned writer_thread, toucher_thread;
};

struct places *places;
static struct last *last;

void places_set_up(void)
{
	places = raw_map(NULL, sizeof(*places), true);
	last = raw_map(NULL, OBJECTS * sizeof(*last), true);
}

void places_begin(void)
{
	places->n_new = 0;
}

static uint64_t hash(uint64_t a, uint64_t b)
{
	uint64_t z = (a ^ (a >> 29)) * UINT64_C(0x9e3779b97f4a7c15) ^ b;

	z = (z ^ (z >> 32)) * UINT64_C(0xbf58476d1ce4e5b9);
	return z ^ (z >> 29);
}

static struct place *add(struct place *place, uint64_t name)
{
	if (places->n == PLACES)
		return &places->place[0];
	place->name = name;
	place->number = places->n;
	places->list[places->n++] = place;
	places->n_new++;
	return place;
}

/* Returns the place of that name. If it is not known: makes it, or returns NULL. */
static struct place *find(uint64_t name, bool make)
{
	uint64_t i = name % (2 * PLACES);

	while (places->place[i].name != 0 && places->place[i].name != name)
		i = (i + 1) % (2 * PLACES);
	if (LIKELY(places->place[i].name != 0))
		return &places->place[i];
	return make ? add(&places->place[i], name) : NULL;
}

static bool is_about_a_thread(uint8_t kind)
{
	return kind == CHECK_START || kind == CHECK_END || kind == CHECK_JOIN || kind == CHECK_CREATE;
}

static uint64_t wide_name(const struct thread *thread, uint8_t kind, uintptr_t pc)
{
	return hash(pc ^ ((uint64_t)kind << 56), (uintptr_t)thread->routine) | 1;
}

void places_declared(struct thread *thread)
{
	const struct operation *op = &thread->op;
	uint64_t wide = wide_name(thread, op->kind, op->pc);
	uint64_t name = hash(wide, op->object) | 1;
	struct place *place, *any;

	if (is_about_a_thread(op->kind)) {
		thread->place = find(wide, true);
		thread->place->meets = op->kind == CHECK_START || op->kind == CHECK_CREATE;
		return;
	}
	if (op->kind == CHECK_READ || op->kind == CHECK_WRITE) {
		thread->place = find(wide, true);
		return;
	}
	place = find(name, false);
	if (UNLIKELY(place == NULL)) {
		any = find(wide, true);
		place = any->narrow < NARROW ? find(name, true) : any;
		any->narrow += place != any;
	}
	thread->place = place;
}

static struct pair *find_pair(const struct place *first, const struct place *second)
{
	uint64_t i = hash(first->name, second->name) % (2 * PAIRS);
	struct pair *pair = &places->pair[i];

	while (pair->first != NULL && (pair->first != first || pair->second != second)) {
		i = (i + 1) % (2 * PAIRS);
		pair = &places->pair[i];
	}
	if (pair->first == NULL && places->n_pairs < PAIRS) {
		pair->first = first;
		pair->second = second;
		places->pairs[places->n_pairs++] = pair;
	}
	return pair->first != NULL ? pair : NULL;
}

/* The other order of a new one is something to aim at. */
static void note_pair(struct place *first, struct place *second)
{
	struct pair *pair = find_pair(first, second);

	if (pair == NULL || pair->run == run->number)
		return;
	pair->run = run->number;
	if (pair->seen++ > 0)
		return;
	places->n_new++;
	first->meets = true;
	second->meets = true;
	find_pair(second, first);
}

const struct place *places_step(const struct thread *thread)
{
	const struct operation *op = &thread->op;
	struct last *entry = &last[hash(op->object, 0) % OBJECTS];
	struct place *before = NULL;

	if (op->object == 0 || is_about_a_thread(op->kind))
		return NULL;
	if (entry->run != run->number || entry->object != op->object)
		*entry = (struct last){.run = run->number, .object = op->object};
	if (op->writes && entry->toucher != NULL && entry->toucher_thread != thread->id)
		before = entry->toucher;
	else if (entry->writer != NULL && entry->writer_thread != thread->id)
		before = entry->writer;
	if (before != NULL)
		note_pair(before, thread->place);
	entry->toucher = thread->place;
	entry->toucher_thread = thread->id;
	if (op->writes) {
		entry->writer = thread->place;
		entry->writer_thread = thread->id;
	}
	return before;
}

void places_raced(const struct racer *before, const struct racer *now)
{
	note_pair(find(wide_name(before->thread, before->kind, before->pc), true),
		  find(wide_name(now->thread, now->kind, now->pc), true));
}
