/*
 * pool_sums.c - four large ranges are added up: how do several processes share that?
 *
 * A pool has workers, processes of this program, as many as there are processors. Each gets a range at a time, as so
 * many bytes, and its sum comes back the same way. The sums are in the order of the ranges, whoever was faster.
 *
 * Prints the sums, and the sum of them.
 */
#include <fairlead/fairlead.h>
#include <stdint.h>
#include <stdio.h>

struct range {
	int64_t from, to;
};

static int add(const void *item, void *ret_result, fl_task *task, void *arg)
{
	const struct range *range = item;
	int64_t sum = 0;

	(void)task, (void)arg;
	for (int64_t i = range->from; i < range->to; i++)
		sum += i;
	*(int64_t *)ret_result = sum;
	return 0;
}

int main(void)
{
	const int64_t quarter = 50 * 1000 * 1000;
	struct range ranges[4];
	int64_t sums[4], sum = 0;
	const fl_pool_items map = {.function = add,
				   .n = 4,
				   .items = ranges,
				   .item_size = sizeof(ranges[0]),
				   .results = sums,
				   .result_size = sizeof(sums[0])};
	fl_pool *pool;

	fl_process_begin();
	for (int i = 0; i < 4; i++)
		ranges[i] = (struct range){.from = i * quarter, .to = (i + 1) * quarter};
	if (fl_pool_create(&pool, NULL) < 0 || fl_pool_map(pool, &map) < 0)
		return 1;
	fl_pool_destroy(pool);
	for (int i = 0; i < 4; i++) {
		printf("from %9lld on: %lld\n", (long long)ranges[i].from, (long long)sums[i]);
		sum += sums[i];
	}
	printf("together: %lld\n", (long long)sum);
	return 0;
}
