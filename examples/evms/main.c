/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* evms: the command-line client of libevms, and an example of how to use it. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include "cli.h"

#define CHANGE	(TAKES_PAIRS | TAKES_CHANGE)

const struct command commands[] = {
	{ "show", "[DEVICE...]", "Show what is on devices: disks, partitions, groups, volumes",
	  "Without devices, all block devices of the system are looked at.\n\n"
	  "  evms show disk.img                 a tree\n"
	  "  evms show --json /dev/sda          everything, for programs (docs/json.md)\n"
	  "  evms show --dot a.img b.img | dot -Tsvg > disks.svg",
	  cmd_show, TAKES_VIEW, EVMS_OP_COUNT },
	{ "plan", "LAYOUT DEVICE...", "Show what applying a layout would change; cannot write",
	  "LAYOUT is a JSON file (docs/layout.md), \"-\" for standard input. The devices stand for "
	  "the disks of\n"
	  "the layout, in its order.\n\n"
	  "  evms plan server.json a.img b.img",
	  cmd_plan, 0, EVMS_OP_COUNT },
	{ "apply", "LAYOUT DEVICE...", "Bring devices to what a layout describes",
	  "What matches already is kept, so that a second apply does nothing.\n\n"
	  "  evms apply server.json a.img b.img\n"
	  "  evms apply --yes --json server.json /dev/sda /dev/sdb",
	  cmd_apply, TAKES_CHANGE, EVMS_OP_COUNT },
	{ "create", "PLUGIN [INPUT...] [KEY=VALUE...] [DEVICE...]",
	  "Make a partition, a group, a region of a group, or a feature object",
	  "  evms create gpt disk.img size=1GiB name=boot\n"
	  "  evms create lvm2 a.img/pv b.img/pv name=vg a.img b.img\n"
	  "  evms create lvm2 vg name=home size=30% a.img b.img\n"
	  "  evms create drivelink a.img/x b.img/x name=link -d a.img -d b.img",
	  cmd_change, CHANGE, EVMS_OP_CREATE },
	{ "delete", "OBJECT [DEVICE...]", "Remove a partition, region, group or feature object",
	  "  evms delete vg/home a.img b.img\n"
	  "  evms delete disk.img/p3 --dry-run -d disk.img",
	  cmd_change, CHANGE, EVMS_OP_DELETE },
	{ "expand", "OBJECT [SIZE | MEMBER...] [DEVICE...]",
	  "Make larger, with the file system; or add members to a group or link",
	  "  evms expand vg/home +1GiB a.img b.img     by 1 GiB\n"
	  "  evms expand disk.img/root 20GiB disk.img  to 20 GiB\n"
	  "  evms expand vg c.img/pv -d a.img -d b.img -d c.img",
	  cmd_change, CHANGE, EVMS_OP_EXPAND },
	{ "shrink", "OBJECT [SIZE | MEMBER...] [DEVICE...]",
	  "Make smaller, the file system first; or take members off a group",
	  "  evms shrink vg/home -1GiB a.img b.img\n"
	  "  evms shrink vg/home 5GiB a.img b.img",
	  cmd_change, CHANGE, EVMS_OP_SHRINK },
	{ "rename", "OBJECT NAME [DEVICE...]", "Change the name that is stored on the device",
	  "  evms rename vg/home users a.img b.img\n"
	  "  evms rename --plugin ext vg/home users a.img b.img    the label of the file system",
	  cmd_change, CHANGE, EVMS_OP_RENAME },
	{ "set", "OBJECT KEY=VALUE... [DEVICE...]", "Change attributes",
	  "  evms set disk.img/p1 type=esp disk.img",
	  cmd_change, CHANGE, EVMS_OP_SET },
	{ "assign", "PLUGIN DISK [DEVICE...]", "Give a new disk to a partition manager",
	  "  evms assign gpt disk.img",
	  cmd_change, CHANGE, EVMS_OP_ASSIGN },
	{ "unassign", "DISK [DEVICE...]", "Remove the partition table of a disk without partitions",
	  "  evms unassign disk.img",
	  cmd_change, CHANGE, EVMS_OP_UNASSIGN },
	{ "repair", "OBJECT [DEVICE...]", "Write damaged or stale metadata anew from what is good",
	  "  evms repair disk.img",
	  cmd_change, CHANGE, EVMS_OP_REPAIR },
	{ "mkfs", "TYPE VOLUME [KEY=VALUE...] [DEVICE...]", "Make a file system on a volume",
	  "  evms mkfs ext4 vg/home label=home a.img b.img\n"
	  "  evms mkfs vfat disk.img/esp disk.img",
	  cmd_change, CHANGE, EVMS_OP_MKFS },
	{ "check", "VOLUME [DEVICE...]", "Check the file system of a volume",
	  "  evms check vg/home a.img b.img",
	  cmd_change, CHANGE, EVMS_OP_CHECK },
	{ "unmkfs", "VOLUME [DEVICE...]", "Remove the file system of a volume",
	  "  evms unmkfs vg/home a.img b.img",
	  cmd_change, CHANGE, EVMS_OP_UNMKFS },
	{ "wipe", "OBJECT [DEVICE...]", "Remove every signature from an object that nobody uses",
	  "  evms wipe disk.img/p3 disk.img",
	  cmd_change, CHANGE, EVMS_OP_WIPE },
	{ "read", "VOLUME [DEVICE...] > FILE", "Write the bytes of a volume to standard output",
	  "  evms read vg/home a.img b.img > home.img\n"
	  "  evms read vg/home --offset 1MiB --length 4K a.img b.img | xxd",
	  cmd_read, TAKES_RANGE, EVMS_OP_COUNT },
	{ "write", "VOLUME [DEVICE...] < FILE", "Write standard input to a volume",
	  "Asks when the volume holds a file system, unless --yes is given.\n\n"
	  "  evms write vg/home a.img b.img < home.img",
	  cmd_write, TAKES_RANGE | TAKES_YES, EVMS_OP_COUNT },
	{ "export", "VOLUME FILE [DEVICE...]", "Show a volume as a file, through FUSE, until "
	"interrupted",
	  "Needs no root. FILE is made when it is not there.\n\n"
	  "  evms export vg/home home.volume a.img b.img &\n"
	  "  e2fsck -f home.volume",
	  cmd_export, TAKES_READ_ONLY, EVMS_OP_COUNT },
	{ "mount", "VOLUME DIRECTORY [DEVICE...]", "Mount a volume, through FUSE and a loop device "
	"(root)",
	  "  evms mount vg/home /mnt a.img b.img\n"
	  "  evms mount --read-only -o noexec vg/home /mnt /dev/sda",
	  cmd_mount, TAKES_READ_ONLY | TAKES_MOUNT, EVMS_OP_COUNT },
	{ "umount", "DIRECTORY", "Undo evms mount (root)",
	  "  evms umount /mnt",
	  cmd_umount, 0, EVMS_OP_COUNT },
	{ "plugins", "[PLUGIN]", "List the plug-ins, or explain one",
	  "  evms plugins\n"
	  "  evms plugins lvm2",
	  cmd_plugins, 0, EVMS_OP_COUNT },
	{ "completion", "bash|zsh", "Print a completion script for a shell",
	  "  eval \"$(evms completion bash)\"",
	  cmd_completion, 0, EVMS_OP_COUNT },
	{ "help", "[COMMAND] [PLUGIN]", "Explain a command or a plug-in", "", cmd_help, 0,
	EVMS_OP_COUNT },
	{ .name = NULL }
};

const struct command *find_command(const char *name)
{
	for (const struct command *k = commands; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

static int print_version(void)
{
	unsigned major, minor, patch;

	evms_get_version(&major, &minor, &patch);
	printf("evms %s, libevms %u.%u.%u\n", EVMS_VERSION_STRING, major, minor, patch);
	return 0;
}

static int run(struct cli *c)
{
	if (c->version)
		return print_version();
	if (c->help || !c->command) {
		int r = show_help(c, c->command, c->command && c->arg_count ? c->args[0] : NULL);

		/* Without a command, help is all that can be given, and it was not asked for. */
		return r || c->help ? r : EXIT_USAGE;
	}
	return c->command->run(c);
}

int main(int argc, char **argv)
{
	struct cli c = { .length = 0 };
	int r;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	c.unicode = !strcmp(nl_langinfo(CODESET), "UTF-8");
	r = parse_options(&c, argc, argv);
	if (!r)
		r = run(&c);
	session_close(&c);
	/* Nobody reads on, as with "| head": no reason to say anything. */
	if ((fflush(stdout) || ferror(stdout)) && !r) {
		if (errno != EPIPE)
			perror("evms: standard output");
		r = EXIT_FAILED;
	}
	free_options(&c);
	return r;
}
