import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { GRACE_MS, type Slice, type SliceResult } from './load.ts'
import { cpuSeconds } from './process-cost.ts'
import type { Progress } from './progress.ts'
import type { BenchStage } from './stage.ts'
import { type Summary, shown, summarise } from './statistics.ts'

export interface Row {
  operation: string
  rate: number
  direct: Summary
  gateway: Summary
  /** CPU seconds of the gateway's process per 1,000 requests of the operation. */
  cpuPer1000: number
  /** Requests by the gateway that failed; they are in no percentile. */
  errors: number
  /** The direct arm did not keep up or failed: the row says nothing. */
  isVoid: boolean
}

export interface MeasureOptions {
  stage: BenchStage
  progress: Progress
  /** Of a slice of one operation. */
  seconds: number
  /** Slices for each arm, alternating. */
  slices: number
}

/** Room for a load process to start and to print what it measured. */
const PROCESS_MS = 30_000
const SHOWN_ERRORS = 3

/** The rows of operations that follow each other, at one rate. @throws when a slice does not come to its end */
export async function measure(
  { stage, progress, seconds, slices }: MeasureOptions,
  operations: string[],
  rate: number,
): Promise<Row[]> {
  const total = operations.map(() => ({ direct: [] as number[], gateway: [] as number[], cpu: 0, errors: 0 }))
  let isVoid = false
  for (let slice = 0; slice < slices; slice++) {
    for (const arm of [stage.direct, stage.gateway]) {
      await stage.renew()
      const what = `${operations.join(', ')} at ${rate}/s, slice ${slice + 1} of ${slices}, ${arm.name}`
      const limit = operations.length * (seconds * 1000 + GRACE_MS) + PROCESS_MS
      // One operation after the other, so that the gateway's CPU time can be told apart.
      const results = load(
        { arm, operations, rate, seconds, firstIndex: slice * 1_000_000 },
        () => cpuSeconds(stage.gatewayPid),
        progress.interrupted,
      )
      const { parts, cpu } = await progress.within(limit, what, results.done).finally(results.end)
      parts.forEach((part, index) => {
        const sums = total[index]
        if (sums === undefined) return
        sums[arm.name].push(...part.latencies)
        if (arm.name === 'gateway') {
          sums.cpu += cpu[index] ?? Number.NaN
          sums.errors += part.errors.length
        } else if (!part.keptUp || part.errors.length > 0) isVoid = true
        const { p50, p99, count } = summarise(part.latencies)
        const late = part.keptUp ? '' : ', did not keep up'
        progress.say(
          `${what}: ${operations[index]} ${count} answers, p50 ${shown(p50)} ms, p99 ${shown(p99)} ms, ${part.errors.length} errors${late}`,
        )
        for (const error of [...new Set(part.errors)].slice(0, SHOWN_ERRORS)) progress.say(`  ${error}`)
      })
    }
  }
  return operations.map((operation, index) => {
    const { direct, gateway, cpu, errors } = total[index] ?? { direct: [], gateway: [], cpu: 0, errors: 0 }
    return {
      operation,
      rate,
      direct: summarise(direct),
      gateway: summarise(gateway),
      cpuPer1000: (cpu / (rate * seconds * slices)) * 1000,
      errors,
      isVoid,
    }
  })
}

/** Runs one slice in a process of its own; `cpu` is how much the clock given advanced during each operation. */
function load(slice: Slice, clock: () => number, signal: AbortSignal) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('load.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    signal,
  })
  child.on('error', () => {}) // an abort is one; `done` meets the end of the output
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('the load has no pipes')
  stdin.end(JSON.stringify(slice))
  // A byte on the fourth descriptor says that an operation begins or has ended.
  const marks: number[] = []
  child.stdio[3]?.on('data', (bytes: Buffer) => {
    for (let mark = 0; mark < bytes.length; mark++) marks.push(clock())
  })
  const done = text(stdout).then((output) => {
    if (output === '') throw new Error('the load ended without a result')
    const { parts } = JSON.parse(output) as SliceResult
    return { parts, cpu: parts.map((_, index) => (marks[2 * index + 1] ?? 0) - (marks[2 * index] ?? 0)) }
  })
  return { done, end: () => void child.kill('SIGKILL') }
}
