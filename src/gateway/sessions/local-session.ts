import type { Clock } from '../../lib/clock.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { CutOff } from '../directory/index.ts'
import type { OpenSession } from './index.ts'
import type { SessionRow } from './store.ts'

/** An open session of this replica with what the registry has to know about it. */
export interface LocalSession extends OpenSession {
  /** False while Postgres was away when it was opened (a log follow): inserted later. */
  registered: boolean
  row: SessionRow
  /** Aborts the signal; the streams end it then. */
  cut(error: IsthmusError): void
  /** Why it was cut, as an outcome. */
  readonly cutBecause: string | undefined
  /** Bytes since they were last asked for. */
  takeCounts(): { bytesIn: number; bytesOut: number }
  readonly openedAtMs: number
  readonly activeAtMs: number
}

export function makeLocalSession(
  row: SessionRow,
  clock: Clock,
  end: (session: LocalSession, outcome: string) => Promise<void>,
): LocalSession {
  const abort = new AbortController()
  let counts = { bytesIn: 0, bytesOut: 0 }
  let activeAtMs = clock.now()
  let ending: Promise<void> | undefined
  let cutBecause: string | undefined
  const session: LocalSession = {
    id: row.id,
    principal: { tenantId: row.tenantId, nodeId: row.nodeId, credentialId: row.credentialId },
    target: row.target,
    row,
    registered: true,
    signal: abort.signal,
    openedAtMs: activeAtMs,
    get activeAtMs() {
      return activeAtMs
    },
    get cutBecause() {
      return cutBecause
    },
    touch(bytesIn, bytesOut) {
      counts.bytesIn += bytesIn
      counts.bytesOut += bytesOut
      activeAtMs = clock.now()
    },
    takeCounts() {
      const taken = counts
      counts = { bytesIn: 0, bytesOut: 0 }
      return taken
    },
    cut(error) {
      cutBecause ??= outcomeOf(error)
      abort.abort(error)
    },
    end(outcome) {
      ending ??= end(session, cutBecause ?? outcome)
      return ending
    },
  }
  return session
}

const REASONS: Record<CutOff['reason'], () => IsthmusError> = {
  revoked: () => new IsthmusError('unauthenticated', 'The credential was revoked.'),
  suspended: () => new IsthmusError('suspended', 'The tenant is suspended.'),
  deleted: () => new IsthmusError('not_found', 'What the session belongs to was deleted.'),
  limited: () => new IsthmusError('forbidden', 'The credential may do less now.'),
  killed: () => new IsthmusError('forbidden', 'The session was ended by an operator.'),
}

/** The error with which a cut-off ends a stream. */
export function errorOfCutOff(reason: CutOff['reason']): IsthmusError {
  return REASONS[reason]()
}

function outcomeOf(error: IsthmusError): string {
  switch (error.code) {
    case 'unauthenticated':
      return 'revoked'
    case 'suspended':
      return 'suspended'
    case 'not_found':
      return 'deleted'
    case 'forbidden':
      return 'killed'
    case 'timeout':
      return 'expired'
    default:
      return 'shut-down'
  }
}
