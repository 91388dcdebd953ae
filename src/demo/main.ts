import { parseArgs } from 'node:util'
import { farewell } from './keep.ts'
import { jsonReport, textReport } from './report.ts'
import { openStage, type Stage } from './stage.ts'
import type { Memory } from './step.ts'
import { steps } from './steps/index.ts'

const USAGE = `npm run demo -- [--keep] [--json]

Shows the whole of Isthmus on this machine: embedded Postgres, a gateway, a data plane and a user's cluster (both
sandboxes) and an agent, as processes of their own. Each step asserts; the first that does not hold ends the demo.

  --keep   leave everything running, print kubeconfigs and what to try; Ctrl-C cleans up
  --json   one JSON object per step
`

const { values } = parseArgs({
  options: { keep: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
})
if (values.help) process.stdout.write(USAGE)
else process.exitCode = await demo(values.keep === true, values.json === true)

/** Runs the steps; 0 when all held, 1 at the first that did not, 130 after Ctrl-C. */
async function demo(keep: boolean, json: boolean): Promise<number> {
  const write = (text: string) => process.stdout.write(text)
  const report = json ? jsonReport(write) : textReport(write, process.stdout.isTTY === true)
  const begun = performance.now()
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('interrupted'))
  })
  let stage: Stage | undefined
  let number = 0
  async function step(
    title: string,
    run: () => Promise<{ shown: string; detail?: string }>,
  ): Promise<boolean> {
    number += 1
    const from = performance.now()
    report.started(number, title)
    const result = { step: number, title }
    try {
      const shown = await run()
      report.finished({ ...result, ok: true, ...shown, milliseconds: performance.now() - from })
      return true
    } catch (error) {
      const shown = error instanceof Error ? error.message : String(error)
      report.finished({ ...result, ok: false, shown, milliseconds: performance.now() - from })
      return false
    }
  }
  async function all(): Promise<boolean> {
    const open = await step('Postgres, gateway, data plane and user’s cluster start', async () => {
      stage = await openStage()
      return {
        shown: `gateway ${stage.gateway.publicUrl}, data plane ${stage.dataPlane.server}, user’s cluster ${stage.userCluster.server}`,
      }
    })
    if (!open || stage === undefined) return false
    const memory: Memory = { credentials: new Map() }
    for (const { title, run } of steps) {
      const on = stage
      if (!(await step(title, () => run(on, memory)))) return false
    }
    return true
  }
  try {
    const outcome = await Promise.race([all(), interrupted])
    report.summary(outcome === true, performance.now() - begun)
    if (outcome === true && keep && stage !== undefined) {
      report.note(farewell(stage))
      await interrupted
      return 0
    }
    return outcome === 'interrupted' ? 130 : outcome ? 0 : 1
  } finally {
    await stage?.close()
  }
}
