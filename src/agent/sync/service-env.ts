import type { V1Pod, V1Service } from '@kubernetes/client-node'
import { annotation, MASTER_ENV, SERVICE_ENV } from '../../kube/forge/names.ts'
import { type ApiServerAddress, isMasterService, serviceEnvironment } from '../../kube/forge/service-env.ts'
import type { AgentContext } from '../context.ts'
import { createMirror } from '../mirror.ts'
import type { CarriedObjects, ObjectKey } from './carried-objects.ts'

/** The Services of the user's cluster as environment of its pods (rule 40). */
export interface ServiceEnv {
  isSynced(): boolean
  /** Resolves when the namespace's environment is behind the gateway. The pod keeps it there. */
  settled(pod: V1Pod): Promise<void>
  release(podUid: string): void
  run(): Promise<void>
}

export interface ServiceEnvOptions {
  objects: CarriedObjects
  /** Where pods in the data plane reach the user's API server. */
  apiServer: ApiServerAddress | undefined
  /** The Services are known: pods that waited for them may be carried. */
  onSynced(): void
}

const keyOf = (namespace: string, name: string): ObjectKey => ({ kind: 'ConfigMap', namespace, name })

/** Follows all Services (which a node may list) and keeps two ConfigMaps in each namespace that pods use. */
export function createServiceEnv(
  context: Pick<AgentContext, 'user' | 'nodeName' | 'clock' | 'logger' | 'random' | 'signal'>,
  { objects, apiServer, onSynced }: ServiceEnvOptions,
): ServiceEnv {
  const users = new Map<string, Set<string>>()
  const namespaceOf = new Map<string, string>()

  const services = createMirror<V1Service>({
    client: context.user,
    path: ['api', 'v1', 'services'],
    keyOf: ({ metadata }) => `${metadata?.namespace}/${metadata?.name}`,
    onChange(key) {
      const service = services.get(key)
      const [namespace = ''] = key.split('/')
      // Before the first whole list nothing is written: half an environment is a wrong one.
      if (!services.isSynced()) return
      if (service && isMasterService(service)) for (const name of users.keys()) write(name)
      else if (users.has(namespace)) write(namespace)
    },
    onSynced: () => onSynced(),
    clock: context.clock,
    logger: context.logger,
    random: context.random,
    signal: context.signal,
  })

  function write(namespace: string): void {
    const env = serviceEnvironment(services.values(), namespace, apiServer)
    for (const [name, data] of [
      [SERVICE_ENV, env.all],
      [MASTER_ENV, env.master],
    ] as const) {
      const annotations = { [annotation.uid]: `service-env.${context.nodeName}` }
      objects.set(keyOf(namespace, name), {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace, annotations },
        data,
      })
    }
  }

  return {
    isSynced: () => services.isSynced(),
    async settled(pod) {
      const namespace = pod.metadata?.namespace ?? ''
      const uid = pod.metadata?.uid ?? ''
      const set = users.get(namespace) ?? new Set()
      users.set(namespace, set.add(uid))
      namespaceOf.set(uid, namespace)
      if (!objects.has(keyOf(namespace, SERVICE_ENV))) write(namespace)
      await Promise.all([SERVICE_ENV, MASTER_ENV].map((name) => objects.settled(keyOf(namespace, name))))
    },
    release(uid) {
      const namespace = namespaceOf.get(uid)
      if (namespace === undefined) return
      namespaceOf.delete(uid)
      const set = users.get(namespace)
      set?.delete(uid)
      if (!set || set.size > 0) return
      users.delete(namespace)
      for (const name of [SERVICE_ENV, MASTER_ENV]) objects.drop(keyOf(namespace, name))
    },
    run: () => services.run(),
  }
}
