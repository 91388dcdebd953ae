import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createEventRecorder } from '../events.ts'
import type { PodBackend } from '../ports.ts'
import { createPodBackend } from './access/backend.ts'
import { DEFAULT_NODE_NAME, nodeCapacity, nodeObject } from './node/node.ts'
import { registerNode } from './node/register.ts'
import type { RuntimeContext } from './pod/context.ts'
import { type PodWorker, startPodWorker } from './pod/worker.ts'
import { startReaper } from './process/reaper.ts'
import { makeSpawn } from './process/spawn.ts'
import type { Pod, RuntimeOptions } from './types.ts'

/** A kubelet's figures. */
const BACKOFF_BASE_MS = 10_000
const BACKOFF_MAX_MS = 300_000

/** A node whose pods are processes of this machine. */
export interface Runtime {
  readonly nodeName: string
  /** What the API server calls for logs, exec, attach and port-forward. */
  readonly backend: PodBackend
  /** Ends every process and removes the pods' files. Objects in the store are left as they are. */
  stop(): Promise<void>
}

/** Registers the node and begins to run the pods bound to it. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { store, clock, logger } = options
  const nodeName = options.nodeName ?? DEFAULT_NODE_NAME
  const nodeIP = options.nodeIP ?? '127.0.0.1'
  const podsDir = join(resolve(options.dir), 'pods')
  await rm(podsDir, { recursive: true, force: true })
  await mkdir(podsDir, { recursive: true, mode: 0o700 })

  const reaper = startReaper()
  const capacity = nodeCapacity(options)
  const stopped = new AbortController()
  const context: RuntimeContext = {
    store,
    clock,
    logger,
    events: createEventRecorder({ store, clock, component: 'kubelet', host: nodeName }),
    spawn: makeSpawn(reaper),
    podsDir,
    podIP: nodeIP,
    hostIP: nodeIP,
    path: options.path,
    allocatable: capacity,
    backoffBaseMs: options.backoffBaseMs ?? BACKOFF_BASE_MS,
    backoffMaxMs: options.backoffMaxMs ?? BACKOFF_MAX_MS,
    requestToken: options.requestToken,
    apiServer: options.apiServer,
  }

  const workers = new Map<string, PodWorker & { namespace: string }>()
  const onPod = (pod: Pod, deleted: boolean) => {
    const { uid, namespace = '' } = pod.metadata
    const worker = workers.get(uid)
    if (deleted) worker?.forget()
    else if (worker) worker.poke()
    else {
      const started = Object.assign(startPodWorker(pod, context), { namespace })
      workers.set(uid, started)
      void started.done.then(() => workers.delete(uid))
    }
  }
  /** ConfigMaps and Secrets are followed: who uses a changed one is not looked up, its namespace is small. */
  const onReferenced = (namespace: string | undefined) => {
    for (const worker of workers.values()) {
      if (worker.namespace === namespace) worker.poke()
    }
  }

  registerNode({
    store,
    clock,
    logger,
    node: nodeObject(nodeName, nodeIP, capacity, clock.now()),
    signal: stopped.signal,
  })
  const { resourceVersion } = store.list('configmaps')
  const watches = [
    store.watch<Pod>('pods', {
      fieldSelector: `spec.nodeName=${nodeName}`,
      onEvent: ({ type, object }) => onPod(object, type === 'DELETED'),
    }),
    ...['configmaps', 'secrets', 'serviceaccounts'].map((resource) =>
      store.watch(resource, {
        resourceVersion,
        onEvent: ({ object }) => onReferenced(object.metadata.namespace),
      }),
    ),
  ]

  return {
    nodeName,
    backend: createPodBackend({ find: (uid) => workers.get(uid)?.records, clock, logger, podIP: nodeIP }),
    async stop() {
      stopped.abort()
      for (const end of watches) end()
      const all = [...workers.values()]
      for (const worker of all) worker.forget()
      await Promise.all(all.map((worker) => worker.done))
      await reaper.close()
      await rm(podsDir, { recursive: true, force: true })
    },
  }
}
