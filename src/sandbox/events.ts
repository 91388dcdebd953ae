import type { Clock } from '../lib/clock.ts'
import { isIsthmusError } from '../protocol/errors/index.ts'
import type { KubeObject, ResourceStore } from './store/types.ts'

/** What an Event is about. */
export interface EventSubject {
  apiVersion: string
  kind: string
  namespace?: string
  name: string
  uid: string
  resourceVersion?: string
  /** Such as `spec.containers{main}`. */
  fieldPath?: string
}

export interface EventRecorder {
  /** Writes an Event, or raises the count of the same one. Never throws for a namespace or object that is gone. */
  record(subject: EventSubject, type: 'Normal' | 'Warning', reason: string, message: string): void
}

export interface EventRecorderOptions {
  store: ResourceStore
  clock: Clock
  /** Who speaks: `kubelet`, `default-scheduler`. */
  component: string
  host?: string
}

interface CoreEvent extends KubeObject {
  count: number
  lastTimestamp: string
}

/** The same thing said again within this time raises the count of the Event there is (client-go: 10 minutes). */
const AGGREGATE_MS = 10 * 60_000

/** RFC 3339 with seconds, as metav1.Time is written. */
export function kubeTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

let last = 0n

/** Nanoseconds in hex, as client-go names Events: lists are in order of name, and Events of one second in theirs. */
function eventSuffix(): string {
  const now = BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1000)) * 1000n
  last = now > last ? now : last + 1n
  return last.toString(16)
}

export function subjectOf(object: KubeObject, fieldPath?: string): EventSubject {
  const { apiVersion, kind, metadata } = object
  const { namespace, name, uid, resourceVersion } = metadata
  return { apiVersion, kind, namespace, name, uid, resourceVersion, ...(fieldPath ? { fieldPath } : {}) }
}

/** core/v1 Events as client-go's recorder writes them, the repeated ones counted. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { store, clock, component, host } = options
  const recent = new Map<string, { namespace: string; name: string; at: number }>()

  const forget = (now: number) => {
    for (const [key, entry] of recent) {
      if (now - entry.at < AGGREGATE_MS) break
      recent.delete(key)
    }
  }

  const repeat = (key: string, now: number): boolean => {
    const known = recent.get(key)
    if (!known) return false
    const found = store.get<CoreEvent>('events', known)
    if (!found) return false
    store.mutate<CoreEvent>('events', known, (event) => {
      event.count += 1
      event.lastTimestamp = kubeTime(now)
    })
    recent.delete(key)
    recent.set(key, { ...known, at: now })
    return true
  }

  return {
    record(subject, type, reason, message) {
      const now = clock.now()
      forget(now)
      const key = [subject.uid, subject.fieldPath, type, reason, message].join('\n')
      const namespace = subject.namespace || 'default'
      try {
        if (repeat(key, now)) return
        const name = `${subject.name}.${eventSuffix()}`
        store.create('events', {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { namespace, name },
          involvedObject: { ...subject },
          reason,
          message: message.slice(0, 1024),
          source: { component, ...(host ? { host } : {}) },
          firstTimestamp: kubeTime(now),
          lastTimestamp: kubeTime(now),
          count: 1,
          type,
          eventTime: null,
          reportingComponent: component,
          reportingInstance: host ?? '',
        })
        recent.set(key, { namespace, name, at: now })
      } catch (error) {
        // the namespace, or the Event itself, went meanwhile: nobody is left to read it
        if (!isIsthmusError(error)) throw error
      }
    },
  }
}
