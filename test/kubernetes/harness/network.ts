import { execFileSync } from 'node:child_process'
import { createServer } from 'node:net'
import { removeCgroups } from './cgroups.ts'

/** Each cluster gets one /24 of this range, and in it a bridge with the first address. */
const RANGE = '10.213'
const PREFIX = 'isthmus'

/** A cluster's own piece of this machine's network. */
export interface Bridge {
  /** Interface name, also the name of the cluster's cgroup. */
  name: string
  /** The machine's address on it: API server, kubelet (or agent) listen there, and pods reach it. */
  address: string
  /** The pods' network. */
  subnet: string
}

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/**
 * Makes a bridge with an address. A kubelet refuses a loopback address and an API server does not advertise
 * one; a bridge works without any port. Adding a link by name is atomic in the kernel, so that several
 * runs at once never get the same network. The owner's pid is written on the link itself (its alias), which
 * is how a later run finds what a killed one has left.
 */
export function createBridge(): Bridge {
  for (let third = 0; third < 250; third++) {
    const name = `${PREFIX}${third}`
    try {
      ip('link', 'add', 'name', name, 'type', 'bridge')
    } catch (error) {
      if (String((error as { stderr?: unknown }).stderr).includes('exists')) continue
      throw error
    }
    const address = `${RANGE}.${third}.1`
    ip('link', 'set', name, 'alias', `pid=${process.pid}`)
    ip('addr', 'add', `${address}/24`, 'dev', name)
    ip('link', 'set', name, 'up')
    return { name, address, subnet: `${RANGE}.${third}.0/24` }
  }
  throw new Error(`no free network in ${RANGE}.0.0/16`)
}

export function removeBridge(name: string): void {
  ip('link', 'del', name)
}

/** Names of the bridges that runs on this machine have made. */
export function listBridges(): string[] {
  return bridges().map(({ ifname }) => ifname)
}

function bridges(): { ifname: string; ifalias?: string }[] {
  const links = JSON.parse(ip('-j', 'link', 'show', 'type', 'bridge')) as {
    ifname?: string
    ifalias?: string
  }[]
  return links.flatMap(({ ifname, ifalias }) => (ifname?.startsWith(PREFIX) ? [{ ifname, ifalias }] : []))
}

/** Removes the bridges and cgroups of runs that were killed and could not do it themselves. */
export function sweepBridges(): string[] {
  const swept: string[] = []
  for (const { ifname, ifalias } of bridges()) {
    const pid = /^pid=(\d+)$/.exec(ifalias ?? '')?.[1]
    if (!pid || alive(Number(pid))) continue
    removeCgroups(ifname)
    removeBridge(ifname)
    swept.push(ifname)
  }
  return swept
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A port that nobody listens on at this address. */
export async function freePort(address: string): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, address, resolve)
  })
  const bound = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (bound === null || typeof bound === 'string') throw new Error(`no TCP port at ${address}`)
  return bound.port
}
