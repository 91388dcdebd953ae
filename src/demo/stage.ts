import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiClient, createApiClient } from '../cli/api/client.ts'
import { createKubeClient, type KubeClient } from '../kube/client/index.ts'
import { type Started, startProcess } from './processes.ts'

export interface GatewayReady {
  publicUrl: string
  operatorUrl: string
  caFile: string
  /** Holds the first operator's token. */
  operatorTokenFile: string
}

export interface SandboxReady {
  server: string
  caFile: string
  /** Kubeconfig of an administrator. */
  kubeconfig: string
  adminToken: string
  /** Kubeconfigs of the identities that were asked for, by user name. */
  identities: Record<string, string>
}

/** Name of the virtual node that the demo shows. */
export const NODE = 'isthmus-east'

/** What the steps act on. Filled step by step; whatever was started is stopped in the opposite order. */
export interface Stage {
  folder: string
  gateway: GatewayReady
  dataPlane: SandboxReady
  userCluster: SandboxReady
  /** The operator face, as the first operator. */
  operator: ApiClient
  /** The user's cluster, as its administrator. */
  user: KubeClient
  /** The data plane, as its administrator: to show what really runs there. */
  physical: KubeClient
  start<T>(name: string, args: readonly string[]): Promise<Started<T>>
  /** Another client, closed with the stage. */
  keepOpen<T extends { close(): Promise<void> }>(client: T): T
  close(): Promise<void>
}

/**
 * Starts gateway and sandboxes side by side, as processes of their own that meet only over TLS.
 * @throws when one does not start or the signal is aborted meanwhile; then all have ended
 */
export async function openStage(signal: AbortSignal): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-demo-'))
  // For root: the embedded Postgres runs as nobody, who has to pass through.
  chmodSync(folder, 0o711)
  const started: Started<unknown>[] = []
  const clients: { close(): Promise<void> }[] = []
  async function start<T>(name: string, args: readonly string[]): Promise<Started<T>> {
    const process = await startProcess<T>(folder, name, args, signal)
    started.push(process)
    return process
  }
  async function close(): Promise<void> {
    for (const client of clients.splice(0).reverse()) await client.close()
    for (const process of started.splice(0).reverse()) await process.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  function keepOpen<T extends { close(): Promise<void> }>(client: T): T {
    clients.push(client)
    return client
  }
  const sandbox = (role: string, ...args: string[]) =>
    start<SandboxReady>(role, [
      'sandbox',
      '--role',
      role,
      '--dir',
      join(folder, role),
      '--port',
      '0',
      ...args,
    ])
  const begun = await Promise.allSettled([
    start<GatewayReady>('gateway', [
      'gateway',
      '--dev',
      '--data-dir',
      join(folder, 'gateway'),
      '--port',
      '0',
      '--operator-port',
      '0',
    ]),
    sandbox('data-plane'),
    sandbox('user-cluster', '--identity', `system:node:${NODE}=system:nodes`),
  ])
  const failed = begun.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    await close()
    throw failed.reason
  }
  const [gateway, dataPlane, userCluster] = begun.map(
    (result) => (result as PromiseFulfilledResult<Started<unknown>>).value.ready,
  ) as [GatewayReady, SandboxReady, SandboxReady]
  const text = (file: string) => readFileSync(file, 'utf8').trim()
  const admin = (ready: SandboxReady) =>
    keepOpen(createKubeClient({ server: ready.server, ca: text(ready.caFile), token: ready.adminToken }))
  const operator = keepOpen(
    createApiClient({
      server: gateway.operatorUrl,
      ca: text(gateway.caFile),
      token: text(gateway.operatorTokenFile),
    }),
  )
  const [physical, user] = [admin(dataPlane), admin(userCluster)]
  return { folder, gateway, dataPlane, userCluster, operator, user, physical, start, keepOpen, close }
}
