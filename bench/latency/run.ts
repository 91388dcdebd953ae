import { spawn } from 'node:child_process'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { renderTable } from '../../src/cli/output/table.ts'
import type { Slice, SliceResult } from './load.ts'
import { execute } from './operations.ts'
import { cpuSeconds, memoryMiB } from './process-cost.ts'
import { type BenchStage, openBenchStage } from './stage.ts'
import { shown, summarise } from './statistics.ts'
import { type Arm, clientOf } from './target.ts'
import { watchDelays } from './watch-delay.ts'

/** What is asked of both arms: at which rates, and which operations follow each other in a slice. */
const plan: readonly { operations: string[]; rates: number[] }[] = [
  { operations: ['GET pod'], rates: [50, 300] },
  { operations: ['LIST 500 pods'], rates: [4] },
  { operations: ['LIST 500 pods as Table'], rates: [4] },
  { operations: ['CREATE pod', 'DELETE pod'], rates: [50, 100] },
  { operations: ['log, first byte'], rates: [5] },
  { operations: ['exec true'], rates: [4] },
]

const BYTES = 200 * 2 ** 20
const CHUNK = Buffer.alloc(256 * 1024, 'x')

interface Row {
  operation: string
  rate: number
  direct: { p50: number; p99: number; count: number }
  gateway: { p50: number; p99: number; count: number }
  /** CPU seconds of the gateway's process per 1,000 requests. */
  cpuPer1000: number
  errors: number
  /** The direct arm did not keep up: the row says nothing. */
  isVoid: boolean
}

/** `npm run bench -- latency [--seconds 30] [--slices 5]`. Figures of other settings are not those of the README. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { seconds: { type: 'string' }, slices: { type: 'string' } } })
  const seconds = Number(values.seconds ?? 30)
  const slices = Number(values.slices ?? 5)
  const stage = await openBenchStage()
  try {
    const rows: Row[] = []
    for (const { operations, rates } of plan) {
      for (const rate of rates) rows.push(...(await measure(stage, operations, rate, seconds, slices)))
    }
    const watch = await watchDelays(stage.direct, stage.gateway, 20, seconds)
    const throughput = await measureThroughput(stage)
    print(rows, watch, throughput, memoryMiB(stage.gatewayPid), { seconds, slices })
    return 0
  } finally {
    await stage.close()
  }
}

async function measure(
  stage: BenchStage,
  operations: string[],
  rate: number,
  seconds: number,
  slices: number,
): Promise<Row[]> {
  const latencies: Record<string, { direct: number[]; gateway: number[] }> = {}
  let [cpu, requests, errors, isVoid] = [0, 0, 0, false]
  for (let slice = 0; slice < slices; slice++) {
    for (const arm of [stage.direct, stage.gateway]) {
      const before = cpuSeconds(stage.gatewayPid)
      const result = await load({ arm, operations, rate, seconds, firstIndex: slice * 1_000_000 })
      if (arm === stage.gateway) {
        cpu += cpuSeconds(stage.gatewayPid) - before
        requests += rate * seconds * operations.length
        errors += result.errors.length
      } else if (!result.keptUp || result.errors.length > 0) isVoid = true
      for (const error of new Set(result.errors)) console.error(`${arm.name}: ${error}`)
      for (const [name, values] of Object.entries(result.latencies)) {
        latencies[name] ??= { direct: [], gateway: [] }
        latencies[name][arm.name].push(...values)
      }
    }
  }
  return operations.map((operation) => {
    const { direct = [], gateway = [] } = latencies[operation] ?? {}
    const cpuPer1000 = (cpu / requests) * 1000
    return {
      operation,
      rate,
      direct: summarise(direct),
      gateway: summarise(gateway),
      cpuPer1000,
      errors,
      isVoid,
    }
  })
}

/** Runs one slice in a process of its own. */
async function load(slice: Slice): Promise<SliceResult> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('load.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify(slice))
  return (await json(child.stdout)) as SliceResult
}

interface Throughput {
  direction: string
  /** MiB per second. */
  direct: number
  gateway: number
}

/** 200 MiB out of an exec and into one, three times each way, the best counts. */
async function measureThroughput(stage: BenchStage): Promise<Throughput[]> {
  const out = (arm: Arm) =>
    timed(arm, (client) => execute(client, arm, ['head', '-c', String(BYTES), '/dev/zero']))
  const into = (arm: Arm) =>
    timed(arm, (client) => execute(client, arm, ['sh', '-c', 'cat > /dev/null'], CHUNK, BYTES / CHUNK.length))
  return [
    { direction: 'exec, 200 MiB out', direct: await out(stage.direct), gateway: await out(stage.gateway) },
    { direction: 'exec, 200 MiB in', direct: await into(stage.direct), gateway: await into(stage.gateway) },
  ]
}

async function timed(
  arm: Arm,
  act: (client: ReturnType<typeof clientOf>) => Promise<unknown>,
): Promise<number> {
  let best = 0
  for (let round = 0; round < 3; round++) {
    const client = clientOf(arm)
    const begun = performance.now()
    await act(client)
    best = Math.max(best, BYTES / 2 ** 20 / ((performance.now() - begun) / 1000))
    await client.close()
  }
  return best
}

function print(
  rows: Row[],
  watch: { direct: number[]; added: number[] },
  throughput: Throughput[],
  memory: { now: number; peak: number },
  options: { seconds: number; slices: number },
): void {
  const added = (row: Row, key: 'p50' | 'p99') => row.gateway[key] - row.direct[key]
  const table = renderTable<Row>(
    [
      { heading: 'OPERATION', cell: (row) => `${row.operation}${row.isVoid ? ' (void)' : ''}` },
      { heading: 'PER SECOND', cell: (row) => row.rate },
      { heading: 'DIRECT P50', cell: (row) => shown(row.direct.p50) },
      { heading: 'P99', cell: (row) => shown(row.direct.p99) },
      { heading: 'GATEWAY P50', cell: (row) => shown(row.gateway.p50) },
      { heading: 'P99', cell: (row) => shown(row.gateway.p99) },
      { heading: 'ADDED P50', cell: (row) => shown(added(row, 'p50')) },
      { heading: 'P99', cell: (row) => shown(added(row, 'p99')) },
      { heading: 'CPU S/1000', cell: (row) => shown(row.cpuPer1000) },
      { heading: 'ERRORS', cell: (row) => row.errors },
    ],
    rows,
  )
  const delivery = summarise(watch.added)
  console.log(
    `\nMilliseconds; ${options.slices} slices of ${options.seconds} s for each arm, alternating, open loop.\n`,
  )
  console.log(table)
  console.log(
    `\nA watch's event arrives ${shown(delivery.p50)} ms (p50), ${shown(delivery.p99)} ms (p99) later by the gateway than directly (${delivery.count} events).`,
  )
  for (const { direction, direct, gateway } of throughput) {
    console.log(
      `${direction}: direct ${direct.toFixed(0)} MiB/s, gateway ${gateway.toFixed(0)} MiB/s, ratio ${(gateway / direct).toFixed(2)}.`,
    )
  }
  console.log(
    `The gateway's memory: ${memory.now.toFixed(0)} MiB, at its peak ${memory.peak.toFixed(0)} MiB.`,
  )
  console.log(
    JSON.stringify({ bench: 'latency', ...options, rows, watchAdded: delivery, throughput, memory }),
  )
}
