import { renderTable } from '../../src/cli/output/table.ts'
import type { Row } from './measure.ts'
import { shown, summarise } from './statistics.ts'
import type { Throughput } from './throughput.ts'
import type { WatchDelays } from './watch-delay.ts'

export interface Report {
  rows: Row[]
  watch: WatchDelays | undefined
  throughput: Throughput[]
  /** MiB of the gateway's process. */
  memory: { now: number; peak: number }
  seconds: number
  slices: number
}

/** Prints the table, what is no row, and last one line of JSON. */
export function printReport(report: Report, print: (line: string) => void = console.log): void {
  const { rows, watch, throughput, memory, seconds, slices } = report
  const added = (row: Row, key: 'p50' | 'p99') => row.gateway[key] - row.direct[key]
  print(`\nMilliseconds; ${slices} slices of ${seconds} s for each arm, alternating, open loop.\n`)
  print(
    renderTable<Row>(
      [
        { heading: 'OPERATION', cell: (row) => `${row.operation}${row.isVoid ? ' (void)' : ''}` },
        { heading: 'PER SECOND', cell: (row) => row.rate },
        { heading: 'DIRECT P50', cell: (row) => shown(row.direct.p50) },
        { heading: 'P99', cell: (row) => shown(row.direct.p99) },
        { heading: 'GATEWAY P50', cell: (row) => shown(row.gateway.p50) },
        { heading: 'P99', cell: (row) => shown(row.gateway.p99) },
        { heading: 'ADDED P50', cell: (row) => shown(added(row, 'p50')) },
        { heading: 'P99', cell: (row) => shown(added(row, 'p99')) },
        { heading: 'RATIO P50', cell: (row) => shown(row.gateway.p50 / row.direct.p50) },
        { heading: 'CPU S/1000', cell: (row) => shown(row.cpuPer1000) },
        { heading: 'ERRORS', cell: (row) => row.errors },
      ],
      rows,
    ),
  )
  const delivery = watch && { direct: summarise(watch.direct), added: summarise(watch.added) }
  if (delivery) {
    const { direct, added } = delivery
    print(
      `\nA watch's event arrives ${shown(added.p50)} ms (p50), ${shown(added.p99)} ms (p99) later by the gateway than directly (${shown(direct.p50)} and ${shown(direct.p99)} ms after its write was sent; ${added.count} events).`,
    )
  }
  for (const { direction, direct, gateway, cpu } of throughput) {
    print(
      `${direction}: direct ${direct.toFixed(0)} MiB/s, gateway ${gateway.toFixed(0)} MiB/s, ratio ${(gateway / direct).toFixed(2)}, ${shown(cpu)} s of the gateway's CPU.`,
    )
  }
  print(`The gateway's memory: ${memory.now.toFixed(0)} MiB, at its peak ${memory.peak.toFixed(0)} MiB.`)
  print(JSON.stringify({ bench: 'latency', seconds, slices, rows, watch: delivery, throughput, memory }))
}
