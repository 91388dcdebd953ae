import { createHash } from 'node:crypto'
import type { CoreV1Event } from '@kubernetes/client-node'
import { isKubeApiError, type KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { type EventRecorder, type EventTarget, MERGE_PATCH, timestamp } from '../context.ts'

export interface RecorderOptions {
  user: Pick<KubeClient, 'json'>
  nodeName: string
  clock: Clock
  logger: Logger
  isWriter(): boolean
}

interface Told {
  name: string
  count: number
  atMs: number
}

/** The same Event again within so long is counted on the first one, at most once a minute. */
const SAME_MS = 10 * 60_000
const COUNT_EVERY_MS = 60_000
const REMEMBERED = 5_000
const MESSAGE_MAX = 1024

/** A name that is the same for the same Event, so that replicas and restarts do not double it. */
export function eventName(target: EventTarget, key: string): string {
  const hash = createHash('sha256').update(`${target.uid}\0${key}`).digest('hex').slice(0, 16)
  // A part of a name may not end in a dash or a dot, wherever a long one was cut.
  return `${target.name.slice(0, 230).replace(/[-.]+$/, '')}.${hash}`
}

/** Makes the recorder of the agent's own Events. */
export function createRecorder(options: RecorderOptions): EventRecorder {
  const { user, nodeName, clock, logger } = options
  const told = new Map<string, Told>()

  async function create(target: EventTarget, type: string, reason: string, message: string, name: string) {
    const namespace = target.namespace ?? 'default'
    const now = timestamp(clock)
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: { apiVersion: 'v1', ...target },
      type,
      reason,
      message: message.slice(0, MESSAGE_MAX),
      source: { component: 'isthmus-agent', host: nodeName },
      reportingComponent: 'isthmus-agent',
      reportingInstance: nodeName,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    }
    const path = ['api', 'v1', 'namespaces', namespace, 'events']
    await user.json<CoreV1Event>({ method: 'POST', path, body: event })
  }

  async function count(target: EventTarget, name: string, total: number): Promise<void> {
    await user.json<CoreV1Event>({
      method: 'PATCH',
      path: ['api', 'v1', 'namespaces', target.namespace ?? 'default', 'events', name],
      headers: MERGE_PATCH,
      body: { count: total, lastTimestamp: timestamp(clock) },
    })
  }

  return {
    event(target, type, reason, message) {
      if (!options.isWriter()) return
      const key = `${target.uid}\0${type}\0${reason}\0${message}`
      const before = told.get(key)
      const now = clock.now()
      if (before && now - before.atMs < COUNT_EVERY_MS) {
        before.count += 1
        return
      }
      const again = before && now - before.atMs < SAME_MS
      const entry: Told = again
        ? { ...before, count: before.count + 1, atMs: now }
        : { name: eventName(target, `${type}\0${reason}\0${message}\0${now}`), count: 1, atMs: now }
      told.delete(key)
      told.set(key, entry)
      const oldest = told.size > REMEMBERED ? told.keys().next().value : undefined
      if (oldest !== undefined) told.delete(oldest)
      const write = again
        ? count(target, entry.name, entry.count)
        : create(target, type, reason, message, entry.name)
      write.catch((error) => {
        // Gone with its namespace, or made already: nothing is lost that anybody waits for.
        if (!isKubeApiError(error, 404) && !isKubeApiError(error, 409)) {
          logger.debug({ err: error, reason }, 'an Event could not be written')
        }
      })
    },
  }
}
