/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of plug-ins: finding them, and texts checked against them. Names of classes and operations. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "registry/loader.h"
#include "util/text.h"

#define PERCENT_DIGITS	6		/* after the point */
#define PERCENT_ONE	1000000u	/* 10 to the power of that */

const char *role_name(uint32_t role)
{
	switch (role) {
	case EVMS_ROLE_DEVICE_MANAGER:
		return "device-manager";
	case EVMS_ROLE_PARTITION_MANAGER:
		return "partition-manager";
	case EVMS_ROLE_GROUP_EMULATOR:
		return "group-emulator";
	case EVMS_ROLE_FEATURE:
		return "feature";
	case EVMS_ROLE_FILE_SYSTEM:
		return "file-system";
	default:
		return NULL;
	}
}

const char *op_name(uint32_t op)
{
	static const char *const names[EVMS_OP_COUNT] = {
		[EVMS_OP_CREATE] = "create",
		[EVMS_OP_ASSIGN] = "assign",
		[EVMS_OP_UNASSIGN] = "unassign",
		[EVMS_OP_DELETE] = "delete",
		[EVMS_OP_EXPAND] = "expand",
		[EVMS_OP_SHRINK] = "shrink",
		[EVMS_OP_MOVE] = "move",
		[EVMS_OP_SLIDE] = "slide",
		[EVMS_OP_RENAME] = "rename",
		[EVMS_OP_SET] = "set",
		[EVMS_OP_REPLACE] = "replace",
		[EVMS_OP_REPAIR] = "repair",
		[EVMS_OP_MKFS] = "mkfs",
		[EVMS_OP_CHECK] = "check",
		[EVMS_OP_UNMKFS] = "unmkfs",
		[EVMS_OP_WIPE] = "wipe",
	};

	return op < EVMS_OP_COUNT ? names[op] : NULL;
}

static bool takes(const struct evms_option *o, uint32_t op)
{
	return op < 32 && (o->ops & EVMS_OP_BIT(op));
}

const struct evms_option *plugin_find_option(const struct evms_plugin *p, uint32_t op, const char *name)
{
	uint32_t i;

	for (i = 0; i < p->option_count; i++)
		if (takes(&p->options[i], op) && !strcmp(p->options[i].name, name))
			return &p->options[i];
	return NULL;
}

const struct evms_option *plugin_nearest_option(const struct evms_plugin *p, uint32_t op, const char *name)
{
	const struct evms_option *best = NULL;
	size_t length = strlen(name);
	unsigned distance, nearest = (unsigned)((length > 30 ? 30 : length) + 2) / 3;
	uint32_t i;

	/* The beginning of one option only is as good as the whole. */
	for (i = 0; length && i < p->option_count; i++) {
		if (!takes(&p->options[i], op) || strncasecmp(p->options[i].name, name, length))
			continue;
		if (best)
			break;
		best = &p->options[i];
	}
	if (best && i == p->option_count)
		return best;
	best = NULL;
	for (i = 0; i < p->option_count; i++) {
		if (!takes(&p->options[i], op))
			continue;
		distance = text_distance(p->options[i].name, name);
		if (distance < nearest || (distance == nearest && !best)) {
			nearest = distance;
			best = &p->options[i];
		}
	}
	return best;
}

static int parse_bool(const char *text, uint64_t *out)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	size_t i;

	for (i = 0; i < 4; i++) {
		if (strcasecmp(text, yes[i]) && strcasecmp(text, no[i]))
			continue;
		*out = !strcasecmp(text, yes[i]);
		return 0;
	}
	return -EINVAL;
}

/* "50%", "33.3%" of base, rounded down. */
static int parse_percent(const char *text, uint64_t base, uint64_t *out)
{
	uint64_t part = 0, digit_value = PERCENT_ONE;
	int digits = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		part = part * 10 + (uint64_t)(*text - '0') * PERCENT_ONE;
		if (part > 1000 * (uint64_t)PERCENT_ONE)
			part = 1000 * (uint64_t)PERCENT_ONE;
	}
	if (*text == '.') {
		for (text++; *text >= '0' && *text <= '9'; text++) {
			if (++digits > PERCENT_DIGITS)
				return -EINVAL;
			digit_value /= 10;
			part += (uint64_t)(*text - '0') * digit_value;
		}
		if (!digits)
			return -EINVAL;
	}
	if (strcmp(text, "%"))
		return -EINVAL;
	if (part > 100 * (uint64_t)PERCENT_ONE)
		return -ERANGE;
	*out = base / (100 * PERCENT_ONE) * part +
	       base % (100 * PERCENT_ONE) * part / (100 * PERCENT_ONE);
	return 0;
}

static int check_size(const struct evms_option *o, const char *text, uint64_t base, uint64_t *out,
		      char *why, size_t why_size)
{
	bool percent = o->flags & EVMS_OPTION_PERCENT;
	int r;

	if (!strchr(text, '%')) {
		r = text_parse_size(text, out);
		if (r == -ERANGE)
			snprintf(why, why_size, "more than 16 EiB");
		else if (r)
			snprintf(why, why_size, "not a size: write it like 4096, 64K or 1.5GiB%s",
				 percent ? ", or like 50%" : "");
		return r;
	}
	if (!percent) {
		snprintf(why, why_size, "a percentage cannot be given here, only a size");
		return -EINVAL;
	}
	r = parse_percent(text, base, out);
	if (r)
		snprintf(why, why_size, r == -ERANGE ? "more than 100%%" :
			 "not a percentage: write it like 50%% or 33.3%%");
	return r;
}

static int check_choice(const char *choices, const char *text, char *why, size_t why_size)
{
	size_t length = strlen(text), n;
	const char *c = choices;

	while (*c) {
		n = strcspn(c, "|");
		if (n == length && !memcmp(c, text, n))
			return 0;
		c += n + (c[n] == '|');
	}
	snprintf(why, why_size, "not one of %s", choices);
	return -EINVAL;
}

static int check_string(const struct evms_option *o, const char *text, char *why, size_t why_size)
{
	size_t length = strlen(text), i;

	if (length < o->min || (o->max && length > o->max)) {
		snprintf(why, why_size, "%zu bytes long: must be at %s %llu", length,
			 length < o->min ? "least" : "most",
			 (unsigned long long)(length < o->min ? o->min : o->max));
		return -ERANGE;
	}
	for (i = 0; i < length; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
			snprintf(why, why_size, "there is a control character in it");
			return -EINVAL;
		}
	}
	return 0;
}

static int check_limits(const struct evms_option *o, uint64_t n, char *why, size_t why_size)
{
	uint64_t limit = n < o->min ? o->min : o->max;
	char words[TEXT_SIZE];

	if (n >= o->min && (!o->max || n <= o->max))
		return 0;
	if (o->type == EVMS_TYPE_SIZE)
		snprintf(why, why_size, "must be at %s %llu bytes (%s)", n < o->min ? "least" : "most",
			 (unsigned long long)limit, text_size(limit, words, sizeof(words)));
	else
		snprintf(why, why_size, "must be at %s %llu", n < o->min ? "least" : "most",
			 (unsigned long long)limit);
	return -ERANGE;
}

int option_check(const struct evms_option *o, const char *text, uint64_t base, uint64_t *out, char *why,
		 size_t why_size)
{
	uint64_t n = 0;
	int r;

	switch (o->type) {
	case EVMS_TYPE_BOOL:
		r = parse_bool(text, &n);
		if (r)
			snprintf(why, why_size, "neither yes nor no");
		break;
	case EVMS_TYPE_U64:
		r = text_parse_u64(text, &n);
		if (r)
			snprintf(why, why_size, r == -ERANGE ? "too large a number" : "not a number");
		else
			r = check_limits(o, n, why, why_size);
		break;
	case EVMS_TYPE_SIZE:
		r = check_size(o, text, base, &n, why, why_size);
		if (!r)
			r = check_limits(o, n, why, why_size);
		break;
	case EVMS_TYPE_CHOICE:
		r = check_choice(o->choices, text, why, why_size);
		break;
	default:
		r = check_string(o, text, why, why_size);
		break;
	}
	if (!r)
		*out = n;
	return r;
}

int option_parse(struct context *ctx, const struct evms_plugin *p, const struct evms_option *o,
		 const char *text, uint64_t base, uint64_t *out)
{
	char why[384];
	int r;

	if (!text)
		return context_fail(ctx, EINVAL, NULL, p ? p->name : NULL, "option.value",
				    "option %s: no value was given", o->name);
	r = option_check(o, text, base, out, why, sizeof(why));
	if (r)
		return context_fail(ctx, -r, NULL, p ? p->name : NULL,
				    r == -ERANGE ? "option.range" : "option.value",
				    "option %s: \"%.200s\": %s", o->name, text, why);
	return 0;
}
