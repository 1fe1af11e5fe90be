/*
 * shm/array.c - Array: elements in two copies, of which one is read while the other one is written.
 *
 * In the memory, in this order:
 *   version   how many writes have been done. Its lowest bit says which copy is the current one: readers read that,
 *             writers write to the other one, the spare
 *   begun     how many writes have begun: `version`, or one more
 *   size, n   of an element, and how many there are: compared when somebody attaches, and never used after that
 *   stale     the words in which the spare may differ from the current copy: from << 32 | to, `to` excluded
 *   writing   a lock: of writers among each other, and of readers that have been overtaken too often
 *   own       an RLock, which no call here touches
 *   copies    two, of so many words that all elements fit in
 *
 * A write, by who holds `writing`, with what a death right after each step leaves:
 *   1. `stale` is made to cover what is going to be written, too      more is stale than differs: no harm
 *   2. `begun` becomes version + 1                                    the next writer stores the same number
 *   3. what is stale, and not going to be written anyway, is copied   the spare is half written, and all of that is
 *      from the current copy; then what is to be written is written   stale
 *   4. `version` becomes version + 1: the spare is the current one    it is done
 *   5. `stale` becomes what was written                               more is stale than differs
 * So one store decides, nothing is ever half changed for readers, and what a dead writer has left in the spare is
 * copied over by the next one. Who finds `writing` held by a dead one takes it and mends nothing.
 *
 * A read: load `version`, copy from the copy that is current, then look at `begun`. If it is not beyond version + 1,
 * nobody had begun the write that goes to the copy that was read.
 *
 * Invariants:
 *   [A1] Whoever reads a word from the copy of `version` that the write version + 2 has stored finds, afterwards,
 *        `begun` at version + 2 or later. Words are stored with release after `begun`, and loaded with acquire before
 *        it. (Lamport's "Concurrent reading and writing", 1977, has versions before and after the data; Boehm's "Can
 *        seqlocks get along with programming language memory models?", 2012, which orders that takes. These orders of
 *        the words themselves cost nothing on x86-64, need no fence, and sanitizers understand them.)
 *   [A2] Who has loaded `version` finds what was stored before it, or what later writes have.
 *   [A3] Outside `stale` both copies are the same, whenever nobody lives who holds `writing`.
 *
 * A reader is lapped only if one write is done and another one begins while it reads. After ATTEMPTS_MOST of that it
 * takes `writing`: so it gets on, however fast others write, and it never waits for one that has been killed.
 *
 * A handle (struct fl_array) has the length and the sizes as who attached has asked for them, in memory of its own. Of
 * what others can write nothing is used but the versions, of which every number will do, and `stale`, which is checked:
 * so an array that somebody has damaged has damaged elements, and no call goes astray.
 *
 * An element that is added to goes the same way. To add in place, by one instruction, would be faster; but then a
 * reader of several elements would get some of them before it and some after, or the addition would go to a copy that
 * is just being left, and be lost.
 *
 * Rejected: one copy with a version that is odd while it is written (readers wait for a writer, and for a dead one
 * until somebody puts right what cannot be put right); to copy the whole array in each write (to set one element of a
 * million would take as long as all of them); three copies (a reader would be lapped less often, and not never).
 */
#include "shm/array.h"

#include "base/atomic.h"
#include "shm/segment.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ATTEMPTS_MOST 4
#define WORD sizeof(uint64_t)

/* What a type of that name is. */
enum kind { BYTES, SIGNED, UNSIGNED, FLOATING };

static const struct {
	const char *name;
	enum kind kind;
} numbers[] = {
	{"int8_t", SIGNED},          {"int16_t", SIGNED},    {"int32_t", SIGNED},
	{"int64_t", SIGNED},         {"int", SIGNED},        {"long", SIGNED},
	{"uint8_t", UNSIGNED},       {"uint16_t", UNSIGNED}, {"uint32_t", UNSIGNED},
	{"uint64_t", UNSIGNED},      {"unsigned", UNSIGNED}, {"unsigned int", UNSIGNED},
	{"unsigned long", UNSIGNED}, {"size_t", UNSIGNED},   {"float", FLOATING},
	{"double", FLOATING},
};

/* The copy that a version of that number is in. */
static uint64_t *copy_of(const fl_array *array, uint64_t version)
{
	size_t apart = ((size_t)array->fl_words + 7) / 8 * 8;

	return fl_array_head(array)->words + (version & 1) * apart;
}

/* Writing. */

static int enter(const fl_array *array)
{
	fl_lock *writing = &fl_array_head(array)->writing;
	int error = fl_lock_acquire(writing);

	return error == -EOWNERDEAD ? fl_lock_mend(writing) : error; /* [A3] */
}

static void leave(const fl_array *array)
{
	fl_lock_release(&fl_array_head(array)->writing);
}

/* What may differ. If the word says nonsense, all may. */
static struct fl_array_range load_stale(const fl_array *array)
{
	uint64_t stale = fl_load_relaxed(&fl_array_head(array)->stale);
	struct fl_array_range words = {stale >> 32, (uint32_t)stale};

	if (words.from > words.to || words.to > array->fl_words)
		return (struct fl_array_range){0, array->fl_words};
	return words;
}

static void store_stale(const fl_array *array, struct fl_array_range words)
{
	fl_store_relaxed(&fl_array_head(array)->stale, (uint64_t)words.from << 32 | words.to);
}

static struct fl_array_range both(struct fl_array_range one, struct fl_array_range other)
{
	if (one.from == one.to)
		return other;
	return (struct fl_array_range){one.from < other.from ? one.from : other.from,
				       one.to > other.to ? one.to : other.to};
}

/* Has the spare be what the current copy is, but for the words that are going to be written entirely. */
static void bring_up(uint64_t *spare, const uint64_t *current, struct fl_array_range stale, struct fl_array_range bytes)
{
	struct fl_array_range whole = {(bytes.from + WORD - 1) / WORD, bytes.to / WORD};

	if (whole.from >= whole.to) {
		fl_array_copy_over_(spare, current, stale);
		return;
	}
	fl_array_copy_over_(spare, current,
			    (struct fl_array_range){stale.from, stale.to < whole.from ? stale.to : whole.from});
	fl_array_copy_over_(spare, current,
			    (struct fl_array_range){stale.from > whole.to ? stale.from : whole.to, stale.to});
}

/* By who has entered: the bytes become what is at `from`. There is at least one. */
static void put(const fl_array *array, struct fl_array_range bytes, const void *from)
{
	struct fl_array_head *head = fl_array_head(array);
	uint64_t version = fl_load_relaxed(&head->version);
	uint64_t *spare = copy_of(array, version + 1);
	struct fl_array_range stale = load_stale(array), words = {bytes.from / WORD, (bytes.to + WORD - 1) / WORD};

	store_stale(array, both(stale, words));
	fl_store_relaxed(&head->begun, version + 1); /* [A1] */
	fl_then();
	bring_up(spare, copy_of(array, version), stale, bytes);
	fl_array_copy_in_(spare, bytes, from);
	/* [array.3] release; pairs with [array.4] */
	fl_store_release(&head->version, version + 1);
	fl_then();
	store_stale(array, words);
}

/* Reading. */

/* Returns whether nobody wrote there meanwhile. */
static bool read_once(const fl_array *array, struct fl_array_range bytes, void *to)
{
	struct fl_array_head *head = fl_array_head(array);
	/* [array.4] acquire; pairs with [array.3] */
	uint64_t version = fl_load_acquire(&head->version); /* [A2] */

	fl_array_copy_out_(copy_of(array, version), bytes, to);
	return fl_load_relaxed(&head->begun) - version <= 1; /* [A1] */
}

static int read_alone(const fl_array *array, struct fl_array_range bytes, void *to)
{
	int error = enter(array);

	if (error != 0)
		return error;
	fl_array_copy_out_(copy_of(array, fl_load_relaxed(&fl_array_head(array)->version)), bytes, to);
	leave(array);
	return 0;
}

static int read_bytes(const fl_array *array, struct fl_array_range bytes, void *to)
{
	for (int i = 0; i < ATTEMPTS_MOST; i++)
		if (fl_likely(read_once(array, bytes, to)))
			return 0;
	return read_alone(array, bytes, to);
}

/* Making. */

static enum kind kind_of(const fl_segment_type *type)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(type->name, numbers[i].name) == 0)
			return numbers[i].kind;
	return BYTES;
}

static bool is_size_of(enum kind kind, size_t size)
{
	if (kind == FLOATING)
		return size == sizeof(double) || size == sizeof(float);
	return kind == BYTES || size == 1 || size == 2 || size == 4 || size == 8;
}

/* A handle without memory. */
static int describe(fl_array *ret_array, const fl_segment_type *type, size_t n)
{
	enum kind kind;

	if (!type->name || !type->name[0])
		return fl_segment_fail_(-EINVAL, "a type needs a name");
	kind = kind_of(type);
	if (type->size == 0 || !is_size_of(kind, type->size))
		return fl_segment_fail_(-EINVAL, "type '%s' has a size of %zu", type->name, type->size);
	if (n == 0 || n > FL_ARRAY_MAX / type->size)
		return fl_segment_fail_(-EINVAL, "%zu elements of %zu bytes are none, or too many", n, type->size);
	*ret_array = (fl_array){
		.fl_n = n,
		.fl_size = type->size,
		.fl_words = (uint32_t)((type->size * n + WORD - 1) / WORD),
		.fl_kind = kind,
	};
	return 0;
}

static void set_up(struct fl_array_head *head, const fl_array *array)
{
	memset(head, 0, sizeof(*head));
	head->size = array->fl_size;
	head->n = array->fl_n;
}

int fl_array_init(fl_array *ret_array, const fl_segment_type *type, size_t n, void *memory)
{
	fl_array array;
	int error = describe(&array, type, n);

	if (error != 0)
		return error;
	if ((uintptr_t)memory % WORD != 0)
		return fl_segment_fail_(-EINVAL, "the memory does not begin at a multiple of %zu", WORD);
	memset(memory, 0, FL_ARRAY_SIZE(array.fl_size, n));
	set_up(memory, &array);
	array.fl_memory = memory;
	*ret_array = array;
	return 0;
}

static int init_shared(void *memory, void *array)
{
	struct fl_array_head *head = memory;

	set_up(head, array);
	fl_lock_init_shared(&head->writing);
	fl_rlock_init_shared(&head->own);
	return 0;
}

/* Two may take as much memory and have other elements. */
static int check_same(const struct fl_array_head *head, const fl_array *array, const char *name)
{
	uint64_t size = fl_load_relaxed(&head->size), n = fl_load_relaxed(&head->n);

	if (size == array->fl_size && n == array->fl_n)
		return 0;
	return fl_segment_fail_(-EPROTO, "object '%s' is an array of %llu elements of %llu bytes, not %zu of %zu", name,
				(unsigned long long)n, (unsigned long long)size, array->fl_n, array->fl_size);
}

int fl_segment_array(fl_segment *segment, const char *name, const fl_segment_type *type, size_t n, fl_array *ret_array)
{
	char type_name[FL_SEGMENT_TYPE_NAME];
	fl_segment_type whole = {type_name, type->version, 0, 0};
	void *memory;
	fl_array array;
	int error, result = describe(&array, type, n);

	if (result != 0)
		return result;
	if ((size_t)snprintf(type_name, sizeof(type_name), "fl_array, %s", type->name) >= sizeof(type_name))
		return fl_segment_fail_(-EINVAL, "the name of the type '%s' is too long", type->name);
	whole.size = FL_ARRAY_SIZE(array.fl_size, n);
	result = fl_segment_object(segment, name, &whole, init_shared, &array, &memory);
	if (result < 0)
		return result;
	error = check_same(memory, &array, name);
	if (error != 0)
		return error;
	array.fl_memory = memory;
	*ret_array = array;
	return result;
}

size_t fl_array_length(const fl_array *array)
{
	return array->fl_n;
}

fl_rlock *fl_array_lock(const fl_array *array)
{
	return &fl_array_head(array)->own;
}

/* Elements. */

static int find(const fl_array *array, size_t from, size_t n, struct fl_array_range *ret_bytes)
{
	if (from > array->fl_n || n > array->fl_n - from)
		return -ERANGE;
	*ret_bytes = (struct fl_array_range){from * array->fl_size, (from + n) * array->fl_size};
	return 0;
}

int fl_array_read(const fl_array *array, size_t from, size_t n, void *ret_elements)
{
	struct fl_array_range bytes;
	int error = find(array, from, n, &bytes);

	return error != 0 || n == 0 ? error : read_bytes(array, bytes, ret_elements);
}

int fl_array_get(const fl_array *array, size_t index, void *ret_element)
{
	return fl_array_read(array, index, 1, ret_element);
}

int fl_array_write(fl_array *array, size_t from, size_t n, const void *elements)
{
	struct fl_array_range bytes;
	int error = find(array, from, n, &bytes);

	if (error != 0 || n == 0)
		return error;
	error = enter(array);
	if (error != 0)
		return error;
	put(array, bytes, elements);
	leave(array);
	return 0;
}

int fl_array_set(fl_array *array, size_t index, const void *element)
{
	return fl_array_write(array, index, 1, element);
}

/* The same for one element, and where its bytes are. What is current then stays as it is until `leave`. */
static int enter_at(const fl_array *array, size_t index, struct fl_array_range *ret_bytes, const uint64_t **ret_current)
{
	int error = find(array, index, 1, ret_bytes);

	if (error == 0)
		error = enter(array);
	if (error == 0)
		*ret_current = copy_of(array, fl_load_relaxed(&fl_array_head(array)->version));
	return error;
}

int fl_array_exchange(fl_array *array, size_t index, const void *element, void *ret_before)
{
	struct fl_array_range bytes;
	const uint64_t *current;
	int error = enter_at(array, index, &bytes, &current);

	if (error != 0)
		return error;
	put(array, bytes, element);
	fl_array_copy_out_(current, bytes,
			   ret_before); /* which is the spare now; and only now, since it may be `element` */
	leave(array);
	return 0;
}

int fl_array_compare_exchange(fl_array *array, size_t index, void *expected, const void *element)
{
	struct fl_array_range bytes;
	const uint64_t *current;
	int result = enter_at(array, index, &bytes, &current);

	if (result != 0)
		return result;
	result = fl_array_is_equal_(current, bytes, expected);
	if (result)
		put(array, bytes, element);
	else
		fl_array_copy_out_(current, bytes, expected);
	leave(array);
	return result;
}

/* Where the lowest bytes of a number are. */
static char *lowest(uint64_t *number, size_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	(void)size;
	return (char *)number;
#else
	return (char *)number + WORD - size;
#endif
}

static int64_t widen(uint64_t bits, size_t size, enum kind kind)
{
	unsigned unused = (unsigned)(8 * (WORD - size));

	return kind == SIGNED ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
}

int fl_array_add(fl_array *array, size_t index, int64_t number, int64_t *ret_before)
{
	struct fl_array_range bytes;
	const uint64_t *current;
	uint64_t before = 0, after;
	int error = array->fl_kind == SIGNED || array->fl_kind == UNSIGNED ? 0 : -EINVAL;

	if (error == 0)
		error = enter_at(array, index, &bytes, &current);
	if (error != 0)
		return error;
	fl_array_copy_out_(current, bytes, lowest(&before, array->fl_size));
	after = before + (uint64_t)number;
	put(array, bytes, lowest(&after, array->fl_size));
	leave(array);
	if (ret_before)
		*ret_before = widen(before, array->fl_size, array->fl_kind);
	return 0;
}

int fl_array_add_double(fl_array *array, size_t index, double number, double *ret_before)
{
	struct fl_array_range bytes;
	const uint64_t *current;
	double before;
	float narrow;
	int error = array->fl_kind == FLOATING ? enter_at(array, index, &bytes, &current) : -EINVAL;

	if (error != 0)
		return error;
	if (array->fl_size == sizeof(narrow)) {
		fl_array_copy_out_(current, bytes, &narrow);
		before = narrow;
		narrow = (float)(before + number);
		put(array, bytes, &narrow);
	} else {
		double after;

		fl_array_copy_out_(current, bytes, &before);
		after = before + number;
		put(array, bytes, &after);
	}
	leave(array);
	if (ret_before)
		*ret_before = before;
	return 0;
}
