import type { Clock } from '../../../lib/clock.ts'
import type { AuditLog } from '../../audit/index.ts'
import type { FollowedDirectory } from '../../directory/index.ts'
import type { Limits } from '../../limits/index.ts'
import type { WriterLeases } from '../../nodes/index.ts'
import type { QuotaStore } from '../../quota/index.ts'
import type { SessionRegistry } from '../../sessions/index.ts'
import type { TokenService } from '../../tokens/principal.ts'
import type { RunningUpstreams } from '../../upstream/index.ts'

/** What the agent face is made of. */
export interface AgentFaceDeps {
  tokens: Pick<TokenService, 'verify'>
  directory: FollowedDirectory
  quota: Pick<QuotaStore, 'ofNode'>
  leases: WriterLeases
  sessions: SessionRegistry
  upstreams: Pick<RunningUpstreams, 'health' | 'onHealth'>
  audit: AuditLog
  limits: Pick<Limits, 'selfPoll' | 'session'>
  clock: Clock
}
