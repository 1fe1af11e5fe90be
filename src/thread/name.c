/*
 * thread/name.c - threads' names.
 *
 * Who looks at the name of another thread gets a pointer, and the other thread may rename itself at any moment. So
 * a name is never changed nor freed while the handle exists: names are a list that only grows, and a thread that
 * takes a name that it has had before gets that one again. Rejected: copying into the caller's buffer (each log
 * line would need one); one buffer that is overwritten (torn names).
 */
#define _GNU_SOURCE
#include "thread/thread.h"

#include "base/atomic.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_SIZE 16 /* with the terminating zero */

static uint32_t n_unnamed;

static struct fl_thread_name *find(const struct fl_thread *thread, const char *text)
{
	struct fl_thread_name *name = thread->names;

	while (name && strcmp(name->text, text) != 0)
		name = name->next;
	return name;
}

static struct fl_thread_name *add(struct fl_thread *thread, const char *text)
{
	size_t size = strlen(text) + 1;
	struct fl_thread_name *name = malloc(sizeof(*name) + size);

	if (!name)
		return NULL;
	name->text = memcpy(name + 1, text, size);
	name->next = thread->names;
	thread->names = name;
	return name;
}

/* Only the thread itself calls this, or whoever makes the handle. */
static int set(struct fl_thread *thread, const char *text)
{
	struct fl_thread_name *name = find(thread, text);

	if (!name)
		name = add(thread, text);
	if (!name)
		return -ENOMEM;
	/* [name.1] release; pairs with [name.2] */
	fl_store_release(&thread->name, name);
	return 0;
}

int fl_thread_first_name_(struct fl_thread *thread, const char *name, const char *kind)
{
	char text[48];

	if (name)
		return set(thread, name);
	snprintf(text, sizeof(text), "%s-%u", kind, fl_add_relaxed(&n_unnamed, 1) + 1);
	return set(thread, text);
}

void fl_thread_forget_names_(struct fl_thread *thread)
{
	struct fl_thread_name *name;

	while ((name = thread->names)) {
		thread->names = name->next;
		free(name);
	}
}

void fl_thread_show_name_(const char *name)
{
	char text[KERNEL_SIZE];
	size_t length = strnlen(name, KERNEL_SIZE);

	if (length == KERNEL_SIZE)
		do /* cut, but not inside a character of UTF-8 */
			length--;
		while (length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80);
	memcpy(text, name, length);
	text[length] = '\0';
	pthread_setname_np(pthread_self(), text);
}

const char *fl_thread_name(const fl_thread *thread)
{
	/* [name.2] acquire; pairs with [name.1] */
	return fl_load_acquire(&thread->name)->text;
}

int fl_thread_set_name(const char *name)
{
	int saved = errno, error = -ENOMEM;
	fl_thread *self = fl_thread_self();

	if (self)
		error = set(self, name);
	if (error == 0)
		fl_thread_show_name_(name);
	errno = saved;
	return error;
}
