/** rsync over ssh: a private sshd on this machine with keys made for the run. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { findProgram, freePort } from './programs'
import type { RunContext, Tool } from './run'

const SSHD = '/usr/sbin/sshd'

export const rsync: Tool = {
  name: 'rsync over ssh',
  missing: () => {
    const absent = ['rsync', 'ssh', 'ssh-keygen'].filter(name => findProgram(name) === undefined)
    if (!existsSync(SSHD)) absent.push('sshd')
    return absent.length > 0 ? `${absent.join(' and ')} not installed` : undefined
  },
  run: async context => {
    const { folder, source, workload } = context
    const port = await freePort()
    const shell = await startSshd(context, port)
    const target = join(folder, 'target')
    mkdirSync(target)
    const from = `127.0.0.1:${source}${workload.isFile ? '' : '/'}`
    const fetch = () => context.finish('receiver', 'rsync', ['-a', '-e', shell, from, `${target}/`])
    await context.time('fetch', fetch)
    context.check(workload.isFile ? join(target, basename(source)) : target)
    await context.time('fetch again', fetch)
  },
}

/** → the command that reaches it, for rsync's -e. */
async function startSshd(context: RunContext, port: number): Promise<string> {
  const hostKey = join(context.folder, 'host')
  const userKey = join(context.folder, 'user')
  const config = join(context.folder, 'sshd_config')
  for (const key of [hostKey, userKey])
    await context.finish('sender', 'ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  // sshd of a system that never started one has no folder for its unprivileged half.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${userKey}.pub`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  const sshd = context.start('sender', SSHD, ['-D', '-e', '-f', config])
  await sshd.line(line => line.includes('Server listening'), { from: 'stderr', timeout: 10_000 })
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'IdentitiesOnly=yes',
    'LogLevel=ERROR',
  ]
  return `ssh -p ${port} -i ${userKey} ${options.map(option => `-o ${option}`).join(' ')}`
}
