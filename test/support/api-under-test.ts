import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../src/lib/logger.ts'
import { type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts'
import { hasKubernetesWorld } from '../kubernetes/harness/world.ts'
import { eventually } from './eventually.ts'
import type { Test } from './tap.ts'
import { realClusters } from './world/cluster.ts'
import { type HttpReply, type HttpTarget, http, targetOfKubeconfig } from './world/http.ts'

/** A Kubernetes API that a contract is tried on: a sandbox of its own, or a real one where the run has some. */
export interface ApiUnderTest {
  kind: 'sandbox' | 'kubernetes'
  admin: HttpTarget
  /** The certificate of `system:node:<name>`. */
  node(name: string): Promise<HttpTarget>
  /** A namespace of this file alone; gone with the test. */
  namespace(): Promise<string>
  /** An image whose containers have `sh`. */
  image: string
}

/** Fields that tests read of any object. */
export interface Any {
  apiVersion?: string
  kind?: string
  metadata: {
    name: string
    namespace?: string
    uid: string
    resourceVersion: string
    generation?: number
    labels?: Record<string, string>
    annotations?: Record<string, string>
    finalizers?: string[]
    deletionTimestamp?: string
    deletionGracePeriodSeconds?: number
    continue?: string
    remainingItemCount?: number
  }
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any field of any kind.
  [field: string]: any
}

export const IMAGE = 'busybox:1.37.0-1'

/** Opens the API under test; all of it ends with the test. */
export async function openApi(
  t: Test,
  role: 'data-plane' | 'user-cluster' = 'user-cluster',
  options: Partial<SandboxOptions> = {},
): Promise<ApiUnderTest> {
  const opened = hasKubernetesWorld() ? real(role) : await sandbox(t, role, options)
  return {
    ...opened,
    image: IMAGE,
    async namespace() {
      const name = `c-${randomBytes(4).toString('hex')}`
      await ok(call(opened.admin, 'POST', '/api/v1/namespaces', { metadata: { name } }))
      t.teardown(() => call(opened.admin, 'DELETE', `/api/v1/namespaces/${name}`))
      await eventually('the default ServiceAccount', async () => {
        const reply = await call(opened.admin, 'GET', `/api/v1/namespaces/${name}/serviceaccounts/default`)
        return reply.status === 200
      })
      return name
    },
  }
}

function real(role: 'data-plane' | 'user-cluster') {
  const { dataPlane, userClusters } = realClusters()
  const cluster = role === 'data-plane' ? dataPlane : userClusters[0]!
  return {
    kind: 'kubernetes' as const,
    admin: cluster.admin,
    node: async (name: string) => targetOfKubeconfig(await cluster.nodeKubeconfig(name)),
  }
}

async function sandbox(t: Test, role: 'data-plane' | 'user-cluster', options: Partial<SandboxOptions>) {
  const dir = await mkdtemp(join(tmpdir(), 'isthmus-contract-'))
  const started = await startSandbox({
    role,
    dir,
    port: 0,
    logger: silentLogger,
    path: process.env['PATH'],
    ...options,
  })
  t.teardown(async () => {
    await started.close()
    await rm(dir, { recursive: true, force: true })
  })
  const { server, ca } = started
  return {
    kind: 'sandbox' as const,
    admin: { server, ca, token: started.adminToken },
    async node(name: string) {
      const file = join(dir, `node-${name}.kubeconfig`)
      await writeFile(file, await started.kubeconfigFor(`system:node:${name}`, ['system:nodes']))
      return targetOfKubeconfig(file)
    },
  }
}

/** One request; a body is JSON unless `type` says otherwise. */
export function call(
  target: HttpTarget,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<HttpReply> {
  return http(target, { method, path, body, headers })
}

/** PATCH of one of the types `json`, `merge`, `strategic-merge`, `apply`. */
export function patch(
  target: HttpTarget,
  type: 'json' | 'merge' | 'strategic-merge' | 'apply',
  path: string,
  body: unknown,
): Promise<HttpReply> {
  const media = type === 'apply' ? 'application/apply-patch+yaml' : `application/${type}-patch+json`
  return http(target, { method: 'PATCH', path, body, headers: { 'content-type': media } })
}

/** The object of an answer that has to be 2xx. @throws with the answer's text. */
export async function ok(reply: Promise<HttpReply>): Promise<Any> {
  const { status, text } = await reply
  if (status < 200 || status > 299) throw new Error(`${status} ${text.slice(0, 600)}`)
  return JSON.parse(text) as Any
}

/** A pod that needs no admission beyond the usual. */
export function podOf(
  name: string,
  more: Record<string, unknown> = {},
  container: Record<string, unknown> = {},
) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      containers: [{ name: 'main', image: IMAGE, command: ['sh', '-c', 'sleep 1000'], ...container }],
      ...more,
    },
  }
}
