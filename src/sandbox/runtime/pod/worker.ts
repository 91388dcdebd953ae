import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { isIsthmusError } from '../../../protocol/errors/index.ts'
import { kubeTime, subjectOf } from '../../events.ts'
import { type ContainerRecord, isActive } from '../container/record.ts'
import type { Pod } from '../types.ts'
import { createWake } from '../wake.ts'
import type { RuntimeContext } from './context.ts'
import { createMounting } from './mounting.ts'
import { podStatus, statusDiffers } from './pod-status.ts'
import { hasFinished, reconcile } from './reconcile.ts'
import { partsOf } from './records.ts'
import { fieldPathOf } from './run-container.ts'
import { shortenAll, terminateAll } from './terminate.ts'

/** Runs one pod, from the moment it is bound until it is gone. */
export interface PodWorker {
  readonly uid: string
  readonly records: ReadonlyMap<string, ContainerRecord>
  /** The pod, or something that it uses, changed. */
  poke(): void
  /** The object is gone from the API: what still runs is killed. */
  forget(): void
  /** Resolves when no process and no file of it is left. */
  readonly done: Promise<void>
}

/** Why a pod ends, beside its deletion. */
interface Ending {
  reason?: string
  message?: string
  /** ms since the epoch. */
  deadline: number
  work?: Promise<void>
  over: boolean
}

/** Level-triggered: whatever happens rings a bell, and the pod is looked at as it is then. */
export function startPodWorker(first: Pod, context: RuntimeContext): PodWorker {
  const { store, clock, logger, events } = context
  const { name, namespace, uid } = first.metadata
  const podDir = join(context.podsDir, uid)
  const records = new Map<string, ContainerRecord>()
  const mounting = createMounting(context, join(podDir, 'volumes'))
  const wake = createWake(clock)
  const never = new AbortController().signal
  const startTime = first.status?.startTime ?? kubeTime(clock.now())
  let pod = first
  let initialized = false
  let ending: Ending | undefined
  let gone = false
  let pokes = 0
  let mounted = ''

  /** The object as it is, or the last seen when another has taken its name. */
  const refresh = () => {
    const found = store.get<Pod>('pods', { namespace, name })
    if (found?.metadata.uid === uid) pod = found
    else gone = true
  }

  const begin = (deadline: number, reason?: string, message?: string) => {
    if (ending) ending.deadline = Math.min(ending.deadline, deadline)
    else ending = { deadline, reason, message, over: false }
  }

  const judge = () => {
    const now = clock.now()
    const grace = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
    const { deletionTimestamp } = pod.metadata
    if (gone) return begin(now)
    // the API server has added the grace to the time of the request
    if (deletionTimestamp) return begin(Math.min(Date.parse(deletionTimestamp) + 999, now + grace * 1000))
    const limit = pod.spec.activeDeadlineSeconds
    if (limit !== undefined && limit !== null && now >= Date.parse(startTime) + limit * 1000 && !ending) {
      const message = 'Pod was active on the node longer than the specified deadline'
      events.record(subjectOf(pod), 'Normal', 'DeadlineExceeded', message)
      begin(now + grace * 1000, 'DeadlineExceeded', message)
    }
    const parts = partsOf(pod, records)
    if (!ending && hasFinished(pod, parts, initialized)) begin(now + grace * 1000)
  }

  const end = (current: Ending) => {
    const parts = partsOf(pod, records)
    shortenAll(parts, current.deadline)
    current.work ??= terminateAll({
      parts,
      clock,
      podIP: context.podIP,
      deadline: current.deadline,
      onStopping: (record) => {
        const part = parts.all.find((each) => each.record === record)!
        const text = `Stopping container ${record.name}`
        events.record(subjectOf(pod, fieldPathOf(part)), 'Normal', 'Killing', text)
      },
      onHookFailed: (record, message) => {
        const part = parts.all.find((each) => each.record === record)!
        events.record(subjectOf(pod, fieldPathOf(part)), 'Warning', 'FailedPreStopHook', message)
      },
    }).then(() => {
      current.over = parts.all.every(({ record }) => !isActive(record))
      if (!current.over) current.work = undefined
      wake.ring()
    })
  }

  const mount = async () => {
    // a change that no volume shows costs no more than this comparison
    try {
      await mounting.sync(pod)
      mounted = ''
    } catch (error) {
      const { message } = error as Error
      if (message !== mounted) events.record(subjectOf(pod), 'Warning', 'FailedMount', message)
      mounted = message
    }
  }

  const report = () => {
    const status = podStatus({
      pod,
      parts: partsOf(pod, records),
      prepared: mounting.ready,
      initialized,
      ending: ending !== undefined,
      reason: ending?.reason,
      message: ending?.message,
      startTime,
      podIP: context.podIP,
      hostIP: context.hostIP,
      now: kubeTime(clock.now()),
    })
    if (!statusDiffers(pod.status, status)) return
    pod = store.patchStatus<Pod>('pods', { namespace, name, uid }, { ...status })
  }

  /** One look at the pod. Returns how long nothing needs to be looked at, in ms. */
  const step = async (): Promise<number> => {
    refresh()
    judge()
    let nextAt = Number.POSITIVE_INFINITY
    if (ending) end(ending)
    else {
      await mount()
      nextAt = mounting.nextAt
      if (mounting.ready) {
        const input = { context, pod, parts: partsOf(pod, records), podDir, initialized, pokes }
        const result = reconcile({ ...input, onChange: () => wake.ring() })
        initialized = result.initialized
        nextAt = Math.min(nextAt, result.nextAt)
      }
      const limit = pod.spec.activeDeadlineSeconds
      if (typeof limit === 'number') nextAt = Math.min(nextAt, Date.parse(startTime) + limit * 1000)
    }
    refresh()
    if (!gone) report()
    if (ending?.over && pod.metadata.deletionTimestamp && !gone) {
      store.delete('pods', { namespace: namespace!, name }, { uid, gracePeriodSeconds: 0 })
    }
    return nextAt - clock.now()
  }

  const run = async () => {
    while (!(gone && ending?.over)) {
      let pause = Number.POSITIVE_INFINITY
      try {
        pause = await step()
      } catch (error) {
        if (!isIsthmusError(error))
          logger.error({ err: error, pod: `${namespace}/${name}` }, 'pod worker failed')
        // somebody else wrote or deleted between our read and our write: look again
        pause = isIsthmusError(error) ? 50 : 1_000
      }
      await wake.wait(pause, never)
      // what comes in one turn of the event loop is looked at once; and a pod that keeps waking itself starves nobody
      await setImmediate()
    }
    await rm(podDir, { recursive: true, force: true }).catch((err: unknown) =>
      logger.warn({ err, dir: podDir }, 'files of a pod are left'),
    )
  }

  return {
    uid,
    records,
    poke() {
      pokes++
      wake.ring()
    },
    forget() {
      gone = true
      wake.ring()
    },
    done: run(),
  }
}
