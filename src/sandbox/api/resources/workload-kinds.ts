import { readers } from '../../store/traits.ts'
import { define, type ResourceDefinition } from './definition.ts'
import {
  daemonSetColumns,
  deploymentColumns,
  jobColumns,
  leaseColumns,
  replicaSetColumns,
  statefulSetColumns,
} from './other-columns.ts'
import { leaseStrategy, workloadStrategy } from './strategies.ts'

const apps = { group: 'apps', version: 'v1', categories: ['all'], hasStatus: true } as const

/** apps, batch, coordination and discovery. */
export const workloadKinds: readonly ResourceDefinition[] = [
  define({
    ...apps,
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    columns: deploymentColumns,
    strategy: workloadStrategy('Deployment'),
    subresources: [
      {
        name: 'scale',
        kind: 'Scale',
        group: 'autoscaling',
        version: 'v1',
        verbs: ['get', 'patch', 'update'],
      },
    ],
  }),
  define({
    ...apps,
    kind: 'ReplicaSet',
    plural: 'replicasets',
    shortNames: ['rs'],
    fields: readers('status.replicas'),
    columns: replicaSetColumns,
    strategy: workloadStrategy('ReplicaSet'),
    subresources: [
      {
        name: 'scale',
        kind: 'Scale',
        group: 'autoscaling',
        version: 'v1',
        verbs: ['get', 'patch', 'update'],
      },
    ],
  }),
  define({
    ...apps,
    kind: 'DaemonSet',
    plural: 'daemonsets',
    shortNames: ['ds'],
    columns: daemonSetColumns,
    strategy: workloadStrategy('DaemonSet'),
  }),
  define({
    ...apps,
    kind: 'StatefulSet',
    plural: 'statefulsets',
    shortNames: ['sts'],
    columns: statefulSetColumns,
    strategy: workloadStrategy('StatefulSet'),
  }),
  define({
    ...apps,
    group: 'batch',
    kind: 'Job',
    plural: 'jobs',
    columns: jobColumns,
    fields: readers('status.successful'),
    strategy: workloadStrategy('Job'),
  }),
  define({
    group: 'coordination.k8s.io',
    version: 'v1',
    kind: 'Lease',
    plural: 'leases',
    columns: leaseColumns,
    strategy: leaseStrategy,
  }),
  define({
    group: 'discovery.k8s.io',
    version: 'v1',
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    generation: true,
  }),
]
