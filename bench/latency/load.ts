/**
 * A process of its own that makes one slice of load, open loop: request i is due at i/rate whether or not earlier
 * ones have been answered, and its latency counts from when it was due.
 * In: one JSON object on stdin. Out: one JSON object on stdout; a byte on descriptor 3 at each operation's begin
 * and end, so that who reads it can tell what the operation cost another process.
 */
import { writeSync } from 'node:fs'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { KubeClient } from '../../src/kube/client/index.ts'
import { type Operation, operations } from './operations.ts'
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

/** What came of one operation of a slice. */
export interface SlicePart {
  /** Milliseconds of the requests that succeeded. */
  latencies: number[]
  errors: string[]
  /** Whether the load itself kept up: each request was sent within 100 ms of when it was due. */
  keptUp: boolean
}

export interface SliceResult {
  /** One per operation, in their order. */
  parts: SlicePart[]
}

/** A request that has no whole answer after this time has failed; so long may a slice go on after its last one. */
export const GRACE_MS = 20_000
const LATE_MS = 100
const MARKS = 3

if (import.meta.main) {
  const result = JSON.stringify(await run((await json(process.stdin)) as Slice))
  // Streams that a server has not closed yet must not keep this process.
  process.stdout.write(result, () => process.exit(0))
}

/** Runs the operations of a slice after each other, each for the whole time. */
async function run(slice: Slice): Promise<SliceResult> {
  const client = clientOf(slice.arm)
  const parts: SlicePart[] = []
  for (const name of slice.operations) {
    const operation = operations[name]
    if (operation === undefined) throw new Error(`no such operation: ${name}`)
    writeSync(MARKS, 'b')
    parts.push(await runOperation(client, slice, operation, name))
    writeSync(MARKS, 'e')
  }
  return { parts }
}

async function runOperation(
  client: KubeClient,
  { arm, rate, seconds, firstIndex }: Slice,
  operation: Operation,
  name: string,
): Promise<SlicePart> {
  const part: SlicePart = { latencies: [], errors: [], keptUp: true }
  const pending: Promise<void>[] = []
  const begun = performance.now()
  for (let index = 0; index < rate * seconds; index++) {
    const due = begun + (index * 1000) / rate
    for (let early = due - performance.now(); early > 0; early = due - performance.now()) await delay(early)
    if (performance.now() - due > LATE_MS) part.keptUp = false
    pending.push(
      inTime(operation(client, arm, firstIndex + index)).then(
        () => void part.latencies.push(performance.now() - due),
        (error) => void part.errors.push(`${name}: ${(error as Error).message}`),
      ),
    )
  }
  await Promise.all(pending)
  return part
}

function inTime(work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`no whole answer within ${GRACE_MS / 1000} s`))
    const timer = setTimeout(late, GRACE_MS)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
