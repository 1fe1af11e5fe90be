/*
 * litmus.c - small programs that show which orders of memory can be told apart: what `outcomes` lists is all that they
 * may do.
 *
 *   litmus NAME STORE LOAD FENCE [OUTCOME... | !OUTCOME]
 *
 * runs one of them, with those memory orders for stores, loads and, where it has some, fences. Its outcome is a row of
 * digits: what each load got, in the order of the threads, and what was there in the end if that matters. It is written
 * to standard output, followed by a newline.
 *
 * Exit code: 0 if no outcomes are given. Otherwise 1 if its outcome is none of those; with `!OUTCOME`, 1 if it is that.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RLX, CONS, ACQ, REL, AR, SC, NONE };

static atomic_int x, y, z;
static int got[8];
static int order_store, order_load, order_fence;

/* The compiler wants to know an order: it takes one that it does not know for seq_cst. */
#define STORE(at, value) \
	do { \
		if (order_store == RLX) \
			atomic_store_explicit(at, value, memory_order_relaxed); \
		else if (order_store == REL) \
			atomic_store_explicit(at, value, memory_order_release); \
		else \
			atomic_store_explicit(at, value, memory_order_seq_cst); \
	} while (0)

#define LOAD(i, at) \
	do { \
		if (order_load == RLX) \
			got[i] = atomic_load_explicit(at, memory_order_relaxed); \
		else if (order_load == ACQ) \
			got[i] = atomic_load_explicit(at, memory_order_acquire); \
		else \
			got[i] = atomic_load_explicit(at, memory_order_seq_cst); \
	} while (0)

#define FENCE() \
	do { \
		if (order_fence == REL) \
			atomic_thread_fence(memory_order_release); \
		else if (order_fence == ACQ) \
			atomic_thread_fence(memory_order_acquire); \
		else if (order_fence == AR) \
			atomic_thread_fence(memory_order_acq_rel); \
		else if (order_fence == SC) \
			atomic_thread_fence(memory_order_seq_cst); \
	} while (0)

#define RELAXED_STORE(at, value) atomic_store_explicit(at, value, memory_order_relaxed)
#define RELAXED_LOAD(i, at) (got[i] = atomic_load_explicit(at, memory_order_relaxed))
#define THREAD(name) static void *name(void *arg)
#define END return arg

/* clang-format off */
/* SB: store buffering. Dekker's algorithm rests on it. */
THREAD(sb0) { STORE(&x, 1); FENCE(); LOAD(0, &y); END; }
THREAD(sb1) { STORE(&y, 1); FENCE(); LOAD(1, &x); END; }

/* MP: message passing. */
THREAD(mp0) { RELAXED_STORE(&x, 1); FENCE(); STORE(&y, 1); END; }
THREAD(mp1) { LOAD(0, &y); FENCE(); RELAXED_LOAD(1, &x); END; }

/* LB: load buffering. */
THREAD(lb0) { LOAD(0, &x); STORE(&y, 1); END; }
THREAD(lb1) { LOAD(1, &y); STORE(&x, 1); END; }

/* IRIW: independent reads of independent writes. */
THREAD(iriw0) { STORE(&x, 1); END; }
THREAD(iriw1) { STORE(&y, 1); END; }
THREAD(iriw2) { LOAD(0, &x); FENCE(); LOAD(1, &y); END; }
THREAD(iriw3) { LOAD(2, &y); FENCE(); LOAD(3, &x); END; }

/* CoRR, CoWW, CoRW, CoWR: coherence. */
THREAD(corr0) { STORE(&x, 1); END; }
THREAD(corr1) { LOAD(0, &x); LOAD(1, &x); END; }
THREAD(coww0) { STORE(&x, 1); STORE(&x, 2); END; }
THREAD(corw0) { LOAD(0, &x); STORE(&x, 1); END; }
THREAD(corw1) { STORE(&x, 2); END; }
THREAD(cowr0) { STORE(&x, 1); LOAD(0, &x); END; }
THREAD(cowr1) { STORE(&x, 2); END; }

/* 2+2W, R, S. */
THREAD(ww0) { STORE(&x, 1); FENCE(); STORE(&y, 2); END; }
THREAD(ww1) { STORE(&y, 1); FENCE(); STORE(&x, 2); END; }
THREAD(r0) { STORE(&x, 1); FENCE(); STORE(&y, 1); END; }
THREAD(r1) { STORE(&y, 2); FENCE(); LOAD(0, &x); END; }
THREAD(s0) { STORE(&x, 2); FENCE(); STORE(&y, 1); END; }
THREAD(s1) { LOAD(0, &y); FENCE(); STORE(&x, 1); END; }

/* WRC: write to read causality. ISA2: a message that goes by way of a third. */
THREAD(wrc0) { RELAXED_STORE(&x, 1); END; }
THREAD(wrc1) { LOAD(0, &x); FENCE(); STORE(&y, 1); END; }
THREAD(wrc2) { LOAD(1, &y); FENCE(); RELAXED_LOAD(2, &x); END; }
THREAD(isa0) { RELAXED_STORE(&x, 1); STORE(&y, 1); END; }
THREAD(isa1) { LOAD(0, &y); STORE(&z, 1); END; }
THREAD(isa2) { LOAD(1, &z); RELAXED_LOAD(2, &x); END; }

/* RWC: read to write causality, with the fence in two of the threads. */
THREAD(rwc0) { STORE(&x, 1); END; }
THREAD(rwc1) { LOAD(0, &x); FENCE(); LOAD(1, &y); END; }
THREAD(rwc2) { STORE(&y, 1); FENCE(); LOAD(2, &x); END; }

/* RS: a release sequence goes on through another thread's read-modify-write, RSS: but not through a store. */
THREAD(rs0) { RELAXED_STORE(&x, 1); STORE(&y, 1); END; }
THREAD(rs1) { atomic_fetch_add_explicit(&y, 1, memory_order_relaxed); END; }
THREAD(rs2) { LOAD(0, &y); RELAXED_LOAD(1, &x); END; }
THREAD(rss0) { RELAXED_STORE(&x, 1); STORE(&y, 1); RELAXED_STORE(&y, 2); END; }

/* RMW: read-modify-writes of one atomic do not overlap. CAS: of two, one succeeds. */
THREAD(rmw0) { got[0] = atomic_fetch_add_explicit(&x, 1, memory_order_relaxed); END; }
THREAD(rmw1) { got[1] = atomic_fetch_add_explicit(&x, 1, memory_order_relaxed); END; }
#define CAS(i) \
	do { \
		int expected = 0; \
		got[i] = atomic_compare_exchange_strong_explicit(&x, &expected, (i) + 1, memory_order_relaxed, \
								 memory_order_relaxed); \
	} while (0)
THREAD(cas0) { CAS(0); END; }
THREAD(cas1) { CAS(1); END; }

/* clang-format on */
/* SPIN: a loop that waits for a value comes to its end. */
THREAD(spin0)
{
	STORE(&x, 1);
	END;
}
THREAD(spin1)
{
	do
		LOAD(0, &x);
	while (got[0] == 0);
	END;
}

/* MUTEX: what a mutex orders is ordered for relaxed atomics, too. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
THREAD(mutex0)
{
	RELAXED_STORE(&x, 1);
	pthread_mutex_lock(&mutex);
	got[0] = 1;
	pthread_mutex_unlock(&mutex);
	END;
}
THREAD(mutex1)
{
	pthread_mutex_lock(&mutex);
	got[1] = got[0];
	pthread_mutex_unlock(&mutex);
	RELAXED_LOAD(2, &x);
	END;
}

static const struct litmus {
	const char *name;
	void *(*thread[4])(void *);
	unsigned loads;     /* that are part of the outcome */
	const char *memory; /* what else is */
} litmus[] = {
	{"SB", {sb0, sb1}, 2, ""},
	{"MP", {mp0, mp1}, 2, ""},
	{"LB", {lb0, lb1}, 2, ""},
	{"IRIW", {iriw0, iriw1, iriw2, iriw3}, 4, ""},
	{"CoRR", {corr0, corr1}, 2, ""},
	{"CoWW", {coww0}, 0, "x"},
	{"CoRW", {corw0, corw1}, 1, "x"},
	{"CoWR", {cowr0, cowr1}, 1, "x"},
	{"2+2W", {ww0, ww1}, 0, "xy"},
	{"R", {r0, r1}, 1, "y"},
	{"S", {s0, s1}, 1, "x"},
	{"WRC", {wrc0, wrc1, wrc2}, 3, ""},
	{"ISA2", {isa0, isa1, isa2}, 3, ""},
	{"RWC", {rwc0, rwc1, rwc2}, 3, ""},
	{"RS", {rs0, rs1, rs2}, 2, ""},
	{"RSS", {rss0, rs2}, 2, ""},
	{"RMW", {rmw0, rmw1}, 2, "x"},
	{"CAS", {cas0, cas1}, 2, "x"},
	{"SPIN", {spin0, spin1}, 1, ""},
	{"MUTEX", {mutex0, mutex1}, 3, ""},
};

static int order(const char *name)
{
	static const char *const names[] = {"rlx", "cons", "acq", "rel", "ar", "sc", "-"};

	for (int i = 0; i <= NONE; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	fprintf(stderr, "litmus: no such memory order: %s\n", name);
	exit(2);
}

static const struct litmus *find(const char *name)
{
	for (size_t i = 0; i < sizeof(litmus) / sizeof(litmus[0]); i++) {
		if (strcmp(litmus[i].name, name) == 0)
			return &litmus[i];
	}
	fprintf(stderr, "litmus: no such test: %s\n", name);
	exit(2);
}

static void run(const struct litmus *test, char *ret_outcome)
{
	pthread_t thread[4];
	unsigned n = 0;

	for (; n < 4 && test->thread[n] != NULL; n++)
		pthread_create(&thread[n], NULL, test->thread[n], NULL);
	for (unsigned i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < test->loads; i++)
		*ret_outcome++ = (char)('0' + got[i]);
	for (const char *at = test->memory; *at != 0; at++)
		*ret_outcome++ = (char)('0' + atomic_load(*at == 'x' ? &x : &y));
	*ret_outcome = 0;
}

static int judge(const char *outcome, char **allowed)
{
	if (*allowed == NULL)
		return 0;
	if (**allowed == '!')
		return strcmp(*allowed + 1, outcome) == 0;
	for (; *allowed != NULL; allowed++) {
		if (strcmp(*allowed, outcome) == 0)
			return 0;
	}
	return 1;
}

int main(int argc, char **argv)
{
	char outcome[16];
	size_t length;

	if (argc < 5) {
		fprintf(stderr, "usage: litmus NAME STORE LOAD FENCE [OUTCOME... | !OUTCOME]\n");
		return 2;
	}
	order_store = order(argv[2]);
	order_load = order(argv[3]);
	order_fence = order(argv[4]);
	run(find(argv[1]), outcome);
	length = strlen(outcome);
	outcome[length] = '\n';
	if (write(STDOUT_FILENO, outcome, length + 1) < 0)
		return 2;
	outcome[length] = 0;
	return judge(outcome, argv + 5);
}
