/*
 * mock_host.c - the hub's side of a processor, for tests (mock_host.h).
 *
 * The lent memory is mapped so that its last byte stands before a page without access. The picture that was published
 * is copied out of it, since the next frame is lent other memory.
 */
#define _GNU_SOURCE
#include "mock_host.h"

#include "testing.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The host is the first member. */
static struct mock_host *mock_of(const fl_processor_host *host)
{
	return (struct mock_host *)(uintptr_t)host;
}

static void give_back(struct mock_host *mock)
{
	if (mock->pages)
		munmap(mock->pages, mock->pages_size);
	mock->pages = mock->lent = NULL;
}

static int mock_loan(const fl_processor_host *host, size_t size, void **ret_data)
{
	struct mock_host *mock = mock_of(host);
	size_t page = (size_t)getpagesize(), whole = (size + page - 1) / page * page;

	if (mock->lent)
		return -EBUSY;
	if (size == 0)
		return -EINVAL;
	mock->pages_size = whole + page;
	mock->pages = mmap(NULL, mock->pages_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(mock->pages, MAP_FAILED);
	ck_assert_int_eq(mprotect(mock->pages + whole, page, PROT_NONE), 0);
	memset(mock->pages, 0x5a, whole);
	mock->lent = mock->pages + whole - size;
	mock->lent_size = size;
	*ret_data = mock->lent;
	return 0;
}

static int mock_publish(const fl_processor_host *host, const fl_frame_info *info)
{
	struct mock_host *mock = mock_of(host);
	int error = mock->lent ? fl_frame_info_check(info, mock->lent_size) : -EINVAL;

	if (error < 0)
		return error;
	free(mock->picture);
	mock->picture = malloc(info->size);
	ck_assert_ptr_nonnull(mock->picture);
	memcpy(mock->picture, mock->lent, info->size);
	mock->info = *info;
	mock->pictures++;
	give_back(mock);
	return 0;
}

__attribute__((format(printf, 3, 4))) static int mock_say(const fl_processor_host *host, const char *key,
							  const char *format, ...)
{
	struct mock_host *mock = mock_of(host);
	va_list values;

	ck_assert_uint_lt(mock->n_results, FL_PROCESSOR_RESULTS);
	ck_assert_uint_lt(strlen(key), FL_PROCESSOR_KEY);
	ck_assert_ptr_null(mock_host_result(mock, key));
	memcpy(mock->keys[mock->n_results], key, strlen(key) + 1);
	va_start(values, format);
	ck_assert_int_lt(vsnprintf(mock->values[mock->n_results], FL_PROCESSOR_VALUE, format, values),
			 FL_PROCESSOR_VALUE);
	va_end(values);
	mock->n_results++;
	return 0;
}

struct mock_host *mock_host_open(void)
{
	struct mock_host *mock = calloc(1, sizeof(*mock));

	ck_assert_ptr_nonnull(mock);
	mock->host = (fl_processor_host){.loan = mock_loan, .publish = mock_publish, .result = mock_say};
	return mock;
}

void mock_host_close(struct mock_host *mock)
{
	free(mock->picture);
	free(mock);
}

int mock_host_process(struct mock_host *mock, const fl_processor *processor, void *state, const fl_frame_info *info,
		      const void *data)
{
	const fl_frame frame = {.data = data, .info = *info};
	int error;

	ck_assert_int_eq(fl_frame_info_check(info, info->size), 0);
	mock->pictures = mock->n_results = 0;
	error = processor->process(state, &frame, &mock->host);
	give_back(mock);
	return error;
}

const char *mock_host_result(const struct mock_host *mock, const char *key)
{
	for (uint32_t i = 0; i < mock->n_results; i++)
		if (strcmp(mock->keys[i], key) == 0)
			return mock->values[i];
	return NULL;
}

double mock_host_number(const struct mock_host *mock, const char *key)
{
	const char *value = mock_host_result(mock, key);

	ck_assert_msg(value, "there is no result %s", key);
	return strtod(value, NULL);
}
