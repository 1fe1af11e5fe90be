/*
 * check/exhaustive.c - every schedule, but for those that differ in the order of independent steps alone.
 *
 * Depth first: each execution repeats the one before it up to the last node where another way is left, and goes that
 * one. Which ways there are is found on the way (dpor.h). Sleep sets (Godefroid 1996) leave out what was seen: a thread
 * that was tried at a node sleeps in what follows the others, until somebody does something that depends on what it is
 * about to do. An execution in which all that can go on sleep is given up: it is one of `blocked`, and not one of those
 * that were verified.
 *
 * Loops that try again, give way, and try again make executions without end, and as many of them. In a fair one
 * somebody else has a turn in between: so who could have gone on at PATIENCE vain attempts of others comes first (after
 * Musuvathi, Qadeer: PLDI 2008, "Fair stateless model checking"). Loops that write nothing are set aside before that
 * (sched.c), which leaves nothing out.
 *
 * Choices are nodes, too, and each of them is tried.
 *
 * With a bound on preemptions (another thread goes on than the one that could) it is every schedule within the bound:
 * what the reductions leave out is seen by way of schedules that may lie beyond it (Coons, Musuvathi, McKinley: OOPSLA
 * 2013), so there are none.
 */
#include "exhaustive.h"

#include "dpor.h"
#include "footprint.h"

#define PATIENCE 16u
#define PATIENCE_TEXT "16"

static struct way {
	uint64_t depth, length;    /* of the execution that runs; of the way that it is to take */
	struct mask sleep;         /* where the execution is */
	uint32_t put_off[THREADS]; /* of each thread: at how many vain attempts of others, since its last step */
	uint32_t most;             /* the largest of these */
	struct node node[DEPTH_MAX];
} * state;

void exhaustive_set_up(void)
{
	state = raw_map(NULL, sizeof(*state), true);
	dpor_set_up();
}

struct node *exhaustive_node(uint64_t depth)
{
	return &state->node[depth];
}

void exhaustive_restart(void)
{
	state->length = 0;
	dpor_forget(0);
	memory->runs = 0;
	memory->blocked = 0;
	memory->steps = 0;
	memory->cut_off = 0;
	memory->races = 0;
	memory->failures = 0;
}

static bool bounded(void)
{
	return memory->asked.preemptions != UINT32_MAX;
}

static void say_bounds(void)
{
	char text[64];

	raw_print(text, sizeof(text), "%u preemptions at most", memory->asked.preemptions);
	if (bounded())
		run_bound(text);
	if (memory->cut_off > 0)
		run_bound("executions that were too long were cut off");
}

void exhaustive_begin(void)
{
	state->depth = 0;
	state->sleep = (struct mask){{0}};
	if (state->most > 0)
		raw_fill(state->put_off, 0, sizeof(state->put_off));
	state->most = 0;
	dpor_begin();
}

static uint32_t preemptions_after(const struct node *node, unsigned thread)
{
	return node->preemptions + (node->choices == 0 && node->leaves && thread != node->current);
}

/* Returns the thread to go on with at that node, of those that were not tried: the one that came there if it can. -1:
 * none. */
static int choose(const struct node *node, const struct mask *among)
{
	int first = -1;

	for_mask (i, among) {
		if (mask_has(&node->done, i) || mask_has(&node->sleep, i) || !mask_has(&node->enabled, i) ||
		    (bounded() && preemptions_after(node, i) > memory->asked.preemptions))
			continue;
		if (i == node->current)
			return (int)i;
		if (first < 0)
			first = (int)i;
	}
	return first;
}

/* Those stay asleep, and fall asleep, whose operation does not depend on what is done now. */
static void fall_asleep(const struct node *node, struct thread *next)
{
	struct footprint step, other;
	bool any = false;

	for_mask (i, &run->live) {
		if (&run->thread[i] == next || !(mask_has(&node->sleep, i) || mask_has(&node->done, i)))
			continue;
		if (!any) {
			footprint_of(next, &step);
			state->sleep = (struct mask){{0}};
			any = true;
		}
		footprint_of(&run->thread[i], &other);
		if (!footprint_depends(&step, &other))
			mask_set(&state->sleep, i);
	}
	if (!any)
		state->sleep = (struct mask){{0}};
}

static struct node *here(void)
{
	if (state->depth >= DEPTH_MAX)
		not_modelled("an execution of more than 1048576 steps, for --exhaustive");
	return &state->node[state->depth];
}

static struct node *new_node(unsigned choices)
{
	struct node *node = here();
	const struct node *before = node - 1;

	*node = (struct node){.current = (uint8_t)self()->id, .choices = (uint8_t)choices, .sleep = state->sleep};
	if (state->depth > 0)
		node->preemptions = preemptions_after(before, before->chosen);
	state->length = state->depth + 1;
	return node;
}

/* Those who could go on, and somebody else does, in vain. */
static void count_attempts(const struct thread *next)
{
	state->put_off[next->id] = 0;
	if (!footprint_in_vain(next))
		return;
	for_mask (i, &run->enabled) {
		if (i == next->id)
			continue;
		state->put_off[i]++;
		state->most = state->put_off[i] > state->most ? state->put_off[i] : state->most;
	}
}

/* Leaves out those who may not come before one that was put off too often. */
static void be_fair(struct mask *enabled)
{
	struct mask first = {{0}};

	for_mask (i, enabled) {
		if (state->put_off[i] >= PATIENCE)
			mask_set(&first, i);
	}
	if (mask_empty(&first) || mask_count(&first) == mask_count(enabled))
		return;
	*enabled = first;
	run_bound("a thread that could go on is put off by " PATIENCE_TEXT " vain attempts of others at most");
}

/* Returns the thread to go on with at a node where nobody was before, or NULL: all that can go on sleep. */
static struct thread *first_way(struct node *node)
{
	int chosen;

	node->enabled = run->enabled;
	if (UNLIKELY(state->most >= PATIENCE))
		be_fair(&node->enabled);
	node->leaves = mask_has(&run->enabled, node->current) && self()->op.kind != CHECK_YIELD;
	chosen = choose(node, &node->enabled);
	if (chosen < 0) {
		state->length--;
		return NULL;
	}
	node->chosen = (uint8_t)chosen;
	if (bounded())
		node->wanted = node->enabled;
	else
		mask_set(&node->wanted, node->chosen);
	return &run->thread[chosen];
}

struct thread *exhaustive_pick(void)
{
	struct node *node = here();
	struct thread *next;

	if (state->depth >= state->length)
		next = first_way(new_node(0));
	else
		next = &run->thread[node->chosen];
	if (next == NULL)
		return NULL;
	if (!bounded()) {
		dpor_step(next, state->depth);
		if (state->depth + 1 >= state->length)
			fall_asleep(node, next);
	}
	state->depth++;
	count_attempts(next);
	return next;
}

unsigned exhaustive_choose(unsigned n)
{
	struct node *node = state->depth >= state->length ? new_node(n) : here();

	state->sleep = node->sleep;
	state->depth++;
	return node->chosen;
}

static bool next_choice(struct node *node)
{
	if (node->chosen + 1 >= node->choices)
		return false;
	node->chosen++;
	return true;
}

static bool next_thread(struct node *node)
{
	int next;

	mask_set(&node->done, node->chosen);
	next = choose(node, &node->wanted);
	if (next >= 0)
		node->chosen = (uint8_t)next;
	return next >= 0;
}

bool exhaustive_next(void)
{
	if (!bounded())
		dpor_end();
	while (state->length > 0) {
		struct node *node = &state->node[state->length - 1];

		if (node->choices != 0 ? next_choice(node) : next_thread(node)) {
			dpor_forget(state->length - 1);
			return true;
		}
		state->length--;
	}
	say_bounds();
	return false;
}
