import { isKubeApiError } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { GatewayClient } from '../gateway/client.ts'

export interface WriterOptions {
  gateway: Pick<GatewayClient, 'acquireLease' | 'renewLease' | 'releaseLease'>
  /** Unique per process. */
  instance: string
  clock: Clock
  logger: Logger
  signal: AbortSignal
  /** Called when this process became or stopped being the writer. */
  onChange(writing: boolean): void
}

/**
 * Which replica writes (rule 27). The gateway decides, by a lease with an epoch; while it is away the last
 * writer goes on, fenced in the user's cluster by the node's own Lease, which calls `standDown`.
 */
export interface Writer {
  /** The epoch of the lease that this process holds; undefined when it is not the writer. */
  epoch(): number | undefined
  /** Somebody with a higher epoch writes: stop at once. */
  standDown(why: string): void
  /** The gateway is away and the node's Lease stood still: go on where the dead writer left, with its epoch. */
  takeOver(epoch: number): void
  run(): Promise<void>
  /** Gives the lease back, so that another replica need not wait for its end. */
  release(): Promise<void>
}

const RETRY_MS = 1_000

/** Makes the writer's state machine; `run()` starts it. */
export function createWriter(options: WriterOptions): Writer {
  const { gateway, instance, clock, logger, signal } = options
  let epoch: number | undefined
  /** Whether the epoch came from the gateway in this process, and so can be renewed there. */
  let held = false

  let saidThatItWaits = false

  function become(next: number | undefined, why: string): void {
    if (next === epoch) return
    const was = epoch
    epoch = next
    logger.info({ epoch: next, why }, next === undefined ? 'no longer the writer' : 'the writer of this node')
    if ((was === undefined) !== (next === undefined)) options.onChange(next !== undefined)
  }

  /** Once: a replica that waits is as it should be, two agents by mistake look the same. */
  function sayThatItWaits(answer: string): void {
    if (saidThatItWaits) return
    saidThatItWaits = true
    logger.info({ instance, answer }, 'another instance of this node’s agent holds the lease: this one waits')
  }

  /** One request to the gateway. Returns how long to wait for the next, in milliseconds. */
  async function step(): Promise<number> {
    try {
      const lease =
        held && epoch !== undefined
          ? await gateway.renewLease(instance, epoch)
          : await gateway.acquireLease(instance)
      held = true
      saidThatItWaits = false
      become(lease.epoch, 'the gateway granted the lease')
      return (lease.durationSeconds * 1000) / 3
    } catch (error) {
      if (signal.aborted) return 0
      // Another holds it: for one that held it, that is the end; for one that took over in an outage too.
      if (isKubeApiError(error, 409)) {
        held = false
        become(undefined, 'another instance holds the lease')
        sayThatItWaits(error.message)
      } else logger.debug({ err: error }, 'the writer lease could not be renewed')
      return RETRY_MS
    }
  }

  return {
    epoch: () => epoch,
    standDown(why) {
      held = false
      become(undefined, why)
    },
    takeOver(next) {
      if (epoch === undefined) become(next, 'the writer is gone and the gateway is away')
    },
    async run() {
      while (!signal.aborted) {
        const wait = await step()
        await clock.sleep(wait, signal).catch(() => {})
      }
    },
    async release() {
      if (epoch === undefined || !held) return
      const last = epoch
      become(undefined, 'stopping')
      await gateway.releaseLease(instance, last).catch((error) => {
        logger.debug({ err: error }, 'the lease could not be given back, it will run out')
      })
    },
  }
}
