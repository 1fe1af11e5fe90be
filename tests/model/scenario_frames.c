/*
 * scenario_frames.c - the agreement between the producer and the readers of a frame channel (frame/pins.h): no slot is
 * written while it is read, every frame of a queue arrives, nobody sleeps through a bell. And that between the producer
 * and those who give readers a seat (frame/channel.h [C4]): nobody comes unseen.
 *
 * The producer and the readers here are src/frame/frames.c, seats.c and attach.c without their memory mappings and
 * lists; the steps that matter are the sources' own. A slot is one plain word, so to read it while it is written is a
 * race.
 */
#include "scenarios.h"

#include "base/inner.h"
#include "frame/pins.h"
#include "sync/wait.h"
#include <errno.h>

enum { N_READERS = 2, N_SLOTS = 5, N_FRAMES = 3 };

struct objects {
	_Alignas(struct fl_frames_head) char head[sizeof(struct fl_frames_head)]; /* without its slots */
	struct fl_frames_memory memory;
	struct fl_pins pins[N_READERS];
	struct fl_pinned pinned[N_READERS];
	uint64_t slots[N_SLOTS];
	uint32_t n_readers, most_slots, got;
	struct fl_inner lock;
	uint32_t n_seats; /* who has come, and not gone */
};
static struct objects *o;

static void set_up(uint32_t n_readers, uint32_t n_queue)
{
	uint32_t i;

	o = model_objects(sizeof(*o));
	model_name(&o->head);
	model_name(&o->pins);
	model_name(&o->slots);
	model_name(&o->lock);
	model_name(&o->n_seats);
	o->n_readers = n_readers;
	/* The latest, the one being written, and what readers hold and have queued. [F3] */
	o->memory.n_slots = 2 + n_readers * (1 + n_queue);
	o->memory.head = (void *)o->head;
	for (i = 0; i < n_readers; i++) {
		o->pinned[i].pins = &o->pins[i];
		o->pinned[i].n_held = 1;
		o->pinned[i].n_queue = n_queue;
	}
}

static void setup_latest(void)
{
	set_up(1, 0);
}

static void setup_two(void)
{
	set_up(2, 0);
}

static void setup_none(void)
{
	set_up(0, 0);
}

static void setup_every(void)
{
	set_up(1, 1);
}

/* The producer. */

static uint32_t find_slot(void)
{
	uint64_t latest = fl_load_relaxed(&o->memory.head->latest);
	uint8_t used[N_SLOTS] = {0};
	uint32_t i, slot = 0;

	if (latest != 0)
		used[fl_frames_slot_of(latest)] = 1;
	for (i = 0; i < o->n_readers; i++)
		fl_pins_mark_(&o->pinned[i], &o->memory, used);
	while (slot < o->memory.n_slots && used[slot])
		slot++;
	model_assert(slot < o->memory.n_slots);
	return slot;
}

static void wake_all(const void *key)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(key);

	fl_park_take_all_(bucket, key, &list);
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
}

static void ring(struct fl_pinned *pinned)
{
	if (fl_pins_disarm_(pinned))
		wake_all(pinned->pins);
}

/* Loans a slot and fills it. */
static uint64_t fill(uint64_t n)
{
	uint32_t slot = find_slot();

	o->slots[slot] = n;
	return fl_frames_latest_of(n, slot);
}

/* Returns whether it fitted into the queue, if there is one. */
static bool publish(uint64_t latest)
{
	bool fitted = true;
	uint32_t i;

	if (o->pinned[0].n_queue > 0)
		fitted = fl_pins_push_(&o->pinned[0], latest, 0);
	fl_pins_publish_(o->memory.head, latest);
	for (i = 0; i < o->n_readers; i++)
		ring(&o->pinned[i]);
	return fitted;
}

static void publish_all(void)
{
	uint64_t n;

	for (n = 1; n <= N_FRAMES; n++)
		publish(fill(n));
}

static void publish_two(void)
{
	publish(fill(1));
	publish(fill(2));
}

/* The producer's sleep, as fl_frames_wait_told_. */
static int wait_told(bool (*waits)(void), fl_time deadline)
{
	struct fl_waiter waiter = {0};
	struct fl_bucket *bucket = fl_park_lock_(o->head);

	fl_park_push_(bucket, &waiter, o->head);
	fl_park_unlock_(bucket);
	if (waits())
		return fl_wait_(&waiter, o->head, deadline, NULL, NULL);
	if (!fl_park_give_up_(&waiter, o->head))
		fl_park_finish_(&waiter);
	return 0;
}

static bool ask_for_room(void)
{
	return fl_pins_queued_(&o->pinned[0]) == o->pinned[0].n_queue && fl_pins_ask_room_(&o->pinned[0]);
}

/* Waits for room, as fl_frames_publish_until. */
static void publish_without_drops(void)
{
	uint64_t n, latest;

	for (n = 1; n <= N_FRAMES; n++) {
		latest = fill(n);
		while (ask_for_room())
			wait_told(ask_for_room, FL_FOREVER);
		model_assert(publish(latest));
	}
}

/* Readers. */

static void tell_room(void)
{
	if (fl_pins_tell_room_(&o->pins[0]))
		wake_all(o->head);
}

static bool take(uint32_t i, uint64_t last, uint64_t *ret_latest)
{
	bool moved;

	if (o->pinned[i].n_queue == 0)
		return fl_pins_take_latest_(&o->pins[i], 0, &o->memory, last, ret_latest);
	if (!fl_pins_take_queued_(&o->pins[i], 0, &o->memory, o->pinned[i].n_queue, ret_latest, &moved))
		return false;
	tell_room();
	return true;
}

/* Takes a frame if there is a newer one, reads it, and gives it back. Returns its number, or `last`. */
static uint64_t look(uint32_t i, uint64_t last)
{
	uint64_t latest;

	model_assert(fl_pins_free_(&o->pins[i], 1) == 0);
	if (!take(i, last, &latest))
		return last;
	model_assert(o->slots[fl_frames_slot_of(latest)] == fl_frames_sequence_of(latest));
	fl_pins_give_back_(&o->pins[i], 0);
	return fl_frames_sequence_of(latest);
}

static void look_twice_0(void)
{
	look(0, look(0, 0));
}

static void look_twice_1(void)
{
	look(1, look(1, 0));
}

/* Sleeps until there is something newer, as attach.c. */
static void wait_for_more(uint64_t last)
{
	struct fl_waiter waiter = {0};
	struct fl_bucket *bucket = fl_park_lock_(&o->pins[0]);

	fl_park_push_(bucket, &waiter, &o->pins[0]);
	fl_park_unlock_(bucket);
	fl_pins_arm_(&o->pins[0]);
	if (!fl_pins_anything_(&o->pins[0], &o->memory, o->pinned[0].n_queue, last))
		fl_park_wait_(&waiter, &o->pins[0], FL_FOREVER, NULL);
	else if (!fl_park_give_up_(&waiter, &o->pins[0]))
		fl_park_finish_(&waiter);
}

/* Until the frame of this number has come. */
static void read_until(uint64_t end)
{
	uint64_t last = 0, now;

	while (last < end) {
		now = look(0, last);
		if (now == last)
			wait_for_more(last);
		else
			model_count(&o->got);
		last = now;
	}
	fl_pins_stay_awake_(&o->pins[0]);
}

static void read_to_the_second(void)
{
	read_until(2);
}

static void read_to_the_end(void)
{
	read_until(N_FRAMES);
}

/* Readers that come and go, as seats.c knows of them, and a producer that waits for one. */

static void change_seats(uint32_t n)
{
	fl_inner_acquire(&o->lock);
	o->n_seats += n;
	fl_inner_release(&o->lock);
	wake_all(o->head);
}

static void come(void)
{
	change_seats(1);
}

static void come_and_go(void)
{
	change_seats(1);
	change_seats(-1u);
}

static bool nobody_looks(void)
{
	bool nobody;

	fl_inner_acquire(&o->lock);
	nobody = o->n_seats == 0;
	fl_inner_release(&o->lock);
	return nobody;
}

/* As fl_frames_wait_readers_until. */
static int wait_readers(fl_time deadline)
{
	int error = 0;

	while (error == 0 && nobody_looks()) {
		error = fl_wait_refused_(deadline, NULL);
		if (error == 0)
			error = wait_told(nobody_looks, deadline);
	}
	return error;
}

static void wait_for_a_reader(void)
{
	model_assert(wait_readers(FL_FOREVER) == 0);
}

static void wait_for_one_soon(void)
{
	int error = wait_readers(MODEL_SOON);

	model_assert(error == 0 || error == -ETIMEDOUT);
	model_note(&o->got, error == 0);
}

static void wait_unless_late(void)
{
	wait_for_one_soon();
	if (model_noted(&o->got) == 0)
		wait_for_a_reader();
}

static void check_idle(void)
{
	model_assert_unwaited(o->head);
	model_assert_unwaited(&o->pins[0]);
	model_assert(fl_pins_held_(&o->pinned[0]) == 0);
}

static void nobody_waits(void)
{
	model_assert_unwaited(o->head);
	model_assert(o->n_seats == 1);
}

static void got_all(void)
{
	check_idle();
	model_assert(o->got == N_FRAMES);
}

const struct model_scenario model_frame_scenarios[] = {
	{"frames-latest", "three frames in three slots, a reader looks twice", .setup = setup_latest,
	 .threads = {publish_all, look_twice_0}, .finish = check_idle},
	{"frames-two", "three frames in four slots, two readers", .setup = setup_two,
	 .threads = {publish_all, look_twice_0, look_twice_1}, .finish = check_idle},
	{"frames-wait", "a reader sleeps until there is something new", .setup = setup_latest,
	 .threads = {publish_two, read_to_the_second}, .finish = check_idle},
	{"frames-every", "every frame through a queue of one", .setup = setup_every,
	 .threads = {publish_without_drops, read_to_the_end}, .finish = got_all},
	{"frames-readers", "a producer sleeps until a reader comes; another comes and goes", .setup = setup_none,
	 .threads = {wait_for_a_reader, come_and_go, come}, .finish = nobody_waits},
	{"frames-readers-until", "the same until a deadline, and then without", .setup = setup_none,
	 .threads = {wait_unless_late, come}, .finish = nobody_waits, .jumps = 1},
	{0},
};
