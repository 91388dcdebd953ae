import type { Cluster } from '../../../../protocol/schemas/operator.ts'
import type { ClusterRow } from '../../../clusters/index.ts'
import type { OperatorServices } from '../services.ts'

/** A stored cluster with what this replica knows of it now. */
export function showCluster(row: ClusterRow, { upstreams }: Pick<OperatorServices, 'upstreams'>): Cluster {
  const health = upstreams.health(row.value.id)
  return {
    ...row.value,
    reachable: health.reachable,
    kubernetesVersion: health.kubernetesVersion || row.value.kubernetesVersion,
  }
}
