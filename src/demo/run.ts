import { farewell } from './keep.ts'
import { jsonReport, textReport } from './report.ts'
import { openStage, type Stage } from './stage.ts'
import type { Memory } from './step.ts'
import { steps } from './steps/index.ts'

export interface DemoOptions {
  /** Leave everything running until Ctrl-C. */
  keep: boolean
  /** One JSON object per step. */
  json: boolean
}

/** Runs the steps; 0 when all held, 1 at the first that did not, 130 after Ctrl-C. */
export async function runDemo({ keep, json }: DemoOptions): Promise<number> {
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
