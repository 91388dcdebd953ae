/** Says on stderr what is going on, and ends what takes too long or was interrupted. */
export interface Progress {
  /** One line with the seconds since the start. */
  say(text: string): void
  /**
   * What `work` gives. @throws Error that names `what` when it takes longer than `limitMs` milliseconds, or when
   * the run was interrupted
   */
  within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T>
  /** Aborted by SIGINT and SIGTERM, so that clusters and gateway are ended before the process is. */
  readonly interrupted: AbortSignal
}

export function makeProgress(write = (line: string): void => void process.stderr.write(line)): Progress {
  const begun = performance.now()
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupt.abort(new Error(`the run was interrupted (${signal})`)))
  }
  return {
    interrupted: interrupt.signal,
    say: (text) => write(`[${((performance.now() - begun) / 1000).toFixed(1).padStart(7)} s] ${text}\n`),
    async within(limitMs, what, work) {
      interrupt.signal.throwIfAborted()
      let timer: NodeJS.Timeout | undefined
      let onAbort = () => {}
      const ended = new Promise<never>((_resolve, reject) => {
        onAbort = () => reject(interrupt.signal.reason)
        interrupt.signal.addEventListener('abort', onAbort, { once: true })
        const late = () => reject(new Error(`${what}: not done after ${(limitMs / 1000).toFixed(0)} s`))
        timer = setTimeout(late, limitMs)
      })
      try {
        return await Promise.race([work, ended])
      } finally {
        clearTimeout(timer)
        interrupt.signal.removeEventListener('abort', onAbort)
      }
    },
  }
}
