import { farewell } from './keep.ts'
import { endWithThisProcess } from './processes.ts'
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

/** Runs the steps; 0 when all held, 1 at the first that did not or after a crash, 130 after Ctrl-C. Nothing stays behind. */
export async function runDemo({ keep, json }: DemoOptions): Promise<number> {
  const write = (text: string) => process.stdout.write(text)
  const report = json ? jsonReport(write) : textReport(write, process.stdout.isTTY === true)
  const begun = performance.now()
  const ended = new AbortController()
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('interrupted'))
  })
  const crashed = new Promise<'crashed'>((resolve) => {
    const crash = (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
      resolve('crashed')
    }
    for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, crash)
  })
  endWithThisProcess()
  let stage: Stage | undefined
  let opening: Promise<Stage> | undefined
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
      opening = openStage(ended.signal)
      stage = await opening
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
    const outcome = await Promise.race([all(), interrupted, crashed])
    report.summary(outcome === true, performance.now() - begun)
    if (outcome === true && keep && stage !== undefined) {
      report.note(farewell(stage))
      return (await Promise.race([interrupted, crashed])) === 'crashed' ? 1 : 0
    }
    return outcome === 'interrupted' ? 130 : outcome === true ? 0 : 1
  } finally {
    // Ended while it was opened: it closes what it had begun.
    ended.abort()
    stage ??= await opening?.catch(() => undefined)
    await stage?.close()
  }
}
