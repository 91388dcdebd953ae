import pc from 'picocolors'

/** What one step has shown. */
export interface StepResult {
  step: number
  title: string
  ok: boolean
  /** What was seen, in a few words; why it failed otherwise. */
  shown: string
  /** Longer output such as a table, printed below. */
  detail?: string
  milliseconds: number
}

/** How the demo tells what it does. */
export interface Report {
  started(step: number, title: string): void
  finished(result: StepResult): void
  note(text: string): void
  summary(ok: boolean, milliseconds: number): void
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 80

/** One JSON object per step on a line of its own, for scripts. */
export function jsonReport(write: (text: string) => void): Report {
  const line = (value: object) => write(`${JSON.stringify(value)}\n`)
  return {
    started: () => {},
    finished: line,
    note: (text) => line({ note: text }),
    summary: (ok, milliseconds) => line({ ok, milliseconds }),
  }
}

/** Lines for people; with a spinner and colours when `terminal`. */
export function textReport(write: (text: string) => void, terminal: boolean): Report {
  const colours = pc.createColors(terminal)
  let spinner: NodeJS.Timeout | undefined
  const stop = () => {
    clearInterval(spinner)
    spinner = undefined
    if (terminal) write('\r\u001b[2K')
  }
  return {
    started(step, title) {
      if (!terminal) return
      let frame = 0
      spinner = setInterval(() => {
        write(`\r\u001b[2K${colours.cyan(FRAMES[frame++ % FRAMES.length] ?? '')} ${step}. ${title}`)
      }, FRAME_MS)
    },
    finished(result) {
      stop()
      const mark = result.ok ? colours.green('✓') : colours.red('✗')
      const took = colours.dim(`${(result.milliseconds / 1000).toFixed(1)} s`)
      write(`${mark} ${result.step}. ${colours.bold(result.title)} ${took}\n   ${result.shown}\n`)
      if (result.detail !== undefined) write(`${result.detail.replace(/^/gm, '   ')}\n`)
    },
    note: (text) => write(`${text}\n`),
    summary(ok, milliseconds) {
      stop()
      const seconds = (milliseconds / 1000).toFixed(1)
      write(
        ok
          ? colours.green(`Everything held, in ${seconds} s.\n`)
          : colours.red(`The demo ended after ${seconds} s.\n`),
      )
    },
  }
}
