/*
 * frame/pins.h - the page that a reader and the producer share: which frames the reader holds, its queue, its bell.
 *
 * The question of a frame channel is which slot the producer may write next. Here nobody counts references: each
 * reader says in `hold` what it has in its hands, as hazard pointers do (Michael, 2004), and the producer, before it
 * writes, looks at what all readers say and takes a slot that nobody names and that is not the latest. A reader that
 * dies needs no repair: its page is no longer looked at. A page is written by its reader, so what the producer reads
 * in it is checked, and a hostile reader can spoil nothing but what it sees itself.
 *
 * A reader that wants the latest frame: reads `latest`, names its slot in hold[], and reads `latest` again. If it is
 * the same, the frame is its own until it takes the name away. If not, it tries the newer one.
 *
 * A reader that wants every frame has a queue in the page, filled by the producer. What is in the queue, between tail
 * and head, counts as held: the producer remembers itself what it has put there, and reads of the page only `tail`. The
 * reader names the slot in hold[] before it moves `tail` on.
 *
 * Invariants:
 *   [F1] The producer writes a slot only after it has seen, later than the slot's last frame ceased to be the latest,
 *        that no page holds it and no queue has it. (It was published, or never, so nobody else is writing it.)
 *   [F2] hold[] is read after `latest` was written, and `latest` is read again after hold[] was written, all four in
 *        one total order (seq_cst): so a reader that finds `latest` unchanged is seen by the producer.
 *        And every store to hold[] releases: who sees the new name knows that what was there before is read no more.
 *   [F3] There are slots for: the latest frame, the one being written, and as many as all readers may hold and have
 *        queued together. So there is always one to be had, whatever readers do, and the producer never waits.
 *   [F4] A reader that is about to sleep sets `armed`, and then looks once more; the producer looks at `armed` after it
 *        has published: one of them sees the other. Whoever takes `armed` away rings. So a wake-up is never lost, and
 *        none is made for a reader that does not sleep. The same holds for a producer that waits for room, with
 *        `wants_room` and `tail`.
 *
 * Progress: the producer is wait-free but for the number of readers; a reader tries again only because there is a newer
 * frame.
 */
#ifndef FL_FRAME_PINS_H
#define FL_FRAME_PINS_H

#include "base/atomic.h"
#include "frame/memory.h"
#include <fairlead/frames.h>

/* What a reader holds, in a word: generation << 16 | slot + 1; 0: nothing. */
static inline uint32_t fl_pin(uint32_t generation, uint32_t slot)
{
	return generation << 16 | (slot + 1);
}

struct fl_pins {
	/* Written by the reader. */
	_Alignas(64) uint32_t hold[FL_FRAMES_HELD];
	_Alignas(64) uint32_t armed;
	uint32_t tail;
	uint64_t taken, missed; /* for statistics */
	/* Written by the producer; wants_room is taken away by the reader. */
	_Alignas(64) uint32_t head;
	uint32_t wants_room;
	_Alignas(64) struct fl_queued {
		uint64_t latest; /* as the word in fl_frames_head, */
		uint32_t generation;
		uint32_t spare;
	} queue[FL_FRAMES_QUEUE];
};

/* One reader's page, as the producer has it. */
struct fl_pinned {
	struct fl_pins *pins;
	uint32_t n_held, n_queue;        /* what was agreed on; n_queue 0: the latest */
	uint32_t head;                   /* how many frames were put into its queue */
	uint32_t queue[FL_FRAMES_QUEUE]; /* which, as fl_pin */
};

/* For readers. `index` is a free place in hold[]; they return false, and hold nothing, if there is nothing newer than
 * the sequence number `after`, or nothing in the queue. *ret_latest is what is held. */
bool fl_pins_take_latest_(struct fl_pins *pins, uint32_t index, const struct fl_frames_memory *memory, uint64_t after,
			  uint64_t *ret_latest);
/* The second one leaves what is of another generation than `memory` in the queue, returns false, and says so in
 * *ret_moved; n_queue is what was agreed on. */
bool fl_pins_take_queued_(struct fl_pins *pins, uint32_t index, const struct fl_frames_memory *memory, uint32_t n_queue,
			  uint64_t *ret_latest, bool *ret_moved);
/* Whether a look would find something; nothing is taken. n_queue 0: the latest. */
bool fl_pins_anything_(const struct fl_pins *pins, const struct fl_frames_memory *memory, uint32_t n_queue,
		       uint64_t after);
void fl_pins_give_back_(struct fl_pins *pins, uint32_t index);

/* Returns the index of a free place among the first n, or n. */
uint32_t fl_pins_free_(const struct fl_pins *pins, uint32_t n);

/* Says that the reader is about to sleep. To be followed by a look. [F4] */
void fl_pins_arm_(struct fl_pins *pins);
/* It does not sleep after all. */
void fl_pins_stay_awake_(struct fl_pins *pins);
/* Returns whether the producer waits for room, and that the caller is the one to tell it. */
bool fl_pins_tell_room_(struct fl_pins *pins);

/* For the producer. Makes a frame the latest. [F2] */
void fl_pins_publish_(struct fl_frames_head *head, uint64_t latest);
/* Marks in used[] the slots of this generation that the reader has. */
void fl_pins_mark_(const struct fl_pinned *pinned, const struct fl_frames_memory *memory, uint8_t *used);
/* Returns how many frames are in the queue, and in the hands. */
uint32_t fl_pins_queued_(const struct fl_pinned *pinned);
uint32_t fl_pins_held_(const struct fl_pinned *pinned);
/* Puts a frame into the queue; false if it is full. */
bool fl_pins_push_(struct fl_pinned *pinned, uint64_t latest, uint32_t generation);
/* Returns whether the reader is to be woken, and that the caller is the one to do so. */
bool fl_pins_disarm_(struct fl_pinned *pinned);
/* Asks to be told when there is room; false if there is room already. */
bool fl_pins_ask_room_(struct fl_pinned *pinned);

#endif
