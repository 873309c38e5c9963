/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON: reading documents (the only user of json-c is json.c) and writing values into a struct
 * text. The names keep clear of json-c, jansson and json-glib, which share a prefix.
 */
#ifndef ENGINE_JSON_H
#define ENGINE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/context.h"
#include "util/text.h"

/* A value of a document, borrowed from its root. NULL is JSON's null. */
struct jval;

enum jval_kind { JVAL_NULL, JVAL_BOOL, JVAL_NUMBER, JVAL_REAL, JVAL_TEXT, JVAL_LIST, JVAL_MAP };

/*
 * Read a document that must be an object. Records "<what>.syntax" with line and column, or
 * "<what>.duplicate" with the path, and gives -EINVAL or -ENOMEM.
 */
int jval_parse(struct context *ctx, const char *what, const char *text, size_t length,
	       struct jval **out);
void jval_free(struct jval *root);

enum jval_kind jval_kind(const struct jval *v);
/* "a number", "a list", ... */
const char *jval_kind_words(const struct jval *v);
bool jval_bool(const struct jval *v);
/* A whole number that is not negative. */
bool jval_number(const struct jval *v, uint64_t *out);
/* The text; NULL when it is none or has a NUL inside. */
const char *jval_text(const struct jval *v);
/*
 * The value as the text of an option: text as it is, numbers in decimal, yes or no. NULL: no such
 * form.
 */
const char *jval_option(const struct jval *v);
size_t jval_length(const struct jval *list);
const struct jval *jval_at(const struct jval *list, size_t i);
/* Each member in the order of the file, until fn gives non-zero, which is returned. */
typedef int (*jval_member_fn)(void *user, const char *key, const struct jval *value);
int jval_each(const struct jval *map, jval_member_fn fn, void *user);

/* Writing: quoted and escaped; bytes that are no UTF-8 become U+FFFD. */
void json_put_text(struct text *t, const char *s);
void json_put_u64(struct text *t, uint64_t n);
/* `"key":`, with a comma before it unless it is the first after an opening bracket. */
void json_put_key(struct text *t, const char *key);
/* A comma unless it follows an opening bracket. */
void json_put_comma(struct text *t);

#endif
