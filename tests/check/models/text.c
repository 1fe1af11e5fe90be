/*
 * check/models/text.c - the functions that stand in for the C library's do what those do, with _FORTIFY_SOURCE, too.
 * check: options -O2 -D_FORTIFY_SOURCE=2
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void *work(void *arg)
{
	const char *volatile word = "Word";
	const char *volatile longer = "Wordless words";
	char room[32];
	char *copy;

	strcpy(room, word);
	strcat(room, "-");
	strncat(room, longer, 3);
	assert(strcmp(room, "Word-Wor") == 0 && strnlen(room, 4) == 4 && strlen(room) == 8);
	assert(strchr(room, 'o') == room + 1 && strrchr(room, 'o') == room + 6 && strchr(room, 'x') == NULL);
	assert(strstr(longer, "words") == longer + 9 && strstr(longer, "wordy") == NULL && strstr(room, "") == room);
	assert(strncmp(word, longer, 4) == 0 && strncmp(word, longer, 5) < 0 && strcasecmp(word, "wORD") == 0);
	assert(strncasecmp(longer, "WORDY", 4) == 0 && memchr(longer, 'l', 14) == longer + 4);
	assert(memchr(longer, 'l', 4) == NULL && stpcpy(room, "ab") == room + 2);
	copy = strndup(longer, 8);
	assert(strcmp(copy, "Wordless") == 0);
	free(copy);
	copy = strdup(word);
	bzero(copy, 2);
	assert(copy[0] == 0 && copy[1] == 0 && copy[2] == 'r');
	free(copy);
	assert(snprintf(room, 5, "%d%s", 12, word) == 6 && strcmp(room, "12Wo") == 0);
	assert(sprintf(room, "%c%05.1f", 'x', 2.25) == 6 && strcmp(room, "x002.2") == 0);
	memset(room, 'z', sizeof(room));
	strncpy(room, word, 6);
	assert(room[4] == 0 && room[5] == 0 && room[6] == 'z');
	return arg;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, work, NULL);
	work(NULL);
	pthread_join(thread, NULL);
	return 0;
}
