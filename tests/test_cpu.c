/*
 * test_cpu.c - the number of usable processors: affinity, and cgroups as they are found under a made-up root.
 *
 * A situation is a list of files, written below a temporary directory.
 */
#define _GNU_SOURCE
#include "testing.h"

#include "thread/thread.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTINFO "/proc/self/mountinfo"
#define CGROUP "/proc/self/cgroup"
#define HEAD "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
#define MOUNT_2 HEAD "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define HYBRID \
	HEAD "31 22 0:27 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n" \
	     "32 31 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" \
	     "33 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n" \
	     "34 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
#define CPU "/sys/fs/cgroup/cpu,cpuacct"

struct file {
	const char *path, *text;
};

static const struct {
	const char *name;
	int affinity, count;
	struct file files[8];
} situations[] = {
	{"nothing can be read", 4, 4, {{0}}},
	{"no processor at all", 0, 1, {{0}}},
	{"no limit",
	 4,
	 4,
	 {{MOUNTINFO, MOUNT_2}, {CGROUP, "0::/a/b\n"}, {"/sys/fs/cgroup/a/b/cpu.max", "max 100000\n"}}},
	{"two processors",
	 4,
	 2,
	 {{MOUNTINFO, MOUNT_2}, {CGROUP, "0::/a\n"}, {"/sys/fs/cgroup/a/cpu.max", "200000 100000\n"}}},
	{"rounded up",
	 4,
	 3,
	 {{MOUNTINFO, MOUNT_2}, {CGROUP, "0::/a\n"}, {"/sys/fs/cgroup/a/cpu.max", "200001 100000\n"}}},
	{"at least one",
	 4,
	 1,
	 {{MOUNTINFO, MOUNT_2}, {CGROUP, "0::/a\n"}, {"/sys/fs/cgroup/a/cpu.max", "1000 100000\n"}}},
	{"the affinity is less",
	 2,
	 2,
	 {{MOUNTINFO, MOUNT_2}, {CGROUP, "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "800000 100000\n"}}},
	{"an ancestor's limit",
	 8,
	 2,
	 {{MOUNTINFO, MOUNT_2},
	  {CGROUP, "0::/a/b/c\n"},
	  {"/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n"},
	  {"/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n"},
	  {"/sys/fs/cgroup/a/cpu.max", "150000 100000\n"}}},
	{"a cgroup of the root's own, as in a container",
	 8,
	 3,
	 {{MOUNTINFO, MOUNT_2}, {CGROUP, "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "300000 100000\n"}}},
	{"outside of what is mounted",
	 8,
	 3,
	 {{MOUNTINFO, MOUNT_2}, {CGROUP, "0::/../../x\n"}, {"/sys/fs/cgroup/cpu.max", "300000 100000\n"}}},
	{"part of a hierarchy, mounted at a place with a space",
	 8,
	 5,
	 {{MOUNTINFO, HEAD "30 22 0:26 /docker/1234 /sys/c\\040group rw - cgroup2 none rw\n"},
	  {CGROUP, "0::/docker/1234/inner\n"},
	  {"/sys/c group/inner/cpu.max", "max 100000\n"},
	  {"/sys/c group/cpu.max", "500000 100000\n"}}},
	{"a part that only begins like our path",
	 8,
	 6,
	 {{MOUNTINFO, HEAD "30 22 0:26 /docker/12 /sys/fs/cgroup rw - cgroup2 none rw\n"},
	  {CGROUP, "0::/docker/1234\n"},
	  {"/sys/fs/cgroup/34/cpu.max", "100000 100000\n"},
	  {"/sys/fs/cgroup/cpu.max", "600000 100000\n"}}},
	{"version 1",
	 8,
	 2,
	 {{MOUNTINFO, HYBRID},
	  {CGROUP, "5:cpuset:/x\n4:cpuacct,cpu:/a\n0::/init\n"},
	  {CPU "/a/cpu.cfs_quota_us", "75000\n"},
	  {CPU "/a/cpu.cfs_period_us", "50000\n"},
	  {CPU "/cpu.cfs_quota_us", "-1\n"},
	  {CPU "/cpu.cfs_period_us", "100000\n"}}},
	{"version 1, an ancestor's",
	 8,
	 4,
	 {{MOUNTINFO, HYBRID},
	  {CGROUP, "4:cpu,cpuacct:/a/b\n"},
	  {CPU "/a/b/cpu.cfs_quota_us", "-1\n"},
	  {CPU "/a/b/cpu.cfs_period_us", "100000\n"},
	  {CPU "/a/cpu.cfs_quota_us", "400000\n"},
	  {CPU "/a/cpu.cfs_period_us", "100000\n"}}},
	{"another kind of limit",
	 8,
	 8,
	 {{MOUNTINFO, HYBRID}, {CGROUP, "5:cpuset:/x\n"}, {CPU "/x/cpu.cfs_quota_us", "1000\n"}}},
	{"both versions, the less of them",
	 8,
	 3,
	 {{MOUNTINFO, HYBRID},
	  {CGROUP, "4:cpu,cpuacct:/a\n0::/a\n"},
	  {CPU "/a/cpu.cfs_quota_us", "500000\n"},
	  {CPU "/a/cpu.cfs_period_us", "100000\n"},
	  {"/sys/fs/cgroup/unified/a/cpu.max", "300000 100000\n"}}},
	{"nonsense",
	 8,
	 8,
	 {{MOUNTINFO, MOUNT_2 "x\n - \n"}, {CGROUP, "x\n0\n0::/a\n"}, {"/sys/fs/cgroup/a/cpu.max", "much\n"}}},
	{"no period", 8, 8, {{MOUNTINFO, MOUNT_2}, {CGROUP, "0::/a\n"}, {"/sys/fs/cgroup/a/cpu.max", "100000 0\n"}}},
};
#define N_SITUATIONS ((int)(sizeof(situations) / sizeof(situations[0])))

static void make_file(const char *root, const struct file *file)
{
	char path[4096];
	FILE *stream;

	snprintf(path, sizeof(path), "%s%s", root, file->path);
	for (char *slash = strchr(path + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ck_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
	stream = fopen(path, "we");
	ck_assert_ptr_nonnull(stream);
	ck_assert_int_ge(fputs(file->text, stream), 0);
	ck_assert_int_eq(fclose(stream), 0);
}

START_TEST(the_least_limit_counts)
{
	char root[] = "/tmp/fairlead-cpu-XXXXXX", command[64];
	int count;

	ck_assert_ptr_nonnull(mkdtemp(root));
	for (const struct file *file = situations[_i].files; file->path; file++)
		make_file(root, file);
	count = fl_cpu_count_under_(root, situations[_i].affinity);
	snprintf(command, sizeof(command), "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
	ck_assert_msg(count == situations[_i].count, "%s: %d, not %d", situations[_i].name, count,
		      situations[_i].count);
}
END_TEST

START_TEST(the_affinity_of_this_thread_counts)
{
	cpu_set_t all, one;
	int cpu = 0, n;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	errno = 4711;
	n = fl_cpu_count();
	ck_assert_int_eq(errno, 4711);
	ck_assert_int_ge(n, 1);
	ck_assert_int_le(n, CPU_COUNT(&all));
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	ck_assert_int_eq(fl_cpu_count(), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpu");
	TCase *tcase = testing_case(suite, "cpu");

	tcase_add_loop_test(tcase, the_least_limit_counts, 0, N_SITUATIONS);
	tcase_add_test(tcase, the_affinity_of_this_thread_counts);
	return testing_run(suite);
}
