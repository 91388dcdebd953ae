import { readFile, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pino } from 'pino'
import type { SettingSources } from '../lib/settings.ts'
import type { StaticToken } from './api/auth/authenticate.ts'
import { readSandboxConfig, type SandboxConfig } from './config.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'

/** What the ready file says. */
export interface SandboxReady {
  server: string
  caFile: string
  /** Kubeconfig of an administrator. */
  kubeconfig: string
  adminToken: string
  /** Kubeconfigs of the identities that were asked for, by user name. */
  identities: Record<string, string>
}

/**
 * `isthmus sandbox`: runs until SIGTERM or SIGINT, then stops the pods and gives the exit code.
 * @throws SettingsError
 */
export async function runSandbox(sources: SettingSources): Promise<number> {
  const config = readSandboxConfig(sources).values
  const logger = pino({ name: 'isthmus-sandbox', level: config.logLevel })
  const sandbox = await startSandbox({
    role: config.role,
    dir: config.dir,
    host: config.host,
    port: config.port,
    authorization: config.authorization,
    tokens: config.tokenFile ? parseTokenFile(await readFile(config.tokenFile, 'utf8')) : [],
    faults: {
      latencyMs: config.latency,
      resetRate: config.resets / 100,
      errorRate: config.errors / 100,
      goneRate: config.gone / 100,
    },
    logger,
    path: sources.env?.['PATH'],
  })
  await announce(sandbox, config)
  const signal = await new Promise<NodeJS.Signals>((done) => {
    process.once('SIGTERM', done)
    process.once('SIGINT', done)
  })
  logger.info({ signal }, 'stopping')
  await sandbox.close()
  return 0
}

/** Writes the kubeconfigs that were asked for, then the ready file, whole at once. */
async function announce(sandbox: Sandbox, config: SandboxConfig): Promise<void> {
  const dir = resolve(config.dir)
  const identities: Record<string, string> = {}
  for (const [index, entry] of (config.identity ?? []).entries()) {
    const equals = entry.lastIndexOf('=')
    const user = equals < 0 ? entry : entry.slice(0, equals)
    const groups = equals < 0 ? [] : entry.slice(equals + 1).split('+')
    const file = join(dir, `identity-${index}.kubeconfig`)
    await writeFile(file, await sandbox.kubeconfigFor(user, groups), { mode: 0o600 })
    identities[user] = file
  }
  if (!config.readyFile) return
  const ready: SandboxReady = {
    server: sandbox.server,
    caFile: join(dir, 'ca.crt'),
    kubeconfig: join(dir, 'admin.kubeconfig'),
    adminToken: sandbox.adminToken,
    identities,
  }
  await writeFile(`${config.readyFile}.part`, JSON.stringify(ready), { mode: 0o600 })
  await rename(`${config.readyFile}.part`, config.readyFile)
}

/** `token,user,group1|group2` a line; empty lines and `#` are passed over. @throws Error with the line's number. */
export function parseTokenFile(text: string): StaticToken[] {
  return text.split('\n').flatMap((line, index) => {
    if (!line.trim() || line.startsWith('#')) return []
    const [token, user, groups = ''] = line.trim().split(',')
    if (!token || !user) throw new Error(`line ${index + 1} of the token file is not token,user,groups`)
    return [{ token, user, groups: groups.split('|').filter(Boolean) }]
  })
}
