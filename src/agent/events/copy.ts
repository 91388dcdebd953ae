import type { CoreV1Event, V1Pod } from '@kubernetes/client-node'
import { isKubeApiError } from '../../kube/index.ts'
import { createWorkQueue } from '../../lib/work-queue.ts'
import { type AgentContext, MERGE_PATCH } from '../context.ts'
import { retryDelay } from '../errors.ts'
import { createMirror, type Mirror } from '../mirror.ts'
import { eventName } from './recorder.ts'

/** Brings the Events of carrying pods to the user's pods. */
export interface EventCopy {
  run(): Promise<void>
}

/** Told by the user's own scheduler already; the data plane's would be a second one with another node. */
const untold = new Set(['Scheduled'])

/** An event whose pod is not known is looked at again for so long: each watch has its own pace. */
const FRESH_MS = 30_000
const LOOK_AGAIN_MS = 2_000

const timeOf = (event: CoreV1Event): number => {
  const time = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime
  return time ? new Date(time).getTime() : 0
}

const countOf = (event: CoreV1Event) => event.series?.count ?? event.count ?? 1

export interface EventCopyOptions {
  carriers: Pick<Mirror<V1Pod>, 'values'>
  users: Pick<Mirror<V1Pod>, 'get'>
  uidOf(carried: V1Pod): string | undefined
}

/**
 * Follows the Events behind the gateway, whose names it has mapped, and writes each to the user's cluster once:
 * its name there follows from the original's UID, so that a restart or another replica finds it, and a repetition
 * raises its count.
 */
export function createEventCopy(
  context: Pick<
    AgentContext,
    'user' | 'gateway' | 'nodeName' | 'clock' | 'logger' | 'random' | 'signal' | 'isWriter'
  >,
  { carriers, users, uidOf }: EventCopyOptions,
): EventCopy {
  const startedMs = context.clock.now()

  const events: Mirror<CoreV1Event> = createMirror<CoreV1Event>({
    client: context.gateway,
    path: ['api', 'v1', 'events'],
    query: { fieldSelector: 'involvedObject.kind=Pod' },
    keyOf: ({ metadata }) => metadata?.uid,
    onChange: (key) => queue.add(key),
    clock: context.clock,
    logger: context.logger,
    random: context.random,
    signal: context.signal,
  })

  function userPodOf(event: CoreV1Event): V1Pod | undefined {
    for (const pod of carriers.values()) {
      if (pod.metadata?.uid === event.involvedObject.uid) return users.get(uidOf(pod) ?? '')
    }
    return undefined
  }

  async function write(event: CoreV1Event, pod: V1Pod): Promise<void> {
    const { name = '', namespace = '', uid } = pod.metadata ?? {}
    const target = { kind: 'Pod' as const, name, namespace, uid }
    const path = ['api', 'v1', 'namespaces', namespace, 'events']
    const own = eventName(target, event.metadata?.uid ?? '')
    const lastTimestamp = new Date(timeOf(event)).toISOString().replace(/\.\d+Z$/, 'Z')
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: own, namespace },
      involvedObject: { apiVersion: 'v1', ...target, fieldPath: event.involvedObject.fieldPath },
      type: event.type,
      reason: event.reason,
      message: event.message,
      source: { component: 'kubelet', host: context.nodeName },
      reportingComponent: 'isthmus-agent',
      reportingInstance: context.nodeName,
      firstTimestamp: event.firstTimestamp ?? lastTimestamp,
      lastTimestamp,
      count: countOf(event),
    }
    try {
      await context.user.json({ method: 'POST', path, body })
    } catch (error) {
      if (!isKubeApiError(error, 409)) throw error
      const { message, count } = body
      await context.user.json({
        method: 'PATCH',
        path: [...path, own],
        headers: MERGE_PATCH,
        body: { message, count, lastTimestamp },
      })
    }
  }

  const queue = createWorkQueue<string>({
    name: 'events',
    clock: context.clock,
    logger: context.logger,
    random: () => context.random(),
    concurrency: 4,
    delayOf: retryDelay,
    maxDelayMs: 30_000,
    async handle(key) {
      const event = events.get(key)
      // What happened before this process is old news, or was told by the one before.
      if (!event || untold.has(event.reason ?? '') || timeOf(event) < startedMs - 5_000) return undefined
      const pod = context.isWriter() ? userPodOf(event) : undefined
      // It may have come before its pod, or before this replica was told to write.
      if (!pod) return context.clock.now() - timeOf(event) < FRESH_MS ? LOOK_AGAIN_MS : undefined
      try {
        await write(event, pod)
      } catch (error) {
        // The namespace is going, or the Event went meanwhile: nobody waits for it.
        if (!isKubeApiError(error, 403) && !isKubeApiError(error, 404)) throw error
      }
      return undefined
    },
  })

  return {
    async run() {
      await events.run()
      await queue.close()
    },
  }
}
