/*
 * download_completed.c - how does the main thread get each page, or why there is none, as soon as that is known?
 *
 * By futures. What is submitted to an executor has one: it will hold what the work has returned, or the error that it
 * has failed with and a message. FL_COMPLETED_EACH gives them in the order in which they are done. To ask them in the
 * order of submission would let the slow one, which is the first, hold up the news of all the others.
 *
 * The addresses are its arguments; download_pages.py gives it some. Prints a line for each, and a sum, without a lock.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fairlead/executor.h>
#include <stdio.h>

enum { MOST = 10 };

struct page {
	const char *url;
	size_t bytes;
};

/* Receives a part of a page. What it says, here only how long it is, is of no interest. */
static size_t count(char *part, size_t size, size_t n, void *ret_bytes)
{
	(void)part;
	*(size_t *)ret_bytes += size * n;
	return size * n;
}

static int download(fl_task *task, void *url)
{
	struct page page = {.url = url};
	CURL *curl = curl_easy_init();
	char error[CURL_ERROR_SIZE] = "";
	CURLcode code;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* there are other threads */
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, count);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &page.bytes);
	code = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	if (code != CURLE_OK)
		return fl_task_fail(task, -EIO, "%s: %s", page.url, error[0] ? error : curl_easy_strerror(code));
	return fl_task_return(task, &page, sizeof(page));
}

int main(int argc, char **argv)
{
	size_t n = (size_t)argc - 1, total = 0;
	fl_executor *executor;
	fl_future *futures[MOST], *future;
	fl_completed *completed;
	struct page page;

	setvbuf(stdout, NULL, _IOLBF, 0); /* a line is to be seen when it is printed, also in a pipe */
	if (n > MOST || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || fl_executor_create(&executor, NULL) < 0)
		return 1;
	for (size_t i = 0; i < n; i++)
		if (fl_executor_submit(&futures[i], executor, download, argv[i + 1]) < 0)
			return 1;
	if (fl_completed_create(&completed, n, futures) < 0)
		return 1;
	FL_COMPLETED_EACH (completed, future)
		if (fl_future_result(future, &page, sizeof(page)) < 0) {
			puts(fl_future_message(future));
		} else {
			printf("%s: %zu bytes\n", page.url, page.bytes);
			total += page.bytes;
		}
	printf("%zu bytes in all\n", total);
	fl_completed_destroy(completed);
	for (size_t i = 0; i < n; i++)
		fl_future_unref(futures[i]);
	fl_executor_destroy(executor);
	curl_global_cleanup();
	return 0;
}
