/**
 * A process of its own that makes one slice of load, open loop: request i is due at i/rate whether or not earlier
 * ones have been answered, and its latency counts from when it was due.
 * In: one JSON object on stdin. Out: one JSON object on stdout.
 */
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { operations } from './operations.ts'
import { type Arm, clientOf } from './target.ts'

export interface Slice {
  arm: Arm
  operations: string[]
  /** Requests per second of each operation. */
  rate: number
  seconds: number
  /** Of the first request, so that slices do not meet each other's objects. */
  firstIndex: number
}

export interface SliceResult {
  /** Milliseconds, by operation. */
  latencies: Record<string, number[]>
  errors: string[]
  /** Whether the load itself kept up: the last request was sent within 100 ms of when it was due. */
  keptUp: boolean
}

const LATE_MS = 100

if (import.meta.main) process.stdout.write(JSON.stringify(await run((await json(process.stdin)) as Slice)))

/** Runs the operations of a slice after each other, each for the whole time. */
async function run(slice: Slice): Promise<SliceResult> {
  const client = clientOf(slice.arm)
  const result: SliceResult = { latencies: {}, errors: [], keptUp: true }
  for (const name of slice.operations) {
    const operation = operations[name]
    if (operation === undefined) throw new Error(`no such operation: ${name}`)
    const latencies: number[] = []
    const pending: Promise<void>[] = []
    const begun = performance.now()
    for (let index = 0; index < slice.rate * slice.seconds; index++) {
      const due = begun + (index * 1000) / slice.rate
      const early = due - performance.now()
      if (early > 1) await delay(early)
      if (performance.now() - due > LATE_MS) result.keptUp = false
      pending.push(
        operation(client, slice.arm, slice.firstIndex + index).then(
          () => void latencies.push(performance.now() - due),
          (error) => void result.errors.push(`${name}: ${(error as Error).message}`),
        ),
      )
    }
    await Promise.all(pending)
    result.latencies[name] = latencies
  }
  await client.close()
  return result
}
