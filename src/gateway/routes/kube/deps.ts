import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/logger.ts'
import type { AuditLog } from '../../audit/index.ts'
import type { Directory } from '../../directory/index.ts'
import type { ItemMemory } from '../../kubernetes/known-items.ts'
import type { Limits } from '../../limits/index.ts'
import type { ReservedKey } from '../../policy/index.ts'
import type { QuotaLedger } from '../../quota/index.ts'
import type { SessionRegistry } from '../../sessions/index.ts'
import type { NamespaceRegistry } from '../../tenants/index.ts'
import type { TokenService } from '../../tokens/principal.ts'
import type { Upstreams } from '../../upstream/index.ts'

/** What the Kubernetes face is made of. */
export interface KubernetesFaceDeps {
  tokens: Pick<TokenService, 'verify'>
  directory: Directory
  namespaces: NamespaceRegistry
  quota: QuotaLedger
  sessions: SessionRegistry
  upstreams: Upstreams
  audit: AuditLog
  limits: Pick<Limits, 'kube' | 'session'>
  logger: Logger
  clock: Clock
  /** 32 bytes, the same on every replica: continue tokens are encrypted with it (rule 12). */
  continueKey: Uint8Array
  /** Requests that a container gets which names none, by resource (design.md §4: BestEffort pods are not free). */
  defaultRequests: Readonly<Record<string, string>>
  /** How items of lists were rendered before; the face makes its own when absent. */
  items?: ItemMemory
  /** Keys of metadata that tenants may not set, beside those of policy/reserved-keys.ts. */
  reservedKeys?: readonly ReservedKey[]
  /** Called for each physical name that only the last wall caught (rule 20); for a counter. */
  onLeak?(where: string): void
  /** How long a virtual namespace may take until it can be used, in milliseconds; 5,000 by default (rule 9). */
  namespaceReadyMs?: number
}
