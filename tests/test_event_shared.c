/*
 * test_event_shared.c - Event between processes: as the private one, and it does not matter who dies.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "processes.h"
#include "reports.h"
#include "segments.h"
#include "testing.h"
#include "waiting_shared.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

/* An object with events in it, as a program would have it. */
struct room {
	fl_event bell, reply;
	uint64_t rung;
};

static fl_segment *segment;
static struct room *room;

static int make_room(void *object, void *arg)
{
	(void)arg;
	fl_event_init_shared(&((struct room *)object)->bell);
	fl_event_init_shared(&((struct room *)object)->reply);
	return 0;
}

static void set_up(void)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(struct room, 1);

	processes_set_up();
	reports_catch();
	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	ck_assert_int_eq(fl_segment_object(segment, "room", &type, make_room, NULL, (void **)&room), 1);
}

static void tear_down(void)
{
	reports_expect_none();
	fl_segment_close(segment);
	processes_tear_down();
}

static int wait_set(void *event)
{
	return fl_event_wait(event);
}

struct asked {
	fl_time deadline;
	fl_note *note;
};

static int wait_until(void *arg)
{
	const struct asked *asked = arg;

	return fl_event_wait_until(&room->bell, asked->deadline, asked->note);
}

START_TEST(it_is_set_and_cleared)
{
	for (int i = 0; i < 3; i++) {
		ck_assert(!fl_event_is_set(&room->bell));
		ck_assert_int_eq(fl_event_wait_until(&room->bell, fl_after(FL_US(10)), NULL), -ETIMEDOUT);
		ck_assert_int_eq(fl_event_wait_until(&room->bell, 0, NULL), -ETIMEDOUT);
		fl_event_set(&room->bell);
		fl_event_set(&room->bell);
		ck_assert(fl_event_is_set(&room->bell));
		ck_assert_int_eq(fl_event_wait(&room->bell), 0);
		ck_assert_int_eq(fl_event_wait_until(&room->bell, INT64_MIN, NULL), 0);
		fl_event_clear(&room->bell);
		fl_event_clear(&room->bell);
	}
}
END_TEST

START_TEST(it_is_found_by_name)
{
	fl_segment *other;
	fl_event *mine, *theirs;

	ck_assert_int_eq(fl_segment_adopt(&other, fl_segment_fd(segment), NULL), 0);
	ck_assert_int_eq(fl_segment_event(segment, "ready", &mine), 1);
	ck_assert_int_eq(fl_segment_event(other, "ready", &theirs), 0);
	ck_assert_ptr_ne(mine, theirs);
	fl_event_set(mine);
	ck_assert_int_eq(fl_event_wait(theirs), 0);
	ck_assert_int_eq(fl_segment_event(other, "room", &theirs), -EPROTO);
	fl_segment_close(other);
}
END_TEST

START_TEST(a_set_wakes_all)
{
	struct call calls[6];

	for (unsigned i = 0; i < 6; i++)
		call_start(&calls[i], wait_set, &room->bell);
	shared_waiting_await(&room->bell, 6);
	fl_event_set(&room->bell);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
}
END_TEST

/* The waiters are stopped all the while that the flag is set. */
START_TEST(a_clear_right_after_the_set_takes_nothing_back)
{
	struct call calls[4];

	for (unsigned i = 0; i < 4; i++) {
		call_start(&calls[i], wait_set, &room->bell);
		shared_waiting_await(&room->bell, i + 1);
		call_freeze(&calls[i]);
	}
	fl_event_set(&room->bell);
	fl_event_clear(&room->bell);
	ck_assert(!fl_event_is_set(&room->bell));
	for (unsigned i = 0; i < 4; i++)
		call_thaw(&calls[i]);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
}
END_TEST

START_TEST(a_set_of_one_leaves_those_who_wait_for_another)
{
	struct call calls[2];

	call_start(&calls[0], wait_set, &room->bell);
	call_start(&calls[1], wait_set, &room->reply);
	shared_waiting_await(&room->bell, 1);
	shared_waiting_await(&room->reply, 1);
	fl_event_set(&room->bell);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert(!call_returned(&calls[1]));
	shared_waiting_await(&room->reply, 1);
	fl_event_set(&room->reply);
	ck_assert_int_eq(call_end(&calls[1]), 0);
}
END_TEST

START_TEST(notes_and_deadlines_end_a_wait)
{
	fl_note note = FL_NOTE_INIT, late;
	struct asked asked = {FL_FOREVER, &note}, with_late = {FL_FOREVER, &late},
		     short_one = {fl_after(FL_MS(5)), NULL};
	struct call call;

	call_start(&call, wait_until, &asked);
	shared_waiting_await(&room->bell, 1);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert_int_eq(wait_until(&asked), -ECANCELED);
	fl_note_init(&late, NULL, fl_after(FL_MS(5)));
	ck_assert_int_eq(call_elsewhere(wait_until, &with_late), -ECANCELED);
	ck_assert_int_eq(call_elsewhere(wait_until, &short_one), -ETIMEDOUT);
	fl_event_set(&room->bell);
	ck_assert_int_eq(wait_until(&asked), 0);
	ck_assert_uint_eq(shared_waiting_for(&room->bell), 0);
	fl_note_destroy(&late);
	fl_note_destroy(&note);
}
END_TEST

/* Each wait is ended by the set that belongs to it, and none is missed. */
enum { ROUNDS = 2000 };

static void answer(void *unused)
{
	(void)unused;
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		EXPECT(fl_event_wait(&room->bell) == 0);
		EXPECT(room->rung == i);
		fl_event_clear(&room->bell);
		fl_event_set(&room->reply);
	}
}

START_TEST(processes_call_each_other)
{
	pid_t child = process_start(answer, NULL);

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		room->rung = i;
		fl_event_set(&room->bell);
		ck_assert_int_eq(fl_event_wait(&room->reply), 0);
		fl_event_clear(&room->reply);
	}
	ck_assert_int_eq(process_end(child), 0);
}
END_TEST

/* Many wait, and one sets and clears at once, again and again: all return each time. */
static void wait_often(void *unused)
{
	(void)unused;
	for (int i = 0; i < 200; i++) {
		EXPECT(fl_event_wait(&room->bell) == 0);
		process_tell(&shared->ready);
		process_await(&shared->go_on, (uint32_t)i + 1);
	}
}

START_TEST(all_processes_that_wait_return)
{
	pid_t children[4];

	for (int i = 0; i < 4; i++)
		children[i] = process_start(wait_often, NULL);
	for (uint32_t i = 0; i < 200; i++) {
		shared_waiting_await(&room->bell, 4);
		fl_event_set(&room->bell);
		fl_event_clear(&room->bell);
		process_await(&shared->ready, 4 * (i + 1));
		process_tell(&shared->go_on);
	}
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(process_end(children[i]), 0);
}
END_TEST

/* Deaths. */

static void wait_for_ever(void *event)
{
	fl_event_wait(event);
}

START_TEST(one_that_died_waiting_is_no_harm)
{
	pid_t child = process_start(wait_for_ever, &room->bell), other = process_start(answer, NULL);

	shared_waiting_await(&room->bell, 2);
	process_kill(child);
	shared_waiting_await(&room->bell, 1);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		room->rung = i;
		fl_event_set(&room->bell);
		ck_assert_int_eq(fl_event_wait(&room->reply), 0);
		fl_event_clear(&room->reply);
	}
	ck_assert_int_eq(process_end(other), 0);
}
END_TEST

/* What a process leaves that is killed between its set and the wake-up. */
static void set_and_die(void *unused)
{
	int error = 0;
	uint32_t state;

	(void)unused;
	EXPECT(fl_lot_mine(&room->bell, &error));
	state = __atomic_load_n(&room->bell.fl_state, __ATOMIC_SEQ_CST);
	EXPECT((state & 3) == 2);
	__atomic_store_n(&room->bell.fl_state, state + 4 - 2 + 1, __ATOMIC_SEQ_CST);
	raise(SIGKILL);
}

START_TEST(what_the_dead_one_has_set_is_seen)
{
	pid_t child = process_start(wait_for_ever, &room->bell), other;

	shared_waiting_await(&room->bell, 1);
	other = process_start(set_and_die, NULL);
	ck_assert_int_eq(process_end(other), SIGKILL);
	ck_assert_int_eq(process_end(child), 0);
}
END_TEST

/* What a process leaves that is killed after it has turned the state of one who sleeps, and before it has woken it. The
 * other one has slept longer, so it is the one that the kernel wakes. */
static void turn_and_die(void *unused)
{
	const struct fl_lot_view *view = fl_lot_view_(&room->bell);
	int error = 0;
	uint32_t state;

	(void)unused;
	EXPECT(fl_lot_mine(&room->bell, &error));
	process_tell(&shared->ready);
	process_await(&shared->go_on, 3);
	for (uint32_t slot = 0; slot < view->lot->n_peers; slot++) {
		struct fl_peer *page = &view->peers[slot];

		state = fl_load_seq_cst(&page->state);
		if (page->turn == 1 && (state & 7) == 1)
			EXPECT(fl_cas_seq_cst(&page->state, &state, state + 3));
	}
	state = fl_load_seq_cst(&room->bell.fl_state);
	fl_store_seq_cst(&room->bell.fl_state, state + 4 - 2 + 1);
	raise(SIGKILL);
}

static void come_and_wait(void *turn)
{
	EXPECT(fl_event_wait_until(&room->bell, 0, NULL) == -ETIMEDOUT);
	process_tell(&shared->ready);
	process_await(&shared->go_on, *(uint32_t *)turn);
	EXPECT(fl_event_wait(&room->bell) == 0);
	if (*(uint32_t *)turn == 1) /* its end would wake the other one as well */
		process_await(&shared->go_on, 4);
}

static void await_asleep(pid_t process)
{
	char path[32], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
	while (state != 'S') {
		file = fopen(path, "r");
		ck_assert_ptr_nonnull(file);
		ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
		fclose(file);
		sched_yield();
	}
}

START_TEST(a_wake_up_that_the_dead_one_owed_is_given)
{
	uint32_t turns[] = {1, 2};
	pid_t killed = process_start(turn_and_die, NULL), others[2];

	process_await(&shared->ready, 1);
	for (uint32_t i = 0; i < 2; i++) {
		others[i] = process_start(come_and_wait, &turns[i]);
		process_await(&shared->ready, i + 2);
	}
	for (uint32_t i = 0; i < 2; i++) {
		process_tell(&shared->go_on);
		shared_waiting_await(&room->bell, i + 1);
		await_asleep(others[i]);
	}
	process_tell(&shared->go_on);
	ck_assert_int_eq(process_end(killed), SIGKILL);
	ck_assert_int_eq(process_end(others[1]), 0);
	process_tell(&shared->go_on);
	ck_assert_int_eq(process_end(others[0]), 0);
}
END_TEST

/* Misuse. */

START_TEST(it_must_be_in_a_segment)
{
	fl_event event;

	fl_event_init_shared(&event);
	ck_assert_int_eq(fl_event_wait_until(&event, fl_after(FL_SECONDS(1)), NULL), -EINVAL);
	reports_expect("event", &event, NULL, "in no segment");
	event.fl_state = 2; /* as if somebody waited */
	fl_event_set(&event);
	reports_expect("event", &event, NULL, "in no segment");
	ck_assert(!fl_event_is_set(&event));
}
END_TEST

START_TEST(it_is_not_waited_for_with_others)
{
	fl_waitable waitable = fl_event_waitable(&room->bell);

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(fl_wait_any(1, &waitable, fl_after(FL_SECONDS(1)), NULL), -EINVAL);
		reports_expect("event", &room->bell, NULL, "with others");
		fl_event_set(&room->bell);
	}
}
END_TEST

START_TEST(to_destroy_it_while_it_is_waited_for_is_misuse)
{
	struct call call;

	fl_event_name(&room->bell, "bell");
	call_start(&call, wait_set, &room->bell);
	shared_waiting_await(&room->bell, 1);
	fl_event_destroy(&room->bell);
	reports_expect("event", &room->bell, "bell", "waited for");
	fl_event_set(&room->bell);
	ck_assert_int_eq(call_end(&call), 0);
	fl_event_destroy(&room->bell);
}
END_TEST

/* Whatever others write into it, nobody crashes. */
START_TEST(nonsense_in_it_is_survived)
{
	static const uint32_t states[] = {2, 3, 0xfffffffe, 0xffffffff, 0xdeadbeec};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		room->bell.fl_state = states[i];
		ck_assert_int_le(fl_event_wait_until(&room->bell, fl_after(FL_US(100)), NULL), 0);
		fl_event_clear(&room->bell);
		fl_event_set(&room->bell);
		ck_assert_int_eq(fl_event_wait(&room->bell), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("event_shared");
	TCase *threads = testing_case_between(suite, "threads", set_up, tear_down);
	TCase *processes = testing_case_between(suite, "processes", set_up, tear_down);
	TCase *misuse = testing_case_between(suite, "misuse", set_up, tear_down);

	tcase_add_test(threads, it_is_set_and_cleared);
	tcase_add_test(threads, it_is_found_by_name);
	tcase_add_test(threads, a_set_wakes_all);
	tcase_add_test(threads, a_clear_right_after_the_set_takes_nothing_back);
	tcase_add_test(threads, a_set_of_one_leaves_those_who_wait_for_another);
	tcase_add_test(threads, notes_and_deadlines_end_a_wait);
	tcase_add_test(processes, processes_call_each_other);
	tcase_add_test(processes, all_processes_that_wait_return);
	tcase_add_test(processes, one_that_died_waiting_is_no_harm);
	tcase_add_test(processes, what_the_dead_one_has_set_is_seen);
	tcase_add_test(processes, a_wake_up_that_the_dead_one_owed_is_given);
	tcase_add_test(misuse, it_must_be_in_a_segment);
	tcase_add_test(misuse, it_is_not_waited_for_with_others);
	tcase_add_test(misuse, to_destroy_it_while_it_is_waited_for_is_misuse);
	tcase_add_test(misuse, nonsense_in_it_is_survived);
	return testing_run(suite);
}
