import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { renderTable } from '../../src/cli/output/table.ts'
import { cpuSeconds, memoryMiB } from '../latency/process-cost.ts'
import { makeProgress } from '../latency/progress.ts'
import { shown, summarise } from '../latency/statistics.ts'
import { openStage } from './stage.ts'
import { changeStatuses, openWatches } from './status-path.ts'

interface Row {
  what: string
  cores: number
  memory: number
  added?: { p50: number; p99: number; count: number }
  overtaken?: number
  lost?: number
}

const SYNC_LIMIT_MS = 600_000

/**
 * npm run bench -- agent [--pods=1000] [--seconds=20] [--rates=50,200]: one agent between two sandboxes: from its
 * start until every pod is carried, its memory and CPU idle and under changes, and what the way of a status through
 * gateway and agent adds to a direct watch of the data plane, in the same run.
 */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      pods: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '20' },
      rates: { type: 'string', default: '50,200' },
    },
  })
  const pods = Number(values.pods)
  const seconds = Number(values.seconds)
  const rates = values.rates.split(',').map(Number)
  const { say, within } = makeProgress()
  say(`opening two sandboxes and a gateway, ${pods} pods`)
  const stage = await openStage(pods)
  try {
    const watches = openWatches(stage)
    const started = performance.now()
    const agent = await within(120_000, 'the agent', stage.startAgent())
    let told = started
    const synced = async () => {
      while (watches.carried.size < pods) {
        await delay(50)
        if (performance.now() - told < 5_000) continue
        told = performance.now()
        say(`${watches.carried.size} of ${pods} pods are carried`)
      }
    }
    await within(SYNC_LIMIT_MS, 'every pod is carried', synced())
    const syncMs = performance.now() - started
    say(`every pod is carried after ${(syncMs / 1000).toFixed(1)} s`)
    await delay(5_000) // the first statuses settle

    const rows: Row[] = []
    const measure = async <T>(what: string, work: Promise<T>): Promise<[Row, T]> => {
      const [cpu, begun] = [cpuSeconds(agent.pid), performance.now()]
      const result = await work
      const cores = (cpuSeconds(agent.pid) - cpu) / ((performance.now() - begun) / 1000)
      const row: Row = { what, cores, memory: memoryMiB(agent.pid).now }
      rows.push(row)
      say(`${what}: ${shown(cores)} cores, ${row.memory.toFixed(0)} MiB`)
      return [row, result]
    }
    await measure('idle', delay(seconds * 1000))
    let from = 1
    for (const rate of rates) {
      const work = within(
        seconds * 1000 + 120_000,
        `${rate} changes/s`,
        changeStatuses(stage, watches, { rate, seconds, from }),
      )
      const [row, { added, overtaken, lost }] = await measure(`${rate} changes/s`, work)
      from += Math.ceil((rate * seconds) / pods) + 1
      Object.assign(row, { added: summarise(added), overtaken, lost })
    }
    await watches.close()
    const memory = memoryMiB(agent.pid)
    await agent.stop()
    print({ pods, seconds, syncMs, rows, peakMiB: memory.peak })
    return 0
  } finally {
    await stage.close()
  }
}

function print(report: {
  pods: number
  seconds: number
  syncMs: number
  rows: Row[]
  peakMiB: number
}): void {
  console.log(
    `\n${report.pods} pods carried ${(report.syncMs / 1000).toFixed(1)} s after the agent's start; its memory at its peak ${report.peakMiB.toFixed(0)} MiB. Added: milliseconds from the direct watch's event to the user's.\n`,
  )
  console.log(
    renderTable<Row>(
      [
        { heading: 'AGENT', cell: ({ what }) => what },
        { heading: 'CORES', cell: ({ cores }) => shown(cores) },
        { heading: 'MIB', cell: ({ memory }) => memory.toFixed(0) },
        { heading: 'ADDED P50', cell: ({ added }) => (added ? shown(added.p50) : '-') },
        { heading: 'P99', cell: ({ added }) => (added ? shown(added.p99) : '-') },
        { heading: 'CHANGES', cell: ({ added }) => added?.count ?? '-' },
        { heading: 'OVERTAKEN', cell: ({ overtaken }) => overtaken ?? '-' },
        { heading: 'LOST', cell: ({ lost }) => lost ?? '-' },
      ],
      report.rows,
    ),
  )
  console.log(JSON.stringify({ bench: 'agent', ...report }))
}
