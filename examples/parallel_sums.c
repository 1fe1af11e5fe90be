/*
 * parallel_sums.c - four sums over large ranges: how do all processors have a share in each?
 *
 * By fl_parallel_for. It calls a function for pieces of the range, by as many threads as there are processors, and
 * returns when all is done. A piece is summed up in a variable of its own, and added to what all share in one step: an
 * atomic addition, or a lock, for every number would cost more than the summing. Nobody needs to know how many
 * processors there are, or how long a piece takes: who is through with his share takes from another one's.
 *
 * Prints each sum as one thread has it and as all have it, and how much faster they were. (Two processors that others
 * use too are not twice as fast.)
 */
#include <fairlead/parallel.h>
#include <fairlead/thread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { RANGES = 4, LENGTH = 20 * 1000 * 1000 };

static int64_t sum_up(int64_t begin, int64_t end)
{
	int64_t sum = 0;

	for (int64_t i = begin; i < end; i++)
		sum += i * i % 97;
	return sum;
}

static int add_piece(int64_t begin, int64_t end, void *sum)
{
	atomic_fetch_add((_Atomic int64_t *)sum, sum_up(begin, end));
	return 0;
}

int main(void)
{
	int64_t by_one[RANGES];
	_Atomic int64_t by_all[RANGES] = {0};
	fl_time begin, middle, end;

	begin = fl_now();
	for (int i = 0; i < RANGES; i++)
		by_one[i] = sum_up((int64_t)i * LENGTH, (i + 1ll) * LENGTH);
	middle = fl_now();
	for (int i = 0; i < RANGES; i++)
		if (fl_parallel_for((int64_t)i * LENGTH, (i + 1ll) * LENGTH, 0, add_piece, &by_all[i]) < 0)
			return 1;
	end = fl_now();
	for (int i = 0; i < RANGES; i++)
		printf("sum %d: %lld, %lld\n", i + 1, (long long)by_one[i], (long long)by_all[i]);
	printf("one thread %.3f s, all processors (%d) %.3f s: %.2f times as fast\n", (double)(middle - begin) / 1e9,
	       fl_cpu_count(), (double)(end - middle) / 1e9, (double)(middle - begin) / (double)(end - middle));
	return 0;
}
