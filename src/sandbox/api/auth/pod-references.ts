import type { V1Container, V1Pod } from '@kubernetes/client-node'

/** Names of what a pod refers to in its namespace. */
export interface PodReferences {
  secrets: ReadonlySet<string>
  configMaps: ReadonlySet<string>
  claims: ReadonlySet<string>
}

const cache = new WeakMap<object, PodReferences>()

/** What a pod refers to; remembered per stored (frozen) object, since the Node authorizer asks with each request. */
export function referencesOf(pod: V1Pod): PodReferences {
  const known = cache.get(pod)
  if (known) return known
  const secrets = new Set<string>()
  const configMaps = new Set<string>()
  const claims = new Set<string>()
  const add = (set: Set<string>, name: string | undefined) => {
    if (name) set.add(name)
  }
  const spec = pod.spec
  for (const { name } of spec?.imagePullSecrets ?? []) add(secrets, name)
  for (const volume of spec?.volumes ?? []) {
    add(secrets, volume.secret?.secretName)
    add(configMaps, volume.configMap?.name)
    add(claims, volume.persistentVolumeClaim?.claimName)
    if (volume.ephemeral) add(claims, `${pod.metadata?.name}-${volume.name}`)
    for (const source of volume.projected?.sources ?? []) {
      add(secrets, source.secret?.name)
      add(configMaps, source.configMap?.name)
    }
  }
  const containers = [
    ...(spec?.initContainers ?? []),
    ...(spec?.containers ?? []),
    ...((spec?.ephemeralContainers ?? []) as V1Container[]),
  ]
  for (const container of containers) {
    for (const { secretRef, configMapRef } of container.envFrom ?? []) {
      add(secrets, secretRef?.name)
      add(configMaps, configMapRef?.name)
    }
    for (const { valueFrom } of container.env ?? []) {
      add(secrets, valueFrom?.secretKeyRef?.name)
      add(configMaps, valueFrom?.configMapKeyRef?.name)
    }
  }
  const references = { secrets, configMaps, claims }
  cache.set(pod, references)
  return references
}
