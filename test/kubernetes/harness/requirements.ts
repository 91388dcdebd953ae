import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Kubernetes 1.36's go.mod asks for it. */
const GO_MINOR = 26

/** What the harness starts or calls, and the Debian package that brings it. */
const COMMANDS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  setpriv: 'util-linux',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  flock: 'util-linux',
  mount: 'mount',
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  busybox: 'busybox-static',
  haproxy: 'haproxy',
}

/** Where Debian's containernetworking-plugins puts them. */
export const CNI_PLUGINS = '/usr/lib/cni'

/**
 * Says what this machine lacks for a real Kubernetes, one sentence each; an empty list means that it can run.
 * A control plane alone would need less, but every suite needs a node somewhere.
 */
export function missingRequirements(path = process.env['PATH'] ?? ''): string[] {
  if (process.platform !== 'linux') return [`Linux: this is ${process.platform}`]
  const missing: string[] = []
  if (process.getuid?.() !== 0) missing.push('root: bridges, mounts and cgroups are made')
  const go = goVersion()
  if (!go) missing.push(`Go 1.${GO_MINOR} or newer on the PATH`)
  else if (go.minor < GO_MINOR) missing.push(`Go 1.${GO_MINOR} or newer: this is ${go.text}`)
  const packages = new Set<string>()
  for (const [command, debian] of Object.entries(COMMANDS)) {
    if (!findCommand(command, path)) packages.add(debian)
  }
  if (!readable(join(CNI_PLUGINS, 'bridge'))) packages.add('containernetworking-plugins')
  if (packages.size > 0) missing.push(`Debian packages: apt-get install ${[...packages].sort().join(' ')}`)
  return missing
}

/** The absolute path of a command; Debian keeps some of them in sbin, which a user's PATH may lack. */
export function findCommand(name: string, path = process.env['PATH'] ?? ''): string | undefined {
  for (const folder of [...path.split(':'), '/usr/sbin', '/sbin']) {
    if (folder && readable(join(folder, name), constants.X_OK)) return join(folder, name)
  }
  return undefined
}

/** The same, for one that `missingRequirements` has seen. */
export function requireCommand(name: string): string {
  const found = findCommand(name)
  if (!found) throw new Error(`${name} is not installed (Debian package ${COMMANDS[name] ?? name})`)
  return found
}

function readable(file: string, mode = constants.R_OK): boolean {
  try {
    accessSync(file, mode)
    return true
  } catch {
    return false
  }
}

function goVersion(): { minor: number; text: string } | undefined {
  try {
    const text = execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).trim()
    const minor = /^go1\.(\d+)/.exec(text)?.[1]
    return minor ? { minor: Number(minor), text } : undefined
  } catch {
    return undefined
  }
}
