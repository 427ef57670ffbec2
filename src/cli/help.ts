/** The help texts. They are the documentation of the command: names, outputs and exit codes in them are a contract. */
import { COMMANDS, type CommandName } from './arguments'

const SUMMARIES: Record<CommandName, string> = {
  share: 'Share a folder or file: print its link, serve it until Ctrl-C',
  get: 'Save a copy of a share, or bring a copy up to date',
  ls: 'List a folder of a share',
  cat: 'Write a file of a share to standard output',
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
  --bootstrap <host:port[,host:port…]>   join the DHT through these nodes instead of the public ones
  --storage <folder>                     data folder with the keys and the store; default: the one that the editor
                                         uses (or $PEERFOLD_STORAGE). Commands on one data folder work together.
  --json                                 standard output is one JSON object a line, each with an "event" (not “cat”)
  --timeout <seconds>                    for finding the share; default 30
  -h, --help                             this text, or that of a command: peerfold get --help
  -V, --version                          the version

<link> is any form of link: vscode://peerfold.peerfold/open/pf…, pf…, or the key of a Hyperdrive (z-base-32, hex,
pear://, hyper://). “-” reads it from standard input: arguments can be read by every user of this machine. A link may
point at a file or folder of its share: that is what get, ls and cat take then.

Exit codes: 0 done, 1 failed, 2 wrong usage or bad link, 3 nobody found who has it, 4 done, but not complete: entries
of the share could not be written here (get), 130 interrupted, 141 whoever read the output went away (ls, cat, status).

Commands start a peer process or join the one that runs on their data folder, perhaps an editor's. It ends with
the last of those who use it. One that uses other bootstrap nodes than those asked for is refused.
`

const DETAILS: Record<CommandName, string> = {
  share: `Usage: peerfold share <folder> [--public] [--once] [--new-link] [options]

Publishes a folder (or a single file) and serves it until Ctrl-C. The link alone is the first line of standard
output; it comes when everything is published. Changes in the folder are published within a second or two.
The same folder in the same data folder gets the same link every time.

What .gitignore and .peerfoldignore name, .git, and files that look like secrets (keys, .env) are left out. Empty
folders are not carried.

  --public     without encryption: every Hyperdrive client can read it, and the link is the drive's key and a name.
               Default: private; whoever has the link can read it, an always-on mirror without it cannot.
  --once       publish it as it is now and do not follow changes
  --new-link   forget the share that the folder has, if any, and make another: the link it had gets no new versions

With --json: "progress" {files, bytes, totalFiles, totalBytes, rate} while it is read, then once
  {"event":"sharing", "link", "key" (the drive's public key, z-base-32), "files", "bytes",
   "skipped": [{path, reason, detail}] (at most 1,000), "skippedCount",
   "unportable": [{path, reason, detail}] (at most 1,000), "unportableCount"}
Ctrl-C ends it with exit code 130.
`,
  get: `Usage: peerfold get <link> <folder> [options]

Writes the newest version that can be found into <folder>, which is made if it is missing. Run again it continues:
only what is missing or changed is fetched. A file that you changed is never overwritten: the incoming one lands
beside it under a conflict name. Files that the share no longer has are kept. Entries that cannot be written here are
skipped and listed. Of a link that points at a file or folder, that alone is written, under its name in <folder>.

Ends with exit code 0 when the copy is complete, also when nobody was there to ask for a newer version, or somebody
did not tell within two seconds (a note says so); with 4 when all is done but entries that could not be written here
(the last line says how many); with 3 when nobody who has it was found, or nobody is left who has the rest.

With --json: "progress" {files, bytes, totalFiles, totalBytes, rate}, then
  {"event":"done", "complete" (false with exit code 4), "files", "bytes",
   "fetched" (content bytes that came over the network),
   "skipped": [{path, reason, detail}] (at most 1,000), "skippedCount", "conflicts": [{path, copy}], "warnings",
   "stale": true when nobody was there to ask, "silent": [{id, name}] who was there and did not tell in time}
or {"event":"error", "code", "message"}.
`,
  ls: `Usage: peerfold ls <link> [path] [options]

Lists a folder of the share, one path a line, folders with a “/” at the end. Without a path: what the link points at,
or the top level. Paths are relative to the share; a leading “/” makes no difference. Links on the way to the folder are followed inside the
share. Characters that could upset a terminal are shown as \\u{…}.

With --json one line for each entry: {"event":"entry", "path", "type": "file" | "folder" | "link", "size" (bytes),
"mtime" (milliseconds since 1970, or null when the share does not say), "executable", and of a link its "target"};
and at the end, when it is not certain that this is the newest version, {"event":"doubt", "stale", "silent"} as of
“get”.
`,
  cat: `Usage: peerfold cat <link> [path] [options]

Writes the bytes of one file to standard output, fetching what is not here yet. Files of any size. Without a path: the
file that the link points at, or that is the share. Links are followed inside the share.
`,
  seed: `Usage: peerfold seed <link> [options]

Fetches everything of the newest version that can be found and serves it until Ctrl-C, so that others get it while the
one who shared it is away, all of the share also where the link points at a part of it. Prints one line once everything is here and announced; follows new versions.

With --json: "progress", then {"event":"done", …} as of “get” when all is here, and {"event":"sharing", …} as of
“share”. Ctrl-C ends it with exit code 130.
`,
  status: `Usage: peerfold status [options]

Shows what the running peer process shares, opens and transfers, and its peers. Starts none. Exit code 0 either way.

With --json: {"event":"status", "running": true, "pid", "version", "state"} or {"event":"status", "running": false}.
`,
  stop: `Usage: peerfold stop [options]

Ends the running peer process in order, also one that editors use; they start it again when they need it.

With --json: {"event":"stopped", "wasRunning"}.
`,
  dht: `Usage: peerfold dht [--port <n>] [--host <address>] [--json]

Runs a private DHT of ten nodes in this process, until Ctrl-C. The first line of standard output is host:port of its
bootstrap node: give it to every command, on every machine, with --bootstrap, and to editors in the setting
“Peerfold: Bootstrap”. Nothing then needs the internet.

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
