import type { KubeClient, KubeTarget } from '../../../kube/client/types.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Sealer } from '../../../lib/seal.ts'
import type { AuditLog } from '../../audit/index.ts'
import type { ClusterStore } from '../../clusters/index.ts'
import type { CredentialStore } from '../../credentials/index.ts'
import type { NodeStore } from '../../nodes/index.ts'
import type { IdempotencyStore, OperatorStore } from '../../operators/index.ts'
import type { QuotaStore } from '../../quota/index.ts'
import type { TenantStore } from '../../tenants/index.ts'
import type { RunningUpstreams } from '../../upstream/index.ts'
import type { ActivityStore } from '../../usage/index.ts'

/** What the operator face is made of. */
export interface OperatorServices {
  tenants: TenantStore
  quota: QuotaStore
  clusters: ClusterStore
  nodes: NodeStore
  credentials: CredentialStore
  operators: OperatorStore
  idempotency: IdempotencyStore
  activity: ActivityStore
  upstreams: Pick<RunningUpstreams, 'health'>
  sealer: Sealer
  /** For checking a data plane before it is registered. */
  createClient: (target: KubeTarget) => KubeClient
  /** Reads what was just written into this replica's directory, so that the next request sees it. */
  refreshDirectory(): Promise<void>
  audit: AuditLog
  clock: Clock
}
