/*
 * model_atomic.h - what base/atomic.h is in the model tests: each operation is a call into the scheduler.
 *
 * Every use of a macro is a `site`: where it stands, what it does and to what. Sites lie in a section of their
 * own, so that the tests can name them in an interleaving, find those that no scenario reached, and spoil one
 * on purpose (see planted.c).
 *
 * The order is a part of the site and not of the call, so that it can be weakened without touching the sources.
 */
#ifndef FL_MODEL_ATOMIC_H
#define FL_MODEL_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

/* Which of the two halves an operation has. */
enum model_order {
	MODEL_RELAXED = 0,
	MODEL_ACQUIRE = 1,
	MODEL_RELEASE = 2,
	MODEL_ACQ_REL = MODEL_ACQUIRE | MODEL_RELEASE,
};

/* What is wrong with a site at present: planted mistakes. */
enum model_fault {
	MODEL_SOUND,
	MODEL_WEAKENED, /* its order counts as relaxed */
	MODEL_MASKED,   /* stores its value without the bits of `mask` */
	MODEL_SKIPPED,  /* does not store at all, once in an execution, whenever that does most harm */
};

struct model_site {
	const char *file, *function, *operation, *what;
	uint32_t line, mask;
	uint8_t order;    /* enum model_order */
	uint8_t fault;    /* enum model_fault */
	bool reached;     /* by any scenario so far */
	bool reached_now; /* by the present one */
} __attribute__((aligned(64)));

#define MODEL_SITE(operation, order, text) \
	(__extension__({ \
		static struct model_site site_ __attribute__((section("model_sites"), used)) = { \
			__FILE__, __func__, operation, text, __LINE__, 0, order, MODEL_SOUND, false, false}; \
		&site_; \
	}))

uint64_t model_load(struct model_site *site, const volatile void *address, unsigned size);
void model_store(struct model_site *site, volatile void *address, unsigned size, uint64_t value);
bool model_cas(struct model_site *site, volatile void *address, unsigned size, void *expected, uint64_t value);

/* Exchange, add, sub, and: what the operation is stands in the site. Returns what was there. */
enum model_change { MODEL_EXCHANGE, MODEL_ADD, MODEL_SUB, MODEL_AND, MODEL_OR };
uint64_t model_change(struct model_site *site, enum model_change change, volatile void *address, unsigned size,
		      uint64_t by);

#define MODEL_LOAD(order, p, text) ((__typeof__(*(p)))model_load(MODEL_SITE("load", order, text), (p), sizeof(*(p))))
#define MODEL_STORE(order, p, v, text) model_store(MODEL_SITE("store", order, text), (p), sizeof(*(p)), (uint64_t)(v))
#define MODEL_CAS(order, p, expected, v, text) \
	model_cas(MODEL_SITE("cas", order, text), (p), sizeof(*(p)), (expected), (uint64_t)(v))
#define MODEL_CHANGE(name, change, order, p, v, text) \
	(__extension__({ \
		(__typeof__(*(p)))model_change(MODEL_SITE(name, order, text), change, (p), sizeof(*(p)), \
					       (uint64_t)(v)); \
	}))

#define fl_load_relaxed(p) MODEL_LOAD(MODEL_RELAXED, p, #p)
#define fl_load_acquire(p) MODEL_LOAD(MODEL_ACQUIRE, p, #p)
#define fl_store_relaxed(p, v) MODEL_STORE(MODEL_RELAXED, p, v, #p)
#define fl_store_release(p, v) MODEL_STORE(MODEL_RELEASE, p, v, #p)

/* Executions are sequentially consistent anyway. */
#define fl_load_seq_cst(p) MODEL_LOAD(MODEL_ACQUIRE, p, #p)
#define fl_store_seq_cst(p, v) MODEL_STORE(MODEL_RELEASE, p, v, #p)

#define fl_cas_relaxed(p, expected, v) MODEL_CAS(MODEL_RELAXED, p, expected, v, #p)
#define fl_cas_acquire(p, expected, v) MODEL_CAS(MODEL_ACQUIRE, p, expected, v, #p)
#define fl_cas_release(p, expected, v) MODEL_CAS(MODEL_RELEASE, p, expected, v, #p)
#define fl_cas_acq_rel(p, expected, v) MODEL_CAS(MODEL_ACQ_REL, p, expected, v, #p)
#define fl_cas_seq_cst(p, expected, v) MODEL_CAS(MODEL_ACQ_REL, p, expected, v, #p)

#define fl_exchange_relaxed(p, v) MODEL_CHANGE("exchange", MODEL_EXCHANGE, MODEL_RELAXED, p, v, #p)
#define fl_exchange_acquire(p, v) MODEL_CHANGE("exchange", MODEL_EXCHANGE, MODEL_ACQUIRE, p, v, #p)
#define fl_exchange_release(p, v) MODEL_CHANGE("exchange", MODEL_EXCHANGE, MODEL_RELEASE, p, v, #p)
#define fl_exchange_acq_rel(p, v) MODEL_CHANGE("exchange", MODEL_EXCHANGE, MODEL_ACQ_REL, p, v, #p)
#define fl_exchange_seq_cst(p, v) MODEL_CHANGE("exchange", MODEL_EXCHANGE, MODEL_ACQ_REL, p, v, #p)
#define fl_add_relaxed(p, v) MODEL_CHANGE("add", MODEL_ADD, MODEL_RELAXED, p, v, #p)
#define fl_add_release(p, v) MODEL_CHANGE("add", MODEL_ADD, MODEL_RELEASE, p, v, #p)
#define fl_sub_relaxed(p, v) MODEL_CHANGE("sub", MODEL_SUB, MODEL_RELAXED, p, v, #p)
#define fl_sub_release(p, v) MODEL_CHANGE("sub", MODEL_SUB, MODEL_RELEASE, p, v, #p)
#define fl_and_relaxed(p, v) MODEL_CHANGE("and", MODEL_AND, MODEL_RELAXED, p, v, #p)
#define fl_and_release(p, v) MODEL_CHANGE("and", MODEL_AND, MODEL_RELEASE, p, v, #p)
#define fl_or_relaxed(p, v) MODEL_CHANGE("or", MODEL_OR, MODEL_RELAXED, p, v, #p)
#define fl_or_release(p, v) MODEL_CHANGE("or", MODEL_OR, MODEL_RELEASE, p, v, #p)

/* Executions are sequentially consistent, and a thread's operations stay in order. */
#define fl_signal_fence() ((void)0)
#define fl_relax() ((void)0)
#define fl_prefetch_write(address) ((void)(address))

#endif
