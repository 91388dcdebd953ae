import type { V1Node, V1Pod } from '@kubernetes/client-node'
import { deepEqual } from '../../store/objects.ts'
import type { KubeObject, NewKubeObject, ResourceStore } from '../../store/types.ts'
import { nodeNameOf } from '../auth/node-authorizer.ts'
import type { AdmissionRequest } from '../context.ts'
import { refusal } from '../errors.ts'
import type { AdmissionPlugin } from './index.ts'

const ALLOWED_LABELS = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
])

/** NodeRestriction: a node writes itself, its lease, and the status of the pods bound to it. */
export function createNodeRestriction(store: ResourceStore): AdmissionPlugin {
  return (request) => {
    const node = nodeNameOf(request.user)
    if (node === undefined || request.phase !== 'validate') return
    const deny = (text: string) => refusal(request.resource, request.group, request.name, text)
    switch (`${request.group}/${request.resource}`) {
      case '/nodes':
        return checkNode(request, node, deny)
      case '/pods':
        return checkPod(store, request, node, deny)
      case 'coordination.k8s.io/leases':
        if (request.namespace !== 'kube-node-lease') {
          throw deny('can only access leases in the "kube-node-lease" system namespace')
        }
        if (request.name !== node)
          throw deny('can only access node lease with the same name as the requesting node')
        return
      case '/serviceaccounts':
        if (request.subresource === 'token') return checkToken(store, request, node, deny)
    }
  }
}

type Deny = (text: string) => Error

function checkNode({ operation, name, object, oldObject }: AdmissionRequest, node: string, deny: Deny): void {
  if (name !== node) throw deny(`node "${node}" is not allowed to modify node "${name}"`)
  if (operation === 'DELETE') throw deny(`node "${node}" is not allowed to delete itself`)
  const next = object as NewKubeObject | undefined
  const labels = next?.metadata.labels ?? {}
  const before = oldObject?.metadata.labels ?? {}
  const changed = [...new Set([...Object.keys(labels), ...Object.keys(before)])].filter(
    (key) => labels[key] !== before[key],
  )
  const refused = changed.filter(isForbiddenLabel)
  if (refused.length > 0) {
    throw deny(`is not allowed to modify labels: ${refused.sort().join(', ')}`)
  }
  if (operation !== 'UPDATE') return
  const taints = (value: unknown) => ((value as V1Node).spec?.taints ?? []) as unknown[]
  if (!deepEqual(taints(next), taints(oldObject)))
    throw deny(`node "${node}" is not allowed to modify taints`)
}

function isForbiddenLabel(key: string): boolean {
  const prefix = key.includes('/') ? key.slice(0, key.indexOf('/')) : ''
  const within = (domain: string) => prefix === domain || prefix.endsWith(`.${domain}`)
  if (within('node-restriction.kubernetes.io')) return true
  if (!within('kubernetes.io') && !within('k8s.io')) return false
  return !ALLOWED_LABELS.has(key) && !within('kubelet.kubernetes.io') && !within('node.kubernetes.io')
}

function checkPod(store: ResourceStore, request: AdmissionRequest, node: string, deny: Deny): void {
  const { operation, subresource, namespace, name, object, oldObject } = request
  const bound = (pod: unknown) => (pod as V1Pod | undefined)?.spec?.nodeName === node
  if (subresource === 'eviction') {
    const pod = store.get<V1Pod>('pods', { namespace, name })
    if (pod && !bound(pod)) throw deny(`node "${node}" can only evict pods with spec.nodeName set to itself`)
    return
  }
  if (operation === 'CREATE' && !subresource) {
    const mirror = object?.metadata.annotations?.['kubernetes.io/config.mirror']
    if (mirror === undefined)
      throw deny(
        'pod does not have "kubernetes.io/config.mirror" annotation, node can only create mirror pods',
      )
    if (!bound(object)) throw deny(`node "${node}" can only create pods with spec.nodeName set to itself`)
    return
  }
  if (operation === 'DELETE' && !bound(oldObject)) {
    throw deny(`node "${node}" can only delete pods with spec.nodeName set to itself`)
  }
  if (operation !== 'UPDATE') return
  if (subresource !== 'status') throw deny(`unexpected operation "UPDATE" of pods/${subresource} by a node`)
  if (!bound(oldObject)) {
    throw deny(`node "${node}" can only update pod status for pods with spec.nodeName set to itself`)
  }
  if (!deepEqual(object?.metadata.labels ?? {}, (oldObject as KubeObject).metadata.labels ?? {})) {
    throw deny(`node "${node}" cannot update labels through pod status`)
  }
}

function checkToken(
  store: ResourceStore,
  { namespace, name, object }: AdmissionRequest,
  node: string,
  deny: Deny,
): void {
  const spec = object?.['spec'] as {
    audiences?: string[]
    boundObjectRef?: { kind?: string; name?: string; uid?: string }
  }
  const reference = spec?.boundObjectRef
  if (reference?.kind !== 'Pod' || !reference.name) throw deny('node requested token not bound to a pod')
  if (!reference.uid) throw deny('node requested token with a pod binding without a uid')
  const pod = store.get<V1Pod>('pods', { namespace, name: reference.name })
  if (!pod || pod.metadata?.uid !== reference.uid || pod.spec?.nodeName !== node) {
    throw deny(`node requested token bound to a pod scheduled on a different node`)
  }
  if ((pod.spec?.serviceAccountName || 'default') !== name) {
    throw deny(`node requested token for a service account that its pod does not use`)
  }
  const wanted = (spec.audiences ?? []).filter((audience) => audience !== '')
  const volumes = (pod.spec?.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? [])
  const known = new Set(volumes.map((source) => source.serviceAccountToken?.audience ?? ''))
  for (const audience of wanted) {
    if (!known.has(audience)) throw deny(`audience "${audience}" not found in pod spec volume`)
  }
}
