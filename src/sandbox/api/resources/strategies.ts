import type { FieldFault } from '../../../protocol/errors/index.ts'
import { deepEqual } from '../../store/objects.ts'
import type { KubeObject, NewKubeObject } from '../../store/types.ts'
import type { Strategy } from './definition.ts'
import { forbidden, invalid, required } from './faults.ts'
import { podTemplateDefaults } from './pod-defaults.ts'

/** Namespaces carry their name as a label and the finalizer that empties them. */
export const namespaceStrategy: Strategy = {
  defaults(namespace) {
    const name = namespace.metadata.name
    if (name)
      namespace.metadata.labels = { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': name }
  },
  prepareCreate(namespace) {
    namespace['spec'] = { finalizers: ['kubernetes'] }
    namespace['status'] = { phase: 'Active' }
  },
}

export const nodeStrategy: Strategy = {
  defaults(node) {
    node['spec'] ??= {}
  },
  /** A node keeps the status it is created with: kubelets register with capacity and conditions (registry/core/node). */
  prepareCreate() {},
  validateUpdate(next, current) {
    const before = (current['spec'] ?? {}) as { providerID?: string }
    const after = (next['spec'] ?? {}) as { providerID?: string }
    return before.providerID && before.providerID !== after.providerID
      ? [forbidden('spec', 'node updates may not change spec.providerID except from "" to valid')]
      : []
  },
}

const KEY = /^[-._a-zA-Z0-9]{1,253}$/
const MAX_BYTES = 1024 * 1024

function keysAndSize(object: NewKubeObject, fields: readonly string[]): FieldFault[] {
  const faults: FieldFault[] = []
  let size = 0
  for (const field of fields) {
    for (const [key, value] of Object.entries((object[field] ?? {}) as Record<string, unknown>)) {
      if (!KEY.test(key))
        faults.push(
          invalid(
            `${field}[${key}]`,
            key,
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
          ),
        )
      if (typeof value !== 'string') faults.push(invalid(`${field}[${key}]`, value, 'must be a string'))
      else
        size +=
          field === 'data' && fields.length > 1
            ? Buffer.byteLength(value)
            : Math.floor((value.length * 3) / 4)
    }
  }
  if (size > MAX_BYTES) {
    faults.push({
      field: fields[0]!,
      reason: 'FieldValueTooLong',
      message: 'Too long: may not be more than 1048576 bytes',
    })
  }
  return faults
}

function immutable(next: KubeObject, current: KubeObject, fields: readonly string[]): FieldFault[] {
  if (current['immutable'] !== true) return []
  const text = 'field is immutable when `immutable` is set'
  return [...fields, 'immutable'].flatMap((field) =>
    deepEqual(next[field] ?? {}, current[field] ?? {}) ? [] : [forbidden(field, text)],
  )
}

export const configMapStrategy: Strategy = {
  validateCreate: (object) => keysAndSize(object, ['data', 'binaryData']),
  validateUpdate: (next, current) => [
    ...keysAndSize(next, ['data', 'binaryData']),
    ...immutable(next, current, ['data', 'binaryData']),
  ],
}

export const secretStrategy: Strategy = {
  defaults(secret) {
    secret['type'] ||= 'Opaque'
    const plain = secret['stringData'] as Record<string, string> | undefined
    if (!plain) return
    const encoded = Object.entries(plain).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
    secret['data'] = { ...(secret['data'] as object | undefined), ...Object.fromEntries(encoded) }
    delete secret['stringData']
  },
  validateCreate: (object) => [...keysAndSize(object, ['data']), ...base64(object)],
  validateUpdate: (next, current) => [
    ...keysAndSize(next, ['data']),
    ...base64(next),
    ...immutable(next, current, ['data']),
    ...(next['type'] === current['type'] ? [] : [invalid('type', next['type'], 'field is immutable')]),
  ],
}

function base64(secret: NewKubeObject): FieldFault[] {
  return Object.entries((secret['data'] ?? {}) as Record<string, unknown>).flatMap(([key, value]) =>
    typeof value === 'string' && /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)
      ? []
      : [invalid(`data[${key}]`, value, 'illegal base64 data')],
  )
}

/** Services get an address that nothing answers: the sandbox has no service network. */
export const serviceStrategy: Strategy = {
  defaults(service) {
    service['spec'] ??= {}
    const spec = service['spec'] as Record<string, unknown> & { ports?: Record<string, unknown>[] }
    spec['type'] ??= 'ClusterIP'
    spec['sessionAffinity'] ??= 'None'
    for (const port of spec.ports ?? []) {
      port['protocol'] ??= 'TCP'
      port['targetPort'] ??= port['port']
    }
  },
  prepareCreate(service) {
    const spec = service['spec'] as Record<string, unknown>
    service['status'] = { loadBalancer: {} }
    if (spec['type'] === 'ExternalName') return
    spec['clusterIP'] ??=
      `10.96.${1 + Math.floor(Math.random() * 254)}.${1 + Math.floor(Math.random() * 254)}`
    spec['clusterIPs'] ??= [spec['clusterIP']]
    spec['ipFamilies'] ??= ['IPv4']
    spec['ipFamilyPolicy'] ??= 'SingleStack'
    spec['internalTrafficPolicy'] ??= 'Cluster'
  },
}

/** Bindings: the role they refer to can not be changed. */
export const roleStrategy: Strategy = {
  defaults(role) {
    const subjects = role['subjects'] as Record<string, unknown>[] | undefined
    for (const subject of subjects ?? []) {
      subject['apiGroup'] ??= subject['kind'] === 'ServiceAccount' ? '' : 'rbac.authorization.k8s.io'
    }
    const reference = role['roleRef'] as Record<string, unknown> | undefined
    if (reference) reference['apiGroup'] ||= 'rbac.authorization.k8s.io'
  },
  validateUpdate: (next, current) =>
    deepEqual(next['roleRef'], current['roleRef'])
      ? []
      : [invalid('roleRef', next['roleRef'], 'cannot change roleRef')],
}

const leaseFaults = (lease: NewKubeObject): FieldFault[] => {
  const { leaseDurationSeconds: seconds } = (lease['spec'] ?? {}) as { leaseDurationSeconds?: number }
  return seconds !== undefined && seconds <= 0
    ? [invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0')]
    : []
}

export const leaseStrategy: Strategy = { validateCreate: leaseFaults, validateUpdate: leaseFaults }

/** Deployments, ReplicaSets and so on: the pod template is defaulted, the selector stays. */
export function workloadStrategy(kind: string): Strategy {
  return {
    defaults(workload) {
      workload['spec'] ??= {}
      const spec = workload['spec'] as Record<string, unknown>
      if (kind === 'Deployment' || kind === 'ReplicaSet' || kind === 'StatefulSet') spec['replicas'] ??= 1
      if (kind === 'Deployment') {
        const rolling = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } }
        spec['strategy'] ??= rolling
        spec['revisionHistoryLimit'] ??= 10
        spec['progressDeadlineSeconds'] ??= 600
      }
      podTemplateDefaults(spec['template'])
    },
    prepareCreate(workload) {
      workload['status'] = {}
    },
    validateCreate(workload) {
      const spec = workload['spec'] as { selector?: unknown; template?: { metadata?: unknown } }
      const faults: FieldFault[] = []
      if (kind !== 'Job' && !spec.selector) faults.push(required('spec.selector'))
      if (!spec.template) faults.push(required('spec.template'))
      return faults
    },
    validateUpdate(next, current) {
      const selector = (object: KubeObject) => (object['spec'] as { selector?: unknown }).selector
      return deepEqual(selector(next), selector(current))
        ? []
        : [invalid('spec.selector', selector(next), 'field is immutable')]
    },
  }
}
