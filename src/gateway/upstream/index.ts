import type { KubeClient } from '../../kube/client/types.ts'

/** The connections to the data planes, one client per cluster, re-made when its registration changes. */
export interface Upstreams {
  /** @throws IsthmusError unavailable when the cluster is unknown or its credential can not be read. Maintenance keeps new objects off in the ledger; reads, streams and deletes go on. */
  client(clusterId: string): KubeClient
}

export { type ClusterHealth, makeUpstreams, type RunningUpstreams, type UpstreamsOptions } from './clients.ts'
export {
  keepRoleBindings,
  type RoleBindingKeeper,
  type RoleBindingKeeperOptions,
} from './keep-role-bindings.ts'
export { bindGatewayRole } from './role-binding.ts'
