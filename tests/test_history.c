/*
 * test_history.c - the checker of histories: it says of a history what a search through all orders says of it, and
 * finds each kind of fault that is planted in a large one.
 *
 * Histories are made by a queue that does one thing at a time: each call gets a moment, at which that queue answers it,
 * and a beginning before and an end after it, so far away that several overlap. That is legal by construction. Then
 * some of it is changed: a moment, an answer, who got what. Small ones are compared with history_search; without a
 * bound both must say the same, with one the checker may let pass what is not legal, and must not find fault with what
 * is.
 */
#include "history.h"
#include "testing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_ROUNDS = 40000, LARGE = 20000, STEP = 10 };

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % n;
}

/* ---- a queue that does one thing at a time, and what it is asked ---- */

struct maker {
	struct history *history;
	uint32_t *in; /* the next one to be got is at `first`; a priority queue is searched */
	size_t first, size;
	uint32_t n_put;
	int64_t now;
	uint64_t reach; /* how far a call's beginning and end are from its moment, at most */
	unsigned priorities;
	bool shut;
};

static struct history_span around(const struct maker *maker)
{
	return (struct history_span){maker->now - (int64_t)random_below(maker->reach) - 1,
				     maker->now + (int64_t)random_below(maker->reach) + 1};
}

static bool is_better(const struct maker *maker, size_t a, size_t b)
{
	const struct history_item *items = maker->history->items;

	return items[maker->in[a]].priority < items[maker->in[b]].priority;
}

static uint32_t take(struct maker *maker)
{
	size_t at = maker->first;
	uint32_t item;

	if (maker->history->kind == HISTORY_LIFO)
		at = maker->first + maker->size - 1;
	if (maker->history->kind == HISTORY_PRIORITY)
		for (size_t i = maker->first; i < maker->first + maker->size; i++)
			if (is_better(maker, i, at))
				at = i;
	item = maker->in[at];
	if (maker->history->kind != HISTORY_LIFO) {
		memmove(&maker->in[maker->first + 1], &maker->in[maker->first], (at - maker->first) * sizeof(item));
		maker->first++;
	}
	maker->size--;
	return item;
}

static void make_put(struct maker *maker)
{
	struct history *history = maker->history;

	if (maker->shut) {
		history_answered(history, HISTORY_PUT_SHUT, around(maker));
	} else if (history->limit > 0 && maker->size >= history->limit) {
		history_answered(history, HISTORY_FULL, around(maker));
	} else if (maker->n_put < history->n_items) {
		history_put(history, maker->n_put, (int64_t)random_below(maker->priorities), around(maker));
		maker->in[maker->first + maker->size++] = maker->n_put++;
	}
}

static void make_get(struct maker *maker)
{
	if (maker->size > 0)
		history_got(maker->history, take(maker), around(maker));
	else
		history_answered(maker->history, maker->shut ? HISTORY_GET_SHUT : HISTORY_EMPTY, around(maker));
}

static void make_shutdown(struct maker *maker, bool drops)
{
	maker->history->shutdown = around(maker);
	maker->history->drops = drops;
	maker->shut = true;
	if (drops) {
		maker->history->unclaimed = maker->size;
		maker->size = 0;
	}
}

/* Makes a legal history of n calls. */
static void make(struct history *history, enum history_kind kind, uint64_t limit, unsigned n, uint64_t reach)
{
	struct maker maker = {.history = history, .reach = reach, .now = 1000};
	unsigned shutdown = random_below(3) == 0 ? n / 2 + (unsigned)random_below(n / 2 + 1) : n;

	history_init(history, kind, limit, n);
	maker.priorities = 1 + (unsigned)random_below(n);
	maker.in = history_memory(2 * (size_t)n + 2, sizeof(*maker.in));
	for (unsigned i = 0; i < n; i++, maker.now += STEP) {
		if (i == shutdown)
			make_shutdown(&maker, random_below(2) == 0);
		else if (random_below(2) == 0)
			make_put(&maker);
		else
			make_get(&maker);
	}
	if (!history->drops)
		history->unclaimed = maker.size;
	free(maker.in);
}

/* ---- what is changed in it ---- */

/* One of the items that was got, or NULL. */
static struct history_item *any_got(const struct history *history)
{
	uint32_t begin = (uint32_t)random_below(history->n_items);

	for (uint32_t i = 0; i < history->n_items; i++) {
		struct history_item *item = &history->items[(begin + i) % history->n_items];

		if (item->got.call != HISTORY_NEVER)
			return item;
	}
	return NULL;
}

static void swap_gets(const struct history *history)
{
	struct history_item *one = any_got(history), *other = any_got(history);
	struct history_span span;

	if (!one)
		return;
	span = one->got;
	one->got = other->got;
	other->got = span;
}

static void move_span(struct history_span *span)
{
	int64_t by = (int64_t)random_below(8 * STEP) - 4 * STEP;

	if (span->call != HISTORY_NEVER) {
		span->call += by;
		span->ret += by;
	}
}

static void disturb(struct history *history)
{
	struct history_item *item = &history->items[random_below(history->n_items)];

	switch (random_below(6)) {
	case 0:
		swap_gets(history);
		break;
	case 1:
		move_span(&item->put);
		break;
	case 2:
		move_span(&item->got);
		break;
	case 3:
		if (history->n_answers > 0)
			move_span(&history->answers[random_below(history->n_answers)].span);
		break;
	case 4:
		move_span(&history->shutdown);
		break;
	default:
		break;
	}
}

/* ---- small ones, beside the search ---- */

struct tally {
	unsigned legal, found, missed;
};

static void compare(struct history *history, struct tally *tally, uint64_t seed)
{
	bool legal = history_search(history), passes = history_check(history);

	ck_assert_msg(passes || !legal, "round %" PRIu64 ": a legal history is refused: %s", seed, history->fault);
	ck_assert_msg(legal || !passes || history->limit > 0, "round %" PRIu64 ": what is not legal passes", seed);
	tally->legal += legal;
	tally->found += !legal && !passes;
	tally->missed += !legal && passes;
}

static void compare_many(enum history_kind kind, uint64_t limit)
{
	struct tally tally = {0};

	for (uint64_t round = 1; round <= SMALL_ROUNDS; round++) {
		struct history history;

		random_state = round * 0x9e3779b97f4a7c15u;
		make(&history, kind, limit, 4 + (unsigned)random_below(16), 1 + random_below(5 * STEP));
		for (uint64_t changes = random_below(5); changes > 0; changes--)
			disturb(&history);
		compare(&history, &tally, round);
		history_free(&history);
	}
	ck_assert_uint_gt(tally.legal, SMALL_ROUNDS / 10);
	ck_assert_uint_gt(tally.found, SMALL_ROUNDS / 20);
	printf("# kind %d, limit %" PRIu64 ": %u legal, %u not, %u of which pass\n", (int)kind, limit, tally.legal,
	       tally.found + tally.missed, tally.missed);
}

START_TEST(without_a_bound_it_says_what_the_search_says)
{
	compare_many((enum history_kind)_i, 0);
}
END_TEST

START_TEST(with_a_bound_it_refuses_nothing_legal)
{
	compare_many((enum history_kind)(_i / 3), (uint64_t)(_i % 3) + 1);
}
END_TEST

/* ---- large ones, with a fault ---- */

static void make_large(struct history *history, enum history_kind kind, uint64_t limit)
{
	random_state = 88172645463325252u + (uint64_t)kind;
	make(history, kind, limit, LARGE, 3 * STEP);
}

/* Two items of which the first was put, and got, well before the second was. */
static void find_two(const struct history *history, struct history_item **ret_first, struct history_item **ret_second)
{
	for (uint32_t i = 100; i < history->n_items; i++)
		for (uint32_t j = i + 1; j < i + 200 && j < history->n_items; j++) {
			struct history_item *first = &history->items[i], *second = &history->items[j];

			if (second->got.call == HISTORY_NEVER || first->got.call == HISTORY_NEVER)
				continue;
			if (first->put.ret < second->put.call && first->got.ret < second->got.call &&
			    second->put.ret < first->got.call) {
				*ret_first = first;
				*ret_second = second;
				return;
			}
		}
	ck_abort_msg("no two such items");
}

static void plant_swap(struct history *history)
{
	struct history_item *first, *second;
	struct history_span got;

	find_two(history, &first, &second);
	got = first->got;
	first->got = second->got;
	second->got = got;
}

/* The second is got just before the first, which nothing else tells of. */
static void plant_overtaking(struct history *history)
{
	struct history_item *first, *second;

	find_two(history, &first, &second);
	second->got = (struct history_span){first->got.call - 2, first->got.call - 1};
}

static void plant_loss(struct history *history)
{
	any_got(history)->got = (struct history_span){HISTORY_NEVER, HISTORY_NEVER};
}

static void plant_twice(struct history *history)
{
	struct history_item *item = any_got(history);
	struct history_span span = {item->got.call + 100, item->got.ret + 100};

	history_got(history, (uint64_t)(item - history->items), span);
}

static void plant_made_up(struct history *history)
{
	history_got(history, history->n_items, (struct history_span){5000, 5001});
}

static void plant_never_put(struct history *history)
{
	any_got(history)->put = (struct history_span){HISTORY_NEVER, HISTORY_NEVER};
}

static void plant_too_early(struct history *history)
{
	struct history_item *item = any_got(history);

	item->got = (struct history_span){item->put.call - 2, item->put.call - 1};
}

/* While one is in. */
static void plant_empty(struct history *history)
{
	for (uint32_t i = 0; i < history->n_items; i++) {
		const struct history_item *item = &history->items[i];

		if (item->got.call != HISTORY_NEVER && item->put.ret + 1 < item->got.call) {
			history_answered(history, HISTORY_EMPTY,
					 (struct history_span){item->put.ret + 1, item->got.call - 1});
			return;
		}
	}
	ck_abort_msg("none is ever in");
}

static void plant_shut(struct history *history)
{
	history_answered(history, HISTORY_PUT_SHUT, (struct history_span){998, 999});
}

/* As if there were more room than there is. */
static void plant_bound(struct history *history)
{
	history->limit -= 2;
}

static void plant_full(struct history *history)
{
	history_answered(history, HISTORY_FULL, (struct history_span){1, 2});
}

static const struct fault {
	const char *name;
	void (*plant)(struct history *history);
	uint64_t limit;
	bool fifo_only; /* the change may well be legal for others */
} faults[] = {
	{"VOrd", plant_swap, 0, true},
	{"VOrd", plant_overtaking, 0, true},
	{"put and not got", plant_loss, 0, false},
	{"got twice", plant_twice, 0, false},
	{"made up", plant_made_up, 0, false},
	{"never put", plant_never_put, 0, false},
	{"before it is put", plant_too_early, 0, false},
	{"VWit", plant_empty, 0, false},
	{"shut down, says", plant_shut, 0, false},
	{"bound", plant_bound, 5, false},
	{"full", plant_full, 5, false},
};

enum { N_FAULTS = sizeof(faults) / sizeof(faults[0]) };

START_TEST(a_planted_fault_is_found_and_named)
{
	const struct fault *fault = &faults[_i / 3];
	enum history_kind kind = (enum history_kind)(_i % 3);
	struct history history;

	if (fault->fifo_only && kind != HISTORY_FIFO)
		return;
	make_large(&history, kind, fault->limit);
	fault->plant(&history);
	ck_assert(!history_check(&history));
	ck_assert_msg(strstr(history.fault, fault->name), "'%s' is not '%s'", history.fault, fault->name);
	history_free(&history);
}
END_TEST

START_TEST(a_large_history_passes)
{
	struct history history;

	make_large(&history, (enum history_kind)(_i / 2), _i % 2 == 0 ? 0 : 5);
	ck_assert_msg(history_check(&history), "%s", history.fault);
	history_free(&history);
}
END_TEST

/* ---- what is particular to a kind: calls that do not overlap ---- */

static void add(struct history *history, uint32_t item, int64_t priority, int64_t put, int64_t got)
{
	history_put(history, item, priority, (struct history_span){put, put + 1});
	history_got(history, item, (struct history_span){got, got + 1});
}

static void expect_fault(struct history *history, const char *what)
{
	ck_assert(!history_search(history));
	ck_assert(!history_check(history));
	ck_assert_msg(strstr(history->fault, what), "%s", history->fault);
	history_free(history);
}

START_TEST(what_came_first_is_not_got_first_of_a_lifo)
{
	struct history history;

	history_init(&history, HISTORY_LIFO, 0, 3);
	add(&history, 0, 0, 10, 40);
	add(&history, 1, 0, 20, 50);
	add(&history, 2, 0, 30, 35);
	expect_fault(&history, "LIFO");
}
END_TEST

START_TEST(a_worse_one_is_not_got_before_a_better_one)
{
	struct history history;

	history_init(&history, HISTORY_PRIORITY, 0, 2);
	add(&history, 0, 7, 10, 30);
	add(&history, 1, -7, 20, 40);
	expect_fault(&history, "better");
}
END_TEST

/* They overlap, but for the times at which better ones are in. */
START_TEST(equal_ones_are_got_in_order)
{
	struct history history;

	history_init(&history, HISTORY_PRIORITY, 0, 4);
	history_put(&history, 0, 5, (struct history_span){1, 2});
	history_put(&history, 1, 5, (struct history_span){3, 4});
	add(&history, 2, 1, 5, 30);
	add(&history, 3, 1, 40, 60);
	history_got(&history, 1, (struct history_span){20, 50});
	history_got(&history, 0, (struct history_span){45, 70});
	expect_fault(&history, "overtook");
}
END_TEST

/* Items 0 and 1, put in one call, and got in one call in that order, or in the other. */
static void make_of_two_calls(struct history *history, enum history_kind kind, bool swapped, int64_t second)
{
	static const struct history_span put = {1, 2}, got = {3, 4};

	history_init(history, kind, 0, 2);
	history_put(history, 0, 1, put);
	history_put(history, 1, second, put);
	history_got(history, 0, got);
	history_got(history, 1, got);
	history->items[1].put_after = 1;
	history->items[swapped ? 0 : 1].got_after = swapped ? 2 : 1;
}

START_TEST(what_one_call_gets_is_in_order)
{
	enum history_kind kind = (enum history_kind)_i;
	struct history history;

	make_of_two_calls(&history, kind, kind == HISTORY_LIFO, 1);
	ck_assert(history_search(&history));
	ck_assert_msg(history_check(&history), "%s", history.fault);
	history_free(&history);
	make_of_two_calls(&history, kind, kind != HISTORY_LIFO, 1);
	expect_fault(&history, "in one call");
	make_of_two_calls(&history, HISTORY_PRIORITY, false, 0);
	expect_fault(&history, "in one call");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("history");
	TCase *tcase = testing_case(suite, "small");

	tcase_add_loop_test(tcase, without_a_bound_it_says_what_the_search_says, 0, 3);
	tcase_add_loop_test(tcase, with_a_bound_it_refuses_nothing_legal, 0, 9);
	tcase_add_test(tcase, what_came_first_is_not_got_first_of_a_lifo);
	tcase_add_test(tcase, a_worse_one_is_not_got_before_a_better_one);
	tcase_add_test(tcase, equal_ones_are_got_in_order);
	tcase_add_loop_test(tcase, what_one_call_gets_is_in_order, 0, 3);
	tcase = testing_case(suite, "large");
	tcase_add_loop_test(tcase, a_large_history_passes, 0, 6);
	tcase_add_loop_test(tcase, a_planted_fault_is_found_and_named, 0, 3 * N_FAULTS);
	return testing_run(suite);
}
