import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { type Runtime, type RuntimeOptions, startRuntime } from '../../src/sandbox/runtime/index.ts'
import type { Pod, PodStatus } from '../../src/sandbox/runtime/types.ts'
import {
  createMemoryStore,
  type KubeObject,
  type MemoryStore,
  readers,
} from '../../src/sandbox/store/index.ts'
import { eventually } from './eventually.ts'
import type { Test } from './tap.ts'

/** A store with the resources that scheduler and runtime use, without the API server in front of it. */
export function makeSandboxStore(): MemoryStore {
  const cluster = new Set(['nodes', 'namespaces', 'priorityclasses.scheduling.k8s.io'])
  return createMemoryStore({
    clock: systemClock,
    logger: silentLogger,
    traits: (resource) => ({
      namespaced: !cluster.has(resource),
      generation: resource === 'pods' || resource === 'nodes' || resource.endsWith('.apps'),
      graceful: resource === 'pods',
      fields: resource === 'pods' ? readers('spec.nodeName', 'spec.schedulerName', 'status.phase') : {},
    }),
  })
}

export interface RuntimeHarness {
  store: MemoryStore
  runtime: Runtime
  /** Makes a pod bound to the runtime's node. */
  createPod(name: string, spec: Record<string, unknown>, metadata?: Record<string, unknown>): Pod
  getPod(name: string): Pod | undefined
  /** Waits until the pod's status fulfils `check`, and returns it. */
  status(name: string, what: string, check: (status: PodStatus) => unknown): Promise<PodStatus>
  log(name: string, container?: string): Promise<string>
  /** The directory in which a container starts. */
  rootOf(name: string, container?: string): string
  /** Reasons of the Events about a pod, in order. */
  reasons(name: string): string[]
}

/** A runtime in a directory of its own, with short back-off; it ends with the test. */
export async function startRuntimeHarness(
  t: Test,
  options: Partial<RuntimeOptions> = {},
): Promise<RuntimeHarness> {
  const dir = await mkdtemp(join(tmpdir(), 'isthmus-runtime-'))
  const store = makeSandboxStore()
  const runtime = await startRuntime({
    store,
    clock: systemClock,
    logger: silentLogger,
    dir,
    backoffBaseMs: 20,
    backoffMaxMs: 100,
    path: process.env['PATH'] ?? '',
    ...options,
  })
  t.teardown(async () => {
    await runtime.stop()
    await rm(dir, { recursive: true, force: true })
  })
  const getPod = (name: string) => store.get<Pod>('pods', { namespace: 'default', name })
  return {
    store,
    runtime,
    getPod,
    createPod(name, spec, metadata = {}) {
      const object = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'default', name, ...metadata },
        spec: { nodeName: runtime.nodeName, terminationGracePeriodSeconds: 2, ...spec },
        status: { phase: 'Pending' },
      }
      return store.create('pods', object) as unknown as Pod
    },
    status: (name, what, check) =>
      eventually(`${name}: ${what}`, () => {
        const status = getPod(name)?.status
        return status && check(status) ? status : undefined
      }),
    async log(name, container = 'main') {
      const body = await runtime.backend.logs({
        pod: getPod(name) as never,
        container,
        follow: false,
        previous: false,
        timestamps: false,
        insecureSkipTLSVerifyBackend: false,
        signal: new AbortController().signal,
      })
      return (await body.toArray()).map(String).join('')
    },
    rootOf: (name, container = 'main') =>
      join(dir, 'pods', getPod(name)?.metadata.uid ?? '', 'root', container),
    reasons: (name) =>
      store
        .list<KubeObject & { involvedObject: { name: string }; reason: string }>('events')
        .items.filter((event) => event.involvedObject.name === name)
        .map((event) => event.reason),
  }
}
