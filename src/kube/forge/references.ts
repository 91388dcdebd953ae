import type { V1Container, V1EphemeralContainer, V1Pod, V1Volume } from '@kubernetes/client-node'

/** A Secret or ConfigMap of the user's namespace that a pod uses. */
export interface Reference {
  kind: 'Secret' | 'ConfigMap'
  name: string
  /** Whether every use of it says that the pod may start without. */
  optional: boolean
}

type AnyContainer = V1Container | V1EphemeralContainer

/** Every container of the pod, of all three kinds. */
export function allContainers(pod: V1Pod): AnyContainer[] {
  return [
    ...(pod.spec?.initContainers ?? []),
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.ephemeralContainers ?? []),
  ]
}

function* ofContainer(container: AnyContainer): Generator<Reference> {
  for (const { secretRef, configMapRef } of container.envFrom ?? []) {
    if (secretRef?.name) yield ref('Secret', secretRef.name, secretRef.optional)
    if (configMapRef?.name) yield ref('ConfigMap', configMapRef.name, configMapRef.optional)
  }
  for (const { valueFrom } of container.env ?? []) {
    const { secretKeyRef, configMapKeyRef } = valueFrom ?? {}
    if (secretKeyRef?.name) yield ref('Secret', secretKeyRef.name, secretKeyRef.optional)
    if (configMapKeyRef?.name) yield ref('ConfigMap', configMapKeyRef.name, configMapKeyRef.optional)
  }
}

function* ofVolume(volume: V1Volume): Generator<Reference> {
  if (volume.secret?.secretName) yield ref('Secret', volume.secret.secretName, volume.secret.optional)
  if (volume.configMap?.name) yield ref('ConfigMap', volume.configMap.name, volume.configMap.optional)
  for (const { secret, configMap } of volume.projected?.sources ?? []) {
    if (secret?.name) yield ref('Secret', secret.name, secret.optional)
    if (configMap?.name) yield ref('ConfigMap', configMap.name, configMap.optional)
  }
}

function ref(kind: Reference['kind'], name: string, optional: boolean | undefined): Reference {
  return { kind, name, optional: optional ?? false }
}

/**
 * The Secrets and ConfigMaps that the pod refers to, each once; mandatory where one use is. Pull secrets are
 * optional, as for a kubelet: it starts the pod without them and lets the registry refuse.
 */
export function podReferences(pod: V1Pod): Reference[] {
  const found = new Map<string, Reference>()
  const note = (reference: Reference) => {
    const key = `${reference.kind}/${reference.name}`
    const present = found.get(key)
    found.set(key, { ...reference, optional: reference.optional && (present?.optional ?? true) })
  }
  for (const container of allContainers(pod)) for (const reference of ofContainer(container)) note(reference)
  for (const volume of pod.spec?.volumes ?? []) for (const reference of ofVolume(volume)) note(reference)
  for (const { name } of pod.spec?.imagePullSecrets ?? []) if (name) note(ref('Secret', name, true))
  return [...found.values()]
}
