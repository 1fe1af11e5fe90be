/*
 * opposite_order.c - two threads need the same two locks: why may they stop for ever, and how is it mended?
 *
 * If one takes A then B and the other B then A, each may one day hold one and wait for the other. FAIRLEAD_CHECK=order,
 * or fl_check_enable, reports it once both orders were taken at all. The cure is one order for all; or see lock_all.c.
 *
 * Prints the reports of both ways; the mended one moves coins there and back in two threads at once.
 */
#include <fairlead/check.h>
#include <fairlead/guard.h>
#include <fairlead/report.h>
#include <fairlead/thread.h>
#include <stdio.h>

struct account {
	fl_lock lock;
	long coins FL_GUARDED_BY(&lock);
};

static void move_coin(struct account *from, struct account *to, bool by_address)
{
	struct account *first = by_address && to < from ? to : from, *second = first == from ? to : from;

	fl_guard(&first->lock);
	fl_guard(&second->lock);
	from->coins--;
	to->coins++;
}

static void *move_coins(void *from_to)
{
	for (int i = 0; i < 1000; i++)
		move_coin(((struct account **)from_to)[0], ((struct account **)from_to)[1], true);
	return NULL;
}

static void count_report(const fl_report *report, void *ret_count)
{
	*(int *)ret_count += report->kind == FL_REPORT_ORDER;
}

int main(void)
{
	static struct account accounts[4], *a = accounts, *c = accounts + 2;
	struct account *there[] = {c, c + 1}, *back[] = {c + 1, c};
	fl_thread *one, *other;
	int reports = 0;

	fl_report_set_hook(count_report, &reports);
	fl_check_enable(FL_CHECK_ORDER);
	move_coin(a, a + 1, false);
	move_coin(a + 1, a, false);
	printf("careless: %d report\n", reports);
	if (fl_thread_start(&one, NULL, move_coins, there) < 0 || fl_thread_start(&other, NULL, move_coins, back) < 0)
		return 1;
	fl_thread_join(one, NULL);
	fl_thread_join(other, NULL);
	printf("by address: %d more, and both threads came to their end\n", reports - 1);
	return 0;
}
