/*
 * mock_host.h - plays the hub to a processor: lends it memory, keeps its last picture and its results.
 *
 *     struct mock_host *mock = mock_host_open();
 *     ck_assert_int_eq(mock_host_process(mock, &processors_edges, NULL, &info, pixels), 0);
 *     ck_assert_str_eq(mock_host_result(mock, "edges"), "12.0");
 *
 * It checks what the contract of fairlead/processor.h says a processor does, and keeps to its own side of it: what it
 * lends ends where a page ends that is not there, so that writing beyond it is a crash, and is not all zero.
 */
#ifndef FAIRLEAD_MOCK_HOST_H
#define FAIRLEAD_MOCK_HOST_H

#include <fairlead/processor.h>
#include <stdint.h>

struct mock_host {
	fl_processor_host host;
	uint8_t *picture; /* the last one that was published, */
	fl_frame_info info;
	uint32_t pictures; /* and how many were, for the last frame */
	uint32_t n_results;
	char keys[FL_PROCESSOR_RESULTS][FL_PROCESSOR_KEY];
	char values[FL_PROCESSOR_RESULTS][FL_PROCESSOR_VALUE];
	uint8_t *lent, *pages;
	size_t lent_size, pages_size;
};

struct mock_host *mock_host_open(void);
void mock_host_close(struct mock_host *mock);

/* Gives a frame to a processor. Returns what that returned. */
int mock_host_process(struct mock_host *mock, const fl_processor *processor, void *state, const fl_frame_info *info,
		      const void *data);

/* Returns a result of the last frame; NULL if there is none of that name. */
const char *mock_host_result(const struct mock_host *mock, const char *key);

/* The same as a number; it must be there. */
double mock_host_number(const struct mock_host *mock, const char *key);

#endif
