import type { V1NodeCondition } from '@kubernetes/client-node'
import type { Connection } from '../self/self-watch.ts'

/** Tells since when and why the gateway, or by its word the data plane, is away. */
export const CONNECTED = 'isthmus.dev/Connected'

/** What the conditions follow from. */
export interface NodeHealth {
  connection: Connection
  /** The data plane takes no new pods. */
  maintenance: boolean
  /** An adopted Node without our taint: pods that do not tolerate it would come (rule 29). */
  taintMissing: boolean
  now: Date
}

interface Wanted {
  type: string
  status: 'True' | 'False'
  reason: string
  message: string
}

function networkUnavailable({ connection, maintenance, taintMissing }: NodeHealth): Wanted {
  const type = 'NetworkUnavailable'
  if (!connection.connected) {
    return { type, status: 'True', reason: connection.reason, message: `No new pods: ${connection.message}` }
  }
  if (maintenance) {
    return {
      type,
      status: 'True',
      reason: 'Maintenance',
      message: 'No new pods: the data plane is in maintenance.',
    }
  }
  if (taintMissing) {
    return {
      type,
      status: 'True',
      reason: 'TaintMissing',
      message: 'No new pods: the virtual-node taint is missing.',
    }
  }
  return { type, status: 'False', reason: 'RouteCreated', message: 'Pods run in the data plane.' }
}

/**
 * The conditions of the Node. Ready stays True through an outage of the gateway, for the static period; what
 * keeps new pods off meanwhile is NetworkUnavailable, which the controller manager turns into a NoSchedule
 * taint (rule 25): room alone would not, the scheduler preempts.
 */
function wantedConditions(health: NodeHealth): Wanted[] {
  const { connection } = health
  const fine = (type: string, reason: string): Wanted => ({
    type,
    status: 'False',
    reason,
    message: 'Not a machine.',
  })
  return [
    fine('MemoryPressure', 'VirtualNodeHasSufficientMemory'),
    fine('DiskPressure', 'VirtualNodeHasNoDiskPressure'),
    fine('PIDPressure', 'VirtualNodeHasSufficientPID'),
    networkUnavailable(health),
    {
      type: CONNECTED,
      status: connection.connected ? 'True' : 'False',
      reason: connection.reason,
      message: connection.message,
    },
    { type: 'Ready', status: 'True', reason: 'VirtualKubeletReady', message: 'The virtual node is ready.' },
  ]
}

const seconds = (date: Date) => date.toISOString().replace(/\.\d+Z$/, 'Z')

/** The conditions as they go into the status: heartbeat now, a transition's time kept while its status is. */
export function nodeConditions(present: V1NodeCondition[], health: NodeHealth): V1NodeCondition[] {
  const now = seconds(health.now)
  return wantedConditions(health).map((wanted) => {
    const before = present.find(({ type }) => type === wanted.type)
    const since = before?.status === wanted.status ? before.lastTransitionTime : undefined
    return {
      ...wanted,
      lastHeartbeatTime: now,
      lastTransitionTime: since ? seconds(new Date(since)) : now,
    } as unknown as V1NodeCondition // times as they go over the wire
  })
}
