/*
 * scenario_group.c - Group: when the block is left its children have ended and what they wrote is seen, each was joined
 * once, whoever starts which of them; and the error is the first one, or the first that is not -ECANCELED.
 *
 * Threads do not begin or end in the model. What stands here in place of src/thread gives each that is started to a
 * thread of the scenario, which waits for it: the call comes some time, perhaps before fl_thread_start_ has returned,
 * sees what was written before, and when it is over sets the event for which a join waits, as in thread/thread.c. A
 * thread of the scenario that is not needed returns when nobody is left who could start one. What groups ask of the C
 * library is here, too: the value of their key, of which only the first thread has one, and the one cleanup handler of
 * a thread.
 */
#include "scenarios.h"

#include "base/self.h"
#include "thread/thread.h"
#include <errno.h>
#include <fairlead/group.h>
#include <setjmp.h>
#include <string.h>

#define CHILDREN 4u
#define ANOTHER 3 /* the number of one that a child starts */

struct place {
	struct fl_thread thread;
	void *arg;                   /* what begins it: everything else was written before */
	int joined;                  /* how often */
	__pthread_unwind_buf_t *way; /* to its cleanup handler */
	jmp_buf *out;                /* and from there to its end */
};

struct objects {
	struct place places[CHILDREN];
	fl_group *group; /* the children's to start more in */
	void *blocks;    /* the value of the key */
	fl_note parent;
	int data[CHILDREN];    /* written by each child */
	uint32_t room;         /* how many threads can be started */
	uint32_t first_thread; /* the number of who has the blocks */
	/* Notes. */
	uint32_t started, come[CHILDREN]; /* threads; that one may look whether it was */
	uint32_t busy;                    /* threads that may start others */
	uint32_t ended, refused;          /* children; calls that started none */
};
static struct objects *o;

/* Threads. */

void (*fl_thread_leaving_)(void);

static struct place *place_of(const fl_thread *thread)
{
	return (struct place *)(uintptr_t)thread; /* its first member */
}

int fl_thread_start_(fl_thread **ret_thread, const fl_thread_options *options, const char *kind,
		     void *(*function)(void *arg), void *arg)
{
	uint32_t i = model_noted(&o->started);

	(void)options;
	(void)kind;
	if (i == o->room)
		return -EAGAIN;
	model_count(&o->started);
	model_count(&o->busy);
	o->places[i].thread.function = function;
	fl_store_release(&o->places[i].arg, arg);
	model_note(&o->come[i], 1);
	model_pause();
	*ret_thread = &o->places[i].thread;
	return 0;
}

int fl_thread_join(fl_thread *thread, void **ret_value)
{
	(void)ret_value;
	fl_event_wait(&thread->done);
	model_assert(place_of(thread)->joined++ == 0);
	return 0;
}

/* Nobody may ask it when it was joined. */
bool fl_thread_is_alive(const fl_thread *thread)
{
	model_assert(place_of(thread)->joined == 0);
	return !fl_event_is_set(&thread->done);
}

/* The calling thread starts no more. */
static void leave(void)
{
	uint32_t i;

	model_note(&o->busy, model_noted(&o->busy) - 1);
	for (i = 0; model_noted(&o->busy) == 0 && i < CHILDREN; i++)
		model_note(&o->come[i], 1);
}

static void come(uint32_t i)
{
	struct place *place = &o->places[i];
	void *arg;
	jmp_buf out;

	model_await_note(&o->come[i], 1);
	arg = fl_load_acquire(&place->arg);
	if (!arg)
		return;
	place->out = &out;
	if (_setjmp(out) == 0)
		place->thread.function(arg);
	leave();
	fl_event_set(&place->thread.done);
}

static void come_0(void)
{
	come(0);
}

static void come_1(void)
{
	come(1);
}

static void come_2(void)
{
	come(2);
}

static void come_1_and_3(void)
{
	come(1);
	come(3);
}

/* Cleanup handlers: what pthread_cleanup_push and pop call in glibc. */

static struct place *my_place(void)
{
	return &o->places[fl_self() - o->first_thread - 1];
}

void model_register_cancel(__pthread_unwind_buf_t *buffer);
void model_register_cancel(__pthread_unwind_buf_t *buffer)
{
	my_place()->way = buffer;
}

void model_unregister_cancel(__pthread_unwind_buf_t *buffer);
void model_unregister_cancel(__pthread_unwind_buf_t *buffer)
{
	model_assert(my_place()->way == buffer);
	my_place()->way = NULL;
}

void model_unwind_next(__pthread_unwind_buf_t *buffer);
void model_unwind_next(__pthread_unwind_buf_t *buffer)
{
	(void)buffer;
	_longjmp(*my_place()->out, 1);
}

/* As fl_thread_exit, in a child. */
static _Noreturn void end_thread(void)
{
	jmp_buf way = {0};

	fl_thread_leaving_();
	memcpy(way->__jmpbuf, my_place()->way->__cancel_jmp_buf->__cancel_jmp_buf, sizeof(way->__jmpbuf));
	_longjmp(way, 1);
}

/* The key. */

static void (*end_blocks)(void *blocks);

int model_key_create(pthread_key_t *ret_key, void (*destructor)(void *value));
int model_key_create(pthread_key_t *ret_key, void (*destructor)(void *value))
{
	*ret_key = 1;
	end_blocks = destructor;
	return 0;
}

void *model_getspecific(pthread_key_t key);
void *model_getspecific(pthread_key_t key)
{
	model_assert(key == 1);
	return fl_self() == o->first_thread ? o->blocks : NULL;
}

int model_setspecific(pthread_key_t key, const void *value);
int model_setspecific(pthread_key_t key, const void *value)
{
	model_assert(key == 1 && fl_self() == o->first_thread);
	o->blocks = (void *)(uintptr_t)value;
	return 0;
}

/* Children. */

static void setup_with(uint32_t room)
{
	o = model_objects(sizeof(*o));
	model_name(&o->places);
	model_name(&o->parent);
	model_name(&o->data);
	o->room = room;
	o->busy = 1;
}

static void setup_one(void)
{
	setup_with(1);
}

static void setup_two(void)
{
	setup_with(2);
}

static void setup_three(void)
{
	setup_with(3);
}

static void setup_four(void)
{
	setup_with(4);
}

static int write_data(void *data, fl_note *stop)
{
	(void)stop;
	*(int *)data += 1;
	model_count(&o->ended);
	return 0;
}

static int fail(void *data, fl_note *stop)
{
	write_data(data, stop);
	return -EIO;
}

static int end_with_thread(void *data, fl_note *stop)
{
	write_data(data, stop);
	end_thread();
}

static int wait_for_end(void *data, fl_note *stop)
{
	fl_note_wait(stop);
	write_data(data, stop);
	return -ECANCELED;
}

static int wait_for_end_and_fail(void *data, fl_note *stop)
{
	return wait_for_end(data, stop) == -ECANCELED ? -EPIPE : 0;
}

static int start_another(void *data, fl_note *stop)
{
	int error = fl_group_start(o->group, write_data, &o->data[ANOTHER]);

	write_data(data, stop);
	model_assert(error == 0 || error == -ECANCELED);
	if (error != 0)
		model_count(&o->refused);
	return error;
}

static void start(fl_group *group, fl_group_function function, int i)
{
	if (i == 0)
		o->group = group;
	model_assert(fl_group_start(group, function, &o->data[i]) == 0);
}

/* Those that were started have ended, and nobody uses what they wrote. */
static void read_data(void)
{
	int i, sum = 0;

	for (i = 0; i < (int)CHILDREN; i++) {
		sum += o->data[i];
		o->data[i] += 10;
	}
	model_assert(sum == (int)model_noted(&o->started) && sum == (int)model_noted(&o->ended));
}

static void all_joined(void)
{
	uint32_t i;

	for (i = 0; i < CHILDREN; i++) {
		model_assert(o->places[i].joined == (i < o->started));
		model_assert(o->data[i] == 10 || o->data[i] == 11);
		model_assert_unwaited(&o->places[i].thread.done);
	}
	model_assert(model_blocks() == 0 && !o->blocks);
	model_assert_unwaited(&o->parent);
}

/* Blocks. */

/* Returns what is no error that a group has. */
static int begin(void)
{
	o->first_thread = fl_self();
	return 1;
}

static void end(int error, int expected)
{
	model_assert(error == expected);
	read_data();
	leave();
}

static void start_two(void)
{
	int error = begin();

	fl_with_group (group, &error) {
		start(group, write_data, 0);
		start(group, write_data, 1);
	}
	end(error, 0);
}

static void start_two_of_whom_one_starts(void)
{
	int error = begin();

	fl_with_group (group, &error) {
		start(group, start_another, 0);
		start(group, write_data, 1);
	}
	end(error, 0);
}

/* The group has come round to the second when it ends, and a child starts one while it is joined. */
static void start_three_of_whom_one_starts(void)
{
	int error = begin();

	fl_with_group (group, &error) {
		start(group, start_another, 0);
		start(group, write_data, 1);
		model_await_note(&o->ended, 1);
		start(group, write_data, 2);
	}
	end(error, 0);
}

static void start_three(void)
{
	int error = begin(), i;

	fl_with_group (group, &error)
		for (i = 0; i < 3; i++)
			start(group, write_data, i);
	end(error, 0);
}

/* A group by hand, which goes on: who has ended is joined by who starts the next but one. */
static void start_one_by_one(void)
{
	fl_group *group;
	uint32_t i;

	begin();
	model_assert(fl_group_create(&group, NULL) == 0);
	for (i = 0; i < 3; i++) {
		start(group, write_data, (int)i);
		model_await_note(&o->ended, i + 1);
		model_await_asleep(i + 1);
	}
	model_assert(o->places[0].joined == 1 && o->places[1].joined == 1);
	end(fl_group_finish(group), 0);
}

/* Errors. */

static void start_one_who_fails(void)
{
	int error = begin();

	fl_with_group (group, &error) {
		start(group, wait_for_end_and_fail, 0);
		start(group, fail, 1);
	}
	end(error, -EIO);
}

static void start_one_who_ends(void)
{
	int error = begin();

	fl_with_group (group, &error) {
		start(group, wait_for_end, 0);
		start(group, end_with_thread, 1);
	}
	end(error, -ECHILD);
}

static void start_one_who_starts(void)
{
	int error = begin();

	fl_with_group (group, &error) {
		start(group, start_another, 0);
		start(group, fail, 1);
	}
	end(error, -EIO);
}

static void start_two_and_cancel(void)
{
	int error = begin();

	fl_with_group (group, &error) {
		start(group, wait_for_end, 0);
		start(group, fail, 1);
		fl_group_cancel(group);
		model_assert(fl_group_start(group, write_data, &o->data[2]) == -ECANCELED);
	}
	end(error, -EIO);
}

static void start_too_many(void)
{
	int error = begin();

	fl_with_group (group, &error) {
		start(group, wait_for_end, 0);
		model_assert(fl_group_start(group, write_data, &o->data[1]) == -EAGAIN);
	}
	end(error, -EAGAIN);
}

/* A note that is the group's parent. */

static void start_noted(void)
{
	int error = begin(), started[2] = {0};
	int i;

	fl_with_group_noted (group, &error, &o->parent)
		for (i = 0; i < 2; i++)
			started[i] = fl_group_start(group, wait_for_end, &o->data[i]);
	model_assert(started[0] == 0 || started[0] == -ECANCELED);
	model_assert(started[1] == 0 || started[1] == -ECANCELED);
	end(error, started[0] == 0 || started[1] == 0 ? -ECANCELED : 0);
}

static void start_noted_and_go(void)
{
	int error = begin(), started = 0;

	fl_with_group_noted (group, &error, &o->parent)
		started = fl_group_start(group, write_data, &o->data[0]);
	model_assert(started == 0 || started == -ECANCELED);
	end(error, 0);
}

static void cancel_parent(void)
{
	fl_note_cancel(&o->parent);
}

/* The thread ends inside of its blocks: its frames are gone, and the key's destructor is called. */

static void start_and_end_with(void (*leaving)(void))
{
	int error = begin(), inner_error = 1;
	jmp_buf out;

	if (_setjmp(out) == 0) {
		fl_with_group (group, &error) {
			start(group, wait_for_end, 0);
			fl_with_group (inner, &inner_error) {
				start(inner, wait_for_end, 1);
				leaving();
				_longjmp(out, 1);
			}
		}
	}
	end_blocks(o->blocks);
	o->blocks = NULL;
	leave();
}

static void leave_in_time(void)
{
	fl_thread_leaving_();
	read_data();
}

static void start_and_end(void)
{
	start_and_end_with(leave_in_time);
}

static void leave_late(void)
{
}

static void start_and_end_late(void)
{
	start_and_end_with(leave_late);
	read_data();
}

const struct model_scenario model_group_scenarios[] = {
	{"group", "two children", .setup = setup_two, .threads = {start_two, come_0, come_1}, .finish = all_joined},
	{"group-three", "three, of whom the first may have ended before the last is started", .setup = setup_three,
	 .threads = {start_three, come_0, come_1, come_2}, .finish = all_joined},
	{"group-child", "a child starts another, while the block goes on", .setup = setup_three,
	 .threads = {start_two_of_whom_one_starts, come_0, come_1, come_2}, .finish = all_joined},
	{"group-children", "three, of whom one starts a fourth", .setup = setup_four,
	 .threads = {start_three_of_whom_one_starts, come_0, come_1_and_3, come_2}, .finish = all_joined, .bound = 2},
	{"group-long", "children that have ended are joined on the way", .setup = setup_three,
	 .threads = {start_one_by_one, come_0, come_1, come_2}, .finish = all_joined},
	{"group-error", "one fails, the other waits for the note", .setup = setup_two,
	 .threads = {start_one_who_fails, come_0, come_1}, .finish = all_joined},
	{"group-exit", "one ends its thread, the other waits for the note", .setup = setup_two,
	 .threads = {start_one_who_ends, come_0, come_1}, .finish = all_joined},
	{"group-error-child", "one fails while another starts one", .setup = setup_three,
	 .threads = {start_one_who_starts, come_0, come_1, come_2}, .finish = all_joined, .bound = 3},
	{"group-cancel", "cancelled, while one fails by itself", .setup = setup_two,
	 .threads = {start_two_and_cancel, come_0, come_1}, .finish = all_joined},
	{"group-refused", "one cannot be started, the other waits for the note", .setup = setup_one,
	 .threads = {start_too_many, come_0}, .finish = all_joined},
	{"group-parent", "its parent is cancelled while two are started", .setup = setup_two,
	 .threads = {start_noted, come_0, come_1, cancel_parent}, .finish = all_joined, .bound = 2},
	{"group-parent-left", "its parent is cancelled when it may be gone", .setup = setup_one,
	 .threads = {start_noted_and_go, come_0, cancel_parent}, .finish = all_joined},
	{"group-end", "the thread ends in a block in a block", .setup = setup_two,
	 .threads = {start_and_end, come_0, come_1}, .finish = all_joined},
	{"group-end-late", "the same without Fairlead's knowing it before its frames are gone", .setup = setup_two,
	 .threads = {start_and_end_late, come_0, come_1}, .finish = all_joined},
	{0},
};
