/** The help texts. They are the documentation of the command: names, outputs and exit codes in them are a contract. */
import { COMMANDS, type CommandName } from './arguments'

const SUMMARIES: Record<CommandName, string> = {
  share: 'Share a folder or file: print its link, serve it until Ctrl-C',
  get: 'Save a copy of a share, or bring a copy up to date',
  ls: 'List a folder of a share',
  cat: 'Write a file of a share to standard output',
  log: 'List the versions of a share, or of a file or folder of it',
  diff: 'List what is different between two versions of a share',
  seed: 'Fetch all of a share and serve it until Ctrl-C',
  status: 'Show what the peer process shares and fetches, and with whom',
  stop: 'End the peer process in order',
  dht: 'Run a private DHT, for networks without internet',
}

const OVERVIEW = `Peerfold: share folders directly between machines, encrypted, without a server.

Usage: peerfold <command> [options]

${COMMANDS.map(name => `  ${name.padEnd(8)}${SUMMARIES[name]}`).join('\n')}

A first share:
  peerfold share ./project               prints a link; keep it running
  peerfold get <link> ./project-copy     on another machine

Options of every command that uses the network:
  --bootstrap <host:port[,host:port…]>   find peers through these nodes instead of the public ones
                                         (or those of $PEERFOLD_BOOTSTRAP)
  --storage <folder>                     the data folder, with keys and shares; default: your editor's
                                         (or that of $PEERFOLD_STORAGE)
  --json                                 prints one JSON object a line, each with an "event" (not “cat”)
  --timeout <seconds>                    how long to look for the share; default 30
  -h, --help                             this text, or that of a command: peerfold get --help
  -V, --version                          the version

<link> is a link in any form: vscode://peerfold.peerfold/open/pf…, pf…, the key of a Hyperdrive (z-base-32, hex,
pear://, hyper://), or a message with one of them in it. “-” reads it from standard input, which no other user of this
machine can see. A link may point at a file or folder of its share, and at a version: get, ls, cat and log take that.

get, ls and cat read the newest version, or the one that --at names: its number as “log” lists it, a time (2026-03-01,
“2026-03-01 18:30”), which means the newest version of that time, or how long ago that was (90m, 2h, 3d, 1w). Content
that nobody keeps any more is not waited for.

Exit codes:
  0    done
  1    failed
  2    wrong usage, or no link
  3    nobody was found who has it
  4    done, but not complete: some entries could not be written here (get)
  130  interrupted
  141  whoever read the output went away (ls, cat, status)

All commands and editors on one data folder share one peer process. It starts with the first of them and ends with the
last. A command that names other bootstrap nodes than it uses is refused.
`

const DETAILS: Record<CommandName, string> = {
  share: `Usage: peerfold share <folder> [--public] [--once] [--new-link] [--yes] [options]

Publishes a folder (or a single file) and serves it until Ctrl-C. The first line of standard output is the link, once
everything is published. Changes in the folder follow within a second or two. The same folder in the same data folder
gets the same link every time.

Left out are .git, what .gitignore and .peerfoldignore name, files that look like secrets (keys, .env), and empty
folders.

  --public     do not encrypt: every Hyperdrive client can read it by its key. Default: private, for those alone who
               have the link; a mirror can pass it on without being able to read it.
  --once       publish it as it is now, and do not follow changes
  --new-link   give the folder a new link; the one it had gets no new versions
  --yes        share also a home folder or a whole disk, which is refused otherwise

With --json: "progress" {files, bytes, totalFiles, totalBytes, rate} while it is read, then once
  {"event":"sharing", "link", "key" (the drive's public key, z-base-32), "files", "bytes",
   "skipped": [{path, reason, detail}] (at most 1,000), "skippedCount",
   "unportable": [{path, reason, detail}] (at most 1,000), "unportableCount"}
Ctrl-C ends it with exit code 130.
`,
  get: `Usage: peerfold get <link> <folder> [--at <version|time>] [options]
       peerfold get <link> <folder> --live [--only <pattern>]… [--yes] [options]

Writes the newest version that can be found into <folder>, and makes the folder if need be. Run it again to continue
or to update: only what is missing or changed is fetched. A file that you changed is never overwritten: theirs is
saved next to it. Files that are no longer shared stay. What cannot be written here is skipped and listed. Of a link
to a file or folder in a share, that alone is written, under its name, into <folder>.

  --live            keep the folder in sync until Ctrl-C: what is saved in the share is written, what is renamed there
                    is renamed, what is deleted there is taken away, and can be restored for some days. What you changed
                    or deleted in the folder stays so. It waits, and says so, when a version would take most files away
                    or make more than 50 conflicts, and when the folder was emptied.
  --only <pattern>  keep only what the pattern names, as in an ignore file: a file, a folder with all that is in it
                    (docs), or by name at any depth (*.md). May be given several times.
  --yes             go on where it would wait for an answer

Exit code 0: the copy is complete, also when nobody could say whether there is a newer version (a note tells). 4: all is
done but what could not be written here (the last line says how much). 3: nobody was found who has it, or nobody who
has the rest.

With --json: "progress" {files, bytes, totalFiles, totalBytes, rate}, then
  {"event":"done", "complete" (false with exit code 4), "files", "bytes",
   "fetched" (content bytes that came over the network),
   "skipped": [{path, reason, detail}] (at most 1,000), "skippedCount", "conflicts": [{path, copy}], "warnings",
   "stale": true when nobody was there to ask, "silent": [{id, name}] of those who did not answer in time}
or {"event":"error", "code", "message"}.
With --live --json, of each version, paths inside <folder>:
  {"event":"version", "version"}, then as it is done "written" {path, from (renamed from there)}, "removed" {path},
  "conflict" {path, copy (where theirs lies)}, at its end "in-step" {version, conflicts (in all)};
  "left-out" {unwritten, absent} when the number of files changes that cannot be written here, or that nobody has;
  "waiting" {code, message} when something keeps it from going on, and "unsure" {reason} when nobody is there who could
  say whether there is a newer version.
Ctrl-C ends it with exit code 130.
`,
  ls: `Usage: peerfold ls <link> [path] [--at <version|time>] [options]

Lists a folder of the share: one path a line, folders with a “/” at the end. Without a path it is what the link points
at, or the top level. Paths begin at the top of the share, with a “/” or without. Links to folders are followed inside
the share. Characters that a terminal would act on are shown as \\u{…}.

With --json one line for each entry: {"event":"entry", "path", "type": "file" | "folder" | "link", "size" (bytes),
"mtime" (milliseconds since 1970, or null when the share does not say), "executable", and of a link its "target"};
and at the end, when it is not certain that this is the newest version, {"event":"doubt", "stale", "silent"} as of
“get”.
`,
  cat: `Usage: peerfold cat <link> [path] [--at <version|time>] [options]

Writes one file, of any size, to standard output. Without a path it is the file that the link points at, or that is
the share. Links are followed inside the share.
`,
  log: `Usage: peerfold log <link|folder> [path] [--at <version|time>] [--limit <n>] [options]

Lists the versions of a share, the newest first: number, time, and what changed. With a path, those that changed that
file, or something in that folder. Instead of a link, a folder or file that is shared from here. What a version says of
itself is the word of who published it.

  --at <version|time>   begin with this version
  --limit <n>           list so many; default 50

With --json one line for each: {"event":"version", "version", "time" (milliseconds since 1970),
"changes": {added, changed, removed, bytes} or of one file "change": "added" | "changed" | "removed" and its "size",
"kept": false when its content is no longer kept, "pinned"}; what is not known is absent. When there are older ones,
{"event":"older", "next"}: go on with --at.
`,
  diff: `Usage: peerfold diff <link|folder> <version|time> <version|time> [options]

Lists what is different from the first version to the second, one path a line: “+” added, “-” removed, “~” changed.
Content, kind and executable bit count; times do not.

With --json one line for each: {"event":"difference", "path", "type", "before" (bytes or null), "now"}; at the end
{"event":"done", "from", "to", "added", "changed", "removed", "bytes"}.
`,
  seed: `Usage: peerfold seed <link> [options]

Fetches all of the newest version that can be found, and serves it until Ctrl-C, so that others get it while whoever
shared it is away; all of the share, also where the link points at a part. Prints one line once all of it is here. New
versions follow by themselves.

With --json: "progress", then {"event":"done", …} as of “get” when all is here, and {"event":"sharing", …} as of
“share”. Ctrl-C ends it with exit code 130.
`,
  status: `Usage: peerfold status [options]

Shows what the peer process shares, opens and transfers, and its peers. Exit code 0 also when none runs.

With --json: {"event":"status", "running": true, "pid", "version", "state"} or {"event":"status", "running": false}.
`,
  stop: `Usage: peerfold stop [options]

Ends the peer process in order, also one that editors use. They start it again when they need it.

With --json: {"event":"stopped", "wasRunning"}.
`,
  dht: `Usage: peerfold dht [--port <n>] [--host <address>] [--json]

Runs a private DHT of ten nodes until Ctrl-C, so that peers find each other without the internet. The first line of
standard output is the host:port of its bootstrap node. Give that to commands on all machines as --bootstrap, and to
editors in the setting “Peerfold: Bootstrap”.

  --port <n>          port of the bootstrap node; default: a free one
  --host <address>    address to listen at; default 127.0.0.1, which only this machine can reach. Use this machine's
                      address in your network to let others in.

With --json: {"event":"listening", "address"}.
`,
}

export function helpText(command?: CommandName): string {
  if (command === undefined) return OVERVIEW
  const common = command === 'dht' ? '' : '\nOptions of every command, links, exit codes: peerfold --help\n'
  return `${SUMMARIES[command]}.\n\n${DETAILS[command]}${common}`
}
