/*
 * check/models/condition_clock.c - clocks differ; a condition's deadlines are of its clock; a deadline that has passed
 * is over at once; what is no time is refused, and the mutex stays held.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t early;

__attribute__((constructor)) static void before_main(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&early, &attributes);
}

static struct timespec in(clockid_t clock, long seconds)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_sec += seconds;
	return time;
}

static void wait_for_a_second(pthread_cond_t *condition, clockid_t clock)
{
	struct timespec until = in(clock, 1), now;

	assert(pthread_cond_timedwait(condition, &mutex, &until) == ETIMEDOUT);
	clock_gettime(clock, &now);
	assert(now.tv_sec >= until.tv_sec && now.tv_sec <= until.tv_sec + 1);
}

int main(void)
{
	struct timespec real = in(CLOCK_REALTIME, 0), monotonic = in(CLOCK_MONOTONIC, 0), past = in(CLOCK_REALTIME, -1);
	struct timespec broken = {1, 1000000000};
	pthread_cond_t plain = PTHREAD_COND_INITIALIZER;
	sem_t semaphore;

	assert(real.tv_sec > monotonic.tv_sec + 1000000 && monotonic.tv_sec > 0);
	assert(in(CLOCK_PROCESS_CPUTIME_ID, 0).tv_sec < 10 && in(CLOCK_TAI, 0).tv_sec >= real.tv_sec + 37);
	pthread_mutex_lock(&mutex);
	wait_for_a_second(&plain, CLOCK_REALTIME);
	wait_for_a_second(&early, CLOCK_MONOTONIC);
	real = in(CLOCK_REALTIME, 1);
	assert(pthread_cond_clockwait(&early, &mutex, CLOCK_REALTIME, &real) == ETIMEDOUT);
	assert(pthread_cond_timedwait(&plain, &mutex, &past) == ETIMEDOUT);
	assert(pthread_cond_timedwait(&plain, &mutex, &broken) == EINVAL);
	assert(pthread_mutex_trylock(&mutex) == EBUSY);
	sem_init(&semaphore, 0, 0);
	assert(sem_timedwait(&semaphore, &past) == -1 && errno == ETIMEDOUT);
	assert(sem_timedwait(&semaphore, &broken) == -1 && errno == EINVAL);
	assert(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &monotonic, NULL) == 0);
	return 0;
}
