/** The ports at which a process receives datagrams, as Linux tells. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Of IPv4 sockets, or all. Empty elsewhere than on Linux. */
export function udpPortsOf(pid: number): readonly number[] {
  if (process.platform !== 'linux') return []
  const sockets = new Set(readdirSync(`/proc/${pid}/fd`).flatMap(name => inodeOf(`/proc/${pid}/fd/${name}`)))
  const lines = readFileSync(`/proc/${pid}/net/udp`, 'utf8').trim().split('\n').slice(1)
  return lines.flatMap(line => {
    const [, address = '', , , , , , , , inode = ''] = line.trim().split(/\s+/)
    return sockets.has(inode) ? Number.parseInt(address.split(':')[1] ?? '', 16) : []
  })
}

function inodeOf(file: string): string[] {
  try {
    return [/^socket:\[(\d+)\]$/.exec(readlinkSync(file))?.[1] ?? []].flat()
  } catch {
    return [] // closed since it was listed
  }
}
