/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that grows, sizes in words, and names that are safe to print. */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is empty. failed stays set after an allocation failed; look once, at the end. */
struct text {
	char *at;
	size_t length, capacity;
	bool failed;
};

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_addv(struct text *t, const char *fmt, va_list args);
void text_add_bytes(struct text *t, const void *bytes, size_t length);
/* Hand over the string, "" for an empty text, NULL after a failure. The text is empty again. */
char *text_take(struct text *t);
void text_free(struct text *t);

/* 1536 -> "1.5 KiB"; exact values have no fraction. Returns buf. */
const char *text_size(uint64_t bytes, char *buf, size_t size);
#define TEXT_SIZE 32

/*
 * "4096", "4K", "4KiB" (1024), "4KB" (1000), "1.5G", up to E. 0, -EINVAL or -ERANGE.
 */
int text_parse_size(const char *s, uint64_t *out);
int text_parse_u64(const char *s, uint64_t *out);

/* Copy at most size-1 bytes, ended by NUL, control characters and broken UTF-8 replaced by '?'. */
void text_copy_safe(char *to, size_t size, const char *from);

static inline const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* How many edits make a out of b; for "did you mean". */
unsigned text_distance(const char *a, const char *b);

#endif
