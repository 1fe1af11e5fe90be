/*
 * shm/object.c - objects with names: found, made, deleted and listed.
 *
 * They are in FL_CHAINS chains by a hash of the name. A new one is put in front of its chain by the store that
 * publishes its block (shm/heap.c), after it has been initialised: so nobody ever finds half of one.
 */
#include "shm/segment.h"

#include <errno.h>
#include <string.h>

/* An object that was looked for: the word that leads to it, or to nothing, and what it leads to. */
struct found {
	uint64_t *where;
	struct fl_block *block; /* NULL: there is none of that name */
	struct fl_object *object;
	uint64_t size; /* as it has said once; the block has so many bytes. What it says is not asked for again */
};

/* FNV-1a (Fowler, Noll, Vo). */
static uint32_t hash(const char *name)
{
	uint32_t sum = 2166136261u;

	for (; *name; name++)
		sum = (sum ^ (uint8_t)*name) * 16777619u;
	return sum;
}

/* Whether what a word of a chain leads to is an object. Who only looks may come after somebody has died at it, and then
 * it is there for as long as the word leads to it. */
static bool is_object(const fl_segment *segment, uint64_t size_state)
{
	if (segment->looking)
		return (size_state & FL_BLOCK_NAMED) != 0 && (size_state & FL_BLOCK_STATE) != FL_BLOCK_FREE;
	return size_state % FL_GRAIN == (FL_BLOCK_USED | FL_BLOCK_NAMED);
}

/* The object behind a word of a chain. Returns 0: the chain ends there, or it is in `found`; -EPROTO. */
static int follow(fl_segment *segment, uint64_t *where, struct found *ret_found)
{
	uint64_t content = fl_load_relaxed(where), size_state, room;

	*ret_found = (struct found){.where = where};
	if (content == 0)
		return 0;
	ret_found->block = fl_heap_block_(segment, content, &size_state);
	if (!ret_found->block)
		return fl_segment_fail_(-EPROTO, "the segment is damaged: a chain of objects leads to %llu",
					(unsigned long long)content);
	ret_found->object = (struct fl_object *)(ret_found->block + 1);
	room = size_state / FL_GRAIN * FL_GRAIN - sizeof(struct fl_block);
	if (is_object(segment, size_state) && room >= sizeof(struct fl_object)) {
		ret_found->size = fl_load_relaxed(&ret_found->object->size);
		if (ret_found->size <= room - sizeof(struct fl_object))
			return 0;
	}
	return fl_segment_fail_(-EPROTO, "the segment is damaged: the object at %llu", (unsigned long long)content);
}

/* No chain is longer than the heap has blocks. */
static uint64_t steps_most(const fl_segment *segment)
{
	return fl_load_relaxed(&segment->size) / (2 * FL_GRAIN);
}

static int look_for(fl_segment *segment, const char *name, struct found *ret_found)
{
	uint64_t *where = &segment->head->objects[hash(name) % FL_CHAINS];

	for (uint64_t steps = steps_most(segment); steps > 0; steps--) {
		int error = follow(segment, where, ret_found);

		if (error != 0 || !ret_found->block || strncmp(ret_found->object->name, name, FL_SEGMENT_NAME) == 0)
			return error;
		where = &ret_found->block->next;
	}
	return fl_segment_fail_(-EPROTO, "the segment is damaged: a chain of objects has no end");
}

static int check_type(const fl_segment_type *type)
{
	if (!type->name || !type->name[0] || strlen(type->name) >= FL_SEGMENT_TYPE_NAME)
		return fl_segment_fail_(-EINVAL, "a type needs a name of 1 to %u bytes", FL_SEGMENT_TYPE_NAME - 1);
	return type->size > 0 ? 0 : fl_segment_fail_(-EINVAL, "type '%s' has a size of 0", type->name);
}

static int check_name(const char *name)
{
	if (fl_segment_name_good_(name))
		return 0;
	return fl_segment_fail_(-EINVAL,
				"'%.64s' is no name for an object: 1 to %u of A-Z a-z 0-9 . _ -, the first no dot",
				name, FL_SEGMENT_NAME - 1);
}

static int check_same(const struct found *found, const fl_segment_type *type, const char *name)
{
	const struct fl_object *object = found->object;
	uint32_t version = fl_load_relaxed(&object->version);

	if (strncmp(object->type, type->name, FL_SEGMENT_TYPE_NAME) == 0 && version == type->version &&
	    (found->size == type->size || type->size == 0))
		return 0;
	return fl_segment_fail_(-EPROTO,
				"object '%s' is a '%.*s' version %u of %llu bytes, not a '%s' version %u of %llu", name,
				(int)FL_SEGMENT_TYPE_NAME - 1, object->type, version, (unsigned long long)found->size,
				type->name, type->version, (unsigned long long)type->size);
}

/* Makes one that leads on to what `where` leads to. */
static int make(fl_segment *segment, uint64_t *where, const char *name, const fl_segment_type *type,
		int (*init)(void *object, void *arg), void *arg, struct fl_object **ret_object)
{
	struct fl_block *block;
	struct fl_object *object;
	int error = type->size > segment->max_size
			    ? fl_segment_fail_(-ENOSPC, "the segment may not grow beyond %llu bytes",
					       (unsigned long long)segment->max_size)
			    : fl_heap_take_(segment, sizeof(*object) + type->size, FL_BLOCK_NAMED, &block);

	if (error != 0)
		return error;
	object = (struct fl_object *)(block + 1);
	memcpy(object->name, name, strlen(name));
	memcpy(object->type, type->name, strlen(type->name));
	object->version = type->version;
	object->size = type->size;
	error = init ? init(object + 1, arg) : 0;
	if (error != 0) {
		fl_heap_untake_(segment, block);
		return fl_segment_fail_(error, "object '%s' could not be initialised", name);
	}
	fl_heap_publish_(segment, block, where);
	*ret_object = object;
	return 1;
}

int fl_segment_object(fl_segment *segment, const char *name, const fl_segment_type *type,
		      int (*init)(void *object, void *arg), void *arg, void **ret_object)
{
	struct found found;
	int result = check_name(name);

	if (result == 0)
		result = check_type(type);
	if (result == 0)
		result = fl_segment_enter_(segment);
	if (result != 0)
		return result;
	result = look_for(segment, name, &found);
	if (result == 0 && found.block)
		result = check_same(&found, type, name);
	else if (result == 0)
		result = make(segment, &segment->head->objects[hash(name) % FL_CHAINS], name, type, init, arg,
			      &found.object);
	fl_segment_leave_(segment);
	if (result >= 0)
		*ret_object = found.object + 1;
	return result;
}

/* Finds it, under the lock. */
static int find(fl_segment *segment, const char *name, struct found *ret_found)
{
	int error = look_for(segment, name, ret_found);

	if (error == 0 && !ret_found->block)
		error = fl_segment_fail_(-ENOENT, "there is no object '%s'", name);
	return error;
}

int fl_segment_find_sized_(fl_segment *segment, const char *name, const fl_segment_type *type, void **ret_object,
			   uint64_t *ret_size)
{
	struct found found;
	int error = check_name(name);

	if (error == 0)
		error = fl_segment_enter_to_read_(segment);
	if (error != 0)
		return error;
	error = find(segment, name, &found);
	if (error == 0)
		error = check_same(&found, type, name);
	fl_segment_leave_(segment);
	if (error == 0) {
		*ret_object = found.object + 1;
		*ret_size = found.size;
	}
	return error;
}

int fl_segment_find(fl_segment *segment, const char *name, const fl_segment_type *type, void **ret_object)
{
	uint64_t size;
	int error = check_type(type);

	return error != 0 ? error : fl_segment_find_sized_(segment, name, type, ret_object, &size);
}

int fl_segment_delete(fl_segment *segment, const char *name)
{
	struct found found;
	int error = check_name(name);

	if (error == 0)
		error = fl_segment_enter_(segment);
	if (error != 0)
		return error;
	error = find(segment, name, &found);
	if (error == 0)
		fl_heap_retire_(segment, found.block, found.where);
	fl_segment_leave_(segment);
	return error;
}

static void describe(const fl_segment *segment, const struct found *found, fl_segment_object_info *ret_info)
{
	const struct fl_object *object = found->object;

	*ret_info = (fl_segment_object_info){
		.version = fl_load_relaxed(&object->version),
		.size = found->size,
		.offset = (uint64_t)((const char *)(object + 1) - (const char *)segment->head),
	};
	memcpy(ret_info->name, object->name, sizeof(ret_info->name) - 1);
	memcpy(ret_info->type, object->type, sizeof(ret_info->type) - 1);
}

static int see_all(fl_segment *segment, int (*see)(const fl_segment_object_info *info, void *arg), void *arg)
{
	uint64_t steps = steps_most(segment);

	for (unsigned i = 0; i < FL_CHAINS; i++) {
		uint64_t *where = &segment->head->objects[i];
		fl_segment_object_info info;
		struct found found;

		for (;; where = &found.block->next, steps--) {
			int error = steps == 0 ? fl_segment_fail_(-EPROTO,
								  "the segment is damaged: its objects have no end")
					       : follow(segment, where, &found);

			if (error != 0)
				return error;
			if (!found.block)
				break;
			describe(segment, &found, &info);
			error = see(&info, arg);
			if (error != 0)
				return error;
		}
	}
	return 0;
}

int fl_segment_objects(fl_segment *segment, int (*see)(const fl_segment_object_info *info, void *arg), void *arg)
{
	int error = fl_segment_enter_to_read_(segment);

	if (error != 0)
		return error;
	error = see_all(segment, see, arg);
	fl_segment_leave_(segment);
	return error;
}
