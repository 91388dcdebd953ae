import type {
  AuditItem,
  Cluster,
  Credential,
  Operator,
  QuotaRow,
  SessionInfo,
  Tenant,
  UsageItem,
  VirtualNode,
} from '../../protocol/schemas/operator.ts'
import { age, type Column } from '../output/table.ts'
import type { Noun } from './noun.ts'

const aged = <T extends { createdAt: string }>(): Column<T> => ({
  heading: 'AGE',
  cell: (row) => age(row.createdAt, Date.now()),
})

const idOf = (row: { id: string }) => row.id

export const tenants: Noun<Tenant> = {
  singular: 'tenant',
  description: 'who has a quota: make, suspend, list and delete tenants',
  plural: 'tenants',
  verbs: ['get', 'list', 'delete'],
  deleteModes: true,
  name: (row) => `tenant/${row.name}`,
  columns: [
    { heading: 'NAME', cell: (row) => row.name },
    { heading: 'STATE', cell: (row) => (row.suspended ? 'Suspended' : 'Active') },
    { heading: 'DISPLAY NAME', cell: (row) => row.displayName },
    aged(),
    { heading: 'ID', cell: idOf, wide: true },
    { heading: 'OTHER RESOURCES', cell: (row) => row.otherResources, wide: true },
  ],
}

export const clusters: Noun<Cluster> = {
  singular: 'cluster',
  description: 'data-plane clusters: register, check, set in maintenance and delete them',
  plural: 'clusters',
  verbs: ['get', 'list', 'delete'],
  deleteModes: true,
  name: (row) => `cluster/${row.name}`,
  columns: [
    { heading: 'NAME', cell: (row) => row.name },
    { heading: 'REACHABLE', cell: (row) => (row.reachable ? 'Yes' : 'No') },
    { heading: 'VERSION', cell: (row) => row.kubernetesVersion },
    { heading: 'NETWORK', cell: (row) => row.network },
    { heading: 'MAINTENANCE', cell: (row) => (row.maintenance ? 'Yes' : 'No') },
    aged(),
    { heading: 'SERVER', cell: (row) => row.server, wide: true },
    { heading: 'ID', cell: idOf, wide: true },
  ],
}

const capacityOf = (node: VirtualNode, resource: string) => {
  const row = node.capacity.find((candidate) => candidate.resource === resource)
  return row === undefined ? undefined : `${row.used}/${row.hard}`
}

export const nodes: Noun<VirtualNode> = {
  singular: 'node',
  description: 'virtual nodes, each of one tenant on one data plane: make, resize, install and delete them',
  plural: 'nodes',
  verbs: ['get', 'list', 'delete'],
  deleteModes: true,
  filters: [
    { name: 'tenant', description: 'only of this tenant' },
    { name: 'cluster', description: 'only on this data plane' },
  ],
  name: (row) => `node/${row.tenant}/${row.name}`,
  columns: [
    { heading: 'TENANT', cell: (row) => row.tenant },
    { heading: 'NAME', cell: (row) => row.name },
    { heading: 'CLUSTER', cell: (row) => row.cluster },
    { heading: 'AGENT', cell: (row) => (row.draining ? 'Draining' : row.connected ? 'Connected' : 'Away') },
    { heading: 'PODS', cell: (row) => capacityOf(row, 'pods') },
    { heading: 'CPU', cell: (row) => capacityOf(row, 'requests.cpu') ?? capacityOf(row, 'cpu') },
    { heading: 'MEMORY', cell: (row) => capacityOf(row, 'requests.memory') ?? capacityOf(row, 'memory') },
    aged(),
    { heading: 'ID', cell: idOf, wide: true },
  ],
}

export const credentials: Noun<Credential> = {
  singular: 'credential',
  description: 'credentials of virtual nodes, for agents and for clients: issue, list and revoke them',
  plural: 'credentials',
  verbs: ['get', 'list'],
  filters: [
    { name: 'tenant', description: 'only of this tenant' },
    { name: 'node', description: 'only of this node (id or tenant/node)' },
  ],
  name: (row) => `credential/${row.id}`,
  columns: [
    { heading: 'ID', cell: idOf },
    { heading: 'TENANT', cell: (row) => row.tenant },
    { heading: 'NODE', cell: (row) => row.node },
    { heading: 'KIND', cell: (row) => row.kind },
    { heading: 'ACCESS', cell: (row) => row.access },
    { heading: 'STATE', cell: (row) => (row.revoked ? 'Revoked' : 'Valid') },
    aged(),
    { heading: 'LAST USED', cell: (row) => row.lastUsedAt, wide: true },
    { heading: 'DESCRIPTION', cell: (row) => row.description, wide: true },
  ],
}

export const sessions: Noun<SessionInfo> = {
  singular: 'session',
  description: 'exec, attach, log-follow and port-forward streams: list and kill them',
  plural: 'sessions',
  verbs: ['get', 'list'],
  filters: [
    { name: 'tenant', description: 'only of this tenant' },
    { name: 'node', description: 'only of this node (id)' },
    { name: 'all', description: 'ended ones too', flag: true },
  ],
  name: (row) => `session/${row.id}`,
  columns: [
    { heading: 'ID', cell: idOf },
    { heading: 'TENANT', cell: (row) => row.tenant },
    { heading: 'NODE', cell: (row) => row.node },
    { heading: 'VERB', cell: (row) => row.verb },
    { heading: 'POD', cell: (row) => `${row.namespace}/${row.pod}` },
    { heading: 'CONTAINER', cell: (row) => row.container, wide: true },
    { heading: 'STATE', cell: (row) => row.outcome ?? row.state },
    { heading: 'IN', cell: (row) => row.bytesIn },
    { heading: 'OUT', cell: (row) => row.bytesOut },
    aged(),
  ],
}

export const operators: Noun<Operator> = {
  singular: 'operator',
  description: 'who may use the operator face: make, list and delete operators',
  plural: 'operators',
  verbs: ['get', 'list', 'delete'],
  name: (row) => `operator/${row.name}`,
  columns: [
    { heading: 'NAME', cell: (row) => row.name },
    { heading: 'ROLE', cell: (row) => row.role },
    { heading: 'TENANT', cell: (row) => row.tenant },
    { heading: 'EXPIRES', cell: (row) => row.expiresAt },
    aged(),
    { heading: 'ID', cell: idOf, wide: true },
  ],
}

const ledgerColumns = <T extends QuotaRow>(): Column<T>[] => [
  { heading: 'RESOURCE', cell: (row) => row.resource },
  { heading: 'HARD', cell: (row) => row.hard },
  { heading: 'USED', cell: (row) => row.used },
  { heading: 'RESERVED', cell: (row) => row.reserved },
  { heading: 'OVER', cell: (row) => (row.overCommitted ? 'Yes' : 'No') },
]

export const quotaRows = { columns: ledgerColumns<QuotaRow>(), name: (row: QuotaRow) => row.resource }

export const usage: Noun<UsageItem> = {
  singular: 'usage',
  description: 'what each tenant uses of its quota',
  plural: 'usage',
  verbs: ['list'],
  filters: [{ name: 'tenant', description: 'only of this tenant' }],
  name: (row) => `usage/${row.tenant}/${row.resource}`,
  columns: [{ heading: 'TENANT', cell: (row) => row.tenant }, ...ledgerColumns<UsageItem>()],
}

export const audit: Noun<AuditItem> = {
  singular: 'audit',
  description: 'the audit log: who did what to which object, and what came of it',
  plural: 'audit',
  verbs: ['list'],
  filters: [{ name: 'tenant', description: 'only of this tenant' }],
  name: (row) => `audit/${row.id}`,
  columns: [
    { heading: 'AT', cell: (row) => row.at },
    { heading: 'ACTOR', cell: (row) => row.actor },
    { heading: 'VERB', cell: (row) => row.verb },
    { heading: 'RESOURCE', cell: (row) => row.resource },
    { heading: 'OBJECT', cell: (row) => [row.namespace, row.name].filter(Boolean).join('/') },
    { heading: 'OUTCOME', cell: (row) => row.outcome },
    { heading: 'REQUEST', cell: (row) => row.requestId, wide: true },
  ],
}
