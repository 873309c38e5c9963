/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* evms show --tree: disks with what is on them, then groups, then feature objects. */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

enum branch { TOP, MIDDLE, LAST, NOTE };

struct row {
	enum branch branch;
	bool note_goes_on;		/* NOTE: more branches follow below */
	char *name, *details;
	const char *kind;
	uint64_t size;
};

struct tree {
	struct row *rows;
	size_t count, room;
	bool failed;
};

struct words {				/* text that is put together */
	char *at;
	size_t length;
	FILE *file;
};

static void words_begin(struct words *w)
{
	*w = (struct words){ 0 };
	w->file = open_memstream(&w->at, &w->length);
}

static char *words_end(struct words *w)
{
	if (!w->file || fclose(w->file))
		return NULL;
	return w->at;
}

/* name and details are taken over. */
static void add_row(struct tree *t, enum branch branch, char *name, const char *kind, uint64_t size,
		    char *details)
{
	struct row *rows;

	if (t->count == t->room) {
		t->room = t->room ? t->room * 2 : 64;
		rows = realloc(t->rows, t->room * sizeof(*rows));
		if (!rows) {
			t->failed = true;
			t->room = t->count;
			free(name);
			free(details);
			return;
		}
		t->rows = rows;
	}
	if (!name || !details)
		t->failed = true;
	t->rows[t->count++] = (struct row){
		.branch = branch, .name = name, .kind = kind, .size = size, .details = details,
	};
}

static void add_notes(struct tree *t, const struct evms_object *o, bool goes_on)
{
	const char *note;

	for (size_t i = 0; (note = evms_object_get_note(o, i)); i++) {
		add_row(t, NOTE, strdup(note), "", 0, strdup(""));
		if (t->count)
			t->rows[t->count - 1].note_goes_on = goes_on;
	}
}

/* --- details --- */

static void comma(FILE *f, bool *first)
{
	if (!*first)
		fputs(", ", f);
	*first = false;
}

static void put_file_system(FILE *f, const struct evms_object *volume, bool *first)
{
	const char *type = evms_object_get_fs_type(volume),
	*label = evms_object_get_fs_label(volume);
	uint64_t used = evms_object_get_fs_used(volume), size = evms_object_get_fs_size(volume);
	char words[SIZE_WORDS];

	if (!type[0])
		return;
	comma(f, first);
	fputs(type, f);
	if (label[0])
		fprintf(f, " \"%s\"", label);
	if (size && size < evms_object_get_size(volume) / 100 * 95)
		fprintf(f, " of %s", size_words(size, words));
	if (used != UINT64_MAX)
		fprintf(f, ", %s used", size_words(used, words));
}

static void put_map(FILE *f, const struct evms_object *o, bool *first)
{
	const char *last = "linear";
	char words[SIZE_WORDS];
	struct evms_map_entry m;

	for (size_t i = 0; evms_object_get_map(o, i, &m) == 0; i++) {
		if (!strcmp(last, m.target))
			continue;
		last = m.target;
		comma(f, first);
		fputs(m.target, f);
		if (m.input_count > 1)
			fprintf(f, " over %u", m.input_count);
		if (m.chunk)
			fprintf(f, " (%s)", size_words(m.chunk, words));
	}
}

static void put_inputs(FILE *f, const struct evms_object *o, bool *first)
{
	const struct evms_object *in;

	for (size_t i = 0; (in = evms_object_get_input(o, i)); i++) {
		if (i == 8) {
			fputs(" ...", f);
			break;
		}
		if (i)
			fputs(" + ", f);
		else
			comma(f, first);
		fputs(evms_object_get_name(in), f);
	}
}

/* A type that is a word and no number, and says more than the file system does. */
static void put_type(FILE *f, const struct evms_object *o, const char *fs, bool *first)
{
	struct evms_value v;
	const char *key, *dot;

	for (size_t i = 0; evms_object_get_property(o, i, &key, &v) == 0; i++) {
		dot = strrchr(key, '.');
		if (v.type != EVMS_TYPE_STR || !dot || strcmp(dot, ".type") ||
		    strlen(v.u.str) > 24 ||
		    !strcmp(v.u.str, fs))
			continue;
		comma(f, first);
		fputs(v.u.str, f);
	}
}

static char *details_of(struct cli *c, const struct evms_object *o)
{
	const struct evms_object *user = user_of(o), *volume = volume_on(o);
	uint32_t kind = evms_object_get_kind(o), state = evms_object_get_state(o);
	char states[STATE_WORDS];
	struct words w;
	bool first = true;

	words_begin(&w);
	if (!w.file)
		return NULL;
	if (kind == EVMS_KIND_DISK) {
		const char *table = evms_object_get_manager(o);

		if (table[0]) {
			comma(w.file, &first);
			fputs(table, w.file);
		}
		if (evms_object_get_block_size(o) != 512) {
			comma(w.file, &first);
			fprintf(w.file, "%u-byte blocks", evms_object_get_block_size(o));
		}
	}
	if (kind & (EVMS_KIND_GROUP | EVMS_KIND_FEATURE)) {
		comma(w.file, &first);
		fputs(evms_object_get_plugin(o), w.file);
		put_inputs(w.file, o, &first);
	}
	if (kind & (EVMS_KIND_REGION | EVMS_KIND_FEATURE))
		put_map(w.file, o, &first);
	if (volume)
		put_file_system(w.file, volume, &first);
	if (kind == EVMS_KIND_PARTITION)
		put_type(w.file, o, volume ? evms_object_get_fs_type(volume) : "", &first);
	if (user) {
		comma(w.file, &first);
		fprintf(w.file, "%s %s", c->unicode ? "\u2192" : "->", evms_object_get_name(user));
	}
	if (volume)
		state |= evms_object_get_state(volume);
	if (state_words(state, states, sizeof(states))[0])
		fprintf(w.file, "%s[%s]", first ? "" : " ", states);
	return words_end(&w);
}

/* --- rows --- */

/* Inside its disk or group an object goes without that one's name. */
static const char *short_name(const struct evms_object *parent, const struct evms_object *o)
{
	const char *name = evms_object_get_name(o), *outer = evms_object_get_name(parent);
	size_t n = strlen(outer);

	return !strncmp(name, outer, n) && name[n] == '/' && name[n + 1] ? name + n + 1 : name;
}

static void add_object(struct cli *c, struct tree *t, enum branch branch,
		       const struct evms_object *parent, const struct evms_object *o)
{
	const char *name = parent ? short_name(parent, o) : evms_object_get_name(o);
	const struct evms_object *volume = volume_on(o);

	add_row(t, branch, strdup(name), evms_object_get_kind_name(o), evms_object_get_size(o),
		details_of(c, o));
	add_notes(t, o, branch == MIDDLE);
	if (volume)
		add_notes(t, volume, branch == MIDDLE);
}

static void add_plain(struct tree *t, const char *kind, uint64_t size)
{
	add_row(t, MIDDLE, strdup(kind), "", size, strdup(""));
}

/* The last branch of what was added since first turns the corner. */
static void close_branches(struct tree *t, size_t first)
{
	size_t i = t->count;

	while (i > first && t->rows[i - 1].branch == NOTE)
		t->rows[--i].note_goes_on = false;
	if (i > first)
		t->rows[i - 1].branch = LAST;
}

static void add_disk(struct cli *c, struct tree *t, const struct evms_object *disk)
{
	uint64_t metadata = 0;
	struct evms_space s;
	size_t first;

	add_object(c, t, TOP, NULL, disk);
	first = t->count;
	for (size_t i = 0; evms_object_get_space(disk, i, &s) == 0; i++) {
		if (s.kind == EVMS_KIND_METADATA && !c->all) {
			metadata += s.size;
			continue;
		}
		if (metadata)
			add_plain(t, "metadata", metadata);
		metadata = 0;
		if (s.kind == EVMS_KIND_FREE)
			add_plain(t, "free", s.size);
		else
			add_object(c, t, MIDDLE, disk, s.object);
	}
	if (metadata)
		add_plain(t, "metadata", metadata);
	close_branches(t, first);
}

static void add_group(struct cli *c, struct tree *t, const struct evms_object *group)
{
	const struct evms_object *o;
	uint64_t free_bytes = 0;
	struct evms_space s;
	size_t first;

	add_object(c, t, TOP, NULL, group);
	first = t->count;
	for (size_t i = 0; (o = evms_object_get_output(group, i)); i++) {
		if (evms_object_get_kind(o) != EVMS_KIND_REGION)
			continue;
		if (c->all || !(evms_object_get_state(o) & EVMS_STATE_INTERNAL))
			add_object(c, t, MIDDLE, group, o);
	}
	for (size_t i = 0; evms_object_get_space(group, i, &s) == 0; i++) {
		if (s.kind != EVMS_KIND_FREE)
			continue;
		if (c->all)
			add_plain(t, "free", s.size);
		free_bytes += s.size;
	}
	if (free_bytes && !c->all)
		add_plain(t, "free", free_bytes);
	close_branches(t, first);
}

static void add_feature(struct cli *c, struct tree *t, const struct evms_object *feature)
{
	add_object(c, t, TOP, NULL, feature);
	if (t->count && t->rows[t->count - 1].branch == NOTE)
		t->rows[t->count - 1].note_goes_on = false;
}

static void add_device(struct cli *c, struct tree *t, const struct evms_object *device)
{
	const char *path = evms_object_get_path(device);

	(void)c;
	add_row(t, TOP, strdup(path[0] ? path : evms_object_get_name(device)), "unclaimed",
		evms_object_get_size(device), strdup(""));
	add_notes(t, device, false);
}

/* --- printing --- */

static const char *branch_text(bool unicode, const struct row *row)
{
	static const char *const fancy[] = { "", "\u251c\u2500 ", "\u2514\u2500 " };
	static const char *const plain[] = { "", "|- ", "`- " };

	if (row->branch == NOTE)
		return row->note_goes_on ? unicode ? "\u2502  ! " : "|  ! " : "   ! ";
	return unicode ? fancy[row->branch] : plain[row->branch];
}

static void put_padded(const char *s, size_t columns, size_t width)
{
	put_safe(stdout, s);
	while (columns++ < width)
		putchar(' ');
}

static void print_tree(struct cli *c, struct tree *t)
{
	char size[SIZE_WORDS];
	size_t width = 0, columns;

	for (size_t i = 0; i < t->count; i++) {
		if (t->rows[i].branch == NOTE)
			continue;
		columns = columns_of(t->rows[i].name) + (t->rows[i].branch == TOP ? 0 : 3);
		if (columns > width && columns <= 48)
			width = columns;
	}
	for (size_t i = 0; i < t->count; i++) {
		const struct row *row = &t->rows[i];

		if (row->branch == TOP && i)
			putchar('\n');
		fputs(branch_text(c->unicode, row), stdout);
		if (row->branch == NOTE) {
			put_safe(stdout, row->name);
			putchar('\n');
			continue;
		}
		put_padded(row->name, columns_of(row->name) + (row->branch == TOP ? 0 : 3), width +
			   2);
		printf("%-9s  %10s", row->kind, size_words(row->size, size));
		if (row->details[0]) {
			fputs("  ", stdout);
			put_safe(stdout, row->details);
		}
		putchar('\n');
	}
}

static int add_kind(struct cli *c, struct tree *t, uint32_t kind,
		    void (*add)(struct cli *c, struct tree *t, const struct evms_object *o))
{
	struct evms_list *list;
	struct evms_object *o;
	int r = evms_engine_list(c->engine, kind, &list);

	if (r < 0)
		return report(c, r);
	evms_list_foreach(o, list)
		add(c, t, o);
	evms_list_unref(list);
	return 0;
}

int show_tree(struct cli *c)
{
	struct tree t = { 0 };
	int r;

	r = add_kind(c, &t, EVMS_KIND_DISK, add_disk);
	if (!r)
		r = add_kind(c, &t, EVMS_KIND_GROUP, add_group);
	if (!r)
		r = add_kind(c, &t, EVMS_KIND_FEATURE, add_feature);
	if (!r)
		r = add_kind(c, &t, EVMS_KIND_DEVICE, add_device);
	if (!r && t.failed)
		r = complain(c, EXIT_FAILED, "cli.memory", "out of memory");
	if (!r)
		print_tree(c, &t);
	for (size_t i = 0; i < t.count; i++) {
		free(t.rows[i].name);
		free(t.rows[i].details);
	}
	free(t.rows);
	return r;
}
