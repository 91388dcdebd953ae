import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/logger.ts'
import type { EventRecorder } from '../../events.ts'
import type { ResourceStore } from '../../store/types.ts'
import type { SpawnProcess } from '../process/types.ts'
import type { RequestToken } from '../types.ts'

/** What all pods of one runtime share. */
export interface RuntimeContext {
  store: ResourceStore
  clock: Clock
  logger: Logger
  events: EventRecorder
  spawn: SpawnProcess
  /** `<dir>/pods`. */
  podsDir: string
  podIP: string
  hostIP: string
  path: string
  allocatable: Record<string, string>
  backoffBaseMs: number
  backoffMaxMs: number
  requestToken: RequestToken | undefined
  apiServer: { host: string; port: number } | undefined
}
