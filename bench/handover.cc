/*
 * bench/handover.cc - one thread lets another go on, again and again: with events, semaphores, conditions; on two
 * CPUs, and on one.
 *
 * Half of a round trip. Nothing is tuned between the two placements: an object that spins wins on two CPUs, and loses
 * on one if it does not notice. The two floors are a flag in a shared cache line, with threads that never sleep, and
 * a bare futex, with threads that always do.
 */
#include "events.hh"
#include "harness.h"
#include "monitors.hh"
#include "pair.hh"
#include "semaphores.hh"

#define APART(game) time_pair<game, BENCH_APART>
#define ONE_CPU(game) time_pair<game, BENCH_ONE_CPU>

const struct bench bench_handover[] = {
	{
		.cpus = 2,
		.metrics = {{
			.name = "handover-event",
			.what = "one thread lets another go on, by an event; two CPUs",
			.unit = "ns",
			.scale = 0.5,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "sem_t", 0.1}},
		}},
		.contestants = {
			{"fairlead", BENCH_FAIRLEAD, APART(baton_game<fairlead_event>)},
			{"sem_t", BENCH_REFERENCE, APART(baton_game<posix_semaphore>)},
			{"pthread flag + cond", BENCH_PEER, APART(baton_game<pthread_event>)},
			{"std::atomic::wait", BENCH_PEER, APART(baton_game<std_atomic_event>)},
			{"floor: cache line", BENCH_FLOOR, APART(baton_game<bare_cache_line>)},
			{"floor: bare futex", BENCH_FLOOR, APART(baton_game<bare_futex>)},
		},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "handover-event-1cpu",
			.what = "one thread lets another go on, by an event; one CPU",
			.unit = "ns",
			.scale = 0.5,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "sem_t", 1.15}},
		}},
		.contestants = {
			{"fairlead", BENCH_FAIRLEAD, ONE_CPU(baton_game<fairlead_event>)},
			{"sem_t", BENCH_REFERENCE, ONE_CPU(baton_game<posix_semaphore>)},
			{"pthread flag + cond", BENCH_PEER, ONE_CPU(baton_game<pthread_event>)},
			{"std::atomic::wait", BENCH_PEER, ONE_CPU(baton_game<std_atomic_event>)},
			{"floor: bare futex", BENCH_FLOOR, ONE_CPU(baton_game<bare_futex>)},
		},
	},
	{
		.cpus = 2,
		.metrics = {{
			.name = "handover-semaphore",
			.what = "one thread lets another go on, by a semaphore; two CPUs",
			.unit = "ns",
			.scale = 0.5,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "sem_t", 0.1}},
		}},
		.contestants = {
			{"fairlead", BENCH_FAIRLEAD, APART(baton_game<fairlead_semaphore>)},
			{"sem_t", BENCH_PEER, APART(baton_game<posix_semaphore>)},
			{"std::counting_semaphore", BENCH_PEER, APART(baton_game<std_semaphore>)},
			{"floor: cache line", BENCH_FLOOR, APART(baton_game<bare_cache_line>)},
			{"floor: bare futex", BENCH_FLOOR, APART(baton_game<bare_futex>)},
		},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "handover-semaphore-1cpu",
			.what = "one thread lets another go on, by a semaphore; one CPU",
			.unit = "ns",
			.scale = 0.5,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "sem_t", 1.15}},
		}},
		.contestants = {
			{"fairlead", BENCH_FAIRLEAD, ONE_CPU(baton_game<fairlead_semaphore>)},
			{"sem_t", BENCH_PEER, ONE_CPU(baton_game<posix_semaphore>)},
			{"std::counting_semaphore", BENCH_PEER, ONE_CPU(baton_game<std_semaphore>)},
			{"floor: bare futex", BENCH_FLOOR, ONE_CPU(baton_game<bare_futex>)},
		},
	},
	{
		.cpus = 2,
		.metrics = {{
			.name = "handover-condition",
			.what = "one thread lets another go on, by a lock and a condition; two CPUs",
			.unit = "ns",
			.scale = 0.5,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "sem_t", 0.1}},
		}},
		.contestants = {
			{"fairlead", BENCH_FAIRLEAD, APART(monitor_game<fairlead_monitor>)},
			{"sem_t", BENCH_REFERENCE, APART(baton_game<posix_semaphore>)},
			{"pthread", BENCH_PEER, APART(monitor_game<pthread_monitor>)},
			{"nsync", BENCH_PEER, APART(monitor_game<nsync_monitor>)},
			{"GLib", BENCH_PEER, APART(monitor_game<glib_monitor>)},
			{"Abseil", BENCH_PEER, APART(monitor_game<absl_monitor>)},
			{"floor: cache line", BENCH_FLOOR, APART(baton_game<bare_cache_line>)},
			{"floor: bare futex", BENCH_FLOOR, APART(baton_game<bare_futex>)},
		},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "handover-condition-1cpu",
			.what = "one thread lets another go on, by a lock and a condition; one CPU",
			.unit = "ns",
			.scale = 0.5,
			.aims = {
				{BENCH_AIM_RATIO_AT_MOST, "pthread", 0.5},
				{BENCH_AIM_RATIO_AT_MOST, "sem_t", 1.15},
				{BENCH_AIM_RATIO_AT_MOST, nullptr, 1.1},
			},
		}},
		.contestants = {
			{"fairlead", BENCH_FAIRLEAD, ONE_CPU(monitor_game<fairlead_monitor>)},
			{"sem_t", BENCH_REFERENCE, ONE_CPU(baton_game<posix_semaphore>)},
			{"pthread", BENCH_PEER, ONE_CPU(monitor_game<pthread_monitor>)},
			{"nsync", BENCH_PEER, ONE_CPU(monitor_game<nsync_monitor>)},
			{"GLib", BENCH_PEER, ONE_CPU(monitor_game<glib_monitor>)},
			{"Abseil", BENCH_PEER, ONE_CPU(monitor_game<absl_monitor>)},
			{"floor: bare futex", BENCH_FLOOR, ONE_CPU(baton_game<bare_futex>)},
		},
	},
	{},
};
