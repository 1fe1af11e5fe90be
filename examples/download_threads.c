/*
 * download_threads.c - five downloads at once, and each reported when it is done: a thread for each?
 *
 * For five it will do. Each thread waits for its server, and puts its page into a queue when it has it; the main thread
 * reports them as they come, whichever is first. The page says which one it is and what went wrong, since a thread has
 * nobody to return that to who would know. For five thousand see download_executor.c: a thread is dear, and servers do
 * not like so many guests.
 *
 * The addresses are its arguments; download_pages.py gives it some, of which one is slow and one is not there. Prints
 * a line for each.
 */
#include <curl/curl.h>
#include <fairlead/queue.h>
#include <fairlead/thread.h>
#include <stdio.h>

enum { MOST = 10 };

struct page {
	const char *url;
	size_t bytes;
	char error[CURL_ERROR_SIZE]; /* "": none */
};

static fl_queue *done; /* of pointers to pages */

/* Receives a part of a page. What it says, here only how long it is, is of no interest. */
static size_t count(char *part, size_t size, size_t n, void *ret_bytes)
{
	(void)part;
	*(size_t *)ret_bytes += size * n;
	return size * n;
}

static void *download(void *arg)
{
	struct page *page = arg;
	CURL *curl = curl_easy_init();
	CURLcode code;

	curl_easy_setopt(curl, CURLOPT_URL, page->url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* there are other threads */
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, page->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, count);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &page->bytes);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK && page->error[0] == '\0')
		snprintf(page->error, sizeof(page->error), "%s", curl_easy_strerror(code));
	curl_easy_cleanup(curl);
	fl_queue_put(done, &page);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct page pages[MOST];
	struct page *page;
	fl_thread *threads[MOST];
	int n = argc - 1;

	setvbuf(stdout, NULL, _IOLBF, 0); /* a line is to be seen when it is printed, also in a pipe */
	if (n > MOST || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || fl_queue_create(&done, NULL) < 0)
		return 1;
	for (int i = 0; i < n; i++) {
		pages[i].url = argv[i + 1];
		if (fl_thread_start(&threads[i], NULL, download, &pages[i]) < 0)
			return 1;
	}
	for (int i = 0; i < n && fl_queue_get(done, &page) == 0; i++)
		if (page->error[0] != '\0')
			printf("%s: %s\n", page->url, page->error);
		else
			printf("%s: %zu bytes\n", page->url, page->bytes);
	for (int i = 0; i < n; i++)
		fl_thread_join(threads[i], NULL);
	fl_queue_destroy(done);
	curl_global_cleanup();
	return 0;
}
