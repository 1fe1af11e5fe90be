/*
 * run/parallel.c - a loop over a range, done by several threads that take from each other what is left.
 *
 * The range is n pieces, numbered from 0. A loop has as many seats as threads may take part; in each seat lies a share,
 * one word:
 *
 *   share  bits 0-31   the first piece that has not been begun
 *          bits 32-63  the one after the last
 *
 * At first the shares are equal parts. Whoever sits down does pieces of its own share from the front, by one
 * compare-and-swap each; when it is empty it looks at the other seats, takes the second half of the first share it
 * finds that is not empty, and goes on with that as its own. An empty seat's share is taken from like any other, so a
 * loop whose helpers do not come is done by the caller alone. That is lazy splitting of ranges with thieves (as in
 * Cilk and in TBB's partitioners), with words in place of deques, since a range can be split without being put
 * anywhere.
 *
 * The helpers are threads of an executor that all loops share. The caller has one of them come, and each that comes has
 * the next one come as long as there are seats: a loop that is over before anybody has woken up has woken one.
 *
 * Invariants:
 *   [R1] Each piece is in one share, or is being done, or was done. To take a piece or a half is one compare-and-swap
 *        on the share; a half that was taken is in nobody's share until the thief has stored it in its own, which is
 *        empty, and which nobody else writes while it is empty.
 *   [R2] All there is to know of a share is its word: a compare-and-swap that finds it as it was takes what is there
 *        now, also if it has been something else in between.
 *   [R3] `left` counts the pieces that are not done; 0 means that the function is called no more, and that what it has
 *        wrote is seen ([parallel.1], [parallel.2]). Whoever takes it to 0 sets `over`.
 *   [R4] The loop's memory is counted: by the caller, and by each helper that was asked to come. The function and its
 *        argument are not touched after `over`.
 *   [R5] An error, a deadline or a note empties the shares: what was not begun is counted as done by who finds it.
 *
 * Progress: taking is lock-free. Nobody waits but the caller, for pieces that others have begun.
 *
 * Rejected: one counter for all (a line that all cores write for each piece: with small pieces that is most of the
 * time); equal parts alone (the slowest part is the time of the loop); guided self-scheduling, pieces that grow smaller
 * towards the end (the last large one may be the slow one).
 */
#include "run/executor.h"

#include "base/fork.h"
#include "base/keep_errno.h"
#include "sync/wait.h"
#include <errno.h>
#include <fairlead/parallel.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SEATS 256u
#define PIECES_EACH 64

struct seat {
	_Alignas(64) uint64_t share;
};

struct loop {
	uint32_t refs;
	uint32_t n_seats;
	uint32_t taken; /* seats */
	int error;      /* the first one */
	int64_t begin, end, grain;
	fl_parallel_function function;
	void *arg;
	fl_time deadline;
	fl_note *note;
	fl_event over;
	_Alignas(64) uint64_t left; /* pieces that are not done */
	struct seat seats[];
};

/* The helpers. */

static struct fl_inner lock;
static fl_executor *helpers;
uint32_t fl_parallel_threads_;

static void after_fork(void)
{
	lock.state = 0;
	helpers = NULL; /* the parent's: its threads are not here */
}

__attribute__((constructor)) static void start_up(void)
{
	fl_fork_register_(after_fork);
}

/* How many others may take part. */
static uint32_t count_helpers(void)
{
	uint32_t n = fl_load_relaxed(&fl_parallel_threads_);

	if (n == 0) {
		n = (uint32_t)fl_cpu_count();
		n = n < MOST_SEATS ? n : MOST_SEATS;
		fl_store_relaxed(&fl_parallel_threads_, n);
	}
	return n - 1;
}

/* The executor of all loops; NULL: there is none to be had. */
static fl_executor *get_helpers(void)
{
	static const char name[] = "parallel";
	/* [parallel.3] acquire; pairs with [parallel.4] */
	fl_executor *executor = fl_load_acquire(&helpers);

	if (fl_likely(executor != NULL))
		return executor;
	fl_inner_acquire(&lock);
	executor = helpers;
	if (!executor &&
	    fl_executor_create(&executor, &(fl_executor_options){.max_threads = count_helpers(), .name = name}) == 0)
		/* [parallel.4] release; pairs with [parallel.3] */
		fl_store_release(&helpers, executor);
	fl_inner_release(&lock);
	return executor;
}

/* Shares. */

static uint64_t make_share(uint64_t first, uint64_t end)
{
	return first | end << 32;
}

static uint32_t first_of(uint64_t share)
{
	return (uint32_t)share;
}

static uint32_t end_of(uint64_t share)
{
	return (uint32_t)(share >> 32);
}

static bool is_empty(uint64_t share)
{
	return first_of(share) >= end_of(share);
}

/* Takes the first piece of one's own share. */
static bool take_piece(struct seat *seat, uint32_t *ret_piece)
{
	uint64_t share = fl_load_relaxed(&seat->share);

	while (!is_empty(share))
		if (fl_likely(fl_cas_relaxed(&seat->share, &share, share + 1))) {
			*ret_piece = first_of(share);
			return true;
		}
	return false;
}

/* Takes the second half of another's share, all of it if that is one piece; 0: it is empty. */
static uint64_t take_half(struct seat *seat)
{
	uint64_t share = fl_load_relaxed(&seat->share);
	uint32_t middle;

	while (!is_empty(share)) {
		middle = first_of(share) + (end_of(share) - first_of(share)) / 2;
		if (fl_cas_relaxed(&seat->share, &share, make_share(first_of(share), middle)))
			return make_share(middle, end_of(share));
	}
	return 0;
}

/* Fills one's own share, which is empty, from the others'. */
static bool take_from_others(struct loop *loop, uint32_t mine)
{
	uint32_t i;
	uint64_t half;

	for (i = 1; i < loop->n_seats; i++) {
		half = take_half(&loop->seats[(mine + i) % loop->n_seats]);
		if (half != 0) {
			fl_store_relaxed(&loop->seats[mine].share, half);
			return true;
		}
	}
	return false;
}

/* Doing. */

static void unref(struct loop *loop)
{
	/* [parallel.5] release; pairs with [parallel.6] */
	if (fl_sub_release(&loop->refs, 1) > 1)
		return;
	/* [parallel.6] acquire; pairs with [parallel.5] */
	if (fl_load_acquire(&loop->refs) == 0)
		free(loop);
}

static void count_done(struct loop *loop, uint64_t n)
{
	/* [parallel.1] release; pairs with [parallel.2] */
	if (n == 0 || fl_sub_release(&loop->left, n) > n)
		return;
	/* [parallel.2] acquire; pairs with [parallel.1] */
	if (fl_load_acquire(&loop->left) == 0)
		fl_event_set(&loop->over);
}

static void fail(struct loop *loop, int error)
{
	int none = 0;

	fl_cas_relaxed(&loop->error, &none, error);
}

/* Whether what has not begun is left out: something has failed, or it is time. */
static bool is_ended(struct loop *loop)
{
	int error = fl_load_relaxed(&loop->error);

	if (error == 0 && (loop->note || loop->deadline != FL_FOREVER)) {
		error = fl_wait_refused_(loop->deadline, loop->note);
		if (error != 0)
			fail(loop, error);
	}
	return error != 0;
}

static void do_piece(struct loop *loop, uint32_t piece)
{
	int64_t begin = (int64_t)((uint64_t)loop->begin + piece * (uint64_t)loop->grain), end = loop->end;
	int error;

	if ((uint64_t)end - (uint64_t)begin > (uint64_t)loop->grain)
		end = begin + loop->grain;
	error = loop->function(begin, end, loop->arg);
	if (error < 0)
		fail(loop, error);
}

/* The rest of one's own share is left out. Returns how many pieces. */
static uint64_t drop_share(struct seat *seat)
{
	uint64_t share = fl_load_relaxed(&seat->share);

	while (!is_empty(share))
		if (fl_cas_relaxed(&seat->share, &share, 0))
			return end_of(share) - first_of(share);
	return 0;
}

/* Does what is in one's own seat, then what the others have left. What was done is counted when the share is empty, so
 * that `left` is not written for each piece. */
static void take_part(struct loop *loop, uint32_t mine)
{
	uint64_t done;
	uint32_t piece;

	do {
		for (done = 0; take_piece(&loop->seats[mine], &piece); done++)
			if (!is_ended(loop))
				do_piece(loop, piece);
			else
				done += drop_share(&loop->seats[mine]);
		count_done(loop, done);
	} while (take_from_others(loop, mine));
}

static void help(void *loop);

/* Asks one more helper to come, if there is a seat and something to do. */
static void ask_helper(struct loop *loop)
{
	fl_executor *executor;

	if (fl_load_relaxed(&loop->taken) >= loop->n_seats)
		return;
	executor = get_helpers();
	if (!executor)
		return;
	fl_add_relaxed(&loop->refs, 1);
	if (fl_executor_start(executor, help, loop) != 0)
		/* Not the last one: who asks has one. [parallel.5] release; pairs with [parallel.6] */
		fl_sub_release(&loop->refs, 1);
}

static void help(void *loop_)
{
	struct loop *loop = loop_;
	uint32_t mine = fl_add_relaxed(&loop->taken, 1);

	if (mine < loop->n_seats && fl_load_relaxed(&loop->left) != 0) {
		ask_helper(loop);
		take_part(loop, mine);
	}
	unref(loop);
}

/* Making. */

static void deal(struct loop *loop, uint64_t n_pieces)
{
	uint64_t i;

	for (i = 0; i < loop->n_seats; i++)
		loop->seats[i].share = make_share(n_pieces * i / loop->n_seats, n_pieces * (i + 1) / loop->n_seats);
	loop->left = n_pieces;
}

/* With `n` seats at most; in memory of its own, since helpers may come when the caller is gone. */
static struct loop *make(const struct loop *asked, uint64_t n_pieces, uint32_t n)
{
	struct loop *loop;

	if (n > n_pieces)
		n = (uint32_t)n_pieces;
	loop = aligned_alloc(64, sizeof(*loop) + n * sizeof(loop->seats[0]));
	if (!loop)
		return NULL;
	memcpy(loop, asked, sizeof(*asked));
	loop->refs = 1;
	loop->taken = 1;
	loop->n_seats = n;
	deal(loop, n_pieces);
	return loop;
}

/* No other thread, or no memory to share it with them. */
static int do_alone(struct loop *loop, uint64_t n_pieces)
{
	uint64_t i;

	for (i = 0; i < n_pieces && !is_ended(loop); i++)
		do_piece(loop, (uint32_t)i);
	return loop->error;
}

static int do_together(struct loop *loop)
{
	int error;

	ask_helper(loop);
	take_part(loop, 0);
	fl_event_wait(&loop->over);
	error = fl_load_relaxed(&loop->error);
	unref(loop);
	return error;
}

/* How many iterations a piece has, so that a piece's number fits in half a word. */
static uint64_t choose_grain(uint64_t n, uint64_t grain, uint32_t n_threads)
{
	if (grain == 0)
		grain = n / (PIECES_EACH * (uint64_t)n_threads);
	if (grain < n / INT32_MAX + 1)
		grain = n / INT32_MAX + 1;
	return grain < INT64_MAX ? grain : INT64_MAX;
}

int fl_parallel_for_until(int64_t begin, int64_t end, int64_t grain, fl_parallel_function function, void *arg,
			  fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	struct loop asked = {
		.begin = begin, .end = end, .function = function, .arg = arg, .deadline = deadline, .note = note};
	uint64_t n = begin < end ? (uint64_t)end - (uint64_t)begin : 0, n_pieces;
	uint32_t n_threads = count_helpers() + 1;
	struct loop *loop = NULL;

	if (grain < 0)
		return -EINVAL;
	if (n == 0)
		return 0;
	asked.grain = (int64_t)choose_grain(n, (uint64_t)grain, n_threads);
	n_pieces = (n - 1) / (uint64_t)asked.grain + 1;
	if (n_threads > 1 && n_pieces > 1)
		loop = make(&asked, n_pieces, n_threads);
	return loop ? do_together(loop) : do_alone(&asked, n_pieces);
}

int fl_parallel_for(int64_t begin, int64_t end, int64_t grain, fl_parallel_function function, void *arg)
{
	return fl_parallel_for_until(begin, end, grain, function, arg, FL_FOREVER, NULL);
}
