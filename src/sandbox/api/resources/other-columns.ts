import type { V1Node, V1Service } from '@kubernetes/client-node'
import type { KubeObject } from '../../store/types.ts'
import { age, ageColumn, column, count, nameColumn, part, wide } from './columns.ts'
import type { Column } from './definition.ts'

const asNode = (object: KubeObject) => object as unknown as V1Node
const asService = (object: KubeObject) => object as unknown as V1Service
const number = (value: unknown) => (typeof value === 'number' ? value : 0)
const text = (value: unknown, absent = '<none>') => (value ? String(value) : absent)
const address = (object: KubeObject, type: string) =>
  text(asNode(object).status?.addresses?.find((entry) => entry.type === type)?.address)
const info = (object: KubeObject) => asNode(object).status?.nodeInfo

export const nodeColumns: readonly Column[] = [
  nameColumn,
  column('Status', (object) => {
    const ready = asNode(object).status?.conditions?.find((condition) => condition.type === 'Ready')
    const state = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'
    return asNode(object).spec?.unschedulable ? `${state},SchedulingDisabled` : state
  }),
  column('Roles', (object) => {
    const prefix = 'node-role.kubernetes.io/'
    const labels = Object.entries(object.metadata.labels ?? {})
    const roles = labels.flatMap(([key, value]) =>
      key.startsWith(prefix) ? [key.slice(prefix.length)] : key === 'kubernetes.io/role' ? [value] : [],
    )
    return roles.sort().join(',') || '<none>'
  }),
  ageColumn,
  column('Version', (object) => info(object)?.kubeletVersion ?? ''),
  wide('Internal-IP', (object) => address(object, 'InternalIP')),
  wide('External-IP', (object) => address(object, 'ExternalIP')),
  wide('OS-Image', (object) => text(info(object)?.osImage, '<unknown>')),
  wide('Kernel-Version', (object) => text(info(object)?.kernelVersion, '<unknown>')),
  wide('Container-Runtime', (object) => text(info(object)?.containerRuntimeVersion, '<unknown>')),
]

export const namespaceColumns: readonly Column[] = [
  nameColumn,
  column('Status', (object) => text(part(object, 'status')['phase'], '')),
  ageColumn,
]

export const configMapColumns: readonly Column[] = [
  nameColumn,
  column('Data', (object) => count(object['data'], object['binaryData']), 'string'),
  ageColumn,
]

export const secretColumns: readonly Column[] = [
  nameColumn,
  column('Type', (object) => text(object['type'], '')),
  column('Data', (object) => count(object['data']), 'integer'),
  ageColumn,
]

export const serviceAccountColumns: readonly Column[] = [
  nameColumn,
  column('Secrets', (object) => ((object['secrets'] as unknown[] | undefined) ?? []).length),
  ageColumn,
]

/** First Last-Seen, as kubectl shows events; the name is only shown wide. */
export const eventColumns: readonly Column[] = [
  column('Last Seen', (object, now) => {
    const series = part(object, 'series')
    const seen = series['lastObservedTime'] ?? object['lastTimestamp'] ?? object['eventTime']
    return age(text(seen, '') || object.metadata.creationTimestamp, now)
  }),
  column('Type', (object) => text(object['type'], '')),
  column('Reason', (object) => text(object['reason'], '')),
  column('Object', (object) => {
    const { kind, name } = part(object, 'involvedObject')
    return kind ? `${String(kind).toLowerCase()}/${name}` : text(name, '')
  }),
  wide('Subobject', (object) => text(part(object, 'involvedObject')['fieldPath'], '')),
  wide('Source', (object) => {
    const { component, host } = part(object, 'source')
    const from = component ?? object['reportingComponent']
    return [from, host ?? object['reportingInstance']].filter(Boolean).join(', ')
  }),
  column('Message', (object) => text(object['message'], '').trim()),
  wide('First Seen', (object, now) => age(text(object['firstTimestamp'] ?? object['eventTime'], ''), now)),
  wide('Count', (object) => String(number(part(object, 'series')['count'] ?? object['count']) || 1)),
  { ...wide('Name', (object) => object.metadata.name), format: 'name' },
]

const containers = (object: KubeObject) => {
  const template = part(object, 'spec')['template'] as {
    spec?: { containers?: { name: string; image?: string }[] }
  }
  return template?.spec?.containers ?? []
}
const templateColumns: readonly Column[] = [
  wide('Containers', (object) =>
    containers(object)
      .map((container) => container.name)
      .join(','),
  ),
  wide('Images', (object) =>
    containers(object)
      .map((container) => container.image ?? '')
      .join(','),
  ),
  wide('Selector', (object) => {
    const selector = part(object, 'spec')['selector'] as { matchLabels?: Record<string, string> } | undefined
    const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
    return labels.join(',') || '<none>'
  }),
]

export const deploymentColumns: readonly Column[] = [
  nameColumn,
  column('Ready', (object) => `${number(part(object, 'status')['readyReplicas'])}/${wanted(object)}`),
  column('Up-to-date', (object) => number(part(object, 'status')['updatedReplicas']), 'integer'),
  column('Available', (object) => number(part(object, 'status')['availableReplicas']), 'integer'),
  ageColumn,
  ...templateColumns,
]

const wanted = (object: KubeObject) => {
  const { replicas } = part(object, 'spec')
  return typeof replicas === 'number' ? replicas : 1
}

export const replicaSetColumns: readonly Column[] = [
  nameColumn,
  column('Desired', wanted, 'integer'),
  column('Current', (object) => number(part(object, 'status')['replicas']), 'integer'),
  column('Ready', (object) => number(part(object, 'status')['readyReplicas']), 'integer'),
  ageColumn,
  ...templateColumns,
]

export const statefulSetColumns: readonly Column[] = [
  nameColumn,
  column('Ready', (object) => `${number(part(object, 'status')['readyReplicas'])}/${wanted(object)}`),
  ageColumn,
  ...templateColumns.slice(0, 2),
]

export const daemonSetColumns: readonly Column[] = [
  nameColumn,
  column('Desired', (object) => number(part(object, 'status')['desiredNumberScheduled']), 'integer'),
  column('Current', (object) => number(part(object, 'status')['currentNumberScheduled']), 'integer'),
  column('Ready', (object) => number(part(object, 'status')['numberReady']), 'integer'),
  ageColumn,
  ...templateColumns,
]

export const jobColumns: readonly Column[] = [
  nameColumn,
  column('Completions', (object) => {
    const { completions } = part(object, 'spec')
    return `${number(part(object, 'status')['succeeded'])}/${number(completions) || 1}`
  }),
  ageColumn,
  ...templateColumns,
]

export const serviceColumns: readonly Column[] = [
  nameColumn,
  column('Type', (object) => text(asService(object).spec?.type, 'ClusterIP')),
  column('Cluster-IP', (object) => text(asService(object).spec?.clusterIP)),
  column('External-IP', (object) => (asService(object).spec?.externalIPs ?? []).join(',') || '<none>'),
  column('Port(s)', (object) => {
    const ports = asService(object).spec?.ports ?? []
    return ports.map((port) => `${port.port}/${port.protocol ?? 'TCP'}`).join(',') || '<none>'
  }),
  ageColumn,
  wide('Selector', (object) => {
    const labels = Object.entries(asService(object).spec?.selector ?? {}).map(
      ([key, value]) => `${key}=${value}`,
    )
    return labels.join(',') || '<none>'
  }),
]

export const leaseColumns: readonly Column[] = [
  nameColumn,
  column('Holder', (object) => text(part(object, 'spec')['holderIdentity'], '')),
  ageColumn,
]

export const claimColumns: readonly Column[] = [
  nameColumn,
  column('Status', (object) => text(part(object, 'status')['phase'], '')),
  column('Volume', (object) => text(part(object, 'spec')['volumeName'], '')),
  column('StorageClass', (object) => text(part(object, 'spec')['storageClassName'], '')),
  ageColumn,
]
