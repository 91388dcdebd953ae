import { readers, readPath } from '../../store/traits.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { define, type ResourceDefinition } from './definition.ts'
import { eventFields, eventsV1 } from './events.ts'
import {
  claimColumns,
  configMapColumns,
  eventColumns,
  namespaceColumns,
  nodeColumns,
  secretColumns,
  serviceAccountColumns,
  serviceColumns,
} from './other-columns.ts'
import { podColumns } from './pod-columns.ts'
import { podStrategy } from './pod-strategy.ts'
import {
  configMapStrategy,
  namespaceStrategy,
  nodeStrategy,
  secretStrategy,
  serviceStrategy,
} from './strategies.ts'

const core = { group: '', version: 'v1' } as const
const create = ['create'] as const
const stream = ['create', 'get'] as const

/** The core group. */
export const coreKinds: readonly ResourceDefinition[] = [
  define({
    ...core,
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    namespaced: false,
    hasStatus: true,
    generation: false,
    returnsDeleted: true,
    names: 'label',
    fields: { 'status.phase': readPath('status.phase'), name: readPath('metadata.name') },
    columns: namespaceColumns,
    strategy: namespaceStrategy,
    subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  }),
  define({
    ...core,
    kind: 'Node',
    plural: 'nodes',
    shortNames: ['no'],
    namespaced: false,
    hasStatus: true,
    generation: false,
    fields: { 'spec.unschedulable': readPath('spec.unschedulable', 'false') },
    columns: nodeColumns,
    strategy: nodeStrategy,
  }),
  define({
    ...core,
    kind: 'Pod',
    plural: 'pods',
    shortNames: ['po'],
    categories: ['all'],
    hasStatus: true,
    generation: true,
    graceful: true,
    returnsDeleted: true,
    fields: {
      ...readers('spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName'),
      ...readers('status.phase', 'status.podIP', 'status.nominatedNodeName'),
      'spec.hostNetwork': readPath('spec.hostNetwork', 'false'),
    },
    columns: podColumns,
    strategy: podStrategy,
    subresources: [
      { name: 'attach', kind: 'PodAttachOptions', verbs: stream },
      { name: 'binding', kind: 'Binding', verbs: create },
      { name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
      { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: create },
      { name: 'exec', kind: 'PodExecOptions', verbs: stream },
      { name: 'log', kind: 'Pod', verbs: ['get'] },
      { name: 'portforward', kind: 'PodPortForwardOptions', verbs: stream },
      { name: 'resize', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    ],
  }),
  define({
    ...core,
    kind: 'ConfigMap',
    plural: 'configmaps',
    shortNames: ['cm'],
    columns: configMapColumns,
    strategy: configMapStrategy,
  }),
  define({
    ...core,
    kind: 'Secret',
    plural: 'secrets',
    fields: readers('type'),
    columns: secretColumns,
    strategy: secretStrategy,
  }),
  define({
    ...core,
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    returnsDeleted: true,
    columns: serviceAccountColumns,
    subresources: [
      { name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: create },
    ],
  }),
  define({
    ...core,
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    hasStatus: true,
    generation: false,
    returnsDeleted: true,
    names: 'label',
    fields: readers('spec.clusterIP', 'spec.type'),
    columns: serviceColumns,
    strategy: serviceStrategy,
  }),
  define({ ...core, kind: 'Endpoints', plural: 'endpoints', singular: 'endpoints', shortNames: ['ep'] }),
  define({
    ...core,
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    fields: eventFields,
    columns: eventColumns,
  }),
  define({
    ...core,
    kind: 'PersistentVolumeClaim',
    plural: 'persistentvolumeclaims',
    shortNames: ['pvc'],
    hasStatus: true,
    generation: false,
    returnsDeleted: true,
    columns: claimColumns,
    strategy: {
      prepareCreate: (claim) => {
        claim['status'] = { phase: 'Pending' }
      },
    },
  }),
  define({
    ...core,
    kind: 'PersistentVolume',
    plural: 'persistentvolumes',
    shortNames: ['pv'],
    namespaced: false,
    hasStatus: true,
    generation: false,
    returnsDeleted: true,
  }),
  define({
    ...core,
    kind: 'ResourceQuota',
    plural: 'resourcequotas',
    shortNames: ['quota'],
    hasStatus: true,
    generation: false,
    returnsDeleted: true,
    columns: [nameColumn, ageColumn],
  }),
  define({ ...core, kind: 'LimitRange', plural: 'limitranges', shortNames: ['limits'] }),
  eventsV1,
]
