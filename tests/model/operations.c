/*
 * operations.c - the steps of a schedule: atomics, sleeping and waking, the quick release, the clock.
 *
 * A thread about to make a step stands still before it (`stand`) and is run on when the search says so; then it
 * goes on until it stands before its next one. What it does in between, on memory that the others do not touch
 * meanwhile, belongs to the step.
 *
 * Executions are sequentially consistent: a load sees the last store. What the orders are for is checked by races.c.
 *
 * Replaced here are base/word.c, base/spin.c and base/quick.c, as their headers describe them:
 *
 *   the wait word: who sleeps is woken in the order of arrival. A deadline may pass at any moment, and then the clock
 *   stands there. A sleep may end for nothing, `stray` of the scenario times.
 *
 *   the quick release: two steps, the look and the store. Others run in between, as on other processors; only a
 *   barrier disturbs. [Q1]
 *
 *   the clock: stands still, but may jump ahead when it is read, `jumps` of the scenario times.
 */
#include "engine.h"

#include "base/quick.h"
#include "base/spin.h"
#include "base/word.h"
#include <errno.h>
#include <string.h>
#include <time.h>

#define MOST_OPERATIONS 3000 /* between two steps: nobody needs so many */
#define JUMP FL_MS(15)

static struct model_site look_site = {
	"base/quick.c", "fl_quick_store_", "look", "*guard", 1, 0, MODEL_RELAXED, 0, 0, 0};
struct model_site model_quick_site = {
	"base/quick.c", "fl_quick_store_", "store", "*word", 2, 0, MODEL_RELEASE, 0, 0, 0};
static struct model_site barrier_site = {"base/quick.c", "fl_quick_barrier_", "barrier", "", 3, 0, 0, 0, 0, 0};
static struct model_site wait_site = {"base/word.c", "fl_word_wait_", "wait", "*word", 1, 0, MODEL_RELAXED, 0, 0, 0};
static struct model_site wake_site = {"base/word.c", "fl_word_wake_", "wake", "*word", 2, 0, MODEL_RELAXED, 0, 0, 0};
static struct model_site clock_site = {"base/time.c", "fl_now", "clock", "", 1, 0, MODEL_RELAXED, 0, 0, 0};
static struct model_site pause_site = {"the scenario", "", "pause", "", 1, 0, MODEL_RELAXED, 0, 0, 0};
static struct model_site await_site = {"the scenario", "", "await", "", 2, 0, MODEL_RELAXED, 0, 0, 0};
static struct model_site note_site = {"the scenario", "", "note", "", 3, 0, MODEL_RELAXED, 0, 0, 0};

bool fl_quick_works_;

/* Standing before a step. */

static void stand(struct model_site *site, const volatile void *address, unsigned n_choices,
		  bool (*ready)(const struct model_thread *thread))
{
	struct model_thread *self = model_self;

	self->status = ready ? MODEL_AWAITS : MODEL_ABOUT;
	self->site = site;
	self->address = (const void *)(uintptr_t)address;
	self->n_choices = (uint8_t)n_choices;
	self->ready = ready;
	self->deadline = 0;
	model_fiber_leave(&self->fiber);
	self->ready_for = 0;
}

static void count(const struct model_site *site)
{
	if (++model_operations[model_running] > MOST_OPERATIONS)
		model_fail("livelock: thread %c goes on for ever without a step that others could see, at %s:%u",
			   'a' + model_running, model_file_of(site), site->line);
}

/* A step in any case. */
static void step(struct model_site *site, const volatile void *address, unsigned n_choices)
{
	stand(site, address, n_choices, NULL);
	count(site);
}

/* Before an atomic operation. Returns false if it concerns nobody else. */
static bool begin(struct model_site *site, const volatile void *address, unsigned size)
{
	bool may_skip = site->fault == MODEL_SKIPPED && model_now.faults > 0;

	site->reached = site->reached_now = true;
	if (model_running < 0 || model_is_own(address))
		return false;
	model_self->choice = MODEL_AS_IS;
	if (may_skip || model_every_step || model_is_scheduled(address, size))
		stand(site, address, may_skip ? 2 : 1, NULL);
	count(site);
	return true;
}

static bool skipped(void)
{
	if (model_self->choice == MODEL_AS_IS)
		return false;
	model_now.faults--;
	return true;
}

/* What happens in memory. */

static uint64_t peek(const volatile void *address, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)(uintptr_t)address, size);
	return value;
}

static void poke(volatile void *address, unsigned size, uint64_t value)
{
	memcpy((void *)(uintptr_t)address, &value, size);
}

static unsigned order_of(const struct model_site *site)
{
	return site->fault == MODEL_WEAKENED ? MODEL_RELAXED : site->order;
}

static void acquire(const struct model_site *site, const volatile void *address)
{
	const int16_t *release = model_release_of(address);

	if ((order_of(site) & MODEL_ACQUIRE) && release)
		model_race_acquire(*release);
}

/* `goes_on`: a read-modify-write, which a release before it survives. */
static void release(const struct model_site *site, const volatile void *address, bool goes_on)
{
	int16_t *release = model_release_of(address);

	if (!release)
		return;
	if (order_of(site) & MODEL_RELEASE)
		model_race_release(release, goes_on);
	else if (!goes_on)
		model_race_forget(*release);
}

/* Atomics. */

uint64_t model_load(struct model_site *site, const volatile void *address, unsigned size)
{
	uint64_t value;

	if (!begin(site, address, size))
		return peek(address, size);
	model_access(address, size, MODEL_ATOMIC_READS, site);
	acquire(site, address);
	value = peek(address, size);
	model_trace(site, address, "%#llx", (unsigned long long)value);
	return value;
}

void model_store(struct model_site *site, volatile void *address, unsigned size, uint64_t value)
{
	if (begin(site, address, size)) {
		if (skipped()) {
			model_trace(site, address, "left out (planted)");
			return;
		}
		model_access(address, size, MODEL_ATOMIC_WRITES, site);
		release(site, address, false);
		value &= ~(uint64_t)site->mask;
		model_trace(site, address, "%#llx -> %#llx", (unsigned long long)peek(address, size),
			    (unsigned long long)value);
	}
	poke(address, size, value);
}

/* A failed one is a load, which acquires nothing unless the operation is acq_rel (base/atomic.h). */
static bool failed_cas(struct model_site *site, const volatile void *address, unsigned size, void *expected)
{
	uint64_t value = peek(address, size);

	model_access(address, size, MODEL_ATOMIC_READS, site);
	if (site->order == MODEL_ACQ_REL)
		acquire(site, address);
	model_trace(site, address, "%#llx, not %#llx", (unsigned long long)value,
		    (unsigned long long)peek(expected, size));
	memcpy(expected, &value, size);
	return false;
}

bool model_cas(struct model_site *site, volatile void *address, unsigned size, void *expected, uint64_t value)
{
	bool shared = begin(site, address, size), same = peek(address, size) == peek(expected, size);

	if (!shared) {
		if (same)
			poke(address, size, value);
		else
			poke(expected, size, peek(address, size));
		return same;
	}
	if (!same)
		return failed_cas(site, address, size, expected);
	model_access(address, size, MODEL_ATOMIC_WRITES, site);
	acquire(site, address);
	release(site, address, true);
	value &= ~(uint64_t)site->mask;
	model_trace(site, address, "%#llx -> %#llx", (unsigned long long)peek(address, size),
		    (unsigned long long)value);
	poke(address, size, value);
	return true;
}

static uint64_t changed(enum model_change change, uint64_t old, uint64_t by)
{
	switch (change) {
	case MODEL_ADD:
		return old + by;
	case MODEL_SUB:
		return old - by;
	case MODEL_AND:
		return old & by;
	case MODEL_OR:
		return old | by;
	default:
		return by;
	}
}

uint64_t model_change(struct model_site *site, enum model_change change, volatile void *address, unsigned size,
		      uint64_t by)
{
	bool shared = begin(site, address, size);
	uint64_t old = peek(address, size), value = changed(change, old, by);

	if (shared) {
		if (skipped()) {
			model_trace(site, address, "left out (planted)");
			return old;
		}
		model_access(address, size, MODEL_ATOMIC_WRITES, site);
		acquire(site, address);
		release(site, address, true);
		value &= ~(uint64_t)site->mask;
		model_trace(site, address, "%#llx -> %#llx", (unsigned long long)old, (unsigned long long)value);
	}
	poke(address, size, value);
	return old;
}

/* The clock. */

int model_clock_gettime(clockid_t id, struct timespec *ret_now);

static fl_time *clock_now(void)
{
	return (fl_time *)(void *)model_arena;
}

static void set_clock(fl_time now)
{
	model_access(clock_now(), sizeof(fl_time), MODEL_ATOMIC_WRITES, &clock_site);
	*clock_now() = now;
}

static void read_clock(void)
{
	model_self->choice = MODEL_AS_IS;
	if (model_now.jumps > 0 || model_every_step || model_is_scheduled(clock_now(), sizeof(fl_time)))
		stand(&clock_site, clock_now(), model_now.jumps > 0 ? 2 : 1, NULL);
	count(&clock_site);
	if (model_self->choice == MODEL_OTHERWISE) {
		model_now.jumps--;
		set_clock(*clock_now() + JUMP);
	}
	model_access(clock_now(), sizeof(fl_time), MODEL_ATOMIC_READS, &clock_site);
	model_trace(&clock_site, NULL, "%lld ms%s", (long long)(*clock_now() / FL_MS(1)),
		    model_self->choice ? " (later)" : "");
}

/* What base/time.c calls here instead of the C library's. */
int model_clock_gettime(clockid_t id, struct timespec *ret_now)
{
	(void)id;
	if (*clock_now() == 0)
		*clock_now() = FL_SECONDS(1);
	if (model_running >= 0)
		read_clock();
	ret_now->tv_sec = *clock_now() / FL_SECONDS(1);
	ret_now->tv_nsec = *clock_now() % FL_SECONDS(1);
	return 0;
}

/* The wait word. */

static void unqueue(unsigned i)
{
	model_now.n_sleepers--;
	memmove(&model_now.sleepers[i], &model_now.sleepers[i + 1], model_now.n_sleepers - i);
	model_now.sleepers[model_now.n_sleepers] = 0;
}

static void leave_queue(void)
{
	unsigned i;

	for (i = 0; i < model_now.n_sleepers; i++)
		if (model_now.sleepers[i] == model_running)
			unqueue(i);
}

static int sleep_on(const uint32_t *word, fl_time deadline)
{
	struct model_thread *self = model_self;

	model_now.sleepers[model_now.n_sleepers++] = (uint8_t)model_running;
	self->status = MODEL_SLEEPS;
	self->site = &wait_site;
	self->address = word;
	self->deadline = deadline;
	self->choice = MODEL_AS_IS;
	model_fiber_leave(&self->fiber);
	if (self->choice == MODEL_AS_IS)
		return 0;
	leave_queue();
	if (self->choice == MODEL_STRAY) {
		model_now.stray--;
		model_trace(&wait_site, word, "ends for nothing");
		return 0;
	}
	if (*clock_now() < deadline)
		set_clock(deadline);
	model_trace(&wait_site, word, "deadline passes");
	return -ETIMEDOUT;
}

int fl_word_wait_(uint32_t *word, uint32_t value, fl_time deadline, enum fl_word_scope scope)
{
	(void)scope;
	if (deadline <= 0)
		return -ETIMEDOUT;
	step(&wait_site, word, 1);
	model_access(word, sizeof(*word), MODEL_ATOMIC_READS, &wait_site);
	if (*word != value) {
		model_trace(&wait_site, word, "does not sleep: %#x, not %#x", *word, value);
		return 0;
	}
	model_trace(&wait_site, word, "%#x: sleeps", value);
	return sleep_on(word, deadline);
}

static void wake_sleeper(unsigned i)
{
	unsigned woken = model_now.sleepers[i];

	unqueue(i);
	if (model_self->choice != MODEL_AS_IS) {
		model_now.sleepers[model_now.n_sleepers++] = (uint8_t)woken;
		model_now.faults--;
		model_self->choice = MODEL_AS_IS;
		model_trace(&wake_site, model_now.threads[woken].address, "lost (planted): thread %c sleeps on",
			    'a' + (int)woken);
		return;
	}
	model_now.threads[woken].status = MODEL_RESUMES;
	model_trace(&wake_site, model_now.threads[woken].address, "thread %c", 'a' + (int)woken);
}

int fl_word_wake_(uint32_t *word, int n, enum fl_word_scope scope)
{
	bool may_lose = model_lose_wake && model_now.faults > 0 && model_on_stack(word) >= 0;
	unsigned i, before;
	int woken = 0;

	(void)scope;
	step(&wake_site, word, may_lose ? 2 : 1);
	for (i = 0, before = model_now.n_sleepers; i < before && woken < n;) {
		if (model_now.threads[model_now.sleepers[i]].address != word) {
			i++;
			continue;
		}
		wake_sleeper(i);
		before--;
		woken++;
	}
	return woken;
}

/* The quick release. */

bool fl_quick_store_(uint32_t *word, const uint8_t *guard)
{
	if (model_load(&look_site, guard, sizeof(*guard)) != 0)
		return false;
	model_self->in_quick = true;
	model_self->disturbed = false;
	begin(&model_quick_site, word, sizeof(*word));
	model_self->in_quick = false;
	if (model_self->disturbed) {
		model_self->disturbed = false;
		model_trace(&model_quick_site, word, "disturbed");
		return false;
	}
	model_access(word, sizeof(*word), MODEL_ATOMIC_WRITES, &model_quick_site);
	release(&model_quick_site, word, false);
	model_trace(&model_quick_site, word, "%#x -> 0", *word);
	*word = 0;
	return true;
}

void fl_quick_barrier_(void)
{
	unsigned i;

	if (!fl_quick_works_)
		return;
	step(&barrier_site, NULL, 1);
	model_trace(&barrier_site, NULL, model_lose_barrier ? "left out (planted)" : "");
	for (i = 0; i < model_n_threads; i++)
		if (!model_lose_barrier && model_now.threads[i].in_quick)
			model_now.threads[i].disturbed = true;
}

/* Spinning. */

uint32_t fl_spin_processors_(void)
{
	return model_scenario->processors > 1 ? model_scenario->processors : 1;
}

void fl_spin_begin_(struct fl_spin *spin, uint16_t *hint, fl_time deadline, enum fl_spin_others others)
{
	(void)hint;
	(void)deadline;
	(void)others;
	memset(spin, 0, sizeof(*spin));
	spin->left = model_scenario->spins;
}

bool fl_spin_again_(struct fl_spin *spin)
{
	if (spin->left == 0)
		return false;
	spin->left--;
	return true;
}

void fl_spin_end_(struct fl_spin *spin, bool happened)
{
	(void)spin;
	(void)happened;
}

/* What only scenarios call. */

void model_pause(void)
{
	step(&pause_site, NULL, 1);
	model_trace(&pause_site, NULL, "%s", "");
}

static bool asleep(const struct model_thread *thread)
{
	uint8_t status = model_now.threads[thread->ready_for].status;

	return status == MODEL_SLEEPS || status == MODEL_RETURNED;
}

void model_await_asleep(unsigned thread)
{
	model_self->ready_for = thread;
	stand(&await_site, NULL, 1, asleep);
	count(&await_site);
	model_trace(&await_site, NULL, "thread %c sleeps or has returned", 'a' + (int)thread);
}

static bool noted(const struct model_thread *thread)
{
	return *(const uint32_t *)thread->address >= thread->ready_for;
}

void model_await_note(const uint32_t *note, uint32_t value)
{
	model_self->ready_for = value;
	stand(&await_site, note, 1, noted);
	count(&await_site);
	model_trace(&await_site, note, "%u", *note);
}

/* Only so that it is put back when the search goes back: a note of a thread's own stack or of the objects. */
void model_note(uint32_t *note, uint32_t value)
{
	if (model_running >= 0)
		model_keep(note);
	model_trace(&note_site, note, "%u -> %u", *note, value);
	*note = value;
}

uint32_t model_noted(const uint32_t *note)
{
	return *note;
}

void model_count(uint32_t *note)
{
	model_note(note, *note + 1);
}
