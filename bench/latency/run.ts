import { inspect, parseArgs } from 'node:util'
import { type MeasureOptions, measure, type Row } from './measure.ts'
import { matches, plannedRows, WATCH } from './plan.ts'
import { memoryMiB } from './process-cost.ts'
import { makeProgress } from './progress.ts'
import { printReport } from './report.ts'
import { openBenchStage } from './stage.ts'
import { measureThroughput } from './throughput.ts'
import { type WatchDelays, watchDelays } from './watch-delay.ts'

const WATCH_RATE = 20
/** For both watches to open and for the last event to come. */
const WATCH_GRACE_MS = 60_000

/**
 * `npm run bench -- latency [--seconds 30] [--slices 5] [--only PART-OF-A-NAME] [--profile DIR]`. Figures of other
 * settings are not those of docs/benchmarks.md; with `--profile` the gateway's CPU is profiled, one file per row.
 */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '30' },
      slices: { type: 'string', default: '5' },
      only: { type: 'string' },
      profile: { type: 'string' },
    },
  })
  const [seconds, slices] = [positive('seconds', values.seconds), positive('slices', values.slices)]
  const { only } = values
  const progress = makeProgress()
  const stage = await openBenchStage(progress, values.profile)
  try {
    const options: MeasureOptions = { stage, progress, seconds, slices }
    const rows: Row[] = []
    for (const { operations, rates } of plannedRows(only)) {
      for (const rate of rates) {
        const profiled = await stage.profiler.start(`${operations.join(' ')} ${rate}`)
        rows.push(...(await measure(options, operations, rate)))
        await profiled()
      }
    }
    let watch: WatchDelays | undefined
    if (matches(only, WATCH)) {
      await stage.renew()
      progress.say(`${WATCH}: ${seconds * WATCH_RATE} changes`)
      const profiled = await stage.profiler.start(WATCH)
      const delays = watchDelays(stage.direct, stage.gateway, WATCH_RATE, seconds)
      watch = await progress.within(seconds * 2000 + WATCH_GRACE_MS, WATCH, delays)
      await profiled()
    }
    const throughput = await measureThroughput(stage, progress, only)
    printReport({ rows, watch, throughput, memory: memoryMiB(stage.gatewayPid), seconds, slices })
    return 0
  } catch (error) {
    progress.say(inspect(error))
    return 1
  } finally {
    progress.say('closing')
    await stage.close()
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number above 0`)
  return value
}
